/* SPDX-License-Identifier: MIT */
/* The two inner loops of the probes, one source compiled once for every instruction set: the build
 * says by WHET_PROBE_AVX2 or WHET_PROBE_AVX512 which table this is to be. */
#include <whet/machine.h>

#include "platform/probe_int.h"

/* N_SUMS accumulators and two constants fit the vector registers, and hide the units' latency. */
#if defined(WHET_PROBE_AVX512)
enum { VECTOR_BYTES = 64, N_SUMS = 24 };
#elif defined(WHET_PROBE_AVX2)
enum { VECTOR_BYTES = 32, N_SUMS = 12 };
#elif defined(__aarch64__)
enum { VECTOR_BYTES = 16, N_SUMS = 24 };
#else
enum { VECTOR_BYTES = 16, N_SUMS = 12 };
#endif

typedef uint64_t words __attribute__((vector_size(VECTOR_BYTES)));
typedef float floats __attribute__((vector_size(VECTOR_BYTES)));

enum { N_WORDS = 4, LINE = 64, PREFETCH_BYTES = 2048 };

/* Two streams with a prefetch of 2 KiB: of ten ways tried on Zen 4, in turns, never the slower one
 * (1 thread: 34.6 GB/s, plain 32.1; 2 threads: 35.5, plain 35.0). bytes is a multiple of
 * PROBE_STEP_BYTES. The prefetch runs past the end, where it is harmless. */
static uint64_t read_all(const void *from, size_t bytes) {
    const size_t n = bytes / 2 / sizeof(words);
    const words *p = from, *q = p + n;
    words sum_p[N_WORDS] = { 0 }, sum_q[N_WORDS] = { 0 };
    for (size_t i = 0; i < n; i += N_WORDS) {
        for (size_t line = 0; line < sizeof sum_p; line += LINE) {
            __builtin_prefetch((const char *)(p + i) + PREFETCH_BYTES + line, 0, 3);
            __builtin_prefetch((const char *)(q + i) + PREFETCH_BYTES + line, 0, 3);
        }
        for (size_t k = 0; k < N_WORDS; k++) {
            sum_p[k] += p[i + k];
            sum_q[k] += q[i + k];
        }
    }
    words total = { 0 };
    for (size_t k = 0; k < N_WORDS; k++)
        total += sum_p[k] + sum_q[k];
    return total[0] + total[1];
}

/* x <- a x + b on N_SUMS vectors side by side. */
static double multiply_add(size_t n_rounds) {
    volatile const float a_now = 0.99f, b_now = 0.01f; /* not for the compiler to calculate with */
    const floats zero = { 0 }, a = zero + a_now, b = zero + b_now;
    floats x[N_SUMS];
#pragma GCC unroll 32
    for (int k = 0; k < N_SUMS; k++)
        x[k] = zero + (float)k;
    for (size_t r = 0; r < n_rounds; r++) {
#pragma GCC unroll 32
        for (int k = 0; k < N_SUMS; k++)
            x[k] = x[k] * a + b;
    }
    double total = 0;
#pragma GCC unroll 32
    for (int k = 0; k < N_SUMS; k++)
        total += (double)x[k][0];
    return total;
}

_Static_assert(PROBE_STEP_BYTES % (2 * N_WORDS * sizeof(words)) == 0, "read_all reads whole steps");

#if defined(WHET_PROBE_AVX512)
const whet_probe_loops whet_probe_loops_avx512 = {
    .name = "avx512",
    .needs = WHET_CPU_AVX512,
#elif defined(WHET_PROBE_AVX2)
const whet_probe_loops whet_probe_loops_avx2 = {
    .name = "avx2",
    .needs = WHET_CPU_AVX2_FMA,
#else
const whet_probe_loops whet_probe_loops_portable = {
    .name = "portable",
#endif
    .vector_bytes = VECTOR_BYTES,
    .read_all = read_all,
    .multiply_add = multiply_add,
    .flop_a_round = 2.0 * N_SUMS * VECTOR_BYTES / sizeof(float),
};
