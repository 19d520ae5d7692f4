/* SPDX-License-Identifier: MIT */
/* Parts of the worker process: its mapped sections, its cases, its timed batches. */
#ifndef WHET_JUDGE_WORKER_H
#define WHET_JUDGE_WORKER_H

#include "base/ctx.h"
#include "judge/protocol.h"
#include "kernels/attention.h"

/* A span of the shared memory between two guard pages. */
typedef struct whet_window {
    char *reserved; /* the first guard page; NULL = not mapped */
    size_t bytes;   /* without the guards */
    char *data;
} whet_window;

/* What a run writes, while its workers take turns. Each begins with the memory as it was when the
 * phase began, so that none sees what another one does in the same phase. */
typedef struct whet_turns {
    char *before; /* at the phase's begin; NULL = not watched */
    char *merged; /* with what the workers so far have changed */
} whet_turns;

/* The whole state of a worker process. It loads the kernel and never calls it: every request is
 * answered by a child of its own, which maps what it needs, locks itself in, and calls the kernel.
 * Nothing that a kernel leaves behind in its process is there at its next call. */
typedef struct whet_worker {
    whet_ctx *ctx;
    whet_reply *answer; /* shared with the child, which writes its reply there; its serial is that
                           of the request that is served, here or there */
    uint32_t jail;      /* layers in force */
    bool is_child;
    size_t page; /* bytes of one */
    whet_attention attention;
    whet_attention_library *library; /* NULL for a built-in kernel */
    whet_window windows[WHET_N_SECTIONS];
    whet_team *team;
    uint8_t *seen; /* whole pages of marks of an object that is built to make them */
    size_t n_seen;
    whet_turns turns[WHET_N_SECTIONS];
    char **caches; /* of timed calls, memory of this process alone; behind the last one a spare */
    size_t cache_bytes;
    int n_caches;
} whet_worker;

/* Maps those of the request's sections that are in the set (bit i: section i), others not. */
whet_status whet_worker_map(whet_worker *w, const whet_request *request, uint32_t sections);

/* Where an address lies among the mapped sections. Async-signal-safe. */
void whet_worker_locate(const whet_worker *w, const void *address, whet_reply *reply);

/* What a child does for one request, in two steps: before it is locked in, and after. The second
 * one calls the kernel. */
whet_status whet_worker_map_append(whet_worker *w, const whet_request *request);
void whet_worker_append(whet_worker *w, const whet_request *request);
whet_status whet_worker_map_run(whet_worker *w, const whet_request *request);
whet_answer whet_worker_run(whet_worker *w, const whet_request *request);

/* What the kernel is given: rows first_row .. of K and V become tokens pos .. of the cache; query
 * rows first_query .. are run, to rows first_out .. of OUT. */
whet_append_args whet_worker_append_args(const whet_worker *w, const whet_request *request,
                                         void *kv, int64_t first_row, int32_t pos, int32_t n);
whet_run_args whet_worker_run_args(const whet_worker *w, const whet_request *request,
                                   const void *kv, int64_t first_query, int64_t first_out);

/* The child that serves timed requests: maps, starts the team and lets it wait; then, locked in,
 * does what comes after PREPARE. False for a request that is none of those. */
whet_status whet_worker_prepare(whet_worker *w, const whet_request *request);
bool whet_worker_time(whet_worker *w, const whet_request *request, whet_reply *reply);

#endif
