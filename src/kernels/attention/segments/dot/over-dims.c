/* SPDX-License-Identifier: MIT */
/* dot/over-dims: vectors run over the dimensions of a key, which is widened for several queries */
#define DOT_QUERIES 2 // knob: 1 2 4 8

/* The first n_q (a constant) queries of q. */
INLINE void dot_some(int32_t n_q, const float *q, block b, int32_t n, float *s, int64_t stride,
                     int dtype, int dim) {
    for (int32_t t = 0; t < n; t++) {
        const void *k = at(dtype, b.k, k_index(&b, t, 0));
        fetch(k, dim * element_bytes(dtype));
        vec sum[DOT_QUERIES] = { 0 };
        int32_t c = 0;
        if (b.k_dim == 1 && !b.is_words)
            for (; c + LANES <= dim; c += LANES) {
                const vec x = get_vec(dtype, k, c);
                for (int32_t i = 0; i < n_q; i++)
                    sum[i] += x * load(q + (int64_t)i * dim + c);
            }
        for (int32_t i = 0; i < n_q; i++) {
            float rest = sum_vec(sum[i]);
            for (int32_t j = c; j < dim; j++)
                rest += q[(int64_t)i * dim + j] * get(dtype, b.k, k_index(&b, t, j));
            s[i * stride + t] = rest;
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
    for (; i + DOT_QUERIES <= n_queries; i += DOT_QUERIES)
        dot_some(DOT_QUERIES, q + (int64_t)i * dim, b, n, s + i * stride, stride, dtype, dim);
    if (DOT_QUERIES > 4)
        for (; i + 4 <= n_queries; i += 4)
            dot_some(4, q + (int64_t)i * dim, b, n, s + i * stride, stride, dtype, dim);
    if (DOT_QUERIES > 2)
        for (; i + 2 <= n_queries; i += 2)
            dot_some(2, q + (int64_t)i * dim, b, n, s + i * stride, stride, dtype, dim);
    for (; i < n_queries; i++)
        dot_some(1, q + (int64_t)i * dim, b, n, s + i * stride, stride, dtype, dim);
}
