/* SPDX-License-Identifier: MIT */
/* softmax/two-pass: all scores with their maximum, then exponentials and V together, by strips */
// fits: layout/tiles-pairs dot/over-keys
#define STRIP 128 // knob: 32 64 128 256

/* Rows of scores that lie whole pages apart would share a few sets of the cache. */
INLINE int64_t score_stride(int64_t n_keys) {
    return round_up(n_keys, BLOCK) + 16;
}

INLINE int64_t softmax_floats(int64_t n_keys) {
    return QUERIES * score_stride(n_keys);
}

INLINE float max_of(vec x, float max) {
    float lane[LANES];
    store(lane, x);
    for (int32_t half = LANES / 2; half > 0; half /= 2)
        for (int32_t j = 0; j < half; j++)
            lane[j] = lane[j + half] > lane[j] ? lane[j + half] : lane[j];
    return lane[0] > max ? lane[0] : max;
}

/* The maxima stay in vectors until all keys were seen. */
INLINE void all_scores(const item *it, const scratch *w, int64_t stride, int dtype, int dim) {
    const int32_t n = it->end - it->begin;
    vec top[QUERIES];
    for (int32_t i = 0; i < it->n_queries; i++) {
        top[i] = (vec){ 0 } - __builtin_inff();
        w->m[i] = -__builtin_inff();
    }
    for (int32_t t = 0; t < n; t += BLOCK) {
        dot_block(it, w, 0, it->n_queries, share_block(it, w, it->begin + t, dtype, dim),
                  min32(BLOCK, n - t), w->s + t, stride, dtype, dim);
        for (int32_t i = 0; i < it->n_queries; i++) {
            const float *s = w->s + i * stride + t;
            if (it->n_keys[i] - t >= BLOCK)
                for (int32_t j = 0; j < BLOCK; j += LANES)
                    top[i] = max_vec(load(s + j), top[i]);
            else
                for (int32_t j = 0; j < it->n_keys[i] - t; j++)
                    w->m[i] = s[j] > w->m[i] ? s[j] : w->m[i];
        }
    }
    for (int32_t i = 0; i < it->n_queries; i++)
        w->m[i] = max_of(top[i], w->m[i]);
}

INLINE void attend(const item *it, const scratch *w, int dtype, int dim) {
    const int32_t n = it->end - it->begin;
    const int64_t stride = score_stride(n);
    all_scores(it, w, stride, dtype, dim);
    for (int32_t i = 0; i < it->n_queries; i++)
        w->l[i] = 0;
    for (int64_t c = 0; c < (int64_t)it->n_queries * dim; c++)
        w->o[c] = 0;
    for (int32_t first = 0, n_strip; first < n; first += n_strip) {
        n_strip = min32(min32(STRIP, LAYOUT_RUN(it->begin + first)), n - first);
        for (int32_t i = 0; i < it->n_queries; i++) {
            float *s = w->s + i * stride + first;
            const int32_t n_keys = min32(n_strip, it->n_keys[i] - first);
            if (n_keys > 0) w->l[i] += exp_sum(s, n_keys, 1, w->m[i], dtype);
            for (int32_t j = n_keys > 0 ? n_keys : 0; j < n_strip; j++)
                s[j] = 0;
        }
        mix_keys(it, w, it->begin + first, n_strip, w->s + first, stride, it->n_queries, w->o,
                 dtype, dim);
    }
}
