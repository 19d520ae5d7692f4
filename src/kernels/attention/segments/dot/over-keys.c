/* SPDX-License-Identifier: MIT */
/* dot/over-keys: vectors run over the keys of a block; for K as [dim][token], else one at a time */
// fits: layout/panels mix/vectors share/grouped
#define DOT_QUERIES 8 // knob: 1 2 4 8
#define DOT_CHAINS  4 // knob: 1 2 4

enum { DOT_MOST = DOT_QUERIES < MOST_SUMS ? DOT_QUERIES : MOST_SUMS };

/* The first n_q (a constant) queries; as many keys as a whole block has. Dimensions take turns in
 * the chains' sums, so that one addition need not wait for the other; many queries have sums
 * enough. */
INLINE void dot_some(int32_t n_q, const float *q, block b, float *s, int64_t stride, int dtype,
                     int dim) {
    const int32_t n_chains = n_q < 4 ? min32(DOT_CHAINS, MOST_SUMS / (n_q == 1 ? 1 : 3)) : 1;
    for (int32_t j = 0; j < HALF_VECS; j++) {
        vec sum[DOT_CHAINS][DOT_MOST][2] = { 0 };
        for (int32_t c = 0; c + n_chains <= dim; c += n_chains)
            for (int32_t chain = 0; chain < n_chains; chain++) {
                const void *row = at(dtype, b.k, (c + chain) * b.k_dim);
                if (j == 0) fetch(row, BLOCK * element_bytes(dtype));
                vec low, high;
                get_pair(dtype, row, b.k_token == 2, j, &low, &high);
                for (int32_t i = 0; i < n_q; i++) {
                    sum[chain][i][0] += low * q[(int64_t)i * dim + c + chain];
                    sum[chain][i][1] += high * q[(int64_t)i * dim + c + chain];
                }
            }
        for (int32_t c = dim / n_chains * n_chains; c < dim; c++) {
            vec low, high;
            get_pair(dtype, at(dtype, b.k, c * b.k_dim), b.k_token == 2, j, &low, &high);
            for (int32_t i = 0; i < n_q; i++) {
                sum[0][i][0] += low * q[(int64_t)i * dim + c];
                sum[0][i][1] += high * q[(int64_t)i * dim + c];
            }
        }
        for (int32_t i = 0; i < n_q; i++) {
            for (int32_t chain = 1; chain < n_chains; chain++) {
                sum[0][i][0] += sum[chain][i][0];
                sum[0][i][1] += sum[chain][i][1];
            }
            store(s + i * stride + j * LANES, sum[0][i][0]);
            store(s + i * stride + HALF + j * LANES, sum[0][i][1]);
        }
    }
}

/* s[i * stride + t] = scale * q . k_t for t < n, of n_queries queries from number x of the item on;
 * s has room for whole blocks. */
INLINE void dot_block(const item *it, const scratch *w, int32_t x, int32_t n_queries, block b,
                      int32_t n, float *s, int64_t stride, int dtype, int dim) {
    (void)it;
    const float *q = w->q + (int64_t)x * dim;
    int32_t i = 0;
    if (b.k_dim > 1 && !b.is_words && (dim + 1) * b.k_dim >= BLOCK) {
        for (; i + DOT_MOST <= n_queries; i += DOT_MOST)
            dot_some(DOT_MOST, q + (int64_t)i * dim, b, s + i * stride, stride, dtype, dim);
        if (DOT_QUERIES > 4)
            for (; i + 4 <= n_queries; i += 4)
                dot_some(4, q + (int64_t)i * dim, b, s + i * stride, stride, dtype, dim);
        if (DOT_QUERIES > 2)
            for (; i + 2 <= n_queries; i += 2)
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
