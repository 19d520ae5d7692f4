/* SPDX-License-Identifier: MIT */
/* Whether two kernels give the same bits: both are asked the same. */
#ifndef WHET_JUDGE_LIKENESS_H
#define WHET_JUDGE_LIKENESS_H

#include "judge/judge_int.h"

/* What both are asked: the cases of gates 3 and 4 for two more seeds, and as many cases again of
 * lengths, rows, workers and chunks at random. Immutable after open. */
typedef struct whet_likeness {
    const whet_judge *judge;
    whet_bank banks[2];
    whet_arena arena;
    whet_bank_case *cases;
    int n_cases;
} whet_likeness;

whet_status whet_likeness_open(whet_ctx *ctx, const whet_judge *judge, uint64_t seed,
                               whet_likeness *likeness);
void whet_likeness_close(whet_likeness *likeness); /* a zeroed one is fine */

/* What came of it. */
typedef struct whet_alike {
    int n_cases;       /* that both were asked */
    int n_other;       /* that gave other bits */
    whet_verdict a, b; /* not PASS at the first case that it did not survive, or where it was
                          outside of the tolerance; `worst` over all cases with other bits */
} whet_alike;

/* Asks a and b, which both support the judge's problem. */
whet_status whet_likeness_ask(whet_ctx *ctx, const whet_likeness *likeness, const whet_object *a,
                              const whet_object *b, whet_alike *alike);

#endif
