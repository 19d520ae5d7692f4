/* SPDX-License-Identifier: MIT */
/* mix/rows: a V row is widened once, for all queries, whose outputs stay in the first-level cache
 */
#define MIX_AHEAD 0 // knob: 0 512 2048 4096

/* o_i += sum of p[i * stride + t] v_t over t < n. */
INLINE void mix_block(const float *p, int64_t stride, int32_t n_queries, block b, int32_t n,
                      float *o, int dtype, int dim) {
    for (int32_t t = 0; t < n; t++) {
        const void *v = at(dtype, b.v, t * b.v_token);
        if (MIX_AHEAD > 0)
            for (int32_t line = 0; line < dim * element_bytes(dtype); line += 64)
                __builtin_prefetch((const char *)v + MIX_AHEAD + line);
        int32_t c = 0;
        for (; c + LANES <= dim; c += LANES) {
            const vec x = get_vec(dtype, v, c);
            for (int32_t i = 0; i < n_queries; i++) {
                float *to = o + (int64_t)i * dim + c;
                store(to, load(to) + x * p[i * stride + t]);
            }
        }
        for (; c < dim; c++)
            for (int32_t i = 0; i < n_queries; i++)
                o[(int64_t)i * dim + c] += p[i * stride + t] * get(dtype, v, c);
    }
}
