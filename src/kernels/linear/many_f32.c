/* SPDX-License-Identifier: MIT */
/* Many rows of activations in f32 arithmetic: a part of kernel.c, which includes it. */

/* 6 weights, widened to f32, are the broadcast operand against a panel of up to 4 vectors of
 * tokens: 24 accumulators (12 with AVX2's 16 registers), packed so that the tokens of one input lie
 * side by side. A group of 48 outputs is widened at once and stays in L2 while all tokens pass by;
 * its sums are kept, and stored as whole cache lines. */

#include "kernels/linear/transpose.c"

enum {
    IS_BF16_ONLY = false,
    MANY_UNIT = 0,
    GROUP = 48, /* outputs: whole tiles, and whole cache lines of their sums */
};

/* The outputs from n of the panel from token t0, inputs i0 .. i0 + k - 1. */
typedef struct group {
    const whet_linear_args *args;
    float *weights;       /* [GROUP / 6][K_BLOCK][6] */
    float (*sums)[PANEL]; /* [GROUP]; rows of no output are never stored */
    int32_t n, n_outputs, i0, k, t0, n_tokens;
} group;

INLINE vf load(const float *p) {
    vf x;
    memcpy(&x, p, sizeof x);
    return x;
}

INLINE void store(float *p, vf x) {
    memcpy(p, &x, sizeof x);
}

/* Outputs o .. o + 5 of the group. */
INLINE void tile(const group *g, int32_t o, int n_vectors) {
    const whet_linear_args *a = g->args;
    const float *tokens = a->packed + (size_t)g->t0 * (size_t)a->w.n_in + (size_t)g->i0 * PANEL;
    const float *weights = g->weights + o * K_BLOCK;
    vf sums[N_BROADCAST][N_VECTORS] = { 0 };
    for (int32_t i = 0; i < g->k; i++) {
        vf x[N_VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < n_vectors; v++)
            x[v] = load(tokens + (size_t)i * PANEL + (size_t)v * LANES);
#pragma GCC unroll 6
        for (int r = 0; r < N_BROADCAST; r++) {
            const vf w = weights[i * N_BROADCAST + r] - (vf){ 0 };
#pragma GCC unroll 4
            for (int v = 0; v < n_vectors; v++)
                sums[r][v] += w * x[v];
        }
    }
    for (int r = 0; r < N_BROADCAST; r++)
        for (int v = 0; v < n_vectors; v++)
            store(g->sums[o + r] + v * LANES, sums[r][v]);
}

/* LANES outputs of LANES tokens at a time, transposed. */
INLINE void store_square(const group *g, int32_t o, int32_t t) {
    const whet_linear_args *a = g->args;
    const bool is_added = a->is_added || g->i0 > 0;
    const int32_t n_outputs = g->n_outputs - o < LANES ? g->n_outputs - o : LANES;
    const int32_t n_tokens = g->n_tokens - t < LANES ? g->n_tokens - t : LANES;
    float *out = a->out + (g->t0 + t) * a->out_stride + g->n + o;
    vf rows[LANES];
    for (int i = 0; i < LANES; i++)
        rows[i] = load(g->sums[o + i] + t);
    transpose(rows);
    for (int i = 0; i < n_tokens; i++, out += a->out_stride) {
        if (n_outputs == LANES) {
            store(out, is_added ? load(out) + rows[i] : rows[i]);
            continue;
        }
        for (int j = 0; j < n_outputs; j++)
            put(out + j, rows[i][j], is_added);
    }
}

/* A last panel of few tokens costs fewer vectors. */
static void do_group(const group *g) {
    for (int32_t o = 0; o < g->n_outputs; o += N_BROADCAST)
        switch ((g->n_tokens + LANES - 1) / LANES) {
        case 1: tile(g, o, 1); break;
#if N_REGISTERS == 32
        case 2: tile(g, o, 2); break;
        case 3: tile(g, o, 3); break;
#endif
        default: tile(g, o, N_VECTORS); break;
        }
    for (int32_t o = 0; o < g->n_outputs; o += LANES)
        for (int32_t t = 0; t < g->n_tokens; t += LANES)
            store_square(g, o, t);
}

/* The weights of a tile from input i on, LANES of them or, of bf16, pairs: as [input][6]. What is
 * stored too much of a column is overwritten by the next. */
