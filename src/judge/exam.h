/* SPDX-License-Identifier: MIT */
/* Gate 5: truths that hold bit for bit, and so need no oracle and forgive nothing. */
#ifndef WHET_JUDGE_EXAM_H
#define WHET_JUDGE_EXAM_H

#include "judge/trial.h"

/* The rows that questions are asked about, and a kernel to ask. */
typedef struct whet_exam {
    const whet_judge *judge;
    whet_link *link;
    whet_verdict *verdict;
    whet_arena arena;
    whet_rng rng;
} whet_exam;

/* n_context keys near the given number, by the seed; Gaussian q and k, V between 1/2 and 2 of both
 * signs. Memory is the exam's until it is closed. */
typedef struct whet_exam_shape {
    int32_t n_context, n_rows; /* n_rows: at most n_context */
    int n_workers;
    int chunk;
} whet_exam_shape;
whet_status whet_exam_make(whet_ctx *ctx, whet_exam *exam, whet_exam_shape shape,
                           whet_bank_case *c);

/* Room for the rows of q or out, or for those of k or v: one element after another. */
void *whet_exam_room(whet_ctx *ctx, whet_exam *exam, const whet_bank_case *c, bool is_query);

/* Memory of some kind, other at each call. */
whet_memory whet_exam_memory(whet_exam *exam);

/* One append and run of the case; its output to `out`. */
whet_status whet_exam_ask(whet_ctx *ctx, whet_exam *exam, const whet_bank_case *c, float scale,
                          void *out);

/* Elements [0, n) of what came and of what must have come, numerically equal or within `slack` of
 * it, relatively; NaN never is. Else the verdict says where, with `law` before it. */
bool whet_exam_agrees(whet_exam *exam, const whet_bank_case *c, const void *got, const void *want,
                      int n_rows, double slack, const char *law);

/* What a kernel's outputs obey; what its cache does; what its sizes do. */
whet_status whet_exam_outputs(whet_ctx *ctx, whet_exam *exam);
whet_status whet_exam_cache(whet_ctx *ctx, whet_exam *exam);
whet_status whet_exam_sizes(whet_ctx *ctx, whet_exam *exam);

/* All of them; the first that does not hold is the verdict. */
whet_status whet_exam_run(whet_ctx *ctx, const whet_judge *judge, whet_link *link,
                          whet_verdict *verdict);

#endif
