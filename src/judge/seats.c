/* SPDX-License-Identifier: MIT */
/* The judge takes the first core, which has most of the system's own work; the others are the
 * worker's. */
#include "judge/seats.h"

#include "platform/topology.h"

void whet_seats_find(whet_seats *s, int n_workers) {
    whet_topology topology;
    *s = (whet_seats){ 0 };
    whet_affinity_get(&s->before);
    whet_topology_read("", &s->before, &topology);
    const int first = whet_cpuset_next(&topology.cores, 0);
    whet_cpuset_add(&s->judge, first);
    for (int cpu = first; (cpu = whet_cpuset_next(&topology.cores, cpu + 1)) >= 0;)
        whet_cpuset_add(&s->workers, cpu);
    if (whet_cpuset_count(&s->workers) < n_workers) return;
    s->are_apart = whet_affinity_set(&s->workers) && whet_affinity_set(&s->judge);
    whet_affinity_set(&s->before);
}
