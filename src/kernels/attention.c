/* SPDX-License-Identifier: MIT */
/* The list of built-in attention kernels, and the choice from it. */
#include "kernels/attention.h"

#include <string.h>

#define X(kernel) extern const whet_attention_kernel kernel;
#include "kernels/attention/attention.def"
#undef X

const whet_attention_kernel *const whet_attention_kernels[] = {
#define X(kernel) &kernel,
#include "kernels/attention/attention.def"
#undef X
    NULL,
};

/* Every kernel supports this one where the processor has its instructions. */
static const whet_problem easy_problem = { WHET_BF16, 2, 1, 64, 1, 1 };

/* "fused" names the family of "fused-avx2", "fused-portable", ... */
static bool is_named(const whet_attention_kernel *kernel, const char *name) {
    const size_t n = strlen(name);
    return strncmp(kernel->name, name, n) == 0 && (kernel->name[n] == 0 || kernel->name[n] == '-');
}

const whet_attention_kernel *whet_attention_find(const char *name) {
    const whet_attention_kernel *found = NULL;
    for (const whet_attention_kernel *const *k = whet_attention_kernels; *k; k++) {
        if (!is_named(*k, name) || !(*k)->supports(&easy_problem)) continue;
        if (strcmp((*k)->name, name) == 0) return *k; /* "a-bf16" may stand before "a" */
        if (!found) found = *k;
    }
    return found;
}

const whet_attention_kernel *whet_attention_default(const whet_problem *problem) {
    for (const whet_attention_kernel *const *k = whet_attention_kernels; *k; k++)
        if ((*k)->supports(problem)) return *k;
    return NULL;
}

const whet_attention_kernel *whet_attention_choose(const whet_problem *problem,
                                                   const char *measured) {
    const whet_attention_kernel *k = measured ? whet_attention_find(measured) : NULL;
    return k && k->supports(problem) ? k : whet_attention_default(problem);
}

/* Offsets inside a row stay far from the end of int32_t, those inside a cache from int64_t. */
enum { MAX_ROW_ELEMENTS = 1 << 24 };

bool whet_problem_is_valid(const whet_problem *p) {
    return p->dtype >= WHET_F32 && p->dtype <= WHET_F16 && p->n_heads > 0 && p->n_kv_heads > 0 &&
           p->head_dim > 0 && p->n_rows > 0 && p->n_context >= p->n_rows &&
           p->n_heads % p->n_kv_heads == 0 && (int64_t)p->n_heads * p->head_dim <= MAX_ROW_ELEMENTS;
}

size_t whet_dtype_bytes(whet_dtype dtype) {
    return dtype == WHET_F32 ? 4 : 2;
}

const char *whet_dtype_name(whet_dtype dtype) {
    static const char *const names[] = { "f32", "bf16", "f16" };
    return dtype >= WHET_F32 && dtype <= WHET_F16 ? names[dtype] : "unknown";
}
