/* SPDX-License-Identifier: MIT */
/* Many rows of activations in f32 arithmetic: a part of kernel.c, which includes it. */

/* 6 weight rows, widened to an f32 panel in L1, are the broadcast operand against panels of up to 4
 * vectors of tokens: 24 accumulators (12 with AVX2's 16 registers), packed so that the tokens of
 * one input lie side by side. */

#include "kernels/linear/store_tile.c"

enum { IS_BF16_ONLY = false, MANY_UNIT = 0 };

/* Adds the products of k inputs to the tile: acc[r][v] += w[r][i] * tokens[i][v]. */
INLINE void multiply(const float *panel, const float *tokens, int32_t k, int n_vectors,
                     vf acc[N_BROADCAST][N_VECTORS]) {
    for (int32_t i = 0; i < k; i++) {
        vf x[N_VECTORS];
        for (int v = 0; v < n_vectors; v++)
            memcpy(&x[v], tokens + (size_t)i * PANEL + (size_t)v * LANES, sizeof x[v]);
#pragma GCC unroll 6
        for (int r = 0; r < N_BROADCAST; r++) {
            const vf w = panel[i * N_BROADCAST + r] - (vf){ 0 };
#pragma GCC unroll 4
            for (int v = 0; v < n_vectors; v++)
                acc[r][v] += w * x[v];
        }
    }
}

/* Widens k inputs of n_rows weight rows to panel[k][6]; missing rows are zero. */
INLINE void widen_panel(const whet_weight *w, whet_dtype dtype, int32_t n, int n_rows, int32_t i0,
                        int32_t k, float *panel) {
    const size_t element = dtype == WHET_F32 ? 4 : 2;
    for (int r = 0; r < N_BROADCAST; r++) {
        if (r >= n_rows) {
            for (int32_t i = 0; i < k; i++)
                panel[i * N_BROADCAST + r] = 0;
            continue;
        }
        const char *p =
            (const char *)w->data + ((size_t)(n + r) * (size_t)w->n_in + (size_t)i0) * element;
        int32_t i = 0;
        for (; i + LANES <= k; i += LANES, p += LANES * element) {
            float lanes[LANES];
            const vf v = widen(dtype, p);
            memcpy(lanes, &v, sizeof lanes);
            for (int j = 0; j < LANES; j++)
                panel[(i + j) * N_BROADCAST + r] = lanes[j];
        }
        for (; i < k; i++, p += element)
            panel[i * N_BROADCAST + r] = widen_one(dtype, p);
    }
}

INLINE void tile_of(const whet_linear_args *a, const float *panel, int32_t n, int n_rows,
                    int32_t i0, int32_t k, int32_t t0, int n_vectors) {
    vf acc[N_BROADCAST][N_VECTORS] = { 0 };
    const float *tokens = a->packed + (size_t)t0 * (size_t)a->w.n_in + (size_t)i0 * PANEL;
    multiply(panel, tokens, k, n_vectors, acc);
    const int32_t n_tokens = a->n_rows - t0 < PANEL ? a->n_rows - t0 : PANEL;
    store_tile(a, n, n_rows, t0, n_tokens, a->is_added || i0 > 0, acc);
}

/* All tokens times one widened panel; a last panel of few tokens costs fewer vectors. */
static void tiles(const whet_linear_args *a, const float *panel, int32_t n, int n_rows, int32_t i0,
                  int32_t k) {
    for (int32_t t0 = 0; t0 < a->n_rows; t0 += PANEL) {
        switch ((a->n_rows - t0 + LANES - 1) / LANES) {
        case 1: tile_of(a, panel, n, n_rows, i0, k, t0, 1); break;
#if N_REGISTERS == 32
        case 2: tile_of(a, panel, n, n_rows, i0, k, t0, 2); break;
        case 3: tile_of(a, panel, n, n_rows, i0, k, t0, 3); break;
#endif
        default: tile_of(a, panel, n, n_rows, i0, k, t0, N_VECTORS); break;
        }
    }
}

INLINE void many_rows(const whet_linear_args *a, whet_dtype dtype, int32_t begin, int32_t end) {
    _Alignas(64) float panel[K_BLOCK * N_BROADCAST];
    for (int32_t i0 = 0; i0 < a->w.n_in; i0 += K_BLOCK) {
        const int32_t k = a->w.n_in - i0 < K_BLOCK ? a->w.n_in - i0 : K_BLOCK;
        for (int32_t n = begin; n < end; n += N_BROADCAST) {
            const int n_rows = end - n < N_BROADCAST ? end - n : N_BROADCAST;
            widen_panel(&a->w, dtype, n, n_rows, i0, k, panel);
            tiles(a, panel, n, n_rows, i0, k);
        }
    }
}

/* One cache line of every row of a panel, transposed. */
INLINE void pack_block(const float *x, int32_t n_tokens, int32_t n_in, int32_t n, float *to) {
    for (int32_t t = 0; t < PANEL; t++)
        for (int32_t i = 0; i < n; i++)
            to[i * PANEL + t] = t < n_tokens ? x[(size_t)t * (size_t)n_in + (size_t)i] : 0.0f;
}

/* packed[panel][input][token of the panel]; missing tokens are zero. */
static void pack(const float *x, int32_t n_rows, int32_t n_in, float *packed, int worker,
                 int n_workers) {
    if (n_rows <= FEW_ROWS) return;
    int32_t begin, end;
    share_evenly(n_in, PACK_INPUTS, worker, n_workers, &begin, &end);
    for (int32_t row = 0; row < n_rows; row += PANEL)
        for (int32_t i = begin; i < end; i += PACK_INPUTS) {
            const float *from = x + (size_t)row * (size_t)n_in + (size_t)i;
            float *to = packed + (size_t)row * (size_t)n_in + (size_t)i * PANEL;
            if (end - i >= PACK_INPUTS)
                pack_block(from, n_rows - row, n_in, PACK_INPUTS, to);
            else
                pack_block(from, n_rows - row, n_in, end - i, to);
        }
}
