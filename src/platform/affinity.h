/* SPDX-License-Identifier: MIT */
/* Sets of processors, and where the calling thread may run. */
#ifndef WHET_PLATFORM_AFFINITY_H
#define WHET_PLATFORM_AFFINITY_H

#include <stdbool.h>
#include <stdint.h>

enum { WHET_MAX_CPUS = 8192 };

typedef struct whet_cpuset {
    uint64_t bits[WHET_MAX_CPUS / 64];
} whet_cpuset;

bool whet_cpuset_has(const whet_cpuset *set, int cpu); /* false outside 0 .. WHET_MAX_CPUS - 1 */
void whet_cpuset_add(whet_cpuset *set, int cpu);       /* ignored outside */
int whet_cpuset_count(const whet_cpuset *set);
int whet_cpuset_next(const whet_cpuset *set, int cpu); /* first member >= cpu; -1 = none */

/* The processors that the calling thread may use. Where the system has no such notion, the first n
 * of the n that are online. Never empty. */
void whet_affinity_get(whet_cpuset *set);

/* False where the system does not allow it; the thread then runs where it did. */
bool whet_affinity_set(const whet_cpuset *set);

/* Pins the calling thread to one processor. */
bool whet_affinity_pin(int cpu);

/* The processor the thread runs on now; -1 = not known. Cheap. */
int whet_affinity_current(void);

#endif
