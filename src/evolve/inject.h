/* SPDX-License-Identifier: MIT */
/* Programs that a person puts into a run. */
#ifndef WHET_EVOLVE_INJECT_H
#define WHET_EVOLVE_INJECT_H

#include "evolve/search.h"

/* The next program that waits becomes the next child, unless it is known; the step says which. The
 * log decides where it has something to say. Nothing happens where none waits. */
whet_status whet_inject_next(whet_ctx *ctx, whet_search *s, whet_member *bred, int *n_bred);

#endif
