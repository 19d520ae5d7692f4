/* SPDX-License-Identifier: MIT */
/* Who lives on which island, who becomes a parent, who is timed again. Nothing here is state of its
 * own: all of it follows from the members and the random numbers. */
#ifndef WHET_EVOLVE_POPULATION_H
#define WHET_EVOLVE_POPULATION_H

#include "evolve/search.h"

/* How many islands there are. */
int whet_population_islands(const whet_search *s);

/* From 0, when the best program is new, to 1, when nothing better was found for long. */
double whet_population_boredom(const whet_search *s);

/* The fastest member of an island that is not a control; -1 = none. */
int whet_population_best(const whet_search *s, int island);

/* A parent: of any cell of the island's grid, of the archive of the fastest of all islands, or of
 * the island by speed; the more children it has, the less likely. -1 = there is none. */
int whet_population_draw(whet_search *s, int island);

/* A member that was just admitted: its cell, its island, its parents, what its arm learns. */
void whet_population_settle(whet_search *s, int member, int island);

/* Behind a generation: who had many children is timed again, and the best of an island go to the
 * next one when it is time. `is_over` is asked before every step. */
typedef whet_status (*whet_population_fn)(whet_ctx *ctx, whet_search *s, const char *step,
                                          bool *over);
whet_status whet_population_tend(whet_ctx *ctx, whet_search *s, int island,
                                 whet_population_fn is_over);

/* One more look at a member in decode, as a step: the mean of all looks counts from now on. */
whet_status whet_population_look_again(whet_ctx *ctx, whet_search *s, whet_member *m);

#endif
