/* SPDX-License-Identifier: MIT */
/* Proposals from a model of what each idea is worth. */
#ifndef WHET_EVOLVE_GUIDE_H
#define WHET_EVOLVE_GUIDE_H

#include "evolve/search.h"

typedef enum whet_guide_kind {
    WHET_GUIDE_STEP,  /* the most promising change of one segment */
    WHET_GUIDE_WHOLE, /* all segments as promises most */
    WHET_GUIDE_SUITE, /* some idea, with the ideas that it was made for; else as it is */
} whet_guide_kind;

/* A parent's text with segments as the model, and chance, would have them. */
whet_status whet_guide(whet_ctx *ctx, whet_search *s, int parent, whet_guide_kind kind,
                       whet_child_text *child);

#endif
