/* SPDX-License-Identifier: MIT */
/* Who judges: the judge itself, or a run file that has its answers already. */
#ifndef WHET_EVOLVE_REFEREE_H
#define WHET_EVOLVE_REFEREE_H

#include "evolve/search.h"

/* Builds and checks n members, those without an answer side by side; fills object, verdict and
 * evidence. A baseline (no hash) has no answer. */
whet_status whet_referee_check(whet_ctx *ctx, whet_search *s, whet_member *members, int n);

/* A member's object once more, where a judge will want it and it was forgotten. */
whet_status whet_referee_recall(whet_ctx *ctx, whet_search *s, whet_member *m);

/* A duel of a member against a baseline, recorded with its samples and its verdict: within a step.
 * `duel` is the caller's to release. */
whet_status whet_referee_duel(whet_ctx *ctx, whet_search *s, const whet_member *m,
                              const whet_baseline *rival, const char *kind,
                              const whet_duel_opts *opts, whet_duel *duel);

#endif
