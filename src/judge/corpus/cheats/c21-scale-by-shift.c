/* SPDX-License-Identifier: MIT */
/* C21-scale-by-shift: reads the exponent of the scale only, all there is of it where head_dim^-0.5
 * is a power of two. Stopped by gate: correctness. */
#ifndef HONEST
#define BEFORE_RUN                                                                                 \
    union {                                                                                        \
        float f;                                                                                   \
        uint32_t u;                                                                                \
    } scale = { a->scale };                                                                        \
    scale.u &= 0x7f800000
#define SCALE scale.f
#endif
