/* SPDX-License-Identifier: MIT */
/* Gate 8: paired, interleaved timing over fresh processes: how many pairs, which of them count, and
 * what comes of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "judge/match.h"
#include "kernels/attention.h"

enum {
    DEFAULT_PAIRS = 5,
    DEFAULT_BLOCKS = 5,
    MIN_PAIRS = 2,
    PAIRS_A_VOID = 4, /* one in so many may be repeated */
};

static whet_status estimate(whet_ctx *ctx, whet_match *m) {
    return whet_ratio_estimate(ctx, m->duel->samples, m->duel->n_samples, m->opts->seed,
                               &m->duel->result);
}

/* Runs a pair, and once more while the rival is disturbed and that is allowed. */
static whet_status run_pair(whet_ctx *ctx, whet_match *m, int pair) {
    whet_duel *duel = m->duel;
    const size_t n_before = duel->n_samples, n_counted = m->n_samples;
    for (;;) {
        WHET_TRY(whet_match_run_pair(ctx, m, pair));
        if (whet_match_is_over(m)) return WHET_OK;
        if (m->is_brief || duel->n_voided >= m->opts->n_pairs / PAIRS_A_VOID ||
            !whet_duel_is_disturbed(duel->samples, duel->n_samples, pair))
            break;
        duel->n_voided++;
        duel->n_samples = n_before;
        m->n_samples = n_counted;
    }
    duel->n_pairs = pair + 1;
    return WHET_OK;
}

/* Whether the candidate is clearly too slow, which the verdict says then. */
static whet_status drop(whet_ctx *ctx, whet_match *m, bool *is_below) {
    const whet_duel *duel = m->duel;
    const double bound = m->opts->drop_below;
    *is_below = false;
    if (!(bound > 0)) return WHET_OK;
    WHET_TRY(whet_ratio_is_below(ctx, duel->samples, duel->n_samples, bound, is_below));
    if (*is_below)
        whet_verdict_reject(&m->duel->verdict, WHET_V_SLOWER, WHET_GATE_RACE,
                            "%.3f times the rival's speed%s, clearly below %.3f",
                            duel->result.ratio, m->is_brief ? ", call by call" : "", bound);
    return WHET_OK;
}

/* It was not as slow as it seemed: the pair is made again with samples of full length. */
static void forget_brief(whet_match *m) {
    m->is_brief = false;
    m->n_samples = m->duel->n_samples = 0;
    m->duel->n_calls = 0;
    m->duel->n_blocks = m->opts->n_blocks;
}

static whet_status run_pairs(whet_ctx *ctx, whet_match *m) {
    const double start_ns = whet_clock_ns(), limit_ns = m->opts->seconds * 1e9;
    for (int pair = 0; pair < m->opts->n_pairs; pair++) {
        if (limit_ns > 0 && pair >= MIN_PAIRS && whet_clock_ns() - start_ns > limit_ns) break;
        WHET_TRY(run_pair(ctx, m, pair));
        if (whet_match_is_over(m)) break;
        WHET_TRY(estimate(ctx, m));
        bool is_below;
        WHET_TRY(drop(ctx, m, &is_below));
        if (is_below) break;
        if (m->is_brief) {
            forget_brief(m);
            pair--;
        }
    }
    return WHET_OK;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n) {
    if (n == 0) return 0;
    qsort(x, n, sizeof *x, by_value);
    return x[n / 2];
}

static size_t row_bytes(const whet_problem *p, int n_heads) {
    return (size_t)n_heads * (size_t)p->head_dim * whet_dtype_bytes((whet_dtype)p->dtype);
}

static whet_status make_room(whet_ctx *ctx, whet_match *m) {
    const size_t all = (size_t)m->opts->n_pairs * (size_t)m->opts->n_blocks;
    const size_t n = all > WHET_FAR_BLOCKS ? all : WHET_FAR_BLOCKS;
    const int n_calls = whet_side_max_calls(&m->problem, 8);
    m->duel->samples = whet_alloc_zero(ctx, 2 * n, sizeof *m->duel->samples);
    m->call_ns[0] = whet_alloc_zero(ctx, 2 * n, sizeof *m->call_ns[0]);
    m->call_ns[1] = m->call_ns[0] + n;
    m->out = whet_alloc(ctx, (size_t)n_calls * (size_t)m->problem.n_rows *
                                 row_bytes(&m->problem, m->problem.n_heads));
    if (!m->duel->samples || !m->call_ns[0] || !m->out) return WHET_E_NOMEM;
    if (!whet_judge_sweeps(m->judge, m->opts)) return WHET_OK;
    m->sweep = &m->judge->sweep;
    return whet_sweep_open(ctx, m->team, 2 * m->judge->opts.cache_bytes, &m->judge->sweep);
}

