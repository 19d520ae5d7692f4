/* SPDX-License-Identifier: MIT */
/* A square of 16 x 16 words transposed in registers: a part of the kernels that include it. */
#include <immintrin.h>

enum { SQUARE = 16 };

/* rows[i][j] becomes rows[j][i]: words by pairs, pairs by quarters, and quarters in two rounds. */
INLINE void transpose_square(__m512i rows[SQUARE]) {
    __m512i pairs[SQUARE], fours[SQUARE];
#pragma GCC unroll 8
    for (int i = 0; i < SQUARE; i += 2) {
        pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < SQUARE; i += 4) {
        fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
        fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
        fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) { /* quarter q of fours[4 g + i]: column 4 q + i of rows 4 g .. */
        const __m512i even_low = _mm512_shuffle_i32x4(fours[i], fours[4 + i], 0x88);
        const __m512i odd_low = _mm512_shuffle_i32x4(fours[i], fours[4 + i], 0xDD);
        const __m512i even_high = _mm512_shuffle_i32x4(fours[8 + i], fours[12 + i], 0x88);
        const __m512i odd_high = _mm512_shuffle_i32x4(fours[8 + i], fours[12 + i], 0xDD);
        rows[i] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
        rows[4 + i] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
        rows[8 + i] = _mm512_shuffle_i32x4(even_low, even_high, 0xDD);
        rows[12 + i] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xDD);
    }
}

/* Up to 32 floats rounded to bf16, the missing ones zero: 16 pairs, each a word. */
INLINE __m512i round_pairs(const float *from, int32_t n) {
    const uint32_t mask = n < 2 * SQUARE ? ((uint32_t)1 << n) - 1 : UINT32_MAX;
    const __m512 low = _mm512_maskz_loadu_ps((__mmask16)mask, from);
    const __m512 high = _mm512_maskz_loadu_ps((__mmask16)(mask >> SQUARE), from + SQUARE);
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}
