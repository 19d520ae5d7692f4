/* SPDX-License-Identifier: MIT */
/* The machine of a run: what it is, and the two limits that no program passes. */
#ifndef WHET_EVOLVE_LIMITS_H
#define WHET_EVOLVE_LIMITS_H

#include <whet/machine.h>

#include "base/buf.h"

/* Measured at the start of a run and kept in its row of the run file, so that a replay has the same
 * ones. 0 = not known: a run file of before had none. */
typedef struct whet_limits {
    double bytes_per_second; /* P: reading memory, of all workers */
    double flop_per_second;  /* F: the fastest unit's arithmetic */
} whet_limits;

/* Appends processor, instruction sets, caches and the measured limits as a JSON object. n_threads
 * 0 = the machine's default; cache_bytes is whet_prober_open's. Takes about a second; WHET_E_NOMEM,
 * WHET_E_CANCELLED. */
whet_status whet_limits_measure(whet_ctx *ctx, const whet_machine *machine, int n_threads,
                                uint64_t cache_bytes, whet_buf *json);

/* Reads them back from such a text; what is not there is 0. WHET_E_FORMAT for no JSON. */
whet_status whet_limits_read(whet_ctx *ctx, const whet_buf *json, whet_limits *limits);

/* Appends the same facts in words, for a prompt: processor, what it has with the intrinsics that
 * the judge takes for that, caches, and the largest limits that were seen. */
whet_status whet_limits_tell(whet_ctx *ctx, const whet_buf *json, const whet_limits *largest,
                             whet_buf *text);

#endif
