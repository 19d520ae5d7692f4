/* SPDX-License-Identifier: MIT */
/* A18-scale: takes the scale for one dimension more. Stopped by gate: correctness. */
#ifndef HONEST
#define SCALE (a->scale * 0.9923f)
#endif
