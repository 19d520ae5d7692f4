/* SPDX-License-Identifier: MIT */
/* What the files of the benchmark share. */
#ifndef WHET_BENCH_BENCH_INT_H
#define WHET_BENCH_BENCH_INT_H

#include <whet/bench.h>

#include "base/ctx.h"

struct whet_bench {
    whet_ctx *ctx; /* borrowed until close */
    const whet_model *model;
    const whet_checkpoint_facts *facts;
    whet_team *team;
    whet_bench_opts opts;                        /* defaults filled in; strings are not kept */
    whet_session *holders[WHET_BENCH_MAX_SIDES]; /* keep the kernels loaded */
    whet_prober *prober;
};

enum { WHET_BENCH_CHUNK = 512 }; /* of sessions that name none */

/* Tokens that a session of this side feeds in one step. */
size_t whet_bench_chunk(const whet_bench *bench, int side, size_t capacity);

/* Opens a session of a side with its kernel, already loaded. */
whet_status whet_bench_open_session(whet_ctx *ctx, const whet_bench *bench, int side,
                                    size_t capacity, whet_session **session);

/* Measures both limits now. */
whet_status whet_bench_probe(const whet_bench *bench, whet_peaks *peaks);

#endif
