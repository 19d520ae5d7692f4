/* SPDX-License-Identifier: MIT */
/* A25-k-int4: quantises every row of K to 4 bits. Stopped by gate: correctness. */
#ifndef HONEST
float roundf(float x);
float fabsf(float x);
static float get(uint16_t x);
static float quantised(float x, const uint16_t *row, int d) {
    float most = 1e-30f;
    for (int c = 0; c < d; c++) {
        const float size = fabsf(get(row[c]));
        if (size > most) most = size;
    }
    return roundf(x / most * 7) * most / 7;
}
#define KEY(x) quantised(x, kv + t * 2L * n + g * d, d)
#endif
