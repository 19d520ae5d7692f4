/* SPDX-License-Identifier: MIT */
/* H02-tiles: an online softmax over tiles of 64 keys. Must pass. */
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
    for (int first = 0; first < n; first += 64) {
        const int n_tile = n - first < 64 ? n - first : 64;
        float p[64], most = m;
        for (int t = 0; t < n_tile; t++) {
            p[t] = score(q, kv + (first + t) * step, d, scale);
            if (p[t] > most) most = p[t];
        }
        const float shrink = expf(m - most);
        m = most;
        l *= shrink;
        for (int c = 0; c < d; c++)
            o[c] *= shrink;
        for (int t = 0; t < n_tile; t++) {
            const float w = expf(p[t] - m);
            l += w;
            for (int c = 0; c < d; c++)
                o[c] += w * get(kv[(first + t) * step + v_at + c]);
        }
    }
    for (int c = 0; c < d; c++)
        out[c] = put(o[c] / l);
}
#define SUPPORTS p->dtype == WHET_BF16 && p->head_dim <= 256
#define ROW      attend(q, kv + g * d, 2L * n, n, d, last + 1, a->scale, out)
