/* SPDX-License-Identifier: MIT */
/* A43-rdtsc: reads the clock of the processor. Stopped by gate: object. Without gates 0 and 2 by
 * the jail. */
#ifndef HONEST
#define BEFORE_RUN                                                                                 \
    if (__builtin_ia32_rdtsc() == 1) return
#endif
