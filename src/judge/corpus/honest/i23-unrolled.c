/* SPDX-License-Identifier: MIT */
/* I23-unrolled: unrolled by the compiler, with tails that no length ever needs: accepted
 * also by gate 6. */
#pragma GCC optimize("unroll-loops")
#define DIMS unrolled(&x, q, kv + t * 2L * n + g * d, d)
static float get(uint16_t x);
static inline int unrolled(float *x, const uint16_t *q, const uint16_t *k, int d) {
    float sum = 0;
#pragma GCC unroll 8
    for (int c = 0; c < d; c++)
        sum += get(q[c]) * get(k[c]);
    *x = sum;
    return 0;
}
