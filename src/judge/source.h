/* SPDX-License-Identifier: MIT */
/* Gate 0: what a source text may say. */
#ifndef WHET_JUDGE_SOURCE_H
#define WHET_JUDGE_SOURCE_H

#include "base/ctx.h"
#include "judge/verdict.h"

/* The text as it was written: size, marks, bytes, tokens, includes. */
whet_status whet_source_check(whet_ctx *ctx, const char *text, size_t n, whet_verdict *verdict);

/* The text after preprocessing: the tokens of the lines that come from kernel.c. */
void whet_source_check_expanded(const char *text, whet_verdict *verdict);

#endif
