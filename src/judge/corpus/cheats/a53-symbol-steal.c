/* SPDX-License-Identifier: MIT */
/* A53-symbol-steal: defines a function of the C library. Stopped by gate: object. */
#ifndef HONEST
void *memmove(void *to, const void *from, size_t n) {
    (void)from, (void)n;
    return to;
}
#endif
