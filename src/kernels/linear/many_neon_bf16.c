/* SPDX-License-Identifier: MIT */
/* Many rows of activations by NEON's bf16 products of matrices: a part of kernel.c, which includes
 * it. */

/* BFMMLA adds 2 outputs x 4 inputs times 4 inputs x 2 tokens to 2 x 2 sums (Arm Architecture
 * Reference Manual, C7.2). Activations are rounded to bf16, as the reference implementation rounds
 * them, and packed by fours of inputs; 8 weights of two rows are zipped on their way from where
 * they lie. 6 outputs, whose block of inputs stays in L1, meet all tokens. */
#include <arm_neon.h>

#include "kernels/linear/store_tile.c"

enum {
    IS_BF16_ONLY = true,
    MANY_UNIT = 0,
    FOUR = 4,          /* inputs of a product */
    INPUTS = 2 * FOUR, /* of a step */
    N_ROW_PAIRS = N_BROADCAST / 2,
    N_TOKEN_PAIRS = PANEL / 2,
};

/* The two steps' factors from up to 8 weights of two rows. */
INLINE void zip_weights(const char *even, const char *odd, int32_t n, bfloat16x8_t w[2]) {
    uint64x2_t a = { 0 }, b = { 0 };
    memcpy(&a, even, (size_t)n * 2);
    memcpy(&b, odd, (size_t)n * 2);
    w[0] = (bfloat16x8_t)vzip1q_u64(a, b);
    w[1] = (bfloat16x8_t)vzip2q_u64(a, b);
}

/* acc[row pair][token pair] += n weights from input i on, the products of 8 inputs of tokens. */
INLINE void multiply_step(const char *const rows[N_BROADCAST], const uint16_t *tokens, int32_t i,
                          int32_t n, int n_pairs, float32x4_t acc[N_ROW_PAIRS][N_TOKEN_PAIRS]) {
    bfloat16x8_t w[N_ROW_PAIRS][2];
#pragma GCC unroll 3
    for (int r = 0; r < N_ROW_PAIRS; r++)
        zip_weights(rows[2 * r] + (size_t)i * 2, rows[2 * r + 1] + (size_t)i * 2, n, w[r]);
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++)
#pragma GCC unroll 8
        for (int p = 0; p < n_pairs; p++) {
            const bfloat16x8_t x =
                (bfloat16x8_t)vld1q_u16(tokens + (size_t)(i + half * FOUR) * PANEL + p * 2 * FOUR);
#pragma GCC unroll 3
            for (int r = 0; r < N_ROW_PAIRS; r++)
                acc[r][p] = vbfmmlaq_f32(acc[r][p], w[r][half], x);
        }
}

/* Inputs in whole steps. */
INLINE size_t width_of(int32_t n_in) {
    return ((size_t)n_in + INPUTS - 1) / INPUTS * INPUTS;
}

/* Outputs n .. n + n_rows - 1 of the panel from token t0, inputs i0 .. i0 + k - 1. */
INLINE void matrix_tile(const whet_linear_args *a, int32_t n, int n_rows, int32_t i0, int32_t k,
                        int32_t t0, int n_vectors) {
    const uint16_t *tokens =
        (const uint16_t *)a->packed + (size_t)t0 * width_of(a->w.n_in) + (size_t)i0 * PANEL;
    const char *rows[N_BROADCAST];
    for (int r = 0; r < N_BROADCAST; r++) /* a row too many repeats the last, and is not stored */
        rows[r] =
            (const char *)a->w.data +
            ((size_t)(n + (r < n_rows ? r : n_rows - 1)) * (size_t)a->w.n_in + (size_t)i0) * 2;
    float32x4_t acc[N_ROW_PAIRS][N_TOKEN_PAIRS] = { 0 };
    int32_t i = 0;
    for (; i + INPUTS <= k; i += INPUTS)
        multiply_step(rows, tokens, i, INPUTS, 2 * n_vectors, acc);
    if (i < k) multiply_step(rows, tokens, i, k - i, 2 * n_vectors, acc);
    vf sums[N_BROADCAST][N_VECTORS];
    for (int r = 0; r < N_ROW_PAIRS; r++)
        for (int v = 0; v < n_vectors; v++) {
            const float32x4_t low = acc[r][2 * v], high = acc[r][2 * v + 1];
            sums[2 * r][v] = (vf)vcombine_f32(vget_low_f32(low), vget_low_f32(high));
            sums[2 * r + 1][v] = (vf)vcombine_f32(vget_high_f32(low), vget_high_f32(high));
        }
    const int32_t n_tokens = a->n_rows - t0 < PANEL ? a->n_rows - t0 : PANEL;
    store_tile(a, n, n_rows, t0, n_tokens, a->is_added || i0 > 0, sums);
}

/* All tokens times a few outputs; a last panel of few tokens costs fewer vectors. */
static void tiles(const whet_linear_args *a, int32_t n, int n_rows, int32_t i0, int32_t k) {
    for (int32_t t0 = 0; t0 < a->n_rows; t0 += PANEL) {
        switch ((a->n_rows - t0 + LANES - 1) / LANES) {
        case 1: matrix_tile(a, n, n_rows, i0, k, t0, 1); break;
        case 2: matrix_tile(a, n, n_rows, i0, k, t0, 2); break;
        case 3: matrix_tile(a, n, n_rows, i0, k, t0, 3); break;
        default: matrix_tile(a, n, n_rows, i0, k, t0, N_VECTORS); break;
        }
    }
}

INLINE void many_rows(const whet_linear_args *a, whet_dtype dtype, int32_t begin, int32_t end) {
    (void)dtype; /* bf16: the kernel is chosen for no other */
    for (int32_t i0 = 0; i0 < a->w.n_in; i0 += K_BLOCK) {
        const int32_t k = a->w.n_in - i0 < K_BLOCK ? a->w.n_in - i0 : K_BLOCK;
        for (int32_t n = begin; n < end; n += N_BROADCAST)
            tiles(a, n, end - n < N_BROADCAST ? end - n : N_BROADCAST, i0, k);
    }
}

/* One step of one token: up to 8 inputs, the missing ones zero. */
INLINE void pack_step(const float *x, int32_t n, uint16_t *to) {
    float inputs[INPUTS] = { 0 };
    memcpy(inputs, x, (size_t)(n < INPUTS ? n : INPUTS) * sizeof *x);
    for (int half = 0; half < 2; half++) {
        const bfloat16x4_t rounded = vcvt_bf16_f32(vld1q_f32(inputs + half * FOUR));
        memcpy(to + half * FOUR * PANEL, &rounded, sizeof rounded);
    }
}

/* packed[panel][four of inputs][token of the panel][4]; missing tokens and inputs are zero. */
static void pack(const float *x, int32_t n_rows, int32_t n_in, float *packed, int worker,
                 int n_workers) {
    if (n_rows <= FEW_ROWS) return;
    int32_t begin, end;
    share_evenly(n_in, INPUTS, worker, n_workers, &begin, &end);
    for (int32_t row = 0; row < (n_rows + PANEL - 1) / PANEL * PANEL; row++) {
        uint16_t *to = (uint16_t *)packed + (size_t)(row / PANEL * PANEL) * width_of(n_in) +
                       row % PANEL * FOUR;
        const float *from = x + (size_t)(row < n_rows ? row : 0) * (size_t)n_in;
        for (int32_t i = begin; i < end; i += INPUTS)
            pack_step(from + i, row < n_rows ? n_in - i : 0, to + (size_t)i * PANEL);
    }
}
