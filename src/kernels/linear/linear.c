/* SPDX-License-Identifier: MIT */
/* Choosing a linear kernel, dividing its work, and converting single values. */
#include "kernels/linear.h"

#include <string.h>

#include "kernels/dtype.h"
#include "kernels/linear/list.h"
#include "platform/cpu.h"

#define ADDRESS(kernel) &kernel,
const whet_linear_kernel *const whet_linear_kernels[] = { LINEAR_KERNELS(ADDRESS) NULL };
#undef ADDRESS

enum { MAX_PANEL = 64, MAX_PACKED_INPUTS = 32 };
/* Outputs of a part at least; what is dealt, and in how many pieces for each worker at most. */
enum { UNIT = 8, DEALT = 3, OF_ALL = 8, MAX_PIECES = 8, MANY_ROWS = 8 };

static bool suits(const whet_linear_kernel *k, bool is_all_bf16) {
    return (k->features & whet_cpu_features()) == k->features && (is_all_bf16 || !k->is_bf16_only);
}

/* Extended by the field that counts on where four bits end (AMD64 manual volume 3, CPUID 1). */
static uint32_t x86_family(void) {
    const uint32_t signature = (uint32_t)whet_cpu_signature(), family = signature >> 8 & 15;
    return family == 15 ? family + (signature >> 20 & 255) : family;
}

const whet_linear_kernel *whet_linear_default(bool is_all_bf16) {
    int i = 0;
    while (!suits(whet_linear_kernels[i], is_all_bf16) ||
           (whet_linear_kernels[i]->family && whet_linear_kernels[i]->family != x86_family()))
        i++;
    return whet_linear_kernels[i];
}

const whet_linear_kernel *whet_linear_choose(const char *name, bool is_all_bf16) {
    for (const whet_linear_kernel *const *k = whet_linear_kernels; name && *k; k++)
        if (strcmp((*k)->name, name) == 0 && suits(*k, is_all_bf16)) return *k;
    return whet_linear_default(is_all_bf16);
}

const whet_linear_kernel *whet_linear_precise(void) {
    return &whet_linear_portable;
}

whet_parts whet_linear_parts(const whet_linear_kernel *kernel, const whet_linear_args *args,
                             int worker, int n_workers) {
    const bool is_many = args->n_rows > MANY_ROWS, is_dealt = n_workers > 1;
    const int32_t unit = is_many && kernel->many_unit ? kernel->many_unit : UNIT;
    const int32_t n_units = (args->w.n_out + unit - 1) / unit;
    const int32_t n_dealt =
        is_dealt && (!is_many || kernel->many_unit) ? n_units * DEALT / OF_ALL : 0;
    return (whet_parts){
        .deal = args->deal,
        .n_out = args->w.n_out,
        .unit = unit,
        .n_units = n_units,
        .n_shared = n_units - n_dealt,
        .n_pieces = n_dealt < MAX_PIECES * n_workers ? n_dealt : MAX_PIECES * n_workers,
        .worker = worker,
        .n_workers = n_workers,
    };
}

/* Part i of n equal ones of the units from `first` on. */
static bool set_part(whet_parts *p, int32_t first, int32_t n_units, int32_t i, int32_t n) {
    const int32_t end = first + (int32_t)((int64_t)n_units * (i + 1) / n);
    p->begin = (first + (int32_t)((int64_t)n_units * i / n)) * p->unit;
    p->end = end == p->n_units ? p->n_out : end * p->unit;
    if (p->begin > p->end) p->begin = p->end;
    return true;
}

bool whet_linear_next(whet_parts *p) {
    if (!p->has_share) {
        p->has_share = true;
        return set_part(p, 0, p->n_shared, p->worker, p->n_workers);
    }
    const int32_t i = atomic_fetch_add_explicit(&p->deal->next, 1, memory_order_relaxed);
    if (i < p->n_pieces) return set_part(p, p->n_shared, p->n_units - p->n_shared, i, p->n_pieces);
    /* Every worker asks once in vain; behind the last one nobody asks. */
    if (i == p->n_pieces + p->n_workers - 1)
        atomic_store_explicit(&p->deal->next, 0, memory_order_relaxed);
    return false;
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
