/* SPDX-License-Identifier: MIT */
/* mix/words: vectors run over 32 dimensions of a block of words, two keys at a time, while the
 * outputs of some queries stay in registers; other blocks one product at a time */
// fits: layout/words dot/words share/grouped
#define MIX_QUERIES 8 // knob: 2 4 8 12

/* A pair of keys, or the first of them alone (a constant), for n_q queries (a constant). */
INLINE void mix_pair(int32_t n_q, vec sum[MIX_QUERIES][2], const uint16_t *word, const float *p,
                     int64_t stride, int has_odd, int dtype) {
    words x[2];
    memcpy(x, word, sizeof x);
    for (int32_t v = 0; v < 2; v++) {
        const vec even = dtype == WHET_BF16 ? (vec)(x[v] << 16) : f16_vec(x[v] & 0xffff);
        const vec odd = dtype == WHET_BF16 ? (vec)(x[v] & 0xffff0000) : f16_vec(x[v] >> 16);
        for (int32_t i = 0; i < n_q; i++)
            sum[i][v] += even * p[i * stride];
        for (int32_t i = 0; i < n_q && has_odd; i++)
            sum[i][v] += odd * p[i * stride + 1];
    }
}

/* The first n_q (a constant) queries. */
INLINE void mix_some(int32_t n_q, const float *p, int64_t stride, block b, int32_t n, float *o,
                     int dtype, int dim) {
    for (int32_t c = 0; c < dim; c += 2 * LANES) {
        vec sum[MIX_QUERIES][2];
        for (int32_t i = 0; i < n_q; i++)
            for (int32_t v = 0; v < 2; v++)
                sum[i][v] = load(o + (int64_t)i * dim + c + v * LANES);
        const uint16_t *word = (const uint16_t *)b.v + v_index(&b, 0, c, dim);
        for (int32_t t = 0; t + 1 < n; t += 2) {
            if (c % 32 == 0) fetch(word + t * 32, 128);
            mix_pair(n_q, sum, word + t * 32, p + t, stride, 1, dtype);
        }
        if (n % 2) mix_pair(n_q, sum, word + (n - 1) * 32, p + n - 1, stride, 0, dtype);
        for (int32_t i = 0; i < n_q; i++)
            for (int32_t v = 0; v < 2; v++)
                store(o + (int64_t)i * dim + c + v * LANES, sum[i][v]);
    }
}

/* o_i += sum of p[i * stride + t] v_t over t < n. */
INLINE void mix_block(const float *p, int64_t stride, int32_t n_queries, block b, int32_t n,
                      float *o, int dtype, int dim) {
    int32_t i = 0;
    if (b.is_words && dtype != WHET_F32) {
        for (; i + MIX_QUERIES <= n_queries; i += MIX_QUERIES)
            mix_some(MIX_QUERIES, p + i * stride, stride, b, n, o + (int64_t)i * dim, dtype, dim);
        for (; MIX_QUERIES > 2 && i + 2 <= n_queries; i += 2)
            mix_some(2, p + i * stride, stride, b, n, o + (int64_t)i * dim, dtype, dim);
        for (; i < n_queries; i++)
            mix_some(1, p + i * stride, stride, b, n, o + (int64_t)i * dim, dtype, dim);
    }
    for (; i < n_queries; i++)
        for (int32_t t = 0; t < n; t++) {
            const float weight = p[i * stride + t];
            for (int32_t c = 0; c < dim; c++)
                o[(int64_t)i * dim + c] += weight * get(dtype, b.v, v_index(&b, t, c, dim));
        }
}
