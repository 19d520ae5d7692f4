/* SPDX-License-Identifier: MIT */
/* `grouped` as a built-in kernel; compiled once for each instruction set (src/kernels/meson.build
 * defines the name of the table, the kernel's name and the features it needs), and once more for
 * AVX-512 with the knobs as they are written: which of the two is faster is for a measurement. */
#define WHET_BUILT_IN
#ifndef WHET_AS_WRITTEN
#ifdef __AVX512BF16__ /* Zen 4: its own prefetcher follows long tiles; Intel's has AMX there */
#define TILE  512
#define FETCH 0
#else
#define TILE  64
#define FETCH 2
#endif
#define PANELS 1
#define AHEAD  0
#endif
#include "kernels/attention/grouped.c"

#include "platform/cpu.h"

static int supports_here(const whet_problem *problem) {
    return (whet_cpu_features() & (WHET_ISA_FEATURES)) == (WHET_ISA_FEATURES) && supports(problem);
}

extern const whet_attention_kernel WHET_ISA_TABLE;
const whet_attention_kernel WHET_ISA_TABLE = {
    .abi = WHET_KERNEL_ABI,
    .name = WHET_ISA_KERNEL,
    .layout_id = LAYOUT_ID,
    .supports = supports_here,
    .kv_bytes = kv_bytes,
    .workspace_bytes = workspace_bytes,
    .append = append,
    .n_phases = n_phases,
    .run = run,
};
