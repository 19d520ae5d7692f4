/* SPDX-License-Identifier: MIT */
/* mix/words: vectors run over 32 dimensions of a block of words, two keys at a time, while the
 * outputs of some queries stay in registers; other blocks one product at a time */
// fits: layout/words dot/words share/grouped
#define MIX_QUERIES 8   // knob: 2 4 8 12
#define MIX_TOKENS  512 // knob: 32 64 128 256 512

/* A pair of keys, or the first of them alone (a constant), for n_q queries (a constant). */
INLINE void mix_pair(int32_t n_q, vec sum[MIX_QUERIES][2], const uint16_t *word, const float *p,
                     int64_t stride, int has_odd, int dtype) {
    const words x[2] = { load_words(word), load_words(word + 2 * LANES) };
    for (int32_t v = 0; v < 2; v++) {
        const vec even = dtype == WHET_BF16 ? (vec)(x[v] << 16) : f16_vec(x[v] & 0xffff);
        const vec odd = dtype == WHET_BF16 ? (vec)(x[v] & 0xffff0000) : f16_vec(x[v] >> 16);
        for (int32_t i = 0; i < n_q; i++)
            sum[i][v] += even * p[i * stride];
        for (int32_t i = 0; i < n_q && has_odd; i++)
            sum[i][v] += odd * p[i * stride + 1];
    }
}

/* A pair of keys, with weights in bf16, of queries in rows of MIX_TOKENS / 2. */
INLINE void mix_dots(int32_t n_q, vec sum[MIX_QUERIES][2], const uint16_t *word,
                     const uint32_t *rounded) {
    const words x[2] = { load_words(word), load_words(word + 2 * LANES) };
    for (int32_t i = 0; i < n_q; i++)
        for (int32_t v = 0; v < 2; v++)
            sum[i][v] = add_dots(sum[i][v], x[v], rounded[i * (MIX_TOKENS / 2)]);
}

/* n keys, up to MIX_TOKENS, of the first n_q (a constant) queries; v_chunk elements from 32
 * dimensions to the next. */
INLINE void mix_some(int32_t n_q, const float *p, int64_t stride, const uint16_t *v,
                     int64_t v_chunk, int32_t n, float *o, int dtype, int dim) {
    const int is_dots = HAS_DOTS && dtype == WHET_BF16;
    uint32_t rounded[MIX_QUERIES][MIX_TOKENS / 2];
    for (int32_t i = 0; i < n_q && is_dots; i++)
        for (int32_t t = 0; t < n; t += 2 * LANES) {
            const words x = round_vecs(load(p + i * stride + t), load(p + i * stride + t + LANES));
            memcpy(&rounded[i][t / 2], &x, sizeof x);
        }
    for (int32_t c = 0; c < dim; c += 2 * LANES) {
        vec sum[MIX_QUERIES][2];
        for (int32_t i = 0; i < n_q; i++)
            for (int32_t j = 0; j < 2; j++)
                sum[i][j] = load(o + (int64_t)i * dim + c + j * LANES);
        const uint16_t *word = v + c / 32 * v_chunk + c % 32 * 2;
        for (int32_t t = 0; t < n / 2; t++, word += 64) {
            if (c % 32 == 0) fetch(word, 128);
            if (is_dots)
                mix_dots(n_q, sum, word, &rounded[0][t]);
            else
                mix_pair(n_q, sum, word, p + 2 * t, stride, 1, dtype);
        }
        if (n % 2) mix_pair(n_q, sum, word, p + n - 1, stride, 0, dtype);
        for (int32_t i = 0; i < n_q; i++)
            for (int32_t j = 0; j < 2; j++)
                store(o + (int64_t)i * dim + c + j * LANES, sum[i][j]);
    }
}

/* A block of anything else. */
INLINE void mix_block(const float *p, int64_t stride, int32_t n_queries, block b, int32_t n,
                      float *o, int dtype, int dim) {
    for (int32_t i = 0; i < n_queries; i++)
        for (int32_t t = 0; t < n; t++)
            for (int32_t c = 0; c < dim; c++)
                o[(int64_t)i * dim + c] +=
                    p[i * stride + t] * get(dtype, b.v, v_index(&b, t, c, dim));
}

/* o_i += sum of p[i * stride + t] v_t over t < n <= LAYOUT_RUN(first), the item's keys from `first`
 * on, where a block begins. */
INLINE void mix_keys(const item *it, const scratch *w, int32_t first, int32_t n, const float *p,
                     int64_t stride, int32_t n_queries, float *o, int dtype, int dim) {
    if (!share_block(it, w, first, dtype, dim).is_words) {
        for (int32_t t = 0; t < n; t += BLOCK)
            mix_block(p + t, stride, n_queries, share_block(it, w, first + t, dtype, dim),
                      min32(BLOCK, n - t), o, dtype, dim);
        return;
    }
    for (int32_t t = 0; t < n; t += MIX_TOKENS, p += MIX_TOKENS) {
        const block b = share_block(it, w, first + t, dtype, dim);
        const int32_t n_some = min32(n - t, MIX_TOKENS);
        int32_t i = 0;
#define SOME(n_q)                                                                                  \
    mix_some(n_q, p + i * stride, stride, b.v, b.v_chunk, n_some, o + (int64_t)i * dim, dtype, dim)
        for (; i + MIX_QUERIES <= n_queries; i += MIX_QUERIES)
            SOME(MIX_QUERIES);
        for (; MIX_QUERIES > 2 && i + 2 <= n_queries; i += 2)
            SOME(2);
        for (; i < n_queries; i++)
            SOME(1);
#undef SOME
    }
}
