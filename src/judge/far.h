/* SPDX-License-Identifier: MIT */
/* Past 4k, 32k and 64k keys, and at the capacities of an engine: cases for few heads, since length
 * is what they are about. */
#ifndef WHET_JUDGE_FAR_H
#define WHET_JUDGE_FAR_H

#include "judge/judge_int.h"

/* Gate 4's other half, of a full judgement. */
whet_status whet_far_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                           const char *source, size_t n_bytes, whet_verdict *verdict);

/* The problem with one KV head and its query heads; all heads where the kernel supports none else.
 */
whet_status whet_far_heads(whet_ctx *ctx, const whet_judge *judge, whet_link *link,
                           whet_problem *heads);

#endif
