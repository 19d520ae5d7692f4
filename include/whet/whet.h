/* SPDX-License-Identifier: MIT */
/* Status codes and the context that every other public function takes. */
#ifndef WHET_WHET_H
#define WHET_WHET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WHET_API     __attribute__((visibility("default")))
#define WHET_VERSION "0.1.0"

/* code, default sentence */
#define WHET_STATUS_LIST(X)                                                                        \
    X(ARG, "the argument is not valid")                                                            \
    X(NOMEM, "out of memory")                                                                      \
    X(IO, "input or output did not work")                                                          \
    X(FORMAT, "the data is not in the expected form")                                              \
    X(UNSUPPORTED, "this is not supported")                                                        \
    X(NOT_FOUND, "not found")                                                                      \
    X(BUSY, "in use by another process")                                                           \
    X(TIMEOUT, "took too long")                                                                    \
    X(CANCELLED, "cancelled")                                                                      \
    X(STORE, "the run file did not work")                                                          \
    X(INTERNAL, "whet contradicts itself")

/* 0 or one of the negative codes WHET_E_ARG, WHET_E_NOMEM, ... of the list above. */
typedef enum whet_status {
    WHET_OK = 0,
    WHET_E_ARG = -1,
    WHET_E_NOMEM = -2,
    WHET_E_IO = -3,
    WHET_E_FORMAT = -4,
    WHET_E_UNSUPPORTED = -5,
    WHET_E_NOT_FOUND = -6,
    WHET_E_BUSY = -7,
    WHET_E_TIMEOUT = -8,
    WHET_E_CANCELLED = -9,
    WHET_E_STORE = -10,
    WHET_E_INTERNAL = -11,
} whet_status;

typedef enum whet_log_level {
    WHET_LOG_ERROR = 0,
    WHET_LOG_WARN,
    WHET_LOG_INFO,
    WHET_LOG_DEBUG,
} whet_log_level;

/* One line of log, without a newline. `module` and `text` are borrowed for the call. */
typedef void (*whet_log_fn)(void *data, whet_log_level level, const char *module, const char *text);

/* Progress of long work: `done` of `total` `unit`s ("tensors", "candidates"); total 0 = unknown. */
typedef void (*whet_progress_fn)(void *data, const char *what, const char *unit, double done,
                                 double total);

/* Heap: new_bytes 0 frees p; p NULL allocates; else moves. NULL = out of memory, p still valid. */
typedef void *(*whet_alloc_fn)(void *data, void *p, size_t old_bytes, size_t new_bytes);

/* Zero (NULL) means default: silent, no progress, the C library's heap. */
typedef struct whet_ctx_opts {
    whet_log_fn log;
    void *log_data;
    whet_log_level log_level; /* lines above this level are not made */
    whet_progress_fn progress;
    void *progress_data;
    whet_alloc_fn alloc;
    void *alloc_data;
} whet_ctx_opts;

/* Owns the message of the last failure, the log callback, the allocator and the cancel flag.
 * One per thread; never global. */
typedef struct whet_ctx whet_ctx;

/* Opens a context; opts may be NULL. NULL = out of memory. */
WHET_API whet_ctx *whet_ctx_open(const whet_ctx_opts *opts);

/* Releases the context. NULL is fine. */
WHET_API void whet_ctx_close(whet_ctx *ctx);

/* The sentence of the last failure; "" if there was none. Borrowed until the next call with ctx.
 * A NULL ctx gives the sentence for WHET_E_NOMEM. */
WHET_API const char *whet_ctx_message(const whet_ctx *ctx);

/* Asks the work in progress to stop: it returns WHET_E_CANCELLED soon. Safe in a signal handler. */
WHET_API void whet_ctx_cancel(whet_ctx *ctx);
WHET_API bool whet_ctx_is_cancelled(const whet_ctx *ctx);

/* Takes the request back, so that the context can be used for new work. */
WHET_API void whet_ctx_resume(whet_ctx *ctx);

/* Number of heap allocations made through ctx since it was opened (for tests). */
WHET_API uint64_t whet_ctx_allocations(const whet_ctx *ctx);

/* "WHET_E_IO" and the like, and the default sentence of a code. Static strings. */
WHET_API const char *whet_status_name(whet_status st);
WHET_API const char *whet_status_sentence(whet_status st);

#ifdef __cplusplus
}
#endif

#endif
