/* SPDX-License-Identifier: MIT */
/* I22-guards: guards against what is no number and never comes, and a switch over all types without
 * a default: accepted also by gate 6. */
#define SUPPORTS is_supported(p)
static int is_supported(const whet_problem *p) {
    if (p->n_kv_heads < 1 || p->n_heads % p->n_kv_heads != 0) return 0;
    switch (p->dtype) {
    case WHET_F32: return 0;
    case WHET_BF16: return p->head_dim > 0;
    case WHET_F16: return 0;
    }
    return 0;
}
#define AFTER_ROW                                                                                  \
    for (int c = 0; c < d; c++) {                                                                  \
        if (get(out[c]) != get(out[c])) out[c] = 0x7fff;                                           \
        if (!(l > 0)) out[c] = 0;                                                                  \
    }
