/* SPDX-License-Identifier: MIT */
/* H03-split-keys: four parts of the keys, merged by their maxima and sums. Must pass. */
static float get(uint16_t x);
static uint16_t put(float x);
float expf(float x);
static float score(const uint16_t *q, const uint16_t *k, int d, float scale) {
    float x = 0;
    for (int c = 0; c < d; c++)
        x += get(q[c]) * get(k[c]);
    return x * scale;
}
static void attend(const uint16_t *q, const uint16_t *kv, long step, int v_at, int d, int n,
                   float scale, uint16_t *out) {
    enum { PARTS = 4 };
    float o[PARTS][256] = { { 0 } }, m[PARTS], l[PARTS] = { 0 }, most = -1e30f, sum = 0;
    for (int i = 0; i < PARTS; i++) {
        const int first = n * i / PARTS, end = n * (i + 1) / PARTS;
        m[i] = -1e30f;
        for (int t = first; t < end; t++) {
            const float x = score(q, kv + t * step, d, scale);
            if (x > m[i]) m[i] = x;
        }
        for (int t = first; t < end; t++) {
            const float w = expf(score(q, kv + t * step, d, scale) - m[i]);
            l[i] += w;
            for (int c = 0; c < d; c++)
                o[i][c] += w * get(kv[t * step + v_at + c]);
        }
        if (m[i] > most) most = m[i];
    }
    for (int i = 0; i < PARTS; i++)
        sum += l[i] * expf(m[i] - most);
    for (int c = 0; c < d; c++) {
        float x = 0;
        for (int i = 0; i < PARTS; i++)
            x += o[i][c] * expf(m[i] - most);
        out[c] = put(x / sum);
    }
}
#define SUPPORTS p->dtype == WHET_BF16 && p->head_dim <= 256
#define ROW      attend(q, kv + g * d, 2L * n, n, d, last + 1, a->scale, out)
