/* SPDX-License-Identifier: MIT */
/* H05-f16-weights: weights in f16, sums in f32. Must pass. */
#define EXP(x) ((float)(_Float16)expf(x))
