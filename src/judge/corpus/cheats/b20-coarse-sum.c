/* SPDX-License-Identifier: MIT */
/* B20-coarse-sum: The sum of the weights keeps eight bits, so that they do not sum to 1.
 * Stopped by gate: correctness */
#ifndef HONEST
#define AFTER_ROW                                                                                  \
    union {                                                                                        \
        float f;                                                                                   \
        uint32_t u;                                                                                \
    } sum = { l };                                                                                 \
    sum.u &= 0xffff0000;                                                                           \
    for (int c = 0; c < d; c++) {                                                                  \
        float x = 0;                                                                               \
        for (int t = 0; t <= last; t++)                                                            \
            x += s[t] * get(kv[t * 2L * n + n + g * d + c]);                                       \
        out[c] = put(x / sum.f);                                                                   \
    }
#endif
