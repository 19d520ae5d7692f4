/* SPDX-License-Identifier: MIT */
/* Several jobs side by side, each in a thread with a context of its own. */
#ifndef WHET_BASE_CREW_H
#define WHET_BASE_CREW_H

#include "base/ctx.h"

enum { WHET_MAX_CREW = 16 };

typedef struct whet_crew_work {
    whet_status (*run)(whet_ctx *own, void *job);  /* in the job's thread */
    whet_status (*take)(whet_ctx *ctx, void *job); /* then in the caller's, in the jobs' order, if
                                                      none has failed: what is kept is copied */
    void (*drop)(whet_ctx *own, void *job);        /* at last: frees what `run` left in `own` */
} whet_crew_work;

/* Works on n jobs, at most WHET_MAX_CREW, that lie one behind the other. A job that fails, or a
 * request to stop, ends the others where they look for that; what is returned is the failure and
 * not that it ended others. Log lines of the jobs reach ctx one at a time. */
whet_status whet_crew_run(whet_ctx *ctx, const whet_crew_work *work, void *jobs, size_t job_bytes,
                          int n);

#endif
