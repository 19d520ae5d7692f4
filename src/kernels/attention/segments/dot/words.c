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

/* The first n_q (a constant) queries. */
INLINE void dot_some(int32_t n_q, const float *q, block b, float *s, int64_t stride, int dtype,
                     int dim) {
    for (int32_t t = 0; t < BLOCK; t += 2 * LANES) {
        vec sum[DOT_QUERIES][2] = { 0 };
        for (int32_t c = 0; c < dim; c += 2) {
            const uint16_t *word = (const uint16_t *)b.k + (c / 2 * BLOCK + t) * 2;
            if (t == 0) fetch(word, BLOCK * 4);
            words x[2];
            memcpy(x, word, sizeof x);
            for (int32_t i = 0; i < n_q; i++)
                for (int32_t v = 0; v < 2; v++)
                    sum[i][v] += low_of(dtype, x[v]) * q[(int64_t)i * dim + c];
            for (int32_t i = 0; i < n_q; i++)
                for (int32_t v = 0; v < 2; v++)
                    sum[i][v] += high_of(dtype, x[v]) * q[(int64_t)i * dim + c + 1];
        }
        for (int32_t i = 0; i < n_q; i++)
            for (int32_t v = 0; v < 2; v++)
                store(s + i * stride + t + v * LANES, sum[i][v]);
    }
}

/* s[i * stride + t] = q_i . k_t for t < n; s has room for whole blocks. */
INLINE void dot_block(const float *q, int32_t n_queries, block b, int32_t n, float *s,
                      int64_t stride, int dtype, int dim) {
    int32_t i = 0;
    if (b.is_words && dtype != WHET_F32) {
        for (; i + DOT_QUERIES <= n_queries; i += DOT_QUERIES)
            dot_some(DOT_QUERIES, q + (int64_t)i * dim, b, s + i * stride, stride, dtype, dim);
        for (; DOT_QUERIES > 2 && i + 2 <= n_queries; i += 2)
            dot_some(2, q + (int64_t)i * dim, b, s + i * stride, stride, dtype, dim);
        for (; i < n_queries; i++)
            dot_some(1, q + (int64_t)i * dim, b, s + i * stride, stride, dtype, dim);
    }
    for (; i < n_queries; i++)
        for (int32_t t = 0; t < n; t++) {
            float sum = 0;
            for (int32_t c = 0; c < dim; c++)
                sum += q[(int64_t)i * dim + c] * get(dtype, b.k, k_index(&b, t, c));
            s[i * stride + t] = sum;
        }
}
