/* SPDX-License-Identifier: MIT */
/* B27-a-head-apart: One query head's weights are a two-thousandth too large.
 * Stopped by gate: property */
#ifndef HONEST
#define ADD(x, y) ((x) + (h == 3 ? 1.0005f : 1.0f) * (y))
#endif
