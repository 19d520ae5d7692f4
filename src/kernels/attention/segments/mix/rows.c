/* SPDX-License-Identifier: MIT */
/* mix/rows: a V row is widened once, for all queries, whose outputs stay in the first-level cache
 */

INLINE void mix_block(const float *p, int64_t stride, int32_t n_queries, block b, int32_t n,
                      float *o, int dtype, int dim) {
    const int32_t n_dims = b.is_words ? 0 : dim / 32 * 32;
    for (int32_t t = 0; t < n; t++) {
        for (int32_t c = 0; c < n_dims; c += 32) {
            const void *v = at(dtype, b.v, t * b.v_token + c / 32 * b.v_chunk);
            fetch(v, 32 * element_bytes(dtype));
            for (int32_t j = 0; j < HALF_VECS; j++) {
                vec low, high;
                get_pair(dtype, v, b.is_v_pairs, j, &low, &high);
                for (int32_t i = 0; i < n_queries; i++) {
                    float *to = o + (int64_t)i * dim + c + j * LANES;
                    store(to, load(to) + low * p[i * stride + t]);
                    store(to + 16, load(to + 16) + high * p[i * stride + t]);
                }
            }
        }
        for (int32_t c = n_dims; c < dim; c++)
            for (int32_t i = 0; i < n_queries; i++)
                o[(int64_t)i * dim + c] +=
                    p[i * stride + t] * get(dtype, b.v, v_index(&b, t, c, dim));
    }
}

/* o_i += sum of p[i * stride + t] v_t over t < n <= LAYOUT_RUN(first), the item's keys from `first`
 * on, where a block begins. */
INLINE void mix_keys(const item *it, const scratch *w, int32_t first, int32_t n, const float *p,
                     int64_t stride, int32_t n_queries, float *o, int dtype, int dim) {
    for (int32_t t = 0; t < n; t += BLOCK)
        mix_block(p + t, stride, n_queries, share_block(it, w, first + t, dtype, dim),
                  min32(BLOCK, n - t), o, dtype, dim);
}
