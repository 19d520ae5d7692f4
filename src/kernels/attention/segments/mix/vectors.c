/* SPDX-License-Identifier: MIT */
/* mix/vectors: the outputs of some queries stay in registers over all keys of the block */
#define MIX_QUERIES 4 // knob: 1 2 4 8
#define MIX_PAIRS   2 // knob: 1 2 4

enum { MIX_MOST = MIX_QUERIES < MOST_SUMS ? MIX_QUERIES : MOST_SUMS };

/* The first n_q queries (a constant); n_p vector pairs (a constant) from number j on: HALF_VECS of
 * them make 32 dimensions. */
INLINE void mix_some(int32_t n_q, int32_t n_p, const float *p, int64_t stride, block b, int32_t n,
                     float *o, int32_t j, int dtype, int dim) {
    vec sum[MIX_MOST][MIX_PAIRS][2];
    for (int32_t i = 0; i < n_q; i++)
        for (int32_t k = 0; k < n_p; k++) {
            const float *from = o + (int64_t)i * dim + (j + k) / HALF_VECS * 32;
            sum[i][k][0] = load(from + (j + k) % HALF_VECS * LANES);
            sum[i][k][1] = load(from + 16 + (j + k) % HALF_VECS * LANES);
        }
    for (int32_t t = 0; t < n; t++)
        for (int32_t k = 0; k < n_p; k++) {
            const void *row = at(dtype, b.v, t * b.v_token + (j + k) / HALF_VECS * b.v_chunk);
            if ((j + k) % HALF_VECS == 0) fetch(row, 32 * element_bytes(dtype));
            vec low, high;
            get_pair(dtype, row, b.is_v_pairs, (j + k) % HALF_VECS, &low, &high);
            for (int32_t i = 0; i < n_q; i++) {
                sum[i][k][0] += low * p[i * stride + t];
                sum[i][k][1] += high * p[i * stride + t];
            }
        }
    for (int32_t i = 0; i < n_q; i++)
        for (int32_t k = 0; k < n_p; k++) {
            float *to = o + (int64_t)i * dim + (j + k) / HALF_VECS * 32;
            store(to + (j + k) % HALF_VECS * LANES, sum[i][k][0]);
            store(to + 16 + (j + k) % HALF_VECS * LANES, sum[i][k][1]);
        }
}

INLINE void mix_queries(int32_t n_q, const float *p, int64_t stride, block b, int32_t n, float *o,
                        int dtype, int dim) {
    const int32_t n_dims = b.is_words ? 0 : dim / 32 * 32, n_pairs = n_dims / 32 * HALF_VECS;
    const int32_t n_p = n_q * MIX_PAIRS <= MOST_SUMS ? MIX_PAIRS : 1;
    int32_t j = 0;
    for (; n_p > 1 && j + n_p <= n_pairs; j += n_p)
        mix_some(n_q, n_p, p, stride, b, n, o, j, dtype, dim);
    for (; j < n_pairs; j++)
        mix_some(n_q, 1, p, stride, b, n, o, j, dtype, dim);
    for (int32_t c = n_dims; c < dim; c++)
        for (int32_t i = 0; i < n_q; i++)
            for (int32_t t = 0; t < n; t++)
                o[(int64_t)i * dim + c] +=
                    p[i * stride + t] * get(dtype, b.v, v_index(&b, t, c, dim));
}

INLINE void mix_block(const float *p, int64_t stride, int32_t n_queries, block b, int32_t n,
                      float *o, int dtype, int dim) {
    int32_t i = 0;
    for (; i + MIX_MOST <= n_queries; i += MIX_MOST)
        mix_queries(MIX_MOST, p + i * stride, stride, b, n, o + (int64_t)i * dim, dtype, dim);
    if (MIX_QUERIES > 4)
        for (; i + 4 <= n_queries; i += 4)
            mix_queries(4, p + i * stride, stride, b, n, o + (int64_t)i * dim, dtype, dim);
    if (MIX_QUERIES > 2)
        for (; i + 2 <= n_queries; i += 2)
            mix_queries(2, p + i * stride, stride, b, n, o + (int64_t)i * dim, dtype, dim);
    for (; i < n_queries; i++)
        mix_queries(1, p + i * stride, stride, b, n, o + (int64_t)i * dim, dtype, dim);
}

/* o_i += sum of p[i * stride + t] v_t over t < n <= LAYOUT_RUN(first), the item's keys from `first`
 * on, where a block begins. */
INLINE void mix_keys(const item *it, const scratch *w, int32_t first, int32_t n, const float *p,
                     int64_t stride, int32_t n_queries, float *o, int dtype, int dim) {
    for (int32_t t = 0; t < n; t += BLOCK)
        mix_block(p + t, stride, n_queries, share_block(it, w, first + t, dtype, dim),
                  min32(BLOCK, n - t), o, dtype, dim);
}
