/* SPDX-License-Identifier: MIT */
/* Outputs against the oracle. */
#ifndef WHET_JUDGE_COMPARE_H
#define WHET_JUDGE_COMPARE_H

#include "judge/verdict.h"

/* What the oracle says about n elements, [n_rows][n_heads][head_dim]. Borrowed. */
typedef struct whet_truth {
    const double *out;
    const double *tolerance;
} whet_truth;

/* Compares n_rows rows of `got` (of the problem's dtype, stride in elements) with the truth; counts
 * into verdict->n_checked and ->worst. At the first row with a bad element the verdict becomes
 * WRONG or NOT_A_NUMBER with that row's worst element; true when it rejects. */
bool whet_compare(const whet_problem *problem, const void *got, int64_t stride, int n_rows,
                  const whet_truth *truth, whet_gate gate, whet_verdict *verdict);

/* The verdict of one element, number i of a row: WRONG or NOT_A_NUMBER, and the sentence. */
void whet_compare_reject(const whet_problem *problem, int row, int i, double expected, double got,
                         double tolerance, whet_gate gate, whet_verdict *verdict);

#endif
