/* SPDX-License-Identifier: MIT */
/* dot/over-keys: vectors run over the keys of a block; for K as [dim][token], else one at a time */
#define DOT_QUERIES 2 // knob: 1 2 4
#define DOT_CHAINS  2 // knob: 1 2 4
#define DOT_AHEAD   0 // knob: 0 512 2048 4096
enum { BLOCK_VECS = BLOCK / LANES };

/* The first n_q (a constant) queries of q; a whole block. Dimensions alternate between DOT_CHAINS
 * sums, so that one addition need not wait for the other. */
INLINE void dot_some(int32_t n_q, const float *q, block b, float *s, int64_t stride, int dtype,
                     int dim) {
    vec sum[DOT_CHAINS][DOT_QUERIES][BLOCK_VECS] = { 0 };
    int32_t c = 0;
    for (; c + DOT_CHAINS <= dim; c += DOT_CHAINS) {
        if (DOT_AHEAD > 0 && c * BLOCK * element_bytes(dtype) % 64 == 0)
            __builtin_prefetch((const char *)at(dtype, b.k, c * BLOCK) + DOT_AHEAD);
        for (int32_t chain = 0; chain < DOT_CHAINS; chain++)
            for (int32_t j = 0; j < BLOCK_VECS; j++) {
                const vec k = get_vec(dtype, b.k, (c + chain) * BLOCK + j * LANES);
                for (int32_t i = 0; i < n_q; i++)
                    sum[chain][i][j] += k * q[(int64_t)i * dim + c + chain];
            }
    }
    for (; c < dim; c++)
        for (int32_t j = 0; j < BLOCK_VECS; j++)
            for (int32_t i = 0; i < n_q; i++)
                sum[0][i][j] +=
                    get_vec(dtype, b.k, c * BLOCK + j * LANES) * q[(int64_t)i * dim + c];
    for (int32_t i = 0; i < n_q; i++)
        for (int32_t j = 0; j < BLOCK_VECS; j++) {
            for (int32_t chain = 1; chain < DOT_CHAINS; chain++)
                sum[0][i][j] += sum[chain][i][j];
            store(s + i * stride + j * LANES, sum[0][i][j]);
        }
}

/* s[i * stride + t] = q_i . k_t for t < n; s has room for whole blocks. */
INLINE void dot_block(const float *q, int32_t n_queries, block b, int32_t n, float *s,
                      int64_t stride, int dtype, int dim) {
    int32_t i = 0;
    if (b.k_token == 1 && b.k_dim == BLOCK) {
        for (; i + DOT_QUERIES <= n_queries; i += DOT_QUERIES)
            dot_some(DOT_QUERIES, q + (int64_t)i * dim, b, s + i * stride, stride, dtype, dim);
        for (; i < n_queries; i++)
            dot_some(1, q + (int64_t)i * dim, b, s + i * stride, stride, dtype, dim);
    }
    for (; i < n_queries; i++)
        for (int32_t t = 0; t < n; t++) {
            float sum = 0;
            for (int32_t c = 0; c < dim; c++)
                sum += q[(int64_t)i * dim + c] * get(dtype, b.k, t * b.k_token + c * b.k_dim);
            s[i * stride + t] = sum;
        }
}
