/* SPDX-License-Identifier: MIT */
/* mix/words: vectors run over 32 dimensions of a block of words, two keys at a time, while the
 * outputs of some queries stay in registers; other blocks one product at a time */
// fits: layout/words dot/words share/grouped
#define MIX_QUERIES 8   // knob: 2 4 8 12
#define MIX_TOKENS  512 // knob: 32 64 128 256 512

enum { MIX_MOST = MIX_QUERIES < MOST_SUMS ? MIX_QUERIES : MOST_SUMS };

/* One key of a pair (0 or 1, a constant), for n_q queries by n_v vectors (constants). Its words are
 * loaded once for each of the two, since a register that keeps them is one too many. */
INLINE void mix_half(int32_t n_q, int32_t n_v, vec (*sum)[4], const uint16_t *word, const float *p,
                     int64_t stride, int half, int dtype) {
    vec x[4];
    for (int32_t v = 0; v < n_v; v++) {
        const words pair = load_words(word + 2 * v * LANES);
        if (dtype == WHET_BF16)
            x[v] = (vec)(half ? pair & 0xffff0000 : pair << 16);
        else
            x[v] = f16_vec(half ? pair >> 16 : pair & 0xffff);
    }
    for (int32_t i = 0; i < n_q; i++)
        for (int32_t v = 0; v < n_v; v++)
            sum[i][v] += x[v] * p[i * stride + half];
}

/* A pair of keys, with weights in bf16, of queries in rows of MIX_TOKENS / 2. */
INLINE void mix_dots(int32_t n_q, vec (*sum)[4], const uint16_t *word, const uint32_t *rounded) {
    const words x[2] = { load_words(word), load_words(word + 2 * LANES) };
    for (int32_t i = 0; i < n_q; i++)
        for (int32_t v = 0; v < 2; v++)
            sum[i][v] = add_dots(sum[i][v], x[v], rounded[i * (MIX_TOKENS / 2)]);
}

/* n keys, up to MIX_TOKENS, of the first n_q (a constant) queries, by n_v (a constant) vectors;
 * v_chunk elements from 32 dimensions to the next. */
INLINE void mix_some(int32_t n_q, int32_t n_v, const float *p, int64_t stride, const uint16_t *v,
                     int64_t v_chunk, int32_t n, float *o, int dtype, int dim) {
    const int is_dots = HAS_DOTS && dtype == WHET_BF16;
    uint32_t rounded[MOST_SUMS][MIX_TOKENS / 2];
    for (int32_t i = 0; i < n_q && is_dots; i++)
        for (int32_t t = 0; t < n; t += 2 * LANES) {
            const words x = round_vecs(load(p + i * stride + t), load(p + i * stride + t + LANES));
            memcpy(&rounded[i][t / 2], &x, sizeof x);
        }
    for (int32_t c = 0; c < dim; c += n_v * LANES) {
        vec sum[MOST_SUMS][4];
        for (int32_t i = 0; i < n_q; i++)
            for (int32_t j = 0; j < n_v; j++)
                sum[i][j] = load(o + (int64_t)i * dim + c + j * LANES);
        const uint16_t *word = v + c / 32 * v_chunk + c % 32 * 2;
        for (int32_t t = 0; t < n / 2; t++, word += 64) {
            fetch(word, n_v * LANES * 4);
            if (is_dots) {
                mix_dots(n_q, sum, word, &rounded[0][t]);
                continue;
            }
            mix_half(n_q, n_v, sum, word, p + 2 * t, stride, 0, dtype);
            mix_half(n_q, n_v, sum, word, p + 2 * t, stride, 1, dtype);
        }
        if (n % 2) mix_half(n_q, n_v, sum, word, p + n - 1, stride, 0, dtype);
        for (int32_t i = 0; i < n_q; i++)
            for (int32_t j = 0; j < n_v; j++)
                store(o + (int64_t)i * dim + c + j * LANES, sum[i][j]);
    }
}

#define MIX_APART(name, n_q)                                                                       \
    APART void name(const float *p, int64_t stride, const uint16_t *v, int64_t v_chunk, int32_t n, \
                    float *o, int dim) {                                                           \
        mix_some(n_q, 2, p, stride, v, v_chunk, n, o, WHET_BF16, dim);                             \
    }
MIX_APART(mix_most_bf16, MIX_MOST)
MIX_APART(mix_five_bf16, 5)
MIX_APART(mix_four_bf16, 4)

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
#define REST       b.v, b.v_chunk, n_some, o + (int64_t)i *dim
#define SOME(n, v) mix_some(n, v, p + i * stride, stride, REST, dtype, dim)
#define MANY(name, n)                                                                              \
    do {                                                                                           \
        if (dtype == WHET_BF16)                                                                    \
            name(p + i * stride, stride, REST, dim);                                               \
        else                                                                                       \
            SOME(n, 2);                                                                            \
        i += n;                                                                                    \
    } while (0)
        while (i + MIX_MOST <= n_queries)
            MANY(mix_most_bf16, MIX_MOST);
        if (MIX_MOST > 5 && i + 5 <= n_queries) MANY(mix_five_bf16, 5);
        if (MIX_MOST > 4 && i + 4 <= n_queries) MANY(mix_four_bf16, 4);
        for (; MIX_MOST > 2 && i + 2 <= n_queries; i += 2)
            SOME(2, LANES < 16 ? 4 : 2);
        for (; i < n_queries; i++)
            SOME(1, LANES < 16 ? 4 : 2);
#undef MANY
#undef SOME
#undef REST
    }
}
