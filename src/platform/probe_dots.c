/* SPDX-License-Identifier: MIT */
/* The arithmetic probe's unit of AVX-512 bf16 dot products. */
#include <immintrin.h>
#include <whet/machine.h>

#include "platform/probe_int.h"

enum { N_SUMS = 24, LANES = 16 };

/* x += a b, a pair of products a lane, on N_SUMS vectors side by side. */
static double multiply_add(size_t n_rounds) {
    volatile const float a_now = 0.5f; /* not for the compiler to calculate with */
    const __m512 halves = _mm512_set1_ps(a_now);
    const __m512bh pairs = _mm512_cvtne2ps_pbh(halves, halves);
    __m512 x[N_SUMS];
#pragma GCC unroll 32
    for (int k = 0; k < N_SUMS; k++)
        x[k] = _mm512_set1_ps((float)k);
    for (size_t r = 0; r < n_rounds; r++) {
#pragma GCC unroll 32
        for (int k = 0; k < N_SUMS; k++)
            x[k] = _mm512_dpbf16_ps(x[k], pairs, pairs);
    }
    double total = 0;
#pragma GCC unroll 32
    for (int k = 0; k < N_SUMS; k++)
        total += (double)_mm512_cvtss_f32(x[k]);
    return total;
}

const whet_probe_unit whet_probe_dots_avx512_bf16 = {
    .name = "bf16 dot products (AVX-512)",
    .needs = WHET_CPU_AVX512 | WHET_CPU_AVX512_BF16,
    .flop_a_round = 2.0 * 2 * N_SUMS * LANES,
    .multiply_add = multiply_add,
};
