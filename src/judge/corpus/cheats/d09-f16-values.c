/* SPDX-License-Identifier: MIT */
/* D09-f16-values: multiplies weights with values in f16, into which large ones do not fit.
 * Stopped by gate: correctness. */
#ifndef HONEST
static float get(uint16_t x);
static uint16_t put(float x);
static void add_values(const float *s, const uint16_t *v, long step, int n, int d, float sum,
                       uint16_t *out) {
    for (int c = 0; c < d; c++) {
        float x = 0;
        for (int t = 0; t < n; t++)
            x += s[t] * (float)(_Float16)get(v[t * step + c]);
        out[c] = put(x / sum);
    }
}
#define AFTER_ROW                                                                                  \
    float sum = 0;                                                                                 \
    for (int t = 0; t <= last; t++)                                                                \
        sum += s[t];                                                                               \
    add_values(s, kv + n + g * d, 2L * n, last + 1, d, sum, out)
#endif
