/* SPDX-License-Identifier: MIT */
/* layout/tiles-k-dims: as tiles, but K by blocks as [dim][token]: sums need no folding */
// fits: dot/over-keys mix/vectors share/grouped
#define TILE_TOKENS 64 // knob: 32 64 128 256 512
#define LAYOUT_ID   "tiles-k-dims-" TEXT(TILE_TOKENS) "-1"
#define TEXT(x)     TEXT_OF(x)
#define TEXT_OF(x)  #x

/* The last tile has only the rows that the capacity leaves to it, and so has its last block. */
INLINE block layout_block(const whet_problem *p, int64_t capacity, const void *kv, int32_t group,
                          int32_t t, int dtype, int dim) {
    const int64_t first = t / TILE_TOKENS * TILE_TOKENS, start = t / BLOCK * BLOCK;
    const int64_t n = capacity - first < TILE_TOKENS ? capacity - first : TILE_TOKENS;
    const int64_t width = capacity - start < BLOCK ? capacity - start : BLOCK;
    const int64_t head = (first * p->n_kv_heads + group * n) * 2 * dim;
    return (block){ at(dtype, kv, head + (start - first) * dim + t - start),
                    at(dtype, kv, head + (n + t - first) * dim),
                    1,
                    HALF,
                    width,
                    dim,
                    0,
                    32 };
}

static void append(const whet_append_args *a, int worker, int n_workers) {
    const whet_problem *p = a->problem;
    const int dtype = p->dtype, dim = p->head_dim;
    for (int64_t i = worker; i < (int64_t)a->n * p->n_kv_heads; i += n_workers) {
        const int32_t r = (int32_t)(i / p->n_kv_heads), group = (int32_t)(i % p->n_kv_heads);
        const block b = layout_block(p, a->capacity, a->kv, group, a->pos + r, dtype, dim);
        const void *k = at(dtype, a->k, r * a->k_stride + (int64_t)group * dim);
        for (int32_t c = 0; c < dim; c++)
            if (dtype == WHET_F32)
                ((float *)b.k)[c * b.k_dim] = ((const float *)k)[c];
            else
                ((uint16_t *)b.k)[c * b.k_dim] = ((const uint16_t *)k)[c];
        memcpy((void *)b.v, at(dtype, a->v, r * a->v_stride + (int64_t)group * dim),
               (size_t)(dim * element_bytes(dtype)));
    }
}
