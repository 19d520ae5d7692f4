/* SPDX-License-Identifier: MIT */
/* Affinity by the scheduler's calls of Linux; elsewhere threads are left to the system. */
#include "platform/affinity.h"

#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#endif

bool whet_cpuset_has(const whet_cpuset *set, int cpu) {
    return cpu >= 0 && cpu < WHET_MAX_CPUS && (set->bits[cpu / 64] >> (cpu % 64) & 1);
}

void whet_cpuset_add(whet_cpuset *set, int cpu) {
    if (cpu >= 0 && cpu < WHET_MAX_CPUS) set->bits[cpu / 64] |= (uint64_t)1 << (cpu % 64);
}

int whet_cpuset_count(const whet_cpuset *set) {
    int n = 0;
    for (int i = 0; i < WHET_MAX_CPUS / 64; i++)
        n += __builtin_popcountll(set->bits[i]);
    return n;
}

int whet_cpuset_next(const whet_cpuset *set, int cpu) {
    for (int c = cpu < 0 ? 0 : cpu; c < WHET_MAX_CPUS; c++) {
        if (c % 64 == 0 && set->bits[c / 64] == 0)
            c += 63;
        else if (whet_cpuset_has(set, c))
            return c;
    }
    return -1;
}

void whet_affinity_get(whet_cpuset *set) {
    *set = (whet_cpuset){ 0 };
#ifdef __linux__
    if (sched_getaffinity(0, sizeof *set, (cpu_set_t *)(void *)set) == 0 &&
        whet_cpuset_count(set) > 0)
        return;
#endif
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    whet_cpuset_add(set, 0);
    for (int i = 1; i < n; i++)
        whet_cpuset_add(set, i);
}

bool whet_affinity_set(const whet_cpuset *set) {
#ifdef __linux__
    return sched_setaffinity(0, sizeof *set, (const cpu_set_t *)(const void *)set) == 0;
#else
    (void)set;
    return false;
#endif
}

bool whet_affinity_pin(int cpu) {
    whet_cpuset one = { 0 };
    whet_cpuset_add(&one, cpu);
    return whet_affinity_set(&one);
}

int whet_affinity_current(void) {
#ifdef __linux__
    return sched_getcpu();
#else
    return -1;
#endif
}
