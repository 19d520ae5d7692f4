/* SPDX-License-Identifier: MIT */
/* Proposals from a model of what each idea is worth. */
#ifndef WHET_EVOLVE_GUIDE_H
#define WHET_EVOLVE_GUIDE_H

#include "evolve/search.h"

/* A parent's text with all segments as the model, and chance, would have them. */
whet_status whet_guide(whet_ctx *ctx, whet_search *s, int parent, whet_child_text *child);

#endif
