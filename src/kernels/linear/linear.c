/* SPDX-License-Identifier: MIT */
/* Choosing a linear kernel, dividing its work, and converting single values. */
#include "kernels/linear.h"

#include <string.h>

#include "kernels/linear/list.h"
#include "kernels/linear/share.h"
#include "platform/cpu.h"

#define ADDRESS(kernel) &kernel,
const whet_linear_kernel *const whet_linear_kernels[] = { LINEAR_KERNELS(ADDRESS) NULL };
#undef ADDRESS

enum { MAX_PANEL = 64, SHARE_UNIT = 24 };

const whet_linear_kernel *whet_linear_default(void) {
    const uint32_t features = whet_cpu_features();
    int i = 0;
    while ((whet_linear_kernels[i]->features & features) != whet_linear_kernels[i]->features)
        i++;
    return whet_linear_kernels[i];
}

const whet_linear_kernel *whet_linear_precise(void) {
    return &whet_linear_portable;
}

void whet_linear_share(int32_t n_out, int worker, int n_workers, int32_t *begin, int32_t *end) {
    share_evenly(n_out, SHARE_UNIT, worker, n_workers, begin, end);
}

size_t whet_linear_packed_floats(int32_t n_rows, int32_t n_in) {
    const size_t rows = ((size_t)n_rows + MAX_PANEL - 1) / MAX_PANEL * MAX_PANEL;
    return rows * (size_t)n_in;
}

static float from_bits(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t to_bits(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* The exponent is rebiased by a multiplication, which is exact for subnormals too. */
static float widen_f16(uint32_t h) {
    const float magnitude = from_bits((h & 0x7FFF) << 13) * 0x1p112f;
    const uint32_t infinite = (h & 0x7C00) == 0x7C00 ? 0x7F800000 : 0;
    return from_bits(to_bits(magnitude) | infinite | (h & 0x8000) << 16);
}

void whet_widen(whet_dtype dtype, const void *from, float *to, int64_t n) {
    const char *p = from;
    if (dtype == WHET_F32) {
        memcpy(to, p, (size_t)n * 4);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, p + 2 * i, 2);
        to[i] = dtype == WHET_BF16 ? from_bits((uint32_t)h << 16) : widen_f16(h);
    }
}

/* Round to nearest even; NaN stays NaN. */
static uint16_t narrow_bf16(float f) {
    const uint32_t bits = to_bits(f);
    if (f != f) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static uint16_t narrow_f16(float f) {
    const uint32_t bits = to_bits(f);
    const uint32_t sign = bits >> 16 & 0x8000;
    const uint32_t magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) return (uint16_t)(sign | 0x7E00);
    if (magnitude >= 0x477FF000) return (uint16_t)(sign | 0x7C00); /* 65520 rounds to infinity */
    if (magnitude < 0x38800000) { /* subnormal: the addition rounds at the last place */
        const float shifted = from_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (to_bits(shifted) - 0x3F000000));
    }
    const uint32_t rebased = magnitude - 0x38000000;
    return (uint16_t)(sign | (rebased + 0xFFF + (rebased >> 13 & 1)) >> 13);
}

void whet_narrow(whet_dtype dtype, const float *from, void *to, int64_t n) {
    char *p = to;
    if (dtype == WHET_F32) {
        memcpy(p, from, (size_t)n * 4);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        const uint16_t h = dtype == WHET_BF16 ? narrow_bf16(from[i]) : narrow_f16(from[i]);
        memcpy(p + 2 * i, &h, 2);
    }
}
