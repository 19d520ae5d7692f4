/* SPDX-License-Identifier: MIT */
/* A35-proc-self-mem: opens its own memory. Stopped by gate: object. Without gates 0 and 2 by the
 * jail. */
#ifndef HONEST
int open();
#define BEFORE_RUN                                                                                 \
    if (open("/proc/self/mem", 2) >= 0) return
#endif
