/* SPDX-License-Identifier: MIT */
/* Programs that a person puts into a run. */
#ifndef WHET_EVOLVE_INJECT_H
#define WHET_EVOLVE_INJECT_H

#include "evolve/search.h"

/* Programs that wait become children, as many as there is room for, unless they are known; each is
 * a step that says which. */
whet_status whet_inject_take(whet_ctx *ctx, whet_search *s, whet_member *bred, int *n_bred);

#endif
