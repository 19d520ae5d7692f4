/* SPDX-License-Identifier: MIT */
/* Many rows of activations by bf16 dot products: a part of kernel.c, which includes it. */

/* Activations are rounded to bf16, as the reference implementation rounds them, and packed by pairs
 * of inputs; a pair of weights is broadcast from where it lies, so that nothing is widened.
 * Panels of 64 tokens are outermost: one of 1024 inputs takes 128 KiB, and stays in L2 while all
 * weights of a worker pass by. Sums of 48 outputs are kept, and stored as whole cache lines. */
#include <immintrin.h>

#include "kernels/square.c"

typedef __m512 sums16; /* 16 tokens of one output */

enum {
    IS_BF16_ONLY = true,
    MANY_UNIT = 0,
    PAIR_TOKENS = 2 * PANEL,
    DEPTH = 4096,    /* inputs of a pass: 512 KiB of a panel */
    GROUP = 48,      /* outputs: whole tiles, and whole cache lines of their sums */
    LINE_PAIRS = 16, /* pairs of weights in a cache line */
};

/* The outputs from n of the panel from token t0, inputs i0 .. i0 + k - 1. */
typedef struct group {
    const whet_linear_args *args;
    float (*sums)[PANEL]; /* [GROUP]; rows of no output are never stored */
    int32_t n, n_outputs, i0, k, t0, n_tokens;
    int32_t n_fetched; /* lines of the places where the sums will go */
} group;

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

/* While a line of each row is multiplied: the same of the next tile's rows, and one line of what
 * store_group writes. */
INLINE void fetch_lines(group *g, const char *const rows[N_BROADCAST], int32_t i) {
    enum { ROW_LINES = GROUP / LANES };
    const whet_linear_args *a = g->args;
    const size_t next = (size_t)N_BROADCAST * (size_t)a->w.n_in * 2;
    for (int r = 0; r < N_BROADCAST; r++)
        _mm_prefetch(rows[r] + next + (size_t)i * 4, _MM_HINT_T0);
    if (g->n_fetched == g->n_tokens * ROW_LINES) return;
    const int32_t t = g->t0 + g->n_fetched / ROW_LINES, line = g->n_fetched % ROW_LINES;
    _mm_prefetch(a->out + t * a->out_stride + g->n + line * LANES, _MM_HINT_T0);
    g->n_fetched++;
}

/* Outputs o .. o + 5 of the group. */
INLINE void dot_tile(group *g, int32_t o, int n_vectors) {
    const whet_linear_args *a = g->args;
    const size_t width = (size_t)(a->w.n_in + a->w.n_in % 2);
    const uint16_t *tokens =
        (const uint16_t *)a->packed + (size_t)g->t0 * width + (size_t)g->i0 * PANEL;
    const char *rows[N_BROADCAST];
    for (int r = 0; r < N_BROADCAST; r++) { /* a row too many repeats the last, and is not stored */
        const int32_t n = g->n + (o + r < g->n_outputs ? o + r : g->n_outputs - 1);
        rows[r] = (const char *)a->w.data + ((size_t)n * (size_t)a->w.n_in + (size_t)g->i0) * 2;
    }
    sums16 sums[N_BROADCAST][N_VECTORS];
    for (int r = 0; r < N_BROADCAST; r++)
        for (int v = 0; v < n_vectors; v++)
            sums[r][v] = _mm512_setzero_ps();
    const int32_t n_pairs = g->k / 2;
    for (int32_t from = 0; from < n_pairs; from += LINE_PAIRS) {
        fetch_lines(g, rows, from);
        const int32_t to = n_pairs - from < LINE_PAIRS ? n_pairs : from + LINE_PAIRS;
        for (int32_t i = from; i < to; i++)
            dot_step(rows, tokens, i, false, n_vectors, sums);
    }
    if (g->k % 2) dot_step(rows, tokens, n_pairs, true, n_vectors, sums);
    for (int r = 0; r < N_BROADCAST; r++)
        for (int v = 0; v < n_vectors; v++)
            _mm512_store_ps(g->sums[o + r] + v * LANES, sums[r][v]);
}

/* 16 outputs and 16 tokens at a time, transposed: each line is written once, and whole. */
INLINE void store_group(const group *g) {
    const whet_linear_args *a = g->args;
    const bool is_added = a->is_added || g->i0 > 0;
    for (int32_t o = 0; o < g->n_outputs; o += SQUARE) {
        const int32_t n = g->n_outputs - o;
        const __mmask16 mask = (__mmask16)(n < SQUARE ? (1u << n) - 1 : UINT16_MAX);
        for (int32_t t = 0; t < g->n_tokens; t += SQUARE) {
            __m512i words[SQUARE];
#pragma GCC unroll 16
            for (int i = 0; i < SQUARE; i++)
                words[i] = _mm512_load_si512(g->sums[o + i] + t);
            transpose_square(words);
            float *out = a->out + (g->t0 + t) * a->out_stride + g->n + o;
#pragma GCC unroll 16
            for (int i = 0; i < SQUARE; i++, out += a->out_stride) {
                if (t + i >= g->n_tokens) continue;
                __m512 y = (__m512)words[i];
                if (is_added) y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(mask, out));
                _mm512_mask_storeu_ps(out, mask, y);
            }
        }
    }
}

INLINE void do_group(group *g) {
    for (int32_t o = 0; o < g->n_outputs; o += N_BROADCAST)
        switch ((g->n_tokens + LANES - 1) / LANES) {
        case 1: dot_tile(g, o, 1); break;
        case 2: dot_tile(g, o, 2); break;
        case 3: dot_tile(g, o, 3); break;
        default: dot_tile(g, o, N_VECTORS); break;
        }
    store_group(g);
}

INLINE void many_rows(const whet_linear_args *a, whet_dtype dtype, int32_t begin, int32_t end) {
    (void)dtype; /* bf16: the kernel is chosen for no other */
    _Alignas(64) float sums[GROUP][PANEL] = { 0 };
    for (int32_t i0 = 0; i0 < a->w.n_in; i0 += DEPTH)
        for (int32_t t0 = 0; t0 < a->n_rows; t0 += PANEL)
            for (int32_t n = begin; n < end; n += GROUP) {
                group g = { .args = a, .sums = sums, .n = n, .i0 = i0, .t0 = t0 };
                g.n_outputs = end - n < GROUP ? end - n : GROUP;
                g.k = a->w.n_in - i0 < DEPTH ? a->w.n_in - i0 : DEPTH;
                g.n_tokens = a->n_rows - t0 < PANEL ? a->n_rows - t0 : PANEL;
                do_group(&g);
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
