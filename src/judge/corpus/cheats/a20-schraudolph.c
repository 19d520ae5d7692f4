/* SPDX-License-Identifier: MIT */
/* A20-schraudolph: an exponential that is wrong by 3 %. Stopped by gate: correctness. */
#ifndef HONEST
static float cheap(float x) {
    if (x < -87) return 0;
    union {
        int i;
        float f;
    } y = { (int)(12102203.0f * x + 1064866805.0f) };
    return y.f;
}
#define EXP(x) cheap(x)
#endif
