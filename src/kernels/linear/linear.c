/* SPDX-License-Identifier: MIT */
/* Choosing a linear kernel, dividing its work, and converting single values. */
#include "kernels/linear.h"

#include <string.h>

#include "kernels/dtype.h"
#include "kernels/linear/list.h"
#include "kernels/linear/share.h"
#include "platform/cpu.h"

#define ADDRESS(kernel) &kernel,
const whet_linear_kernel *const whet_linear_kernels[] = { LINEAR_KERNELS(ADDRESS) NULL };
#undef ADDRESS

enum { MAX_PANEL = 64, MAX_PACKED_INPUTS = 32, SHARE_UNIT = 16 };

static bool suits(const whet_linear_kernel *k, uint32_t features, bool is_all_bf16) {
    return (k->features & features) == k->features && (is_all_bf16 || !k->is_bf16_only);
}

const whet_linear_kernel *whet_linear_default(bool is_all_bf16) {
    int i = 0;
    while (!suits(whet_linear_kernels[i], whet_cpu_features(), is_all_bf16))
        i++;
    return whet_linear_kernels[i];
}

const whet_linear_kernel *whet_linear_choose(const char *name, bool is_all_bf16) {
    for (const whet_linear_kernel *const *k = whet_linear_kernels; name && *k; k++)
        if (strcmp((*k)->name, name) == 0 && suits(*k, whet_cpu_features(), is_all_bf16)) return *k;
    return whet_linear_default(is_all_bf16);
}

const whet_linear_kernel *whet_linear_precise(void) {
    return &whet_linear_portable;
}

void whet_linear_share(int32_t n_out, int worker, int n_workers, int32_t *begin, int32_t *end) {
    share_evenly(n_out, SHARE_UNIT, worker, n_workers, begin, end);
}

size_t whet_linear_packed_floats(int32_t n_rows, int32_t n_in) {
    const size_t rows = ((size_t)n_rows + MAX_PANEL - 1) / MAX_PANEL * MAX_PANEL;
    const size_t inputs =
        ((size_t)n_in + MAX_PACKED_INPUTS - 1) / MAX_PACKED_INPUTS * MAX_PACKED_INPUTS;
    return rows * inputs;
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
        to[i] = dtype == WHET_BF16 ? whet_bf16_to_f32(h) : whet_f16_to_f32(h);
    }
}

void whet_narrow(whet_dtype dtype, const float *from, void *to, int64_t n) {
    char *p = to;
    if (dtype == WHET_F32) {
        memcpy(p, from, (size_t)n * 4);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        const uint16_t h =
            dtype == WHET_BF16 ? whet_f32_to_bf16(from[i]) : whet_f32_to_f16(from[i]);
        memcpy(p + 2 * i, &h, 2);
    }
}
