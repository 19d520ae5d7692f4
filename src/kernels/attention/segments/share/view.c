/* SPDX-License-Identifier: MIT */
/* share/view: every query head reads its K and V where they lie */
INLINE int32_t share_heads(const whet_problem *p) {
    (void)p;
    return 1;
}

INLINE int64_t share_elements(const whet_problem *p) {
    (void)p;
    return 0;
}

INLINE block share_block(const item *it, const scratch *w, int32_t t, int dtype, int dim) {
    (void)w;
    const whet_run_args *a = it->args;
    return layout_block(a->problem, a->capacity, a->kv, it->group, t, dtype, dim);
}

INLINE void share_begin(const item *it, const scratch *w, int dtype, int dim) {
    (void)it, (void)w, (void)dtype, (void)dim;
}
