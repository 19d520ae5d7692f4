/* SPDX-License-Identifier: MIT */
/* Simple searches that get a share of every run, so that it can say what evolution gave over them.
 */
#ifndef WHET_EVOLVE_CONTROL_H
#define WHET_EVOLVE_CONTROL_H

#include "evolve/draft.h"

/* code, name. What they find is nobody's parent, and teaches the model nothing. */
#define WHET_CONTROL_LIST(X)                                                                       \
    X(RANDOM, "random")         /* every segment and knob of the seed at random */                 \
    X(BEST_OF_N, "best-of-n")   /* one to four random changes of the seed, again and again */      \
    X(HILL_CLIMB, "hill-climb") /* one random change of the best one so far of its own */

typedef enum whet_control {
    WHET_CONTROL_NONE,
#define WHET_X(code, name) WHET_CONTROL_##code,
    WHET_CONTROL_LIST(WHET_X)
#undef WHET_X
} whet_control;

/* A child for the control whose turn it is, when it is one's turn. */
whet_status whet_control_propose(whet_ctx *ctx, whet_draft *d);

/* What they found, and what evolution had after as many programs, into the result. */
void whet_control_report(whet_search *s);

#endif
