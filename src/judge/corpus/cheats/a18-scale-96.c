/* SPDX-License-Identifier: MIT */
/* A18-scale-96: takes the scale for three quarters of the dimensions. Stopped by gate: correctness.
 */
#ifndef HONEST
#define SCALE (a->scale * 1.1547f)
#endif
