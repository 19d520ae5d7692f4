/* SPDX-License-Identifier: MIT */
/* What the files of the judge share. */
#ifndef WHET_JUDGE_JUDGE_INT_H
#define WHET_JUDGE_JUDGE_INT_H

#include "base/rng.h"
#include "judge/bank.h"
#include "judge/link.h"
#include "judge/sweep.h"
#include "judge/timed.h"
#include "judge/verdict.h"

/* Samples' calls that races choose among, each at most once in a pair: so many blocks at most. */
enum { WHET_KEPT_CALLS = 8 };

struct whet_judge {
    whet_judge_opts opts;                /* defaults filled in */
    whet_bank *bank;                     /* owned; without cases when opts say so */
    whet_timed timed[WHET_N_ALL_SHAPES]; /* of races: made when a shape is first timed */
    whet_calls kept[WHET_N_ALL_SHAPES][WHET_KEPT_CALLS];
    whet_sweep sweep;      /* twice the last-level caches, made when it is first wanted */
    uint64_t memory_bytes; /* of the machine */
    int n_cores;           /* that may be used */
};

/* What is timed: a length of the shape, near its round number by the seed. */
whet_problem whet_judge_timed_problem(const whet_judge *judge, const whet_duel_opts *opts);

/* Caches that a process of a duel may have: as many as a sample may have calls, where the memory
 * allows it; two for a prefill in a race, which is arithmetic. */
int whet_judge_max_caches(const whet_judge *judge, const whet_problem *problem,
                          const whet_duel_opts *opts);

/* Whether what is in the processor's caches is swept out of them before a block. */
bool whet_judge_sweeps(const whet_judge *judge, const whet_duel_opts *opts);

/* WHET_E_UNSUPPORTED when the worker is not locked in and must be. */
whet_status whet_judge_trust(whet_ctx *ctx, const whet_judge *judge, const whet_link *link);

/* What this request may take. */
whet_limits whet_judge_limits(const whet_judge *judge, const whet_request *request);

/* One case of gates 3 and 4: twice, compared with the oracle. */
whet_status whet_judge_case(whet_ctx *ctx, const whet_judge *judge, const whet_bank_case *c,
                            whet_link *link, whet_verdict *verdict);

/* Gates 2 to 5, and 6 when is_full, of an object and the source that it was built from. */
whet_status whet_judge_examine(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                               const char *source, size_t n_bytes, whet_verdict *verdict);

/* For pages of a worker: far from what a process has anyway; where it is taken after all, the
 * worker takes another. */
uint64_t whet_judge_choose_address(whet_rng *rng);

/* Bytes that a cache of so many tokens may have. */
double whet_judge_kv_limit(const whet_problem *problem, int64_t capacity);

/* Rejects what a kernel may not ask for. */
void whet_judge_check_sizes(const whet_problem *problem, int64_t capacity, const whet_reply *sizes,
                            whet_gate gate, whet_verdict *verdict);

#endif
