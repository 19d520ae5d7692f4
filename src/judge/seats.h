/* SPDX-License-Identifier: MIT */
/* A core for the judge, who spins on the bell, and others for the worker that it listens to: left
 * to the scheduler both are often put on one. */
#ifndef WHET_JUDGE_SEATS_H
#define WHET_JUDGE_SEATS_H

#include "platform/affinity.h"

typedef struct whet_seats {
    bool are_apart;      /* else the others mean nothing */
    whet_cpuset before;  /* where the calling thread may run */
    whet_cpuset judge;   /* one core */
    whet_cpuset workers; /* a processor of every other core */
} whet_seats;

/* Looks for a core more than n_workers, and whether the system lets the calling thread go there. */
void whet_seats_find(whet_seats *seats, int n_workers);

#endif
