/* SPDX-License-Identifier: MIT */
/* A40-fork: leaves a process behind. Stopped by gate: object. Without gates 0 and 2 by the jail. */
#ifndef HONEST
int fork();
#define BEFORE_RUN                                                                                 \
    if (fork() == 0)                                                                               \
        for (;;)                                                                                   \
            ;
#endif
