/* SPDX-License-Identifier: MIT */
/* B28-fixed-scale: Knows what the scale usually is, and does not read it.
 * Stopped by gate: property */
#ifndef HONEST
#define SCALE 0.125f
#endif
