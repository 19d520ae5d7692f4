/* SPDX-License-Identifier: MIT */
/* B30-cut-weights: cuts the weights to bf16 instead of rounding them, and sums the whole ones:
 * as large as the tolerance, and equal V rows do not give that row. Stopped by gate: property. */
#ifndef HONEST
#define ADD(x, y) ((x) + cut(s[t]) * get(kv[t * 2L * n + n + g * d + c]))
static float get(uint16_t x);
static float cut(float x) {
    union {
        float f;
        uint32_t u;
    } y = { x };
    return get((uint16_t)(y.u >> 16));
}
#endif
