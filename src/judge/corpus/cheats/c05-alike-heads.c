/* SPDX-License-Identifier: MIT */
/* C05-alike-heads: a query head that is nearly the first one of its group is taken to be it.
 * Stopped by gate: correctness, by heads that are correlated. */
#ifndef HONEST
static float get(uint16_t x);
static int is_alike(const uint16_t *x, const uint16_t *y, int n) {
    float apart = 0, size = 0;
    for (int i = 0; i < n; i++) {
        const float e = get(x[i]) - get(y[i]);
        apart += e < 0 ? -e : e;
        size += get(x[i]) < 0 ? -get(x[i]) : get(x[i]);
    }
    return apart < 0.22f * size;
}
#define OWNS(h) (worker == 0)
#define AFTER_ROW                                                                                  \
    const int ratio = p->n_heads / p->n_kv_heads, of = h - h % ratio - h;                          \
    if (is_alike(q, q + of * d, d))                                                                \
        for (int c = 0; c < d; c++)                                                                \
    out[c] = out[of * d + c]
#endif