INLINE void widen_square(const char *const rows[N_BROADCAST], whet_dtype dtype, int32_t i,
                         float *to) {
    const size_t element = dtype == WHET_F32 ? 4 : 2;
    for (int r0 = (N_BROADCAST - 1) / LANES * LANES; r0 >= 0; r0 -= LANES) {
        vf columns[LANES] = { 0 };
        for (int r = r0; r < r0 + LANES && r < N_BROADCAST; r++) {
            const char *p = rows[r] + (size_t)i * element;
            columns[r - r0] = dtype == WHET_BF16 ? load((const float *)p) : widen(dtype, p);
        }
        transpose(columns);
        float *column = to + i * N_BROADCAST + r0;
        for (int j = 0; j < LANES; j++) {
            if (dtype != WHET_BF16) {
                store(column + j * N_BROADCAST, columns[j]);
                continue;
            }
            store(column + 2 * j * N_BROADCAST, (vf)((vu)columns[j] << 16));
            store(column + (2 * j + 1) * N_BROADCAST, (vf)((vu)columns[j] & 0xFFFF0000));
        }
    }
}

/* Rows too many of the last tile repeat the last. */
INLINE void widen_group(const group *g, whet_dtype dtype) {
    const whet_weight *w = &g->args->w;
    const size_t element = dtype == WHET_F32 ? 4 : 2;
    const int32_t step = dtype == WHET_BF16 ? 2 * LANES : LANES;
    for (int32_t o = 0; o < g->n_outputs; o += N_BROADCAST) {
        const char *rows[N_BROADCAST];
        for (int r = 0; r < N_BROADCAST; r++) {
            const int32_t n = g->n + (o + r < g->n_outputs ? o + r : g->n_outputs - 1);
            rows[r] =
                (const char *)w->data + ((size_t)n * (size_t)w->n_in + (size_t)g->i0) * element;
        }
        float *to = g->weights + o * K_BLOCK;
        int32_t i = 0;
        for (; i + step <= g->k; i += step)
            widen_square(rows, dtype, i, to);
        for (; i < g->k; i++)
            for (int r = 0; r < N_BROADCAST; r++)
                to[i * N_BROADCAST + r] = widen_one(dtype, rows[r] + (size_t)i * element);
    }
}

INLINE void many_rows(const whet_linear_args *a, whet_dtype dtype, int32_t begin, int32_t end) {
    _Alignas(64) float weights[GROUP * K_BLOCK + LANES];
    _Alignas(64) float sums[GROUP][PANEL];
    for (int32_t n = begin; n < end; n += GROUP)
        for (int32_t i0 = 0; i0 < a->w.n_in; i0 += K_BLOCK) {
            group g = { .args = a, .weights = weights, .sums = sums, .n = n, .i0 = i0 };
            g.n_outputs = end - n < GROUP ? end - n : GROUP;
            g.k = a->w.n_in - i0 < K_BLOCK ? a->w.n_in - i0 : K_BLOCK;
            widen_group(&g, dtype);
            for (g.t0 = 0; g.t0 < a->n_rows; g.t0 += PANEL) {
                g.n_tokens = a->n_rows - g.t0 < PANEL ? a->n_rows - g.t0 : PANEL;
                do_group(&g);
            }
        }
}

/* LANES inputs of LANES tokens, transposed. */
INLINE void pack_square(const float *x, int32_t n_tokens, int32_t n_in, float *to) {
    vf rows[LANES];
    for (int t = 0; t < LANES; t++)
        rows[t] = t < n_tokens ? load(x + (size_t)t * (size_t)n_in) : (vf){ 0 };
    transpose(rows);
    for (int i = 0; i < LANES; i++)
        store(to + i * PANEL, rows[i]);
}

/* packed[panel][input][token of the panel]; missing tokens are zero. */
static void pack(const float *x, int32_t n_rows, int32_t n_in, float *packed, int worker,
                 int n_workers) {
    if (n_rows <= FEW_ROWS) return;
    int32_t begin, end;
    share_evenly(n_in, PACK_INPUTS, worker, n_workers, &begin, &end);
    for (int32_t row = 0; row < n_rows; row += LANES) {
        float *panel = packed + (size_t)(row / PANEL) * PANEL * (size_t)n_in + row % PANEL;
        const float *from = x + (size_t)row * (size_t)n_in;
        int32_t i = begin;
        for (; i + LANES <= end; i += LANES)
            pack_square(from + i, n_rows - row, n_in, panel + (size_t)i * PANEL);
        for (; i < end; i++)
            for (int32_t t = 0; t < LANES; t++)
                panel[(size_t)i * PANEL + t] =
                    row + t < n_rows ? from[(size_t)t * (size_t)n_in + (size_t)i] : 0.0f;
    }
}
