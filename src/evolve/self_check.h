/* SPDX-License-Identifier: MIT */
/* Before a winner runs in the user's own process: a few of its outputs against the oracle. */
#ifndef WHET_EVOLVE_SELF_CHECK_H
#define WHET_EVOLVE_SELF_CHECK_H

#include "kernels/attention.h"

/* A prefill, single rows behind it, and rows at the end of a context of 80 tokens, with two workers
 * one after the other, in a child that has no descriptors and no system calls where there is
 * seccomp. WHET_E_UNSUPPORTED with the reason: it crashes, does not end, or differs from the oracle
 * by more than the tolerance. A few milliseconds. */
whet_status whet_self_check(whet_ctx *ctx, const whet_attention_kernel *kernel,
                            const whet_problem *problem);

#endif
