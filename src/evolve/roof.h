/* SPDX-License-Identifier: MIT */
/* The machine's limits once more, between generations of answers and around the finals, where a
 * shared machine may be another one than at the start: steps of the run. */
#ifndef WHET_EVOLVE_ROOF_H
#define WHET_EVOLVE_ROOF_H

#include "evolve/search.h"

/* What P is to leave, as of whet_prober_open: a rehearsal's probes take no memory and no time. */
uint64_t whet_roof_cache_bytes(const whet_search *s);

/* Measures P and F now, or takes what the log has; the largest so far are the result's, those of
 * the run's start among them. Without memory for a probe these stay. */
whet_status whet_roof_measure(whet_ctx *ctx, whet_search *s);

/* The same during a search, where the last time is a while ago: prompts tell what part of the
 * limits a program reaches, and the minute in which a run begins may be a bad one. */
whet_status whet_roof_measure_again(whet_ctx *ctx, whet_search *s);
void whet_roof_close(whet_search *s);

/* Gate 9 on what the finals measured: a time under the floor, or a speed above three times that of
 * the best baseline, in any shape. True when the verdict says so. */
bool whet_roof_doubts(const whet_search *s, whet_verdict *verdict);

/* Whether that least time is the memory's, and not the arithmetic's. */
bool whet_roof_is_memory(const whet_search *s, const whet_evolve_shape *shape);

/* The least time for a shape's work, by the roofline, over `ns`; 0 = not known. */
double whet_roof_share(const whet_search *s, const whet_evolve_shape *shape);

#endif
