/* SPDX-License-Identifier: MIT */
/* Memory that the judge and its workers share, under a descriptor that workers inherit. */
#ifndef WHET_JUDGE_SHARED_H
#define WHET_JUDGE_SHARED_H

#include "base/ctx.h"

typedef struct whet_shared {
    int fd;         /* of a memfd that never shrinks; 0 = none */
    char *bytes;    /* owned mapping, read and write */
    size_t n_bytes; /* whole pages */
    bool is_sealed; /* no mapping but ours will ever write it */
} whet_shared;

/* One page. Inputs are sealed where the system knows how: the one mapping that there is, ours, is
 * the only one that writes. WHET_E_IO, WHET_E_NOMEM; close it in any case. */
whet_status whet_shared_open(whet_ctx *ctx, bool is_input, whet_shared *shared);

/* To n_bytes, if it is smaller; the mapping may move. */
whet_status whet_shared_grow(whet_ctx *ctx, whet_shared *shared, size_t n_bytes);

void whet_shared_close(whet_shared *shared); /* a zeroed one is fine */

#endif
