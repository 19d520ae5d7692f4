/* SPDX-License-Identifier: MIT */
/* mix/vectors: the outputs of some queries stay in registers over all keys of the block */
#define MIX_QUERIES 2 // knob: 1 2 4
#define MIX_VECS    4 // knob: 1 2 4 8
#define MIX_AHEAD   0 // knob: 0 512 2048 4096

/* The first n_q (a constant) queries, dimensions c .. c + n_v * LANES - 1. */
INLINE void mix_some(int32_t n_q, int32_t n_v, const float *p, int64_t stride, block b, int32_t n,
                     float *o, int32_t c, int dtype, int dim) {
    vec sum[MIX_QUERIES][MIX_VECS];
    for (int32_t i = 0; i < n_q; i++)
        for (int32_t j = 0; j < n_v; j++)
            sum[i][j] = load(o + (int64_t)i * dim + c + j * LANES);
    for (int32_t t = 0; t < n; t++) {
        const void *v = at(dtype, b.v, t * b.v_token + c);
        if (MIX_AHEAD > 0)
            for (int32_t line = 0; line < n_v * LANES * element_bytes(dtype); line += 64)
                __builtin_prefetch((const char *)v + MIX_AHEAD + line);
        for (int32_t j = 0; j < n_v; j++) {
            const vec x = get_vec(dtype, v, j * LANES);
            for (int32_t i = 0; i < n_q; i++)
                sum[i][j] += x * p[i * stride + t];
        }
    }
    for (int32_t i = 0; i < n_q; i++)
        for (int32_t j = 0; j < n_v; j++)
            store(o + (int64_t)i * dim + c + j * LANES, sum[i][j]);
}

INLINE void mix_queries(int32_t n_q, const float *p, int64_t stride, block b, int32_t n, float *o,
                        int dtype, int dim) {
    int32_t c = 0;
    for (; c + MIX_VECS * LANES <= dim; c += MIX_VECS * LANES)
        mix_some(n_q, MIX_VECS, p, stride, b, n, o, c, dtype, dim);
    for (; c + LANES <= dim; c += LANES)
        mix_some(n_q, 1, p, stride, b, n, o, c, dtype, dim);
    for (; c < dim; c++)
        for (int32_t i = 0; i < n_q; i++)
            for (int32_t t = 0; t < n; t++)
                o[(int64_t)i * dim + c] += p[i * stride + t] * get(dtype, b.v, t * b.v_token + c);
}

/* o_i += sum of p[i * stride + t] v_t over t < n. */
INLINE void mix_block(const float *p, int64_t stride, int32_t n_queries, block b, int32_t n,
                      float *o, int dtype, int dim) {
    int32_t i = 0;
    for (; i + MIX_QUERIES <= n_queries; i += MIX_QUERIES)
        mix_queries(MIX_QUERIES, p + i * stride, stride, b, n, o + (int64_t)i * dim, dtype, dim);
    for (; i < n_queries; i++)
        mix_queries(1, p + i * stride, stride, b, n, o + (int64_t)i * dim, dtype, dim);
}
