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
    bool is_writable;
} whet_window;

/* The whole state of a worker process. */
typedef struct whet_worker {
    whet_ctx *ctx;
    size_t page; /* bytes of one */
    whet_attention attention;
    whet_attention_library *library; /* NULL for a built-in kernel */
    whet_window windows[WHET_N_SECTIONS];
    whet_team *team;
    char **caches; /* of timed calls, memory of this process alone */
    size_t cache_bytes;
    int n_caches;
} whet_worker;

/* Maps the sections that the request names and unmaps what was there. Only out, workspace and the
 * cache are writable. */
whet_status whet_worker_map(whet_worker *w, const whet_request *request);
whet_status whet_worker_protect(whet_worker *w, whet_section section, bool is_writable);

/* Where an address lies among the mapped sections. Async-signal-safe. */
void whet_worker_locate(const whet_worker *w, const void *address, whet_reply *reply);

whet_status whet_worker_case(whet_worker *w, const whet_request *request);
whet_status whet_worker_prepare(whet_worker *w, const whet_request *request);
whet_status whet_worker_batch(whet_worker *w, const whet_request *request, whet_reply *reply);

#endif
