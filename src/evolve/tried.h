/* SPDX-License-Identifier: MIT */
/* What was tried in a run so far, by the names of the changes, and what came of each. */
#ifndef WHET_EVOLVE_TRIED_H
#define WHET_EVOLVE_TRIED_H

#include "evolve/search.h"

enum { WHET_MAX_TRIED = 48 };

typedef enum whet_tried_kind {
    WHET_TRIED_GAINED,   /* faster than its parent beyond the noise */
    WHET_TRIED_LOST,     /* slower */
    WHET_TRIED_EQUAL,    /* neither is known */
    WHET_TRIED_REJECTED, /* or the same object as another program */
    WHET_N_TRIED_KINDS,
} whet_tried_kind;

typedef struct whet_tried {
    int member;
    whet_tried_kind kind;
    whet_ratio gain;    /* over its parent's speed; 0 = was not measured */
    int n;              /* times that a change of this name was tried */
    double least, most; /* of those gains; 0 = none was measured */
} whet_tried;

/* Gain over the parent in one race, and of both together: the mean that the search goes by, or
 * decode alone where one of them was dropped then. A ratio of 0 = not known. */
whet_ratio whet_tried_gain_in(const whet_search *s, const whet_member *m, int shape);
whet_ratio whet_tried_gain(const whet_search *s, const whet_member *m);

/* Each name once, as its most telling try: gains, the largest first, losses likewise, what nobody
 * can tell and what was rejected, models' answers first and then the newest; no kind takes more
 * than a share. Without controls, injected programs and ablations, which have a table of their own.
 * Returns how many, at most WHET_MAX_TRIED. */
whet_status whet_tried_list(whet_ctx *ctx, const whet_search *s, whet_tried tried[WHET_MAX_TRIED],
                            int *n);

#endif
