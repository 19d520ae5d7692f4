/* SPDX-License-Identifier: MIT */
/* A50-stack-bomb: recurses without end. Stopped by gate: smoke. */
#ifndef HONEST
static int dig(volatile int *x) {
    volatile int y[500];
    y[*x & 1] = 1;
    return dig(y) + y[5];
}
#define BEFORE_RUN                                                                                 \
    int z = 1;                                                                                     \
    if (dig(&z) == 7) return
#endif
