/* SPDX-License-Identifier: MIT */
/* One evolution from beginning to end: a new one, one that is resumed, one that is replayed. */
#include <stdio.h>
#include <string.h>

#include <whet/machine.h>
#include <whet/self_test.h>

#include "base/clock.h"
#include "evolve/ask.h"
#include "evolve/journal.h"
#include "evolve/proposers.h"

static const double rehearsal_sample_ns = 5e4;

static whet_status run(whet_ctx *ctx, whet_search *s) {
    WHET_TRY(whet_search_begin(ctx, s));
    WHET_TRY(whet_search_run(ctx, s));
    WHET_TRY(whet_search_finals(ctx, s));
    WHET_TRY(whet_journal_begin(ctx, s));
    WHET_TRY(whet_store_end_run(ctx, s->store, s->is_stopped ? "stopped" : "finished"));
    WHET_TRY(whet_record_event(ctx, s, "end", ""));
    WHET_TRY(whet_journal_commit(ctx, s));
    return s->is_replay ? whet_store_end_following(ctx, s->store) : WHET_OK;
}

/* Timings of another machine or compiler say nothing about those here. */
static whet_status check_place(whet_ctx *ctx, const whet_search *s) {
    if (!s->answers) return WHET_OK;
    const char *there = s->run.fingerprint.text, *with = s->run.compiler.text;
    if (strcmp(there, s->fingerprint) != 0)
        return whet_fail(ctx, WHET_E_ARG, "%s: the run is of machine %s, this is %s",
                         s->opts.run_file, there, s->fingerprint);
    if (strcmp(with, s->compiler) != 0)
        return whet_fail(ctx, WHET_E_ARG, "%s: the run was made with \"%s\", here is \"%s\"",
                         s->opts.run_file, with, s->compiler);
    return WHET_OK;
}

static whet_status open_judge(whet_ctx *ctx, whet_search *s) {
    whet_machine machine;
    WHET_TRY(whet_machine_read(ctx, &machine));
    snprintf(s->fingerprint, sizeof s->fingerprint, "%s", machine.fingerprint);
    const char *measured = s->answers ? NULL : s->opts.measured_attention; /* runs kept none once */
    if (!*s->engine)
        snprintf(s->engine, sizeof s->engine, "%s",
                 whet_search_first_choice(&s->opts.problem, measured));
    if (!s->answers) {
        s->n_wanted = machine.n_usable < 2 ? 2 : machine.n_usable;
        if (s->opts.n_children > 0) s->n_wanted = s->opts.n_children;
        if (s->n_wanted > WHET_MAX_BREED / 2) s->n_wanted = WHET_MAX_BREED / 2;
    }
    whet_judge_opts opts = {
        .problem = s->opts.problem,
        .n_threads = s->opts.n_threads,
        .seed = whet_rng_u64(&s->rng),
        .worker = s->opts.worker,
        .cc = s->opts.cc,
        .sample_ns = s->opts.sample_ns,
    };
    if (s->opts.is_rehearsal && !(opts.sample_ns > 0)) opts.sample_ns = rehearsal_sample_ns;
    if (s->is_replay || s->is_other) return WHET_OK; /* the answers must do */
    WHET_TRY(whet_judge_open(ctx, &opts, &s->judge));
    for (int i = 0; i < WHET_N_ALL_SHAPES; i++)
        whet_judge_shape_name(s->judge, (whet_shape)i, s->shape_names[i], sizeof s->shape_names[i]);
    WHET_TRY(whet_judge_compiler(ctx, s->judge, s->compiler, sizeof s->compiler));
    return check_place(ctx, s);
}

static whet_status open_all(whet_ctx *ctx, whet_search *s) {
    s->start_ns = whet_clock_ns();
    whet_status st = whet_journal_open(ctx, s);
    if (st == WHET_OK) {
        whet_rng_init(&s->rng, s->opts.seed);
        st = open_judge(ctx, s);
    }
    return st;
}

/* Its own seed: what a run chooses does not depend on this. */
static whet_status test_judge(whet_ctx *ctx, const whet_search *s) {
    const whet_self_test_opts opts = {
        .is_quick = true,
        .seed = s->opts.seed,
        .worker = s->opts.worker,
        .cc = s->opts.cc,
    };
    whet_self_test result;
    WHET_TRY(whet_self_test_run(ctx, &opts, &result));
    if (result.n_wrong == 0) return WHET_OK;
    return whet_fail(ctx, WHET_E_INTERNAL, "the judge is not to be trusted here: %s", result.fault);
}

static whet_status evolve(whet_ctx *ctx, whet_search *s) {
    whet_status st = open_all(ctx, s);
    if (st == WHET_OK && s->opts.tests_judge && s->judge && !s->answers) {
        st = test_judge(ctx, s);
        s->start_ns = whet_clock_ns();
    }
    /* The clock of a resumed run goes on where it stood. */
    if (s->opts.is_resumed) s->start_ns = whet_clock_ns() - s->run.seconds * 1e9;
    if (st == WHET_OK) st = run(ctx, s);
    whet_search_end(ctx, s);
    whet_judge_close(ctx, s->judge);
    s->result->seconds = (whet_clock_ns() - s->start_ns) * 1e-9;
    return st;
}

static void set_defaults(whet_evolve_opts *opts) {
    if (!(opts->minutes > 0)) opts->minutes = 1;
    if (!opts->problem.n_context) opts->problem.n_context = 2048;
}

whet_status whet_evolve_first_prompt(whet_ctx *ctx, const whet_evolve_opts *opts,
                                     whet_buf *prompt) {
    whet_evolve_result result = { 0 };
    whet_search s = { .opts = *opts, .result = &result };
    set_defaults(&s.opts);
    s.opts.run_file = ":memory:"; /* SQLite's name for no file */
    s.opts.answers = NULL;
    s.opts.is_resumed = false;
    whet_status st = open_all(ctx, &s);
    if (st == WHET_OK) st = whet_search_begin(ctx, &s);
    if (st == WHET_OK) st = whet_search_first_prompt(ctx, &s, prompt);
    whet_search_end(ctx, &s);
    whet_judge_close(ctx, s.judge);
    whet_journal_close(ctx, &s);
    return st;
}

whet_status whet_evolve(whet_ctx *ctx, const whet_evolve_opts *opts, whet_evolve_result *result) {
    *result = (whet_evolve_result){ 0 };
    whet_search s = { .opts = *opts, .result = result };
    set_defaults(&s.opts);
    if (!s.opts.run_file) return whet_fail(ctx, WHET_E_ARG, "an evolution needs a run file");
    WHET_TRY(whet_proposer_check(ctx, &s.opts));
    const whet_status st = evolve(ctx, &s);
    result->has_run = s.opts.is_resumed || s.committed > 0;
    whet_journal_close(ctx, &s);
    return st;
}

whet_status whet_evolve_replay(whet_ctx *ctx, const char *run_file, whet_evolve_result *result,
                               int64_t *n_steps, bool *is_whole) {
    *result = (whet_evolve_result){ 0 };
    whet_search s = { .opts = { .run_file = run_file }, .is_replay = true, .result = result };
    whet_status st = evolve(ctx, &s);
    *n_steps = s.committed;
    result->has_other_prompts = s.opts.proposer && s.asking.prompt_version != WHET_PROMPT_VERSION;
    *is_whole = st == WHET_OK;
    if (s.is_log_over) st = whet_store_end_following(ctx, s.store);
    whet_journal_close(ctx, &s);
    return st;
}
