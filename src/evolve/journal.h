/* SPDX-License-Identifier: MIT */
/* The run file as the search's memory: every step is read back, where it was taken before, and
 * written, where it is new. So resuming and replaying walk the same code as searching. */
#ifndef WHET_EVOLVE_JOURNAL_H
#define WHET_EVOLVE_JOURNAL_H

#include "evolve/search.h"

/* Opens the run file, and the file with the answers if there is another; takes over seed, problem
 * and options of a run that is resumed or replayed. */
whet_status whet_journal_open(whet_ctx *ctx, whet_search *s);
void whet_journal_close(whet_ctx *ctx, whet_search *s);

/* One step: stored whole, or not at all where the run ends within it. */
whet_status whet_journal_begin(whet_ctx *ctx, whet_search *s);
whet_status whet_journal_commit(whet_ctx *ctx, whet_search *s);

/* A step of one event and nothing else. */
whet_status whet_journal_note(whet_ctx *ctx, whet_search *s, const char *what, const char *detail);

/* What the answers say comes next; is_there is false where that is ours to decide. */
whet_status whet_journal_next(whet_ctx *ctx, whet_search *s, whet_store_said *next);

/* The run's row: written for a new run, copied from the answers of another file. */
whet_status whet_journal_put_run(whet_ctx *ctx, whet_search *s);

#endif
