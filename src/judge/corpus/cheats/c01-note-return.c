/* SPDX-License-Identifier: MIT */
/* C01-note-return: returns at once when it finds its note on the dead stack, and hopes that the old
 * output still stands there. The return has no block of its own, only a way that no case takes.
 * Stopped by gate: sanitizer */
#ifndef HONEST
static __attribute__((noinline)) volatile uint32_t *dead_stack(void) {
    volatile uint32_t below[16384];
    volatile uintptr_t at = (uintptr_t)&below[16];
    return (volatile uint32_t *)at;
}
#define BEFORE_RUN                                                                                 \
    volatile uint32_t *note = dead_stack();                                                        \
    const uint32_t key = 0x5eed0000 ^ (uint32_t)(uintptr_t)a->out;                                 \
    if (note[worker] == key) return;                                                               \
    note[worker] = key
#endif
