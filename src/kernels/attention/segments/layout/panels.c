/* SPDX-License-Identifier: MIT */
/* layout/panels: as tiles-pairs, with V by panels of tokens as [32 dims][token][32]: each panel is
 * read in one stream */
// fits: dot/over-keys mix/vectors share/grouped softmax/two-pass split/keys
#define TILE_TOKENS 128 // knob: 32 64 128 256 512
#define V_PANEL     128 // knob: 32 64 128 256
#define LAYOUT_ID   "panels-of-rows-" TEXT(TILE_TOKENS) "-" TEXT(V_PANEL) "-1"
#define TEXT(x)     TEXT_OF(x)
#define TEXT_OF(x)  #x

/* The last tile has only the rows that the capacity leaves to it, and so has its last panel; K of a
 * short last block is in plain order. f32 is not paired, and V rows of other than whole chunks of
 * 32 dimensions stay rows. t is the first key of its block. */
INLINE block layout_block(const whet_problem *p, int64_t capacity, const void *kv, int32_t group,
                          int32_t t, int dtype, int dim) {
    const int64_t first = t / TILE_TOKENS * TILE_TOKENS;
    const int64_t n = capacity - first < TILE_TOKENS ? capacity - first : TILE_TOKENS;
    const int64_t width = capacity - t < BLOCK ? capacity - t : BLOCK;
    const int64_t head = (first * p->n_kv_heads + group * n) * 2 * dim;
    const int is_pairs = dtype != WHET_F32, is_k_pairs = is_pairs && width == BLOCK;
    const int is_chunked = dim % 32 == 0;
    const int64_t panel = (t - first) / V_PANEL * V_PANEL;
    const int64_t n_panel = n - panel < V_PANEL ? n - panel : V_PANEL;
    const int64_t row = t - first - panel;
    return (block){ at(dtype, kv, head + (t - first) * dim),
                    at(dtype, kv, head + (n + panel) * dim + row * (is_chunked ? 32 : dim)),
                    is_k_pairs ? 2 : 1,
                    is_k_pairs ? 1 : HALF,
                    width,
                    is_chunked ? 32 : dim,
                    is_pairs,
                    is_chunked ? n_panel * 32 : 32 };
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
