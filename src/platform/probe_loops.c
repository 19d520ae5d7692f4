/* SPDX-License-Identifier: MIT */
/* Reading memory and multiplying f32 in vectors, one source compiled once for every width: the
 * build says by WHET_PROBE_AVX2 or WHET_PROBE_AVX512 which tables these are to be. */
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

#define INLINE static inline __attribute__((always_inline))

typedef uint64_t words __attribute__((vector_size(VECTOR_BYTES)));
typedef float floats __attribute__((vector_size(VECTOR_BYTES)));

enum { LINE = 64, LINE_WORDS = LINE / VECTOR_BYTES, N_TOTALS = 8, PREFETCH_BYTES = 2048 };

/* n_streams parts of the buffer side by side, two cache lines of each in turn. Which way is fastest
 * depends on the processor and its prefetchers. A prefetch runs past the end, where it is
 * harmless. */
INLINE uint64_t read_streams(const void *from, size_t bytes, size_t n_streams, int is_prefetched) {
    const size_t part = bytes / n_streams;
    words totals[N_TOTALS] = { 0 };
    for (size_t at = 0; at < part; at += 2 * LINE) {
#pragma GCC unroll 8
        for (size_t s = 0; s < n_streams; s++) {
            const char *p = (const char *)from + s * part + at;
            if (is_prefetched) {
                __builtin_prefetch(p + PREFETCH_BYTES, 0, 3);
                __builtin_prefetch(p + PREFETCH_BYTES + LINE, 0, 3);
            }
#pragma GCC unroll 8
            for (size_t k = 0; k < 2 * LINE_WORDS; k++)
                totals[(s * 2 * LINE_WORDS + k) % N_TOTALS] += ((const words *)p)[k];
        }
    }
    words total = { 0 };
    for (size_t k = 0; k < N_TOTALS; k++)
        total += totals[k];
    return total[0] + total[1];
}

#define WAY(n_streams, is_prefetched, name)                                                        \
    static uint64_t name(const void *from, size_t bytes) {                                         \
        return read_streams(from, bytes, n_streams, is_prefetched);                                \
    }
WAY(1, 0, read_1)
WAY(2, 0, read_2)
WAY(4, 0, read_4)
WAY(8, 0, read_8)
WAY(1, 1, read_1_prefetched)
WAY(2, 1, read_2_prefetched)
WAY(4, 1, read_4_prefetched)
WAY(8, 1, read_8_prefetched)
#undef WAY

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

_Static_assert(PROBE_STEP_BYTES % (8 * 2 * LINE) == 0, "read_streams reads whole steps");

#if defined(WHET_PROBE_AVX512)
#define READS whet_probe_reads_avx512
#define FMA   whet_probe_fma_avx512
#define NAME  "f32 multiply-add (AVX-512)"
#define NEEDS WHET_CPU_AVX512
#elif defined(WHET_PROBE_AVX2)
#define READS whet_probe_reads_avx2
#define FMA   whet_probe_fma_avx2
#define NAME  "f32 multiply-add (AVX2)"
#define NEEDS WHET_CPU_AVX2_FMA
#else
#define READS whet_probe_reads_portable
#define FMA   whet_probe_fma_portable
#define NAME  "f32 multiply-add (128 bits)"
#define NEEDS 0
#endif

const whet_probe_reads READS = {
    .needs = NEEDS,
    .vector_bytes = VECTOR_BYTES,
    .ways = { read_1, read_2, read_4, read_8, read_1_prefetched, read_2_prefetched,
              read_4_prefetched, read_8_prefetched },
};

const whet_probe_unit FMA = {
    .name = NAME,
    .needs = NEEDS,
    .flop_a_round = 2.0 * N_SUMS * VECTOR_BYTES / sizeof(float),
    .multiply_add = multiply_add,
};
