/* SPDX-License-Identifier: MIT */
/* The probes' loops in AVX2 and FMA. */
#include <whet/machine.h>

enum { N_SUMS = 12 };
#define VECTOR_BYTES 32

#include "platform/probe_loops.h"

const whet_probe_loops whet_probe_loops_avx2 = {
    .name = "avx2",
    .needs = WHET_CPU_AVX2_FMA,
    .vector_bytes = VECTOR_BYTES,
    .read_all = read_all,
    .multiply_add = multiply_add,
    .flop_a_round = flop_a_round,
};
