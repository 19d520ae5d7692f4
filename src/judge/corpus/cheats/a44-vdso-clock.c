/* SPDX-License-Identifier: MIT */
/* A44-vdso-clock: reads the clock of the system. Stopped by gate: object. Without gates 0 and 2 by
 * the jail. */
#ifndef HONEST
int clock_gettime();
#define BEFORE_RUN                                                                                 \
    long now[2];                                                                                   \
    clock_gettime(1, now)
#endif
