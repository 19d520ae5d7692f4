/* SPDX-License-Identifier: MIT */
/* The machine's limits once more, around the finals, where a shared machine may be another one than
 * at the start: steps of the run. */
#ifndef WHET_EVOLVE_ROOF_H
#define WHET_EVOLVE_ROOF_H

#include "evolve/search.h"

/* Measures P and F now, or takes what the log has; the largest so far are the result's, those of
 * the run's start among them. Without memory for a probe these stay. */
whet_status whet_roof_measure(whet_ctx *ctx, whet_search *s);
void whet_roof_close(whet_search *s);

/* Gate 9 on what the finals measured: a time under the floor, or a speed above three times that of
 * the best baseline, in any shape. True when the verdict says so. */
bool whet_roof_doubts(const whet_search *s, whet_verdict *verdict);

/* The least time for a shape's work, by the roofline, over `ns`; 0 = not known. */
double whet_roof_share(const whet_search *s, const whet_evolve_shape *shape);

#endif
