/* SPDX-License-Identifier: MIT */
/* What a timed shape works on: inputs of many caches, and what the oracle says about each call. */
#ifndef WHET_JUDGE_TIMED_H
#define WHET_JUDGE_TIMED_H

#include "base/arena.h"
#include "judge/compare.h"
#include "judge/protocol.h"

enum {
    WHET_TIMED_VARIANTS = 2, /* of the appended rows and the query, for each cache */
    WHET_TIMED_ROWS = 4,     /* rows of a prefill that are compared */
};

/* Cache c holds the rows c * shift .. of one pool, so that all caches differ and the pool is small;
 * the rows that variant i of a call appends lie behind the pool, at row n_pool + i * n_rows. */
typedef struct whet_timed {
    whet_arena arena;
    whet_problem problem; /* n_rows and n_context as timed */
    int n_caches;
    int shift;
    int n_pool;
    int max_calls; /* in one sample */
    void *q;       /* [cache][variant][n_rows] rows */
    void *k;
    void *v;
    size_t q_bytes, kv_bytes; /* of q; of k and of v */
    int rows[WHET_TIMED_ROWS];
    int n_rows;    /* that are compared */
    double *truth; /* [cache][variant][n_rows compared] rows, owned by the arena */
    double *tolerance;
} whet_timed;

/* Makes it, unless it is made: as many caches as are together larger than twice cache_bytes, but no
 * more than max_bytes of them. */
whet_status whet_timed_open(whet_ctx *ctx, const whet_problem *problem, uint64_t cache_bytes,
                            uint64_t max_bytes, uint64_t seed, whet_timed *timed);
void whet_timed_close(whet_timed *timed); /* a zeroed one is fine */

/* The call of a cache and a variant, as the worker is told. */
whet_call whet_timed_call(const whet_timed *timed, int cache, int variant);

/* Compares what calls[0 .. n_calls) wrote one after the other; true when it rejects. */
bool whet_timed_compare(const whet_timed *timed, const whet_call *calls, int n_calls,
                        const void *out, whet_verdict *verdict);

#endif
