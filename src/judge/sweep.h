/* SPDX-License-Identifier: MIT */
/* Memory that is read to leave nothing else in the processor's caches. */
#ifndef WHET_JUDGE_SWEEP_H
#define WHET_JUDGE_SWEEP_H

#include <whet/machine.h>

#include "base/ctx.h"

typedef struct whet_sweep {
    char *bytes; /* owned mapping */
    size_t n_bytes;
} whet_sweep;

/* Takes the memory and writes it, unless that was done; the team is as that of a run. */
whet_status whet_sweep_open(whet_ctx *ctx, whet_team *team, size_t n_bytes, whet_sweep *sweep);
void whet_sweep_close(whet_sweep *sweep); /* a zeroed one is fine */

/* Each worker reads its share, from which what its core shares with others is swept as well. The
 * team's threads sleep when this returns. */
void whet_sweep_run(const whet_sweep *sweep, whet_team *team);

#endif
