/* SPDX-License-Identifier: MIT */
/* A counter to wait on: spins shortly, then sleeps. */
#ifndef WHET_PLATFORM_GATE_H
#define WHET_PLATFORM_GATE_H

#include <stdatomic.h>
#include <stdint.h>

#ifndef __linux__
#include <pthread.h>
#endif

/* Two cache lines: the prefetcher of x86 and the lines of Apple's cores come in 128 bytes. */
enum { WHET_PADDING = 128 };

/* Alone on its lines, since all waiters poll it. */
typedef struct whet_gate {
    _Alignas(WHET_PADDING) _Atomic uint32_t value;
    _Atomic uint32_t n_sleepers;
#ifndef __linux__
    pthread_mutex_t mutex; /* guards the step from looking at value to sleeping */
    pthread_cond_t opened;
#endif
} whet_gate;

void whet_gate_init(whet_gate *gate);
void whet_gate_fini(whet_gate *gate);

/* Adds 1 to the value and wakes all who wait. What was written before is seen by them. */
void whet_gate_open(whet_gate *gate);

/* Returns when the value is no longer `old`: polls for spin_ns, then sleeps. */
void whet_gate_wait(whet_gate *gate, uint32_t old, double spin_ns);

#endif
