/* SPDX-License-Identifier: MIT */
/* A37-ifunc: chooses a function while it is loaded. Stopped by gate: source. */
#ifndef HONEST
static float one(float x) {
    return x;
}
static void *choose(void) {
    return one;
}
float chosen(float x) __attribute__((ifunc("choose")));
#endif