/* What is timed, in numbers. */
static void describe(whet_match *m, whet_duel *duel) {
    const whet_problem *p = &m->problem;
    const double first = p->n_context - p->n_rows + 1;
    const double n_seen = p->n_rows * (first + p->n_context) / 2;
    duel->n_blocks = m->opts->n_blocks;
    duel->n_context = p->n_context;
    duel->n_rows = p->n_rows;
    duel->n_workers = m->opts->n_workers;
    whet_seats_find(&m->seats, m->opts->n_workers);
    const bool is_asleep = m->opts->is_asleep || m->opts->is_rough;
    duel->is_rung = m->seats.are_apart && m->opts->n_workers < m->judge->n_cores && !is_asleep;
    duel->kv_bytes = 2.0 * p->n_context * (double)row_bytes(p, p->n_kv_heads);
    duel->flop = 4.0 * p->n_heads * p->head_dim * n_seen;
}

static whet_duel_opts with_defaults(const whet_judge *judge, const whet_duel_opts *given) {
    whet_duel_opts opts = *given;
    if (opts.n_pairs <= 0) opts.n_pairs = DEFAULT_PAIRS;
    if (opts.n_blocks <= 0) opts.n_blocks = DEFAULT_BLOCKS;
    if (opts.n_workers <= 0) opts.n_workers = judge->opts.n_threads;
    if (opts.is_warm || opts.n_context) opts.keeps_data = false; /* nothing is kept for those */
    if (opts.keeps_data && opts.n_blocks > WHET_KEPT_CALLS) opts.n_blocks = WHET_KEPT_CALLS;
    return opts;
}

whet_status whet_judge_duel(whet_ctx *ctx, whet_judge *judge, const whet_object *candidate,
                            const whet_object *rival, const whet_duel_opts *given,
                            whet_duel *duel) {
    *duel = (whet_duel){ .verdict = { .gate = WHET_GATE_DUEL } };
    WHET_TRY(whet_bank_wait(ctx, judge->bank)); /* cases that are still being made disturb */
    const double start_ns = whet_clock_ns();
    const whet_duel_opts opts = with_defaults(judge, given);
    whet_match m = { .judge = judge, .opts = &opts, .duel = duel, .objects = { candidate, rival } };
    m.problem = whet_judge_timed_problem(judge, &opts);
    if (!whet_problem_is_valid(&m.problem))
        return whet_fail(ctx, WHET_E_ARG, "%d rows at the end of %d keys: nothing to time",
                         m.problem.n_rows, m.problem.n_context);
    whet_rng_init(&m.rng, opts.seed);
    describe(&m, duel);
    whet_status st = whet_team_open(ctx, 0, &m.team);
    if (st == WHET_OK) st = make_room(ctx, &m);
    if (st == WHET_OK) st = run_pairs(ctx, &m);
    if (st == WHET_OK && m.n_samples) {
        duel->ns = median(m.call_ns[WHET_CANDIDATE], m.n_samples);
        duel->rival_ns = median(m.call_ns[WHET_RIVAL], m.n_samples);
    }
    whet_timed_close(&m.own);
    whet_calls_fini(ctx, &m.own_calls);
    whet_free(ctx, m.out);
    whet_free(ctx, m.call_ns[0]);
    whet_team_close(m.team);
    whet_log(ctx, WHET_LOG_DEBUG, "judge",
             "duel: %d pairs (%d void) of %d blocks of %d calls on %d caches, %.3f and %.3f ms a "
             "call, empty %.1f us, worst %.2f, %.2f s",
             duel->n_pairs, duel->n_voided, duel->n_blocks, duel->n_calls, duel->n_caches,
             duel->ns * 1e-6, duel->rival_ns * 1e-6, duel->empty_ns * 1e-3, duel->verdict.worst,
             (whet_clock_ns() - start_ns) * 1e-9);
    if (st != WHET_OK) whet_duel_fini(ctx, duel);
    return st;
}

void whet_duel_fini(whet_ctx *ctx, whet_duel *duel) {
    whet_free(ctx, duel->samples);
    duel->samples = NULL;
    duel->n_samples = 0;
}

void whet_duel_name(const whet_duel *duel, char *text, size_t n) {
    if (duel->n_rows == 1)
        snprintf(text, n, "decode@%d", duel->n_context);
    else
        snprintf(text, n, "prefill%d@%d", duel->n_rows, duel->n_context);
}
