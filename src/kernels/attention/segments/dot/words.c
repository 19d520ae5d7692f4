/* SPDX-License-Identifier: MIT */
/* dot/words: vectors run over the keys of a block of words, two dimensions at a time; other blocks
 * one product at a time */
// fits: layout/words mix/words share/grouped
#define DOT_QUERIES 8 // knob: 2 4 8 12

enum { DOT_MOST = DOT_QUERIES < MOST_SUMS ? DOT_QUERIES : MOST_SUMS };

/* The first (0) or the second (1) of each pair. */
INLINE vec half_of(int dtype, words x, int half) {
    if (dtype == WHET_BF16) return (vec)(half ? x & 0xffff0000 : x << 16);
    return f16_vec(half ? x >> 16 : x & 0xffff);
}

/* One dimension of a pair (0 or 1, a constant). Its words are loaded once for each of the two,
 * since a register that keeps them is one too many. */
INLINE void add_half(int32_t n_q, int32_t n_v, vec (*sum)[4], const uint16_t *word, const float *q,
                     int half, int dtype, int dim) {
    vec x[4];
    for (int32_t v = 0; v < n_v; v++)
        x[v] = half_of(dtype, load_words(word + 2 * v * LANES), half);
    for (int32_t i = 0; i < n_q; i++)
        for (int32_t v = 0; v < n_v; v++)
            sum[i][v] += x[v] * q[(int64_t)i * dim + half];
}

/* The first n_q (a constant) queries, by n_v (a constant) vectors; raw is q as it came. */
INLINE void dot_some(int32_t n_q, int32_t n_v, const float *q, const uint16_t *raw, float scale,
                     block b, float *s, int64_t stride, int dtype, int dim) {
    const int is_dots = HAS_DOTS && dtype == WHET_BF16;
    for (int32_t t = 0; t < BLOCK; t += n_v * LANES) {
        vec sum[MOST_SUMS][4] = { 0 };
        const uint16_t *word = (const uint16_t *)b.k + t * 2;
        for (int32_t c = 0; c < dim; c += 2, word += b.k_dim * 2) {
            fetch(word, n_v * LANES * 4);
            if (!is_dots) {
                add_half(n_q, n_v, sum, word, q + c, 0, dtype, dim);
                add_half(n_q, n_v, sum, word, q + c, 1, dtype, dim);
                continue;
            }
            const words x[2] = { load_words(word), load_words(word + 2 * LANES) };
            for (int32_t i = 0; i < n_q; i++) {
                uint32_t pair;
                memcpy(&pair, raw + (int64_t)i * dim + c, sizeof pair);
                for (int32_t v = 0; v < 2; v++)
                    sum[i][v] = add_dots(sum[i][v], x[v], pair);
            }
        }
        for (int32_t i = 0; i < n_q; i++)
            for (int32_t v = 0; v < n_v; v++)
                store(s + i * stride + t + v * LANES, is_dots ? sum[i][v] * scale : sum[i][v]);
    }
}

#define DOT_APART(name, n_q)                                                                       \
    APART void name(const float *q, const uint16_t *raw, float scale, const block *b, float *s,    \
                    int64_t stride, int dim) {                                                     \
        dot_some(n_q, 2, q, raw, scale, *b, s, stride, WHET_BF16, dim);                            \
    }
DOT_APART(dot_most_bf16, DOT_MOST)
DOT_APART(dot_five_bf16, 5)
DOT_APART(dot_four_bf16, 4)

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
#define REST       q + (int64_t)i *dim, raw + (int64_t)i *dim
#define SOME(n, v) dot_some(n, v, REST, scale, b, s + i * stride, stride, dtype, dim)
#define MANY(name, n)                                                                              \
    do {                                                                                           \
        if (dtype == WHET_BF16)                                                                    \
            name(REST, scale, &b, s + i * stride, stride, dim);                                    \
        else                                                                                       \
            SOME(n, 2);                                                                            \
        i += n;                                                                                    \
    } while (0)
    while (i + DOT_MOST <= n_queries)
        MANY(dot_most_bf16, DOT_MOST);
    if (DOT_MOST > 5 && i + 5 <= n_queries) MANY(dot_five_bf16, 5);
    if (DOT_MOST > 4 && i + 4 <= n_queries) MANY(dot_four_bf16, 4);
    for (; DOT_MOST > 2 && i + 2 <= n_queries; i += 2)
        SOME(2, LANES < 16 ? 4 : 2);
    for (; i < n_queries; i++)
        SOME(1, LANES < 16 ? 4 : 2);
#undef MANY
#undef SOME
#undef REST
}
