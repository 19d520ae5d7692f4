/* SPDX-License-Identifier: MIT */
/* Judging an object by cases from elsewhere. */
#ifndef WHET_JUDGE_CHECK_H
#define WHET_JUDGE_CHECK_H

#include "judge/bank.h"

/* Asks n cases as gates 3 and 4 do: in a process of its own, twice, compared with the truth that
 * the case holds. The verdict goes on: what it has counted so far stays. */
whet_status whet_check_cases(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                             const whet_bank_case *cases, int n, whet_verdict *verdict);

#endif
