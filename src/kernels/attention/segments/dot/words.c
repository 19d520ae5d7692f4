/* SPDX-License-Identifier: MIT */
/* dot/words: vectors run over the keys of a block of words, two dimensions at a time; other blocks
 * one product at a time */
// fits: layout/words mix/words share/grouped
#define DOT_QUERIES 8 // knob: 2 4 8 12

INLINE vec low_of(int dtype, words x) {
    return dtype == WHET_BF16 ? (vec)(x << 16) : f16_vec(x & 0xffff);
}

INLINE vec high_of(int dtype, words x) {
    return dtype == WHET_BF16 ? (vec)(x & 0xffff0000) : f16_vec(x >> 16);
}

/* The first n_q (a constant) queries; raw is q as it came. */
INLINE void dot_some(int32_t n_q, const float *q, const uint16_t *raw, float scale, block b,
                     float *s, int64_t stride, int dtype, int dim) {
    const int is_dots = HAS_DOTS && dtype == WHET_BF16;
    for (int32_t t = 0; t < BLOCK; t += 2 * LANES) {
        vec sum[DOT_QUERIES][2] = { 0 };
        const uint16_t *word = (const uint16_t *)b.k + t * 2;
        for (int32_t c = 0; c < dim; c += 2, word += b.k_dim * 2) {
            if (t == 0) fetch(word, BLOCK * 4);
            const words x[2] = { load_words(word), load_words(word + 2 * LANES) };
            for (int32_t i = 0; i < n_q && is_dots; i++) {
                uint32_t pair;
                memcpy(&pair, raw + (int64_t)i * dim + c, sizeof pair);
                for (int32_t v = 0; v < 2; v++)
                    sum[i][v] = add_dots(sum[i][v], x[v], pair);
            }
            for (int32_t i = 0; i < n_q && !is_dots; i++)
                for (int32_t v = 0; v < 2; v++)
                    sum[i][v] += low_of(dtype, x[v]) * q[(int64_t)i * dim + c];
            for (int32_t i = 0; i < n_q && !is_dots; i++)
                for (int32_t v = 0; v < 2; v++)
                    sum[i][v] += high_of(dtype, x[v]) * q[(int64_t)i * dim + c + 1];
        }
        for (int32_t i = 0; i < n_q; i++)
            for (int32_t v = 0; v < 2; v++)
                store(s + i * stride + t + v * LANES, is_dots ? sum[i][v] * scale : sum[i][v]);
    }
}

/* s[i * stride + t] = scale * q . k_t for t < n, of n_queries queries from number x of the item on;
 * s has room for whole blocks. */
INLINE void dot_block(const item *it, const scratch *w, int32_t x, int32_t n_queries, block b,
                      int32_t n, float *s, int64_t stride, int dtype, int dim) {
    const float *q = w->q + (int64_t)x * dim, scale = it->args->scale;
    const uint16_t *raw = (const uint16_t *)w->raw + (int64_t)x * dim;
    if (!b.is_words) {
        for (int32_t i = 0; i < n_queries; i++)
            for (int32_t t = 0; t < n; t++) {
                float sum = 0;
                for (int32_t c = 0; c < dim; c++)
                    sum += q[(int64_t)i * dim + c] * get(dtype, b.k, k_index(&b, t, c));
                s[i * stride + t] = sum;
            }
        return;
    }
    int32_t i = 0;
#define SOME(n_q)                                                                                  \
    dot_some(n_q, q + (int64_t)i * dim, raw + (int64_t)i * dim, scale, b, s + i * stride, stride,  \
             dtype, dim)
    for (; i + DOT_QUERIES <= n_queries; i += DOT_QUERIES)
        SOME(DOT_QUERIES);
    for (; DOT_QUERIES > 2 && i + 2 <= n_queries; i += 2)
        SOME(2);
    for (; i < n_queries; i++)
        SOME(1);
#undef SOME
}
