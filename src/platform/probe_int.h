/* SPDX-License-Identifier: MIT */
/* The probes' inner loops as data: one row for every instruction set. */
#ifndef WHET_PLATFORM_PROBE_INT_H
#define WHET_PLATFORM_PROBE_INT_H

#include <stddef.h>
#include <stdint.h>

enum { PROBE_STEP_BYTES = 4096 };

typedef struct whet_probe_loops {
    const char *name;
    uint32_t needs; /* whet_cpu_feature bits */
    int vector_bytes;
    uint64_t (*read_all)(const void *from, size_t bytes); /* sum of lanes 0 and 1 of all vectors */
    double (*multiply_add)(size_t n_rounds);
    double flop_a_round;
} whet_probe_loops;

extern const whet_probe_loops whet_probe_loops_portable;
#if defined(__x86_64__)
extern const whet_probe_loops whet_probe_loops_avx2;
extern const whet_probe_loops whet_probe_loops_avx512;
#endif

#endif
