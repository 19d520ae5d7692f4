/* SPDX-License-Identifier: MIT */
/* The probes' loops in AVX-512. */
#include <whet/machine.h>

enum { N_SUMS = 24 };
#define VECTOR_BYTES 64

#include "platform/probe_loops.h"

const whet_probe_loops whet_probe_loops_avx512 = {
    .name = "avx512",
    .needs = WHET_CPU_AVX512,
    .vector_bytes = VECTOR_BYTES,
    .read_all = read_all,
    .multiply_add = multiply_add,
    .flop_a_round = flop_a_round,
};
