/* SPDX-License-Identifier: MIT */
/* Proof of execution. */
#ifndef WHET_JUDGE_PROOF_H
#define WHET_JUDGE_PROOF_H

#include "judge/judge_int.h"

/* A copy whose `run` returns at once; no bytes where that cannot be made (a built-in kernel,
 * another processor). The caller's to release. */
whet_status whet_proof_spoil(whet_ctx *ctx, const whet_object *object, whet_object *copy);

/* Judges such a copy by one case: UNPROVEN when nothing is found against it. */
whet_status whet_proof_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                             whet_verdict *verdict);

#endif
