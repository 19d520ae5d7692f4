/* SPDX-License-Identifier: MIT */
/* Which part of a change gained what: a gain of several parts is taken apart, and all that was ever
 * measured one part apart becomes a table. */
#ifndef WHET_EVOLVE_ABLATE_H
#define WHET_EVOLVE_ABLATE_H

#include "evolve/draft.h"

enum { WHET_MAX_DIFFERENCES = WHET_MAX_SEGMENTS + WHET_MAX_KNOBS };

/* One place where a program is not what another is: a segment's text, or a knob's value. */
typedef struct whet_difference {
    int segment; /* of the program; -1 = a knob */
    int knob;    /* likewise */
    char name[WHET_MAX_NAME];
    char here[WHET_MAX_NAME], there[WHET_MAX_NAME]; /* alternatives, or values */
} whet_difference;

/* A knob that one of them lacks goes with its segment. Returns how many there are. */
int whet_ablate_differences(const whet_genome *genome, const whet_genome *other,
                            whet_difference list[WHET_MAX_DIFFERENCES]);

/* Where the island's best program gained over its parent by several parts: it without one of them
 * that nobody measured yet; then, where a text of its own was changed in several places, as a model
 * does it in hunks, with the parent's lines in one of them. Not more than an eighth of all
 * programs. */
whet_status whet_ablate_propose(whet_ctx *ctx, whet_draft *d, int island);

/* What one part gained over another, wherever two programs were timed that differ in nothing else;
 * decode alone where one of them was dropped there. */
typedef struct whet_gain {
    char what[160];  /* "share: grouped over none" */
    double log_gain; /* mean */
    whet_ratio gain; /* the same, with its interval */
    int n;           /* times that it was measured */
} whet_gain;

/* The largest first, no losses; *n_found: how many, at most n. */
whet_status whet_ablate_gains(whet_ctx *ctx, const whet_search *s, whet_gain *gains, int n,
                              int *n_found);

/* The largest of them into the result, and into the run file as steps. */
whet_status whet_ablate_report(whet_ctx *ctx, whet_search *s);

#endif
