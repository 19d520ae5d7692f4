/* SPDX-License-Identifier: MIT */
/* Many rows of activations by bf16 dot products: a part of kernel.c, which includes it. */

/* Activations are rounded to bf16, as the reference implementation rounds them, and packed by pairs
 * of inputs; a pair of weights is broadcast from where it lies, so that nothing is widened.
 * Panels of 64 tokens are outermost: one of 1024 inputs takes 128 KiB, and stays in L2 while all
 * weights of a worker pass by. */
#include <immintrin.h>

#include "kernels/square.c"
#include "kernels/linear/store_tile.c"

typedef __m512 sums16; /* 16 tokens of one output */

enum {
    IS_BF16_ONLY = true,
    MANY_UNIT = 0,
    PAIR_TOKENS = 2 * PANEL,
    DEPTH = 4096, /* inputs of a pass: 512 KiB of a panel */
};

/* The weights 2 i and 2 i + 1 of a row in all lanes; the last of an odd row with a zero. */
INLINE __m512bh weight_pair(const char *row, int32_t i, bool is_half) {
    uint32_t pair = 0;
    memcpy(&pair, row + (size_t)i * 4, is_half ? 2 : 4);
    return (__m512bh)_mm512_set1_epi32((int)pair);
}

INLINE void dot_step(const char *const rows[N_BROADCAST], const uint16_t *tokens, int32_t i,
                     bool is_half, int n_vectors, sums16 acc[N_BROADCAST][N_VECTORS]) {
    __m512bh x[N_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < n_vectors; v++)
        x[v] = (__m512bh)_mm512_loadu_si512(tokens + (size_t)i * PAIR_TOKENS + v * 2 * LANES);
#pragma GCC unroll 6
    for (int r = 0; r < N_BROADCAST; r++) {
        const __m512bh w = weight_pair(rows[r], i, is_half);
#pragma GCC unroll 4
        for (int v = 0; v < n_vectors; v++)
            acc[r][v] = _mm512_dpbf16_ps(acc[r][v], x[v], w);
    }
}

/* Outputs n .. n + n_rows - 1 of the panel from token t0, inputs i0 .. i0 + k - 1. */
INLINE void dot_tile(const whet_linear_args *a, int32_t n, int n_rows, int32_t i0, int32_t k,
                     int32_t t0, int n_vectors) {
    const size_t width = (size_t)(a->w.n_in + a->w.n_in % 2);
    const uint16_t *tokens = (const uint16_t *)a->packed + (size_t)t0 * width + (size_t)i0 * PANEL;
    const char *rows[N_BROADCAST];
    for (int r = 0; r < N_BROADCAST; r++) /* a row too many repeats the last, and is not stored */
        rows[r] =
            (const char *)a->w.data +
            ((size_t)(n + (r < n_rows ? r : n_rows - 1)) * (size_t)a->w.n_in + (size_t)i0) * 2;
    union {
        sums16 dots[N_BROADCAST][N_VECTORS];
        vf sums[N_BROADCAST][N_VECTORS];
    } acc;
    sums16 sums[N_BROADCAST][N_VECTORS];
    for (int r = 0; r < N_BROADCAST; r++)
        for (int v = 0; v < n_vectors; v++)
            sums[r][v] = _mm512_setzero_ps();
    for (int32_t i = 0; i < k / 2; i++)
        dot_step(rows, tokens, i, false, n_vectors, sums);
    if (k % 2) dot_step(rows, tokens, k / 2, true, n_vectors, sums);
    memcpy(acc.dots, sums, sizeof sums);
    const int32_t n_tokens = a->n_rows - t0 < PANEL ? a->n_rows - t0 : PANEL;
    store_tile(a, n, n_rows, t0, n_tokens, a->is_added || i0 > 0, acc.sums);
}

INLINE void many_rows(const whet_linear_args *a, whet_dtype dtype, int32_t begin, int32_t end) {
    (void)dtype; /* bf16: the kernel is chosen for no other */
    for (int32_t i0 = 0; i0 < a->w.n_in; i0 += DEPTH) {
        const int32_t k = a->w.n_in - i0 < DEPTH ? a->w.n_in - i0 : DEPTH;
        for (int32_t t0 = 0; t0 < a->n_rows; t0 += PANEL)
            for (int32_t n = begin; n < end; n += N_BROADCAST) {
                const int n_rows = end - n < N_BROADCAST ? end - n : N_BROADCAST;
                switch ((a->n_rows - t0 + LANES - 1) / LANES) {
                case 1: dot_tile(a, n, n_rows, i0, k, t0, 1); break;
                case 2: dot_tile(a, n, n_rows, i0, k, t0, 2); break;
                case 3: dot_tile(a, n, n_rows, i0, k, t0, 3); break;
                default: dot_tile(a, n, n_rows, i0, k, t0, N_VECTORS); break;
                }
            }
    }
}

/* 16 tokens of 16 pairs: each pair is one word. */
INLINE void pack_square(const float *x, int32_t n_tokens, int32_t n_in, int32_t i,
                        uint32_t to[][PANEL]) {
    __m512i words[SQUARE];
#pragma GCC unroll 16
    for (int32_t t = 0; t < SQUARE; t++)
        words[t] = t < n_tokens ? round_pairs(x + (size_t)t * (size_t)n_in + i, n_in - i)
                                : _mm512_setzero_si512();
    transpose_square(words);
    for (int32_t p = 0; p < SQUARE && i + 2 * p < n_in; p++)
        _mm512_storeu_si512(to[p], words[p]);
}

/* packed[panel][pair of inputs][token of the panel][2]; missing tokens and inputs are zero. */
static void pack(const float *x, int32_t n_rows, int32_t n_in, float *packed, int worker,
                 int n_workers) {
    if (n_rows <= FEW_ROWS) return;
    int32_t begin, end;
    const size_t n_pairs = (size_t)(n_in + n_in % 2) / 2;
    share_evenly(n_in, 2 * LANES, worker, n_workers, &begin, &end);
    for (int32_t row = 0; row < n_rows; row += LANES) {
        uint32_t(*panel)[PANEL] = (uint32_t(*)[PANEL])packed + (size_t)(row / PANEL) * n_pairs;
        for (int32_t i = begin; i < end; i += 2 * LANES)
            pack_square(x + (size_t)row * (size_t)n_in, n_rows - row, n_in, i,
                        (uint32_t(*)[PANEL]) & panel[i / 2][row % PANEL]);
    }
}
