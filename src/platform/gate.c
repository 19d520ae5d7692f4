/* SPDX-License-Identifier: MIT */
/* Spinning by the pause instruction, sleeping by futex (Linux) or a condition variable. */
#include "platform/gate.h"

#include <stdbool.h>

#include "base/clock.h"
#include "platform/relax.h"

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { POLLS_PER_CLOCK = 64 };

static bool is_open(whet_gate *gate, uint32_t old) {
    return atomic_load_explicit(&gate->value, memory_order_acquire) != old;
}

static bool spin(whet_gate *gate, uint32_t old, double spin_ns) {
    double end_ns = 0;
    for (;;) {
        for (int i = 0; i < POLLS_PER_CLOCK; i++) {
            if (is_open(gate, old)) return true;
            whet_relax();
        }
        const double now_ns = whet_clock_ns();
        if (end_ns == 0) end_ns = now_ns + spin_ns; /* a short wait never reads the clock */
        if (now_ns >= end_ns) return false;
    }
}

#ifdef __linux__

void whet_gate_init(whet_gate *gate) {
    *gate = (whet_gate){ 0 };
}

void whet_gate_fini(whet_gate *gate) {
    (void)gate;
}

static void sleep_until_open(whet_gate *gate, uint32_t old) {
    /* The kernel looks at the value again, under its lock, before it puts us to sleep. */
    while (!is_open(gate, old))
        syscall(SYS_futex, &gate->value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
}

static void wake(whet_gate *gate) {
    syscall(SYS_futex, &gate->value, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

#else

void whet_gate_init(whet_gate *gate) {
    *gate = (whet_gate){ 0 };
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->opened, NULL);
}

void whet_gate_fini(whet_gate *gate) {
    pthread_cond_destroy(&gate->opened);
    pthread_mutex_destroy(&gate->mutex);
}

static void sleep_until_open(whet_gate *gate, uint32_t old) {
    pthread_mutex_lock(&gate->mutex);
    while (!is_open(gate, old))
        pthread_cond_wait(&gate->opened, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
}

static void wake(whet_gate *gate) {
    pthread_mutex_lock(&gate->mutex);
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->mutex);
}

#endif

/* Sequentially consistent on both sides: either the opener sees the sleeper, or the sleeper sees
 * the new value. */
void whet_gate_open(whet_gate *gate) {
    atomic_fetch_add(&gate->value, 1);
    if (atomic_load(&gate->n_sleepers) > 0) wake(gate);
}

void whet_gate_wait(whet_gate *gate, uint32_t old, double spin_ns) {
    if (is_open(gate, old) || (spin_ns > 0 && spin(gate, old, spin_ns))) return;
    atomic_fetch_add(&gate->n_sleepers, 1);
    if (atomic_load(&gate->value) == old) sleep_until_open(gate, old);
    atomic_fetch_sub(&gate->n_sleepers, 1);
}
