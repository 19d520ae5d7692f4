/* SPDX-License-Identifier: MIT */
/* A42-signal-handler: catches its own faults. Stopped by gate: object. Without gates 0 and 2 by the
 * jail. */
#ifndef HONEST
int signal();
static void on(int x) {
    (void)x;
}
#define BEFORE_RUN signal(11, on)
#endif
