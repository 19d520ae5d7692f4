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

/* Rows r .. r + n - 1, which are of one block, of one KV head. */
INLINE void append_block(const whet_append_args *a, int32_t r, int32_t n, int32_t group, int dtype,
                         int dim) {
    const int32_t t = (a->pos + r) % BLOCK;
    const block b = layout_block(a->problem, a->capacity, a->kv, group, a->pos + r - t, dtype, dim);
    for (int32_t j = 0; j < n; j++) {
        const void *k = at(dtype, a->k, (r + j) * a->k_stride + (int64_t)group * dim);
        const void *v = at(dtype, a->v, (r + j) * a->v_stride + (int64_t)group * dim);
        if (b.is_words)
            for (int32_t c = 0; c < dim; c += 2) {
                uint16_t *to = (uint16_t *)b.v + v_index(&b, t + j, c, dim);
                memcpy((uint16_t *)b.k + k_index(&b, t + j, c), (const uint16_t *)k + c, 4);
                to[0] = ((const uint16_t *)v)[c];
                to[2] = ((const uint16_t *)v)[c + 1];
            }
        else if (dtype == WHET_F32)
            for (int32_t c = 0; c < dim; c++) {
                ((float *)b.k)[k_index(&b, t + j, c)] = ((const float *)k)[c];
                ((float *)b.v)[v_index(&b, t + j, c, dim)] = ((const float *)v)[c];
            }
        else
            for (int32_t c = 0; c < dim; c++) {
                ((uint16_t *)b.k)[k_index(&b, t + j, c)] = ((const uint16_t *)k)[c];
                ((uint16_t *)b.v)[v_index(&b, t + j, c, dim)] = ((const uint16_t *)v)[c];
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
