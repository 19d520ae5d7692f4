/* SPDX-License-Identifier: MIT */
/* Gate 2: what a candidate's object may hold, read from its bytes. */
#ifndef WHET_JUDGE_OBJECT_H
#define WHET_JUDGE_OBJECT_H

#include "base/ctx.h"
#include "judge/elf.h"
#include "judge/verdict.h"

/* Rejects what runs by itself, what keeps state, what is exported besides the kernel, what is not
 * on the list of functions, and what no kernel's code may hold. */
whet_status whet_object_check(whet_ctx *ctx, const void *bytes, size_t n, whet_verdict *verdict);

/* The code alone; a part of the above. */
whet_status whet_object_check_code(whet_ctx *ctx, const whet_elf *elf, whet_verdict *verdict);

#endif
