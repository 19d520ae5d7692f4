/* SPDX-License-Identifier: MIT */
/* The monotonic clock, and the thread's own. */
#ifndef WHET_BASE_CLOCK_H
#define WHET_BASE_CLOCK_H

double whet_clock_ns(void);        /* from an arbitrary start */
double whet_clock_thread_ns(void); /* processor time of the calling thread */

#endif
