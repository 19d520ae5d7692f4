/* SPDX-License-Identifier: MIT */
/* H09-reverse: an online softmax that begins with the last key. Must pass. */
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
    float o[256] = { 0 }, m = -1e30f, l = 0;
    for (int t = n - 1; t >= 0; t--) {
        const float x = score(q, kv + t * step, d, scale);
        const float most = x > m ? x : m, shrink = expf(m - most), w = expf(x - most);
        m = most;
        l = l * shrink + w;
        for (int c = 0; c < d; c++)
            o[c] = o[c] * shrink + w * get(kv[t * step + v_at + c]);
    }
    for (int c = 0; c < d; c++)
        out[c] = put(o[c] / l);
}
#define SUPPORTS p->dtype == WHET_BF16 && p->head_dim <= 256
#define ROW      attend(q, kv + g * d, 2L * n, n, d, last + 1, a->scale, out)
