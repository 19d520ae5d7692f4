/* SPDX-License-Identifier: MIT */
/* A child in the making: a text that somebody thought of, and whether it is new. */
#ifndef WHET_EVOLVE_DRAFT_H
#define WHET_EVOLVE_DRAFT_H

#include "evolve/search.h"
#include "kernels/programs.h"

typedef struct whet_draft {
    whet_search *s;
    whet_member *child;
    const whet_member *bred; /* its siblings */
    int n_bred;
    bool is_new; /* the child is there */
} whet_draft;

/* A text becomes the child, unless it is known, or no program. `text` is taken over or released. */
whet_status whet_draft_take(whet_ctx *ctx, whet_draft *d, whet_child_text *text,
                            const char *operator_name, int parent, int parent2);

/* Another text for one segment of a genome, at random; NULL when the draw was none. */
const whet_segment_text *whet_draft_segment(whet_search *s, const whet_genome *g, int *segment);

/* Children of `parent` by one draw; it may come to nothing new. */
whet_status whet_draft_swap(whet_ctx *ctx, whet_draft *d, const char *operator_name, int parent);
whet_status whet_draft_knob(whet_ctx *ctx, whet_draft *d, const char *operator_name, int parent);

#endif
