/* SPDX-License-Identifier: MIT */
/* What the files of the judge share. */
#ifndef WHET_JUDGE_JUDGE_INT_H
#define WHET_JUDGE_JUDGE_INT_H

#include "base/rng.h"
#include "judge/bank.h"
#include "judge/link.h"
#include "judge/timed.h"
#include "judge/verdict.h"

struct whet_judge {
    whet_judge_opts opts; /* defaults filled in */
    whet_bank bank;
    whet_timed timed[WHET_N_ALL_SHAPES]; /* made when a shape is first timed */
    uint64_t memory_bytes;               /* of the machine */
};

/* Makes what the shape is timed on, unless it is made. */
whet_status whet_judge_prepare(whet_ctx *ctx, whet_judge *judge, whet_shape shape);

/* WHET_E_UNSUPPORTED when the worker is not locked in and must be. */
whet_status whet_judge_trust(whet_ctx *ctx, const whet_judge *judge, const whet_link *link);

/* One case of gates 3 and 4: twice, compared with the oracle. */
whet_status whet_judge_case(whet_ctx *ctx, const whet_judge *judge, const whet_bank_case *c,
                            whet_link *link, whet_verdict *verdict);

/* Gates 2 to 5, and 6 when is_full, of an object and the source that it was built from. */
whet_status whet_judge_examine(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                               const char *source, size_t n_bytes, whet_verdict *verdict);

/* Bytes that a cache of so many tokens may have. */
double whet_judge_kv_limit(const whet_problem *problem, int64_t capacity);

#endif
