/* SPDX-License-Identifier: MIT */
/* Vectors of LANES floats for the built-in kernels: as wide as the file's instruction set. */
#ifndef WHET_KERNELS_ATTENTION_VECTOR_H
#define WHET_KERNELS_ATTENTION_VECTOR_H

#include "kernels/dtype.h"

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif

#define INLINE static inline __attribute__((always_inline, unused))

typedef float vec __attribute__((vector_size(LANES * 4)));
typedef uint32_t words __attribute__((vector_size(LANES * 4)));

INLINE vec load(const float *p) {
    vec x;
    memcpy(&x, p, sizeof x);
    return x;
}

INLINE void store(float *p, vec x) {
    memcpy(p, &x, sizeof x);
}

INLINE vec splat(float x) {
    return (vec){ 0 } + x;
}

INLINE vec choose(words mask, vec yes, vec no) {
    return (vec)(((words)yes & mask) | ((words)no & ~mask));
}

INLINE vec max_vec(vec a, vec b) {
    return choose((words)(a > b), a, b);
}

INLINE float sum_lanes(vec x) {
    float lane[LANES];
    store(lane, x);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

INLINE float max_lanes(vec x) {
    float lane[LANES];
    store(lane, x);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] = lane[i] > lane[i + half] ? lane[i] : lane[i + half];
    return lane[0];
}

/* e^x for x <= 0, good to 2e-7: x = n ln 2 + r with |r| <= ln 2 / 2 (ln 2 in two parts, as in
 * Cephes), minimax polynomial of degree 5 by Remez. Below -87 the result stays at 2^-126. */
INLINE vec exp_vec(vec x) {
    const vec magic = splat(0x1.8p23f); /* adding it rounds to an integer in the low bits */
    x = max_vec(x, splat(-87.0f));
    const vec shifted = x * 1.44269504f + magic, n = shifted - magic;
    const vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    vec p = r * 0.00829764828f + 0.0419154316f;
    p = p * r + 0.166675746f;
    p = p * r + 0.499988943f;
    p = p * r + 0.999999702f;
    p = p * r + 1.00000012f;
    return (vec)((words)p + ((words)shifted << 23));
}

INLINE vec f16_vec(words x) {
    const vec magnitude = (vec)((x & 0x7fff) << 13) * 0x1p112f;
    const words special = (words)((x & 0x7c00) == 0x7c00) & 0x7f800000;
    return (vec)((words)magnitude | special | (x & 0x8000) << 16);
}

/* Two vectors from a row of PAIR elements in pair order (see pair_order): lanes j * LANES .. of its
 * first half and of its second half. A 16-bit pair is one word: a shift and a mask widen it. */
enum { PAIR = 32 };

INLINE void load_pair(whet_dtype dtype, const void *row, int j, vec *low, vec *high) {
    if (dtype == WHET_F32) {
        *low = load((const float *)row + j * LANES);
        *high = load((const float *)row + PAIR / 2 + j * LANES);
        return;
    }
    words x;
    memcpy(&x, (const uint16_t *)row + 2 * j * LANES, sizeof x);
    *low = dtype == WHET_BF16 ? (vec)(x << 16) : f16_vec(x & 0xffff);
    *high = dtype == WHET_BF16 ? (vec)(x & 0xffff0000) : f16_vec(x >> 16);
}

/* Where element i of PAIR lies in such a row (little endian). */
INLINE int32_t pair_order(whet_dtype dtype, int32_t i) {
    return dtype == WHET_F32 ? i : i % (PAIR / 2) * 2 + i / (PAIR / 2);
}

#endif
