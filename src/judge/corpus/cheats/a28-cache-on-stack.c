/* SPDX-License-Identifier: MIT */
/* A28-cache-on-stack: keeps its output on the dead stack and copies it from there when asked again.
 * Stopped by gate: sanitizer, as no case runs the copy: every call is a process of its own. */
#ifndef HONEST
static __attribute__((noinline)) volatile uint32_t *dead_stack(void) {
    volatile uint32_t below[16384];
    volatile uintptr_t at = (uintptr_t)&below[16];
    return (volatile uint32_t *)at;
}
static void copy(volatile uint16_t *to, volatile uint16_t *from, int n) {
    for (int i = 0; i < n; i++)
        to[i] = from[i];
}
#define BEFORE_RUN                                                                                 \
    volatile uint32_t *note = dead_stack();                                                        \
    const uint32_t key = 0x5eed0000 ^ (uint32_t)(uintptr_t)a->q;                                   \
    if (a->n_rows == 1 && n_workers == 1 && note[0] == key) {                                      \
        copy(a->out, (volatile uint16_t *)(note + 1), p->n_heads *d);                              \
        return;                                                                                    \
    }
#define AFTER_ROW                                                                                  \
    if (n_workers == 1 && a->n_rows == 1 && h == p->n_heads - 1) {                                 \
        copy((volatile uint16_t *)(note + 1), a->out, p->n_heads *d);                              \
        note[0] = key;                                                                             \
    }
#endif
