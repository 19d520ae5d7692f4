/* SPDX-License-Identifier: MIT */
/* H06-short-exp: a polynomial of degree 3, wrong by 1e-4. Must pass. */
float ldexpf(float x, int n);
float floorf(float x);
static float short_exp(float x) {
    if (x < -87) return 0;
    const float n = floorf(x * 1.44269504f + 0.5f), r = x - n * 0.693147181f;
    return ldexpf(((r * 0.165668234f + 0.504964232f) * r + 1.00016427f) * r + 0.999928057f, (int)n);
}
#define EXP(x) short_exp(x)
