/* SPDX-License-Identifier: MIT */
/* softmax/one-pass: a tile of keys at a time; a new maximum rescales what is there (online softmax)
 */
#define TILE 64 // knob: 32 64 128 256 512

INLINE int64_t softmax_floats(int64_t n_keys) {
    (void)n_keys;
    return QUERIES * TILE;
}

/* Query i's scores of the tile become weights; returns what its sums so far are multiplied by. */
INLINE float tile_weights(float *s, int32_t n_keys, int32_t n, float *m, float *l, int dtype) {
    float rescale = 1;
    if (n_keys > 0) {
        float lane[BLOCK], max = *m;
        int32_t t = 0;
        for (int32_t j = 0; j < BLOCK; j++)
            lane[j] = *m;
        for (; t + BLOCK <= n_keys; t += BLOCK)
            for (int32_t j = 0; j < BLOCK; j++)
                lane[j] = s[t + j] > lane[j] ? s[t + j] : lane[j];
        for (; t < n_keys; t++)
            lane[0] = s[t] > lane[0] ? s[t] : lane[0];
        for (int32_t j = 0; j < BLOCK; j++)
            max = lane[j] > max ? lane[j] : max;
        if (max > *m) {
            rescale = *l > 0 ? exp_one(*m - max) : 0;
            *m = max;
        }
        *l = *l * rescale + exp_sum(s, n_keys, 1, max, dtype);
    }
    for (int32_t t = n_keys > 0 ? n_keys : 0; t < n; t++)
        s[t] = 0;
    return rescale;
}

INLINE void attend(const item *it, const scratch *w, int dtype, int dim) {
    const int32_t n = it->end - it->begin;
    for (int32_t i = 0; i < it->n_queries; i++) {
        w->m[i] = -__builtin_inff();
        w->l[i] = 0;
        for (int32_t c = 0; c < dim; c++)
            w->o[(int64_t)i * dim + c] = 0;
    }
    for (int32_t first = 0, n_tile; first < n; first += n_tile) {
        n_tile = min32(min32(TILE, LAYOUT_RUN(it->begin + first)), n - first);
        for (int32_t t = 0; t < n_tile; t += BLOCK)
            dot_block(it, w, 0, it->n_queries,
                      share_block(it, w, it->begin + first + t, dtype, dim),
                      min32(BLOCK, n_tile - t), w->s + t, TILE, dtype, dim);
        for (int32_t i = 0; i < it->n_queries; i++) {
            const float rescale =
                tile_weights(w->s + i * TILE, min32(it->n_keys[i] - first, n_tile), n_tile,
                             &w->m[i], &w->l[i], dtype);
            float *o = w->o + (int64_t)i * dim;
            if (rescale != 1)
                for (int32_t c = 0; c < dim; c++)
                    o[c] *= rescale;
        }
        mix_keys(it, w, it->begin + first, n_tile, w->s, TILE, it->n_queries, w->o, dtype, dim);
    }
}
