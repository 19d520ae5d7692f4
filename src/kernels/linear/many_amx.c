/* SPDX-License-Identifier: MIT */
/* Many rows of activations by AMX tiles: a part of kernel.c, which includes it. */

/* A step multiplies 32 tokens x 32 inputs by 32 inputs x 32 outputs, two tiles each, into four
 * tiles of sums. Activations are rounded to bf16, as the reference implementation rounds them, and
 * packed as tiles. Weights of up to 128 outputs are transposed to tiles of input pairs, where 512
 * tokens pass by, while the next ones are fetched. Both stay in L2: 1 MiB of activations and 256
 * KiB. */
#include "kernels/square.c"
#include "platform/tiles.h"

enum {
    IS_BF16_ONLY = true,
    TILE_INPUTS = 2 * SQUARE,
    SIDE = 2 * SQUARE, /* tokens and outputs of a step */
    MANY_UNIT = SIDE,
    DEPTH = 1024, /* inputs of a block */
    N_SIDES = 4,  /* sides of a block's outputs */
    BLOCK_TOKENS = 512,
};

typedef uint32_t tile[SQUARE][SQUARE]; /* one KiB: pairs of bf16 */

/* The outputs from n times the inputs from i0. */
typedef struct weight_block {
    const whet_linear_args *args;
    tile (*weights)[DEPTH / TILE_INPUTS][2]; /* [n_sides][n_steps] */
    int32_t n, i0, n_outputs;
    int n_sides, n_steps;
    const char *next; /* weights of as many rows, to be fetched meanwhile; NULL: no more */
} weight_block;

INLINE int32_t count_tiles(int32_t n_in) {
    return (n_in + TILE_INPUTS - 1) / TILE_INPUTS;
}

/* Into the sums; lines of the next weights are fetched: one a step of each row. */
INLINE void multiply(const weight_block *b, const tile (*weights)[2], const tile *tokens,
                     const char *next, int n_next) {
    const tile *other = tokens + count_tiles(b->args->w.n_in);
    for (int32_t s = 0; s < b->n_steps; s++) {
        tiles_multiply(tokens[s], other[s], 64, weights[s][0], weights[s][1], 64);
        for (int r = 0; r < n_next; r++)
            _mm_prefetch(next + ((size_t)r * (size_t)b->args->w.n_in + (size_t)s * TILE_INPUTS) * 2,
                         _MM_HINT_T1);
    }
}

/* The outputs of one side, 32 tokens from t0. */
INLINE void square_of(const weight_block *b, int side, int32_t t0, const char *next, int n_next) {
    const whet_linear_args *a = b->args;
    const tile(*weights)[2] = (const tile(*)[2])b->weights[side];
    const tile *tokens = (const tile *)a->packed +
                         (size_t)(t0 / SQUARE) * (size_t)count_tiles(a->w.n_in) +
                         b->i0 / TILE_INPUTS;
    const bool is_added = a->is_added || b->i0 > 0;
    const size_t stride = (size_t)a->out_stride * sizeof(float);
    const int32_t n_tokens = a->n_rows - t0 < SIDE ? a->n_rows - t0 : SIDE;
    const int32_t n_outputs = b->n_outputs - side * SIDE < SIDE ? b->n_outputs - side * SIDE : SIDE;
    float *out = a->out + (size_t)t0 * (size_t)a->out_stride + b->n + side * SIDE;
    if (n_tokens == SIDE && n_outputs == SIDE) {
        if (is_added)
            tiles_load_sums(out, stride);
        else
            tiles_clear_sums();
        multiply(b, weights, tokens, next, n_next);
        tiles_store_sums(out, stride);
        return;
    }
    float edge[SIDE][SIDE];
    tiles_clear_sums();
    multiply(b, weights, tokens, next, n_next);
    tiles_store_sums(edge[0], sizeof edge[0]);
    for (int32_t t = 0; t < n_tokens; t++)
        for (int32_t n = 0; n < n_outputs; n++)
            put(&out[t * a->out_stride + n], edge[t][n], is_added);
}

/* The block's tokens from t0 to t1, in squares that share the rows to be fetched. */
static void squares(const weight_block *b, int32_t t0, int32_t t1) {
    const int n_squares = (t1 - t0 + SIDE - 1) / SIDE * b->n_sides, n_rows = b->n_sides * SIDE;
    for (int i = 0; i < n_squares; i++) {
        const int from = n_rows * i / n_squares, to = n_rows * (i + 1) / n_squares;
        const int n_next = b->next ? to - from : 0;
        const char *next = n_next ? b->next + (size_t)from * (size_t)b->args->w.n_in * 2 : NULL;
        square_of(b, i % b->n_sides, t0 + i / b->n_sides * SIDE, next, n_next);
    }
}

