/* SPDX-License-Identifier: MIT */
/* exp/short-poly: as poly with degree 3 (7.5e-5); for f32 outputs with degree 5 */
/* e^x for x <= 8; minimax polynomials by Remez. Below -87 the result stays at 2^-126. */
INLINE vec exp_vec(vec x, int dtype) {
    const vec magic = (vec){ 0 } + 0x1.8p23f; /* adding it rounds to an integer in the low bits */
    x = max_vec(x, (vec){ 0 } - 87.0f);
    const vec shifted = x * 1.44269504f + magic, n = shifted - magic;
    const vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    vec p;
    if (dtype == WHET_F32) {
        p = r * 0.00829764828f + 0.0419154316f;
        p = p * r + 0.166675746f;
        p = p * r + 0.499988943f;
        p = p * r + 0.999999702f;
        p = p * r + 1.00000012f;
    } else {
        p = r * 0.165668234f + 0.504964232f;
        p = p * r + 1.00016427f;
        p = p * r + 0.999928057f;
    }
    return (vec)((words)p + ((words)shifted << 23));
}

INLINE float exp_one(float x) {
    return exp_vec((vec){ 0 } + x, WHET_F32)[0];
}

INLINE float exp_sum(float *s, int32_t n, float scale, float max, int dtype) {
    vec sum = { 0 };
    int32_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        const vec e = exp_vec(load(s + j) * scale - max, dtype);
        store(s + j, e);
        sum += e;
    }
    float total = sum_vec(sum);
    if (j < n) {
        const vec e = exp_vec(load(s + j) * scale - max, dtype);
        store(s + j, e);
        for (int32_t i = 0; i < n - j; i++)
            total += s[j + i];
    }
    return total;
}
