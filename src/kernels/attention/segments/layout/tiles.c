/* SPDX-License-Identifier: MIT */
/* layout/tiles: [tile of tokens][kv head][K rows, V rows]: short streams, grows with its tokens */
// fits: dot/over-dims share/grouped
#define TILE_TOKENS 64 // knob: 32 64 128 256 512
#define LAYOUT_ID   "tiles-" TEXT(TILE_TOKENS) "-1"
#define TEXT(x)     TEXT_OF(x)
#define TEXT_OF(x)  #x

/* The last tile has only the rows that the capacity leaves to it. */
INLINE block layout_block(const whet_problem *p, int64_t capacity, const void *kv, int32_t group,
                          int32_t t, int dtype, int dim) {
    const int64_t first = t / TILE_TOKENS * TILE_TOKENS;
    const int64_t n = capacity - first < TILE_TOKENS ? capacity - first : TILE_TOKENS;
    const int64_t k = (first * p->n_kv_heads + group * n) * 2 + (t - first);
    return (block){
        at(dtype, kv, k * dim), at(dtype, kv, (k + n) * dim), dim, HALF * dim, 1, dim, 0, 32
    };
}

static void append(const whet_append_args *a, int worker, int n_workers) {
    const whet_problem *p = a->problem;
    const int dtype = p->dtype, dim = p->head_dim;
    const size_t bytes = (size_t)(dim * element_bytes(dtype));
    for (int64_t i = worker; i < (int64_t)a->n * p->n_kv_heads; i += n_workers) {
        const int32_t r = (int32_t)(i / p->n_kv_heads), group = (int32_t)(i % p->n_kv_heads);
        const block b = layout_block(p, a->capacity, a->kv, group, a->pos + r, dtype, dim);
        memcpy((void *)b.k, at(dtype, a->k, r * a->k_stride + (int64_t)group * dim), bytes);
        memcpy((void *)b.v, at(dtype, a->v, r * a->v_stride + (int64_t)group * dim), bytes);
    }
}
