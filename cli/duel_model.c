/* SPDX-License-Identifier: MIT */
/* whet duel --scenario: two kernels in a model's texts, by the means of whet bench. A file is
 * judged for the model's heads first, and what the engine loads are the very bytes that were
 * judged. */
#include <whet/attention.h>

#include "bench.h"
#include "candidate.h"
#include "duel.h"

/* A and B as whet bench has them. */
static const int bench_side[2] = { WHET_BENCH_CANDIDATE, WHET_BENCH_BASELINE };

/* What the engine loads has passed gate 6 as well: nothing is between it and this process. */
static whet_status judge_sides(whet_ctx *ctx, const whet_judge_opts *given,
                               const whet_problem *heads, cli_duellist sides[2],
                               bool *is_rejected) {
    whet_judge_opts opts = *given;
    whet_judge *judge = NULL;
    opts.problem = *heads;
    opts.problem.n_context = 0; /* nothing is timed by the judge */
    opts.is_full = true;
    whet_status st = opts.has_no_cases ? WHET_OK : whet_judge_open(ctx, &opts, &judge);
    for (int i = 0; i < 2 && st == WHET_OK && !*is_rejected; i++)
        st = cli_duel_open_side(ctx, judge, heads, &sides[i], is_rejected);
    whet_judge_close(ctx, judge);
    return st;
}

static whet_status bench_sides(whet_ctx *ctx, const cli_duel_opts *o, uint64_t seed,
                               const cli_duellist sides[2]) {
    whet_attention_library *libraries[2] = { NULL, NULL };
    cli_bench_opts bench = {
        .model = o->model,
        .candidate = sides[0].name,
        .baseline = sides[1].name,
        .scenarios = o->scenarios,
        .threads = o->n_threads,
        .repetitions = o->n_pairs,
        .seed = seed,
        .is_json = o->is_json,
    };
    whet_status st = WHET_OK;
    for (int i = 0; i < 2 && st == WHET_OK; i++) {
        const whet_object *object = &sides[i].object;
        if (!object->bytes) continue;
        st = whet_attention_load_bytes(ctx, object->bytes, object->n_bytes, &libraries[i]);
        if (st == WHET_OK)
            bench.loaded[bench_side[i]] = whet_attention_library_kernel(libraries[i]);
    }
    if (st == WHET_OK) st = cli_bench_scenarios(ctx, &bench);
    for (int i = 0; i < 2; i++)
        whet_attention_unload(libraries[i]);
    return st;
}

whet_status cli_duel_in_model(whet_ctx *ctx, const cli_duel_opts *o, const whet_judge_opts *judge,
                              cli_duellist sides[2], bool *is_rejected) {
    whet_buf dir = { 0 };
    whet_problem heads;
    whet_status st = cli_check_scenarios(o->scenarios);
    if (st == WHET_OK) st = cli_read_heads(ctx, o->model, &dir, &heads);
    if (st == WHET_OK) st = judge_sides(ctx, judge, &heads, sides, is_rejected);
    if (st == WHET_OK && !*is_rejected) st = bench_sides(ctx, o, judge->seed, sides);
    for (int i = 0; i < 2; i++)
        whet_object_fini(ctx, &sides[i].object);
    whet_buf_fini(ctx, &dir);
    return st;
}