/* k inputs of the 32 outputs from n, as tiles; a row too many repeats the last, and an input too
 * many is zero. */
static void transpose_side(const whet_weight *w, int32_t n, int32_t end, int32_t i0, int32_t k,
                           tile (*to)[2]) {
    for (int half = 0; half < 2; half++)
        for (int32_t i = 0; i < k; i += TILE_INPUTS) {
            const uint32_t mask = k - i < TILE_INPUTS ? ((uint32_t)1 << (k - i)) - 1 : UINT32_MAX;
            __m512i rows[SQUARE];
#pragma GCC unroll 16
            for (int r = 0; r < SQUARE; r++) {
                const int32_t row = n + half * SQUARE + r < end ? n + half * SQUARE + r : end - 1;
                const char *from =
                    (const char *)w->data + ((size_t)row * (size_t)w->n_in + (size_t)(i0 + i)) * 2;
                rows[r] = _mm512_maskz_loadu_epi16(mask, from);
            }
            transpose_square(rows);
#pragma GCC unroll 16
            for (int r = 0; r < SQUARE; r++)
                _mm512_store_si512(to[i / TILE_INPUTS][half][r], rows[r]);
        }
}

/* Outputs n .. end - 1, at most four sides, of the tokens t0 .. t1 - 1. */
static void block_of_outputs(const whet_linear_args *a, int32_t n, int32_t end, bool is_last,
                             int32_t t0, int32_t t1) {
    _Alignas(64) tile weights[N_SIDES][DEPTH / TILE_INPUTS][2];
    const char *rows = (const char *)a->w.data + (size_t)n * (size_t)a->w.n_in * 2;
    weight_block b = {
        .args = a,
        .weights = weights,
        .n = n,
        .n_outputs = end - n,
        .n_sides = (end - n + SIDE - 1) / SIDE,
    };
    for (b.i0 = 0; b.i0 < a->w.n_in; b.i0 += DEPTH) {
        const int32_t k = a->w.n_in - b.i0 < DEPTH ? a->w.n_in - b.i0 : DEPTH;
        for (int side = 0; side < b.n_sides; side++)
            transpose_side(&a->w, n + side * SIDE, end, b.i0, k, weights[side]);
        b.n_steps = count_tiles(k);
        b.next = NULL;
        if (b.i0 + DEPTH < a->w.n_in)
            b.next = rows + (size_t)(b.i0 + DEPTH) * 2;
        else if (!is_last)
            b.next = rows + (size_t)(end - n) * (size_t)a->w.n_in * 2;
        squares(&b, t0, t1);
    }
}

INLINE void many_rows(const whet_linear_args *a, whet_dtype dtype, int32_t begin, int32_t end) {
    (void)dtype; /* bf16: the kernel is chosen for no other */
    enum { WIDTH = N_SIDES * SIDE };
    tiles_begin();
    for (int32_t t0 = 0; t0 < a->n_rows; t0 += BLOCK_TOKENS) {
        const int32_t t1 = a->n_rows - t0 < BLOCK_TOKENS ? a->n_rows : t0 + BLOCK_TOKENS;
        for (int32_t n = begin; n < end; n += WIDTH) {
            const int32_t n_end = end - n < WIDTH ? end : n + WIDTH;
            block_of_outputs(a, n, n_end, n_end == end, t0, t1);
        }
    }
    tiles_end();
}

/* packed[tile of tokens][tile of inputs][16 tokens][32 inputs]; missing ones are zero. A share is a
 * stretch of that: columns of all tokens would be short pieces of every row. */
static void pack(const float *x, int32_t n_rows, int32_t n_in, float *packed, int worker,
                 int n_workers) {
    if (n_rows <= FEW_ROWS) return;
    const int32_t n_across = count_tiles(n_in), n_down = (n_rows + SIDE - 1) / SIDE * 2;
    int32_t begin, end;
    share_evenly(n_across * n_down, 1, worker, n_workers, &begin, &end);
    for (int32_t n = begin; n < end; n++) {
        const int32_t t0 = n / n_across * SQUARE, i = n % n_across * TILE_INPUTS;
        for (int32_t t = 0; t < SQUARE; t++) {
            const __m512i row = t0 + t < n_rows
                                    ? round_pairs(x + (size_t)(t0 + t) * (size_t)n_in + i, n_in - i)
                                    : _mm512_setzero_si512();
            _mm512_store_si512(((tile *)packed)[n][t], row);
        }
    }
}
