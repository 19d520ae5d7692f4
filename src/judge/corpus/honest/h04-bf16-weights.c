/* SPDX-License-Identifier: MIT */
/* H04-bf16-weights: weights in bf16, sums in f32. Must pass. */
#define EXP(x) get(put(expf(x)))
