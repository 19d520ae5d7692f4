/* SPDX-License-Identifier: MIT */
/* Filters of system calls: lists that are turned into seccomp's programs. */
#ifndef WHET_JUDGE_FILTER_H
#define WHET_JUDGE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

typedef enum whet_filter {
    WHET_FILTER_WORKER,   /* what a worker itself needs, all else kills */
    WHET_FILTER_KERNEL,   /* futex and exit_group, all else kills */
    WHET_FILTER_TEAM,     /* what serving timed requests needs, all else kills */
    WHET_FILTER_COMPILER, /* no sockets, no other processes; all else is allowed */
} whet_filter;

/* Installs the filter for all threads of the process; filters add up. no_new_privs must be set.
 * False: the system has no seccomp, or not the action that kills the process. */
bool whet_filter_install(whet_filter filter);

/* Whether whet_filter_install can work here. */
bool whet_filter_is_there(void);

#endif
