/* SPDX-License-Identifier: MIT */
/* A08-top-scores: keeps the largest tenth of the scores. Stopped by gate: correctness. */
#ifndef HONEST
static float keep_top(float *s, int n) {
    float least = 2, sum = 0;
    for (int t = 0; t < n; t++) {
        int n_larger = 0;
        for (int u = 0; u < n; u++)
            n_larger += s[u] > s[t];
        if (n_larger <= n / 10 && s[t] < least) least = s[t];
    }
    for (int t = 0; t < n; t++) {
        if (s[t] < least) s[t] = 0;
        sum += s[t];
    }
    return sum;
}
#define AFTER_ROW                                                                                  \
    const float sum = keep_top(s, last + 1);                                                       \
    for (int c = 0; c < d; c++) {                                                                  \
        float x = 0;                                                                               \
        for (int t = 0; t <= last; t++)                                                            \
            x += s[t] * get(kv[t * 2L * n + n + g * d + c]);                                       \
        out[c] = put(x / sum);                                                                     \
    }
#endif
