/* SPDX-License-Identifier: MIT */
/* The limits that a container or a service manager has put on this process. */
#ifndef WHET_PLATFORM_CGROUP_H
#define WHET_PLATFORM_CGROUP_H

#include <stdint.h>

/* Zero = no limit. */
typedef struct whet_limits {
    double cpus; /* processor time per time */
    uint64_t memory_bytes;
} whet_limits;

/* Reads ROOT/proc/self/cgroup and, below ROOT/sys/fs/cgroup, the process's groups of version 2 and
 * version 1 with all their parents; the tightest limit counts. What makes no sense is ignored.
 * root is "" but for tests. */
void whet_cgroup_read(const char *root, whet_limits *limits);

#endif
