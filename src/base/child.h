/* SPDX-License-Identifier: MIT */
/* Child processes with limits, run to their end. */
#ifndef WHET_BASE_CHILD_H
#define WHET_BASE_CHILD_H

#include "base/buf.h"

typedef enum whet_child_how {
    WHET_CHILD_EXITED,
    WHET_CHILD_SIGNALLED,
    WHET_CHILD_TIMED_OUT, /* killed by us at wall_seconds */
} whet_child_how;

/* Zero means no limit. */
typedef struct whet_child_opts {
    double wall_seconds;     /* then the whole process group is killed */
    uint64_t cpu_seconds;    /* RLIMIT_CPU */
    uint64_t memory_bytes;   /* RLIMIT_AS */
    uint64_t file_bytes;     /* RLIMIT_FSIZE */
    size_t max_output_bytes; /* of stdout and stderr each; what comes after is dropped; 0 = 1 MiB */
    const char *const *environment; /* NULL-terminated; NULL = the caller's own */
    const char *folder;             /* to start in; NULL = the caller's own */
    const void *input;              /* for stdin; else stdin is empty */
    size_t input_bytes;
    void (*confine)(const void *data); /* called in the child before exec: async-signal-safe */
    const void *confine_data;
} whet_child_opts;

typedef struct whet_child_result {
    whet_child_how how;
    int exit_code; /* when EXITED */
    int signal;    /* when SIGNALLED */
    double wall_ns;
} whet_child_result;

/* Runs argv[0] (looked up in PATH) with argv in a process group of its own and waits for its end.
 * out and err may be NULL (then dropped) and may be the same buffer; both are replaced.
 * WHET_OK means that it ran, however it ended. WHET_E_CANCELLED: it was killed on request. */
whet_status whet_child_run(whet_ctx *ctx, const char *const *argv, const whet_child_opts *opts,
                           whet_buf *out, whet_buf *err, whet_child_result *result);

#endif
