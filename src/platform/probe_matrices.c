/* SPDX-License-Identifier: MIT */
/* The arithmetic probe's unit of NEON bf16 products of matrices. */
#include <arm_neon.h>
#include <whet/machine.h>

#include "platform/probe_int.h"

enum { N_SUMS = 24, PRODUCTS = 16 };

/* x += a b, 2 x 4 times 4 x 2 elements, on N_SUMS vectors side by side. */
static double multiply_add(size_t n_rounds) {
    volatile const float a_now = 0.5f; /* not for the compiler to calculate with */
    const bfloat16x8_t halves = vdupq_n_bf16(vcvth_bf16_f32(a_now));
    float32x4_t x[N_SUMS];
#pragma GCC unroll 32
    for (int k = 0; k < N_SUMS; k++)
        x[k] = vdupq_n_f32((float)k);
    for (size_t r = 0; r < n_rounds; r++) {
#pragma GCC unroll 32
        for (int k = 0; k < N_SUMS; k++)
            x[k] = vbfmmlaq_f32(x[k], halves, halves);
    }
    double total = 0;
#pragma GCC unroll 32
    for (int k = 0; k < N_SUMS; k++)
        total += (double)vgetq_lane_f32(x[k], 0);
    return total;
}

const whet_probe_unit whet_probe_matrices_neon_bf16 = {
    .name = "bf16 products of matrices (NEON)",
    .needs = WHET_CPU_NEON | WHET_CPU_NEON_BF16,
    .flop_a_round = 2.0 * PRODUCTS * N_SUMS,
    .multiply_add = multiply_add,
};
