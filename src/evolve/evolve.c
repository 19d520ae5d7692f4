/* SPDX-License-Identifier: MIT */
/* One evolution from beginning to end. */
#include <stdio.h>
#include <string.h>

#include <whet/machine.h>

#include "base/clock.h"
#include "base/file.h"
#include "evolve/search.h"

static whet_status run(whet_ctx *ctx, whet_search *s) {
    WHET_TRY(whet_search_begin(ctx, s));
    WHET_TRY(whet_search_run(ctx, s));
    WHET_TRY(whet_search_finals(ctx, s));
    WHET_TRY(whet_store_begin(ctx, s->store));
    WHET_TRY(whet_store_end_run(ctx, s->store, s->is_stopped ? "stopped" : "finished"));
    return whet_store_commit(ctx, s->store);
}

/* The run file, and the folder it lies in. */
static whet_status open_store(whet_ctx *ctx, whet_search *s) {
    const char *path = s->opts->run_file, *slash = strrchr(path, '/');
    char *folder = slash && slash > path ? whet_strndup(ctx, path, (size_t)(slash - path)) : NULL;
    whet_status st = slash && slash > path && !folder ? WHET_E_NOMEM : WHET_OK;
    if (folder) st = whet_dir_make(ctx, folder);
    whet_free(ctx, folder);
    return st == WHET_OK ? whet_store_open(ctx, path, true, &s->store) : st;
}

static whet_status open_judge(whet_ctx *ctx, whet_search *s) {
    whet_machine machine;
    WHET_TRY(whet_machine_read(ctx, &machine));
    snprintf(s->fingerprint, sizeof s->fingerprint, "%s", machine.fingerprint);
    const whet_judge_opts opts = {
        .problem = s->opts->problem,
        .n_threads = s->opts->n_threads,
        .seed = whet_rng_u64(&s->rng),
        .worker = s->opts->worker,
        .cc = s->opts->cc,
    };
    return whet_judge_open(ctx, &opts, &s->judge);
}

whet_status whet_evolve(whet_ctx *ctx, const whet_evolve_opts *given, whet_evolve_result *result) {
    *result = (whet_evolve_result){ 0 };
    whet_evolve_opts opts = *given;
    if (!(opts.minutes > 0)) opts.minutes = 1;
    if (!opts.problem.n_context) opts.problem.n_context = 2048;
    if (!opts.run_file) return whet_fail(ctx, WHET_E_ARG, "an evolution needs a run file");
    whet_search s = { .opts = &opts, .result = result, .start_ns = whet_clock_ns() };
    whet_rng_init(&s.rng, opts.seed);
    whet_status st = open_store(ctx, &s);
    if (st == WHET_OK) st = open_judge(ctx, &s);
    if (st == WHET_OK) st = run(ctx, &s);
    whet_search_end(ctx, &s);
    whet_judge_close(ctx, s.judge);
    whet_store_close(ctx, s.store);
    result->seconds = (whet_clock_ns() - s.start_ns) * 1e-9;
    return st;
}
