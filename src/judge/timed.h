/* SPDX-License-Identifier: MIT */
/* What a timed shape works on: pools of rows, and the calls of a sample with what must come of
 * them. */
#ifndef WHET_JUDGE_TIMED_H
#define WHET_JUDGE_TIMED_H

#include <whet/machine.h>

#include "base/arena.h"
#include "base/rng.h"
#include "judge/compare.h"
#include "judge/protocol.h"
#include "judge/shared.h"
#include "kernels/cases.h"

enum {
    WHET_TIMED_FAMILIES = 2,   /* of those that are timed, by the seed */
    WHET_TIMED_QUERIES = 64,   /* of a pool */
    WHET_TIMED_AUDITS = 2,     /* heads of a sample that the oracle is asked about */
    WHET_TIMED_ALIGNMENT = 64, /* of all that a timed kernel is given, in the middle of pages */
};

/* A pool of K and V rows and some queries for each cache, in turns of two families. Cache c begins
 * as the first n_context rows of pool c; what is appended later comes from the rows behind them. No
 * two caches have a row in common: who reads a cache finds nothing of it in another one. */
typedef struct whet_timed {
    whet_arena arena;
    whet_problem problem; /* n_rows and n_context as timed */
    whet_case_family families[WHET_TIMED_FAMILIES];
    uint64_t seed;
    int n_pool;  /* rows of a pool */
    int n_most;  /* pools that there is room for */
    int n_pools; /* filled */
    /* K and V lie in one sealed memory that timed workers read, too, each in a span of its own. */
    whet_shared rows;
    whet_span of_k, of_v;
    void *k; /* [n_most][n_pool] rows */
    void *v;
    void *q;           /* [n_most][WHET_TIMED_QUERIES] rows */
    size_t pool_bytes; /* of a pool's k; of its v */
} whet_timed;

/* Makes room for at most n_most pools, unless that was done. */
whet_status whet_timed_open(whet_ctx *ctx, const whet_problem *problem, int n_most, uint64_t seed,
                            whet_timed *timed);
void whet_timed_close(whet_timed *timed); /* a zeroed one is fine */

/* Fills pools until there are n_pools, at most n_most; the workers of the team take turns. */
whet_status whet_timed_extend(whet_ctx *ctx, whet_team *team, int n_pools, whet_timed *timed);

/* The first row of a cache's pool, and the family. */
int32_t whet_timed_base(const whet_timed *timed, int cache);
whet_case_family whet_timed_family(const whet_timed *timed, int cache);

/* One head's output by the oracle. */
typedef struct whet_audit {
    int call, row, head;
    double *out, *tolerance; /* [head_dim] */
} whet_audit;

/* The calls of a sample, one after the other on the caches 0, 1, .. n_caches - 1, 0, .. Nobody but
 * the judge knows `out`, `miss` and the audits. Zero it before use. */
typedef struct whet_calls {
    int n_calls;
    int n_caches;
    int n_fresh; /* old rows that each cache gets anew before the sample */
    whet_call *calls;
    char *q;    /* [n_calls][n_rows] rows */
    float *out; /* [n_calls][n_rows] rows by the trusted attention, and how far one may be off */
    float *miss;
    int n_room;
    whet_audit audits[WHET_TIMED_AUDITS];
    double *of_audits;
} whet_calls;

/* Makes them n_calls; those that are there already stay. With n_calls 0 before, all are new: fresh
 * queries (of the cache's pool at random, each scaled at random), rows to append at random, too.
 * Without a team they are not answered: calls that are not compared, and not extended. */
whet_status whet_calls_extend(whet_ctx *ctx, const whet_timed *timed, whet_team *team,
                              whet_rng *rng, int n_calls, whet_calls *calls);
void whet_calls_fini(whet_ctx *ctx, whet_calls *calls);

/* Compares what the first n_calls wrote, one after the other: whole with the trusted attention, the
 * audited heads with the oracle; true when it rejects. */
bool whet_calls_compare(const whet_timed *timed, const whet_calls *calls, int n_calls,
                        const void *out, whet_verdict *verdict);

#endif
