/* SPDX-License-Identifier: MIT */
/* layout/words: [tile of tokens][kv head][K, V], by blocks of words, which tiles of a processor and
 * vectors take as they lie */
// fits: dot/words mix/words share/grouped split/keys
#define TILE_TOKENS   512 // knob: 32 64 128 256 512
#define LAYOUT_ID     "words-" TEXT(TILE_TOKENS) "-2"
#define TEXT(x)       TEXT_OF(x)
#define TEXT_OF(x)    #x
#define LAYOUT_ROWS   2
#define LAYOUT_RUN(t) (int32_t)(TILE_TOKENS - (uint32_t)(t) % TILE_TOKENS)

/* V of a tile is [32 dimensions][pair of tokens][dimension][2]: one stream for each 32. The last
 * tile has only the rows that the capacity leaves to it, an even number, and so has its last block.
 * What is no words is K as [dim][token] by blocks, and V as rows. t is the first key of its block.
 */
INLINE block layout_block(const whet_problem *p, int64_t capacity, const void *kv, int32_t group,
                          int32_t t, int dtype, int dim) {
    const int64_t first = t / TILE_TOKENS * TILE_TOKENS, rows = round_up(capacity, LAYOUT_ROWS);
    const int64_t n = rows - first < TILE_TOKENS ? rows - first : TILE_TOKENS;
    const int64_t width = rows - t < BLOCK ? rows - t : BLOCK;
    const int64_t head = (first * p->n_kv_heads + group * n) * 2 * dim, v = head + n * dim;
    const void *k = at(dtype, kv, head + (t - first) * dim);
    if (dtype != WHET_F32 && dim % 32 == 0)
        return (block){ k, at(dtype, kv, v + (t - first) * 32), 0, 0, width, 0, 0, n * 32, 1 };
    return (block){ k, at(dtype, kv, v + (t - first) * dim), 1, HALF, width, dim, 0, 32, 0 };
}

INLINE words widen(const uint16_t *p) {
    halves x;
    memcpy(&x, p, sizeof x);
    return __builtin_convertvector(x, words);
}

/* K of token t of a block of words. */
INLINE void append_k(const block *b, int32_t t, const uint16_t *k, int dim) {
    uint16_t *to = (uint16_t *)b->k + 2 * t;
    for (int32_t c = 0; c < dim; c += 2, to += 2 * b->k_dim)
        memcpy(to, k + c, 4);
}

/* V of token t of a block of words. */
INLINE void append_v(const block *b, int32_t t, const uint16_t *v, int dim) {
    uint16_t *to = (uint16_t *)b->v + t / 2 * 64 + t % 2;
    for (int32_t c = 0; c < dim; c += 32, to += b->v_chunk)
        for (int32_t i = 0; i < 32; i++)
            to[2 * i] = v[c + i];
}

/* V of tokens t, an even number, and t + 1; their rows are `stride` elements apart. */
INLINE void append_v_pair(const block *b, int32_t t, const uint16_t *v, int64_t stride, int dim) {
    uint16_t *to = (uint16_t *)b->v + t * 32;
    for (int32_t c = 0; c < dim; c += 32, to += b->v_chunk)
        for (int32_t i = 0; i < 32; i += LANES) {
            const words x = widen(v + c + i) | widen(v + stride + c + i) << 16;
            memcpy(to + 2 * i, &x, sizeof x);
        }
}

INLINE void append_words(const whet_append_args *a, int32_t r, int32_t n, const block *b, int32_t t,
                         int64_t first, int dim) {
    const uint16_t *k = (const uint16_t *)a->k + r * a->k_stride + first;
    const uint16_t *v = (const uint16_t *)a->v + r * a->v_stride + first;
    for (int32_t j = 0; j < n; j++)
        append_k(b, t + j, k + j * a->k_stride, dim);
    int32_t j = t % 2;
    if (j) append_v(b, t, v, dim);
    for (; j + 2 <= n; j += 2)
        append_v_pair(b, t + j, v + j * a->v_stride, a->v_stride, dim);
    if (j < n) append_v(b, t + j, v + j * a->v_stride, dim);
}

/* Rows r .. r + n - 1, which are of one block, of one KV head. */
INLINE void append_block(const whet_append_args *a, int32_t r, int32_t n, int32_t group, int dtype,
                         int dim) {
    const int32_t t = (a->pos + r) % BLOCK;
    const int64_t first = (int64_t)group * dim;
    const block b = layout_block(a->problem, a->capacity, a->kv, group, a->pos + r - t, dtype, dim);
    if (b.is_words) {
        append_words(a, r, n, &b, t, first, dim);
        return;
    }
    for (int32_t j = 0; j < n; j++)
        for (int32_t c = 0; c < dim; c++) {
            const int64_t k = (r + j) * a->k_stride + first + c;
            const int64_t v = (r + j) * a->v_stride + first + c;
            const int64_t to_k = k_index(&b, t + j, c), to_v = v_index(&b, t + j, c, dim);
            if (dtype == WHET_F32) {
                ((float *)b.k)[to_k] = ((const float *)a->k)[k];
                ((float *)b.v)[to_v] = ((const float *)a->v)[v];
            } else {
                ((uint16_t *)b.k)[to_k] = ((const uint16_t *)a->k)[k];
                ((uint16_t *)b.v)[to_v] = ((const uint16_t *)a->v)[v];
            }
        }
}

/* A worker takes every n_workers-th pair of a block and a KV head. */
static void append(const whet_append_args *a, int worker, int n_workers) {
    const int32_t n_groups = a->problem->n_kv_heads, before = a->pos % BLOCK;
    const int64_t n = (int64_t)((before + a->n + BLOCK - 1) / BLOCK) * n_groups;
    for (int64_t i = worker; i < n; i += n_workers) {
        const int32_t begin = (int32_t)(i / n_groups) * BLOCK - before;
        const int32_t first = begin > 0 ? begin : 0;
        append_block(a, first, min32(a->n, begin + BLOCK) - first, (int32_t)(i % n_groups),
                     a->problem->dtype, a->problem->head_dim);
    }
}
