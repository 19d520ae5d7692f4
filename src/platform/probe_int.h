/* SPDX-License-Identifier: MIT */
/* The probes' inner loops as data: ways to read memory, and units that calculate. */
#ifndef WHET_PLATFORM_PROBE_INT_H
#define WHET_PLATFORM_PROBE_INT_H

#include <stddef.h>
#include <stdint.h>

enum { PROBE_STEP_BYTES = 4096, N_PROBE_READS = 8 };

/* Sum of lanes 0 and 1 of all vectors; bytes is a multiple of PROBE_STEP_BYTES. */
typedef uint64_t (*whet_probe_read)(const void *from, size_t bytes);

/* The ways of one vector width. */
typedef struct whet_probe_reads {
    uint32_t needs; /* whet_cpu_feature bits */
    int vector_bytes;
    whet_probe_read ways[N_PROBE_READS]; /* whet_probe_way_names */
} whet_probe_reads;

extern const char *const whet_probe_way_names[N_PROBE_READS];

/* x <- a x + b on the unit's registers, or as many products. */
typedef struct whet_probe_unit {
    const char *name;
    uint32_t needs;
    double flop_a_round;
    double (*multiply_add)(size_t n_rounds); /* a sum that depends on every register */
} whet_probe_unit;

extern const whet_probe_reads whet_probe_reads_portable;
extern const whet_probe_unit whet_probe_fma_portable;
#if defined(__x86_64__)
extern const whet_probe_reads whet_probe_reads_avx2, whet_probe_reads_avx512;
extern const whet_probe_unit whet_probe_fma_avx2, whet_probe_fma_avx512;
extern const whet_probe_unit whet_probe_dots_avx512_bf16, whet_probe_tiles_amx;
#elif defined(__aarch64__)
extern const whet_probe_unit whet_probe_matrices_neon_bf16;
#endif

/* All of this build, the widest first; NULL at the end. */
extern const whet_probe_reads *const whet_probe_all_reads[];
extern const whet_probe_unit *const whet_probe_units[];

#endif
