/* SPDX-License-Identifier: MIT */
/* Instruction sets as a ladder of bounds: each rung holds those below it. */
#include "platform/isa.h"

#include <stdio.h>
#include <string.h>

#include "base/ctx.h"
#include "platform/cpu.h"

typedef struct rung {
    const char *name;
    uint32_t features;
    const char *flags[4]; /* a compiler's, NULL at the end */
} rung;

/* The flags of x86-64-v3 and -v4 hold what WHET_CPU_AVX2_FMA and WHET_CPU_AVX512 stand for (x86-64
 * psABI, micro-architecture levels). */
static const rung rungs[] = {
#if defined(__x86_64__)
    { "portable", 0, { "-march=x86-64" } },
    { "avx2", WHET_CPU_AVX2_FMA, { "-march=x86-64-v3" } },
    { "avx512", WHET_CPU_AVX2_FMA | WHET_CPU_AVX512, { "-march=x86-64-v4" } },
    { "avx512-bf16",
      WHET_CPU_AVX2_FMA | WHET_CPU_AVX512 | WHET_CPU_AVX512_BF16,
      { "-march=x86-64-v4", "-mavx512bf16" } },
    { "amx-bf16",
      WHET_CPU_AVX2_FMA | WHET_CPU_AVX512 | WHET_CPU_AVX512_BF16 | WHET_CPU_AMX_BF16,
      { "-march=x86-64-v4", "-mavx512bf16", "-mamx-bf16" } },
#elif defined(__aarch64__)
    { "portable", 0, { "-march=armv8-a" } },
    { "neon", WHET_CPU_NEON, { "-march=armv8-a" } },
    { "neon-bf16", WHET_CPU_NEON | WHET_CPU_NEON_BF16, { "-march=armv8.2-a+bf16" } },
#else
    { "portable", 0, { NULL } },
#endif
};

enum { N_RUNGS = sizeof rungs / sizeof *rungs };

#if defined(__x86_64__) || defined(__i386__)
static const char *const native[] = { "-march=native", NULL };
#else
static const char *const native[] = { "-mcpu=native", NULL };
#endif

const char *whet_isa_name(int i) {
    return i >= 0 && i < N_RUNGS ? rungs[i].name : NULL;
}

whet_status whet_isa_limit(whet_ctx *ctx, const char *name) {
    char known[128] = "";
    for (int i = 0; name && i < N_RUNGS; i++) {
        if (strcmp(name, rungs[i].name) == 0) {
            whet_cpu_set_bound(rungs[i].features);
            return WHET_OK;
        }
        const size_t n = strlen(known);
        snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", rungs[i].name);
    }
    if (name)
        return whet_fail(ctx, WHET_E_ARG, "instruction set \"%s\" is none of: %s", name, known);
    whet_cpu_set_bound(UINT32_MAX);
    return WHET_OK;
}

const char *const *whet_isa_compiler_flags(void) {
    const uint32_t features = whet_cpu_features();
    if (features == whet_cpu_all_features()) return native;
    int best = 0;
    for (int i = 1; i < N_RUNGS; i++)
        if ((rungs[i].features & ~features) == 0) best = i;
    return rungs[best].flags;
}
