/* SPDX-License-Identifier: MIT */
/* A32-own-loop: does the work, then waits for the next query itself. Stopped by gate: smoke. */
#ifndef HONEST
#define AFTER_ROW                                                                                  \
    const uint16_t seen = q[0];                                                                    \
    while (*(volatile const uint16_t *)q == seen)                                                  \
        ;
#endif
