/* SPDX-License-Identifier: MIT */
/* layout/head-rows: K, then V, each [kv head][token][dim]: a head's rows are one stream */
// fits: dot/over-dims share/grouped
#define LAYOUT_ID "head-rows-1"

INLINE block layout_block(const whet_problem *p, int64_t capacity, const void *kv, int32_t group,
                          int32_t t, int dtype, int dim) {
    const void *k = at(dtype, kv, (group * capacity + t) * dim);
    return (
        block){ k, at(dtype, k, capacity * p->n_kv_heads * dim), dim, HALF * dim, 1, dim, 0, 32 };
}

static void append(const whet_append_args *a, int worker, int n_workers) {
    const whet_problem *p = a->problem;
    const int dtype = p->dtype, dim = p->head_dim;
    const size_t bytes = (size_t)(dim * element_bytes(dtype));
    for (int64_t i = worker; i < (int64_t)a->n * p->n_kv_heads; i += n_workers) {
        const int64_t r = i / p->n_kv_heads, group = i % p->n_kv_heads;
        char *k = (char *)a->kv + (size_t)(group * a->capacity + a->pos + r) * bytes;
        memcpy(k, at(dtype, a->k, r * a->k_stride + group * dim), bytes);
        memcpy(k + (size_t)(a->capacity * p->n_kv_heads) * bytes,
               at(dtype, a->v, r * a->v_stride + group * dim), bytes);
    }
}
