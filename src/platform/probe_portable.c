/* SPDX-License-Identifier: MIT */
/* The probes' loops in what every processor of the architecture has: SSE2 (without FMA) or NEON. */
#include <whet/machine.h>

#if defined(__x86_64__)
enum { N_SUMS = 12 };
#else
enum { N_SUMS = 24 };
#endif
#define VECTOR_BYTES 16

#include "platform/probe_loops.h"

const whet_probe_loops whet_probe_loops_portable = {
    .name = "portable",
    .needs = 0,
    .vector_bytes = VECTOR_BYTES,
    .read_all = read_all,
    .multiply_add = multiply_add,
    .flop_a_round = flop_a_round,
};
