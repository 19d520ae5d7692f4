/* SPDX-License-Identifier: MIT */
/* POSIX clocks in nanoseconds. */
#include "base/clock.h"

#include <time.h>

static double read_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double whet_clock_ns(void) {
    return read_ns(CLOCK_MONOTONIC);
}

double whet_clock_thread_ns(void) {
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}
