/* SPDX-License-Identifier: MIT */
/* share/grouped: the query heads of a KV head go together: one pass over its K and V serves them */
// all
#define GROUP 8 // knob: 2 4 8

INLINE int32_t share_heads(const whet_problem *p) {
    return min32(GROUP, p->n_heads / p->n_kv_heads);
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
