/* SPDX-License-Identifier: MIT */
/* CLOCK_MONOTONIC in nanoseconds. */
#include "base/clock.h"

#include <time.h>

double whet_clock_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}
