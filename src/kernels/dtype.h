/* SPDX-License-Identifier: MIT */
/* Element types: bf16 and f16 to f32 and back, one value at a time; rounding to nearest even. */
#ifndef WHET_KERNELS_DTYPE_H
#define WHET_KERNELS_DTYPE_H

#include <string.h>

#include <whet/kernel.h>

static inline uint32_t whet_f32_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float whet_f32_of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float whet_bf16_to_f32(uint16_t x) {
    return whet_f32_of_bits((uint32_t)x << 16);
}

/* A NaN stays a NaN (quiet), infinity stays infinity. */
static inline uint16_t whet_f32_to_bf16(float x) {
    const uint32_t bits = whet_f32_bits(x);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Subnormals come out right through the multiplication by 2^112. */
static inline float whet_f16_to_f32(uint16_t x) {
    const float magnitude = whet_f32_of_bits((uint32_t)(x & 0x7fff) << 13) * 0x1p112f;
    const uint32_t special = (x & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
    return whet_f32_of_bits(whet_f32_bits(magnitude) | special | (uint32_t)(x & 0x8000) << 16);
}

/* Past 65504 (after rounding) becomes infinity. */
static inline uint16_t whet_f32_to_f16(float x) {
    const uint32_t bits = whet_f32_bits(x), sign = bits >> 16 & 0x8000;
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) {
        /* Below 2^-14: adding 0.5 aligns the last place of f32 with that of f16's subnormals. */
        const float aligned = whet_f32_of_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (whet_f32_bits(aligned) - 0x3f000000));
    }
    return (uint16_t)(sign | ((magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13));
}

static inline float whet_load_f32(whet_dtype dtype, const void *p, int64_t i) {
    if (dtype == WHET_F32) return ((const float *)p)[i];
    const uint16_t x = ((const uint16_t *)p)[i];
    return dtype == WHET_BF16 ? whet_bf16_to_f32(x) : whet_f16_to_f32(x);
}

static inline void whet_store_f32(whet_dtype dtype, void *p, int64_t i, float x) {
    if (dtype == WHET_F32)
        ((float *)p)[i] = x;
    else
        ((uint16_t *)p)[i] = dtype == WHET_BF16 ? whet_f32_to_bf16(x) : whet_f32_to_f16(x);
}

#endif
