/* SPDX-License-Identifier: MIT */
/* softmax/two-pass: all scores with their maximum, then exponentials and V together */
INLINE int64_t softmax_floats(int64_t n_keys) {
    return QUERIES * round_up(n_keys, BLOCK);
}

INLINE void attend(const item *it, const scratch *w, int dtype, int dim) {
    const int32_t n = it->end - it->begin;
    const int64_t stride = round_up(n, BLOCK);
    for (int32_t i = 0; i < it->n_queries; i++) {
        w->m[i] = -__builtin_inff();
        w->l[i] = 0;
    }
    for (int32_t t = 0; t < n; t += BLOCK) {
        dot_block(w->q, it->n_queries, share_block(it, w, it->begin + t, dtype, dim),
                  min32(BLOCK, n - t), w->s + t, stride, dtype, dim);
        for (int32_t i = 0; i < it->n_queries; i++) {
            const float *s = w->s + i * stride + t;
            float max = w->m[i];
            for (int32_t j = 0; j < min32(BLOCK, it->n_keys[i] - t); j++)
                max = s[j] > max ? s[j] : max;
            w->m[i] = max;
        }
    }
    for (int64_t c = 0; c < (int64_t)it->n_queries * dim; c++)
        w->o[c] = 0;
    for (int32_t t = 0; t < n; t += BLOCK) {
        const int32_t n_block = min32(BLOCK, n - t);
        for (int32_t i = 0; i < it->n_queries; i++) {
            float *s = w->s + i * stride + t;
            const int32_t n_keys = min32(n_block, it->n_keys[i] - t);
            if (n_keys > 0) w->l[i] += exp_sum(s, n_keys, w->m[i], dtype);
            for (int32_t j = n_keys > 0 ? n_keys : 0; j < n_block; j++)
                s[j] = 0;
        }
        mix_block(w->s + t, stride, it->n_queries, share_block(it, w, it->begin + t, dtype, dim),
                  n_block, w->o, dtype, dim);
    }
}
