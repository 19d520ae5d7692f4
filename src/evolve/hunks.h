/* SPDX-License-Identifier: MIT */
/* Where two texts differ, in runs of lines. */
#ifndef WHET_EVOLVE_HUNKS_H
#define WHET_EVOLVE_HUNKS_H

#include "base/ctx.h"
#include "evolve/genome.h"

enum { WHET_MAX_HUNKS = 8 };

/* Whole lines `here` stand where `there` has others; either may be empty. */
typedef struct whet_hunk {
    whet_extent here, there;
} whet_hunk;

/* By the longest common subsequence of lines (dynamic programming). *n is 0 for texts of more than
 * 600 lines, and where there are more hunks than the list has room for. */
whet_status whet_hunks_find(whet_ctx *ctx, const char *here, size_t n_here, const char *there,
                            size_t n_there, whet_hunk list[WHET_MAX_HUNKS], int *n);

#endif
