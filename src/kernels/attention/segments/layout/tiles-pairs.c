/* SPDX-License-Identifier: MIT */
/* layout/tiles-pairs: as tiles, with K by blocks as [dim][token] and rows of 32 in pair order */
// fits: dot/over-keys mix/vectors share/grouped softmax/two-pass split/keys
#define TILE_TOKENS 128 // knob: 32 64 128 256 512
#define LAYOUT_ID   "tiles-pairs-" TEXT(TILE_TOKENS) "-1"
#define TEXT(x)     TEXT_OF(x)
#define TEXT_OF(x)  #x

/* The last tile has only the rows that the capacity leaves to it; K of a short last block is in
 * plain order. f32 is not paired. t is the first key of its block. */
INLINE block layout_block(const whet_problem *p, int64_t capacity, const void *kv, int32_t group,
                          int32_t t, int dtype, int dim) {
    const int64_t first = t / TILE_TOKENS * TILE_TOKENS;
    const int64_t n = capacity - first < TILE_TOKENS ? capacity - first : TILE_TOKENS;
    const int64_t width = capacity - t < BLOCK ? capacity - t : BLOCK;
    const int64_t head = (first * p->n_kv_heads + group * n) * 2 * dim;
    const int is_pairs = dtype != WHET_F32, is_k_pairs = is_pairs && width == BLOCK;
    return (block){ at(dtype, kv, head + (t - first) * dim),
                    at(dtype, kv, head + (n + t - first) * dim),
                    is_k_pairs ? 2 : 1,
                    is_k_pairs ? 1 : HALF,
                    width,
                    dim,
                    is_pairs,
                    32 };
}

static void append(const whet_append_args *a, int worker, int n_workers) {
    const whet_problem *p = a->problem;
    const int dtype = p->dtype, dim = p->head_dim;
    for (int64_t i = worker; i < (int64_t)a->n * p->n_kv_heads; i += n_workers) {
        const int32_t r = (int32_t)(i / p->n_kv_heads), group = (int32_t)(i % p->n_kv_heads);
        const int32_t t = (a->pos + r) % BLOCK;
        const block b = layout_block(p, a->capacity, a->kv, group, a->pos + r - t, dtype, dim);
        const void *k = at(dtype, a->k, r * a->k_stride + (int64_t)group * dim);
        const void *v = at(dtype, a->v, r * a->v_stride + (int64_t)group * dim);
        for (int32_t c = 0; c < dim; c++)
            if (dtype == WHET_F32) {
                ((float *)b.k)[k_index(&b, t, c)] = ((const float *)k)[c];
                ((float *)b.v)[v_index(&b, t, c, dim)] = ((const float *)v)[c];
            } else {
                ((uint16_t *)b.k)[k_index(&b, t, c)] = ((const uint16_t *)k)[c];
                ((uint16_t *)b.v)[v_index(&b, t, c, dim)] = ((const uint16_t *)v)[c];
            }
    }
}
