/* SPDX-License-Identifier: MIT */
/* Which processors share a core, and the caches. */
#ifndef WHET_PLATFORM_TOPOLOGY_H
#define WHET_PLATFORM_TOPOLOGY_H

#include "platform/affinity.h"

/* Facts not told by the system are 0; the sets are never empty. */
typedef struct whet_topology {
    whet_cpuset online; /* processors of the machine */
    whet_cpuset cores;  /* of the usable ones, the first of every core */
    whet_cpuset team;   /* of those, the performance cores where a machine has two kinds */
    int n_cores_online;
    uint64_t l1d_bytes; /* of one core */
    uint64_t l2_bytes;  /* of one core */
    uint64_t l3_bytes;  /* one of them */
    int n_l3;
} whet_topology;

/* Reads ROOT/sys/devices/...; root is "" but for tests. What is not told or not sensible there is
 * taken as the plainest machine: every processor a core of its own. */
void whet_topology_read(const char *root, const whet_cpuset *usable, whet_topology *topology);

#endif
