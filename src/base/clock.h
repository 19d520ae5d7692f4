/* SPDX-License-Identifier: MIT */
/* The monotonic clock. */
#ifndef WHET_BASE_CLOCK_H
#define WHET_BASE_CLOCK_H

double whet_clock_ns(void); /* from an arbitrary start */

#endif
