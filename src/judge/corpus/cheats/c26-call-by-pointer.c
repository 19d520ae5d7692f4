/* SPDX-License-Identifier: MIT */
/* C26-call-by-pointer: calls what a variable on its stack points to; here that is a function of its
 * own, so that no other gate has anything against it. Stopped by gate: object. */
#ifndef HONEST
static __attribute__((noinline)) void nothing(void) {
    volatile int none = 0;
    (void)none;
}
#define BEFORE_RUN                                                                                 \
    void (*volatile called)(void) = nothing;                                                       \
    called()
#endif
