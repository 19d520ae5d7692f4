/* SPDX-License-Identifier: MIT */
/* The sides. Measuring a shape: probes around a duel on cold caches, one on a warm cache, one of A
 * with itself; then the look at what is too good. */
#include "duel.h"

#include <string.h>

#include <whet/attention.h>

#include "candidate.h"
#include "cli.h"
#include "winner.h"

enum { A = 0, B = 1, FEWER = 4 /* times fewer pairs for the controls */ };

static const double probe_seconds = 0.1;
static const double control_seconds = 5; /* after which a control begins no further pair */
static const double doubtful = 3; /* times a rival's speed: then the best baseline is asked, too */

bool cli_duel_is_file(const char *name) {
    const size_t n = strlen(name);
    return strchr(name, '/') || (n > 2 && strcmp(name + n - 2, ".c") == 0);
}

whet_status cli_duel_open_side(whet_ctx *ctx, const whet_judge *judge, const whet_problem *heads,
                               cli_duellist *side, bool *is_rejected) {
    whet_buf source = { 0 };
    whet_verdict v = { 0 };
    if (!cli_duel_is_file(side->name)) {
        side->object = (whet_object){ .built_in = side->name };
        return cli_check_built_in(heads, side->name, ", or a FILE.c");
    }
    whet_status st = cli_read_source(ctx, side->name, &source);
    if (st == WHET_OK)
        st = whet_judge_source(ctx, judge, source.text ? source.text : "", source.len,
                               &side->object, &v);
    whet_buf_fini(ctx, &source);
    *is_rejected = v.code != WHET_V_PASS;
    if (st == WHET_OK && *is_rejected)
        fprintf(stderr, "%s is rejected, and nothing is timed: %s, gate %d, %s: %s\n", side->name,
                whet_verdict_name(v.code), v.gate, whet_gate_name(v.gate), v.reason);
    return st;
}

/* Keeps the larger of what was there and what is there now. */
static whet_status probe(whet_ctx *ctx, int n_workers, whet_peaks *peaks) {
    whet_team *team = NULL;
    whet_prober *prober = NULL;
    whet_probe bytes = { 0 }, flop = { 0 };
    whet_status st = whet_team_open(ctx, n_workers, &team);
    if (st == WHET_OK) st = whet_prober_open(ctx, team, 0, &prober);
    if (st == WHET_OK) st = whet_prober_bandwidth(prober, probe_seconds, &bytes);
    if (st == WHET_OK) st = whet_prober_flops(prober, probe_seconds, &flop);
    whet_prober_close(prober);
    whet_team_close(team);
    if (bytes.high > peaks->bytes_per_second) peaks->bytes_per_second = bytes.high;
    if (flop.high > peaks->flop_per_second) peaks->flop_per_second = flop.high;
    return st;
}

/* A rival from a file is a candidate like the other side; a built-in one is ours. */
static whet_status fight(whet_ctx *ctx, const cli_sitting *s, const whet_duel_opts *given,
                         const whet_object *rival, whet_duel *duel) {
    whet_duel_opts opts = *given;
    opts.judges_rival = !rival->built_in;
    return whet_judge_duel(ctx, s->judge, &s->sides[A].object, rival, &opts, duel);
}

/* The ratio over the best baseline: the engine's own choice, if that is not B already; `found` is
 * what that duel has against A. */
static whet_status compare_with_best(whet_ctx *ctx, const cli_sitting *s,
                                     const whet_duel_opts *opts, const whet_duel *cold,
                                     whet_sanity *sanity, whet_verdict *found) {
    whet_problem problem = s->problem;
    problem.n_rows = cold->n_rows;
    problem.n_context = cold->n_context;
    sanity->best = s->sides[B].name;
    sanity->speed = cold->result.ratio;
    whet_profile profile;
    const whet_status found_profile = cli_profile_find(ctx, &profile);
    if (found_profile != WHET_OK) return found_profile;
    const char *first = whet_attention_choose(&problem, profile.attention)->name;
    if (sanity->speed <= doubtful || strcmp(first, s->sides[B].name) == 0) return WHET_OK;
    const whet_object best = { .built_in = first };
    whet_duel_opts fewer = *opts;
    whet_duel duel;
    fewer.n_pairs = (opts->n_pairs + FEWER - 1) / FEWER;
    const whet_status st = fight(ctx, s, &fewer, &best, &duel);
    if (st != WHET_OK) return st;
    sanity->best = first;
    sanity->speed = duel.result.ratio;
    *found = duel.verdict;
    whet_duel_fini(ctx, &duel);
    return WHET_OK;
}

static whet_status doubt(whet_ctx *ctx, const cli_sitting *s, const whet_duel_opts *opts,
                         cli_duel_figures *f) {
    const whet_duel *cold = &f->duels[CLI_DUEL_COLD];
    const whet_work work = { .kv_bytes = cold->is_cold ? cold->kv_bytes : 0,
                             .attention_flop = cold->flop };
    const double limit_ns = whet_work_limit_ns(&work, &f->peaks, &f->is_reading);
    f->shares[A] = limit_ns / cold->ns;
    f->shares[B] = limit_ns / cold->rival_ns;
    whet_sanity sanity = {
        .ns = cold->ns,
        .bytes = work.kv_bytes,
        .bytes_per_second = f->peaks.bytes_per_second,
        .flop = work.attention_flop,
        .flop_per_second = f->peaks.flop_per_second,
    };
    const whet_status st = compare_with_best(ctx, s, opts, cold, &sanity, &f->doubt);
    if (st == WHET_OK && f->doubt.code == WHET_V_PASS) whet_judge_doubts(&sanity, &f->doubt);
    return st;
}

static whet_status run_controls(whet_ctx *ctx, const cli_sitting *s, const whet_duel_opts *opts,
                                cli_duel_figures *f) {
    whet_duel_opts fewer = *opts;
    fewer.n_pairs = (opts->n_pairs + FEWER - 1) / FEWER;
    fewer.drop_below = 0;
    fewer.seconds = control_seconds;
    fewer.is_warm = true;
    whet_status st = fight(ctx, s, &fewer, &s->sides[B].object, &f->duels[CLI_DUEL_WARM]);
    fewer.is_warm = false;
    if (st == WHET_OK) st = fight(ctx, s, &fewer, &s->sides[A].object, &f->duels[CLI_DUEL_SAME]);
    return st;
}

whet_status cli_duel_measure(whet_ctx *ctx, const cli_sitting *s, cli_duel_shape shape,
                             int n_workers, cli_duel_figures *f) {
    *f = (cli_duel_figures){ 0 };
    const whet_duel_opts opts = {
        .n_context = shape.n_context,
        .n_rows = shape.n_rows,
        .n_workers = n_workers,
        .n_pairs = s->opts->n_pairs,
        .n_blocks = s->opts->n_blocks,
        .seed = s->seed,
        .drop_below = s->opts->is_bare ? 0 : 1,
        .is_asleep = s->opts->is_asleep,
    };
    whet_duel *cold = &f->duels[CLI_DUEL_COLD];
    whet_status st = s->opts->is_bare ? WHET_OK : probe(ctx, n_workers, &f->peaks);
    if (st == WHET_OK) st = fight(ctx, s, &opts, &s->sides[B].object, cold);
    const bool has_passed =
        cold->verdict.code == WHET_V_PASS || cold->verdict.code == WHET_V_SLOWER;
    if (st != WHET_OK || s->opts->is_bare || !has_passed) return st;
    st = run_controls(ctx, s, &opts, f);
    if (st == WHET_OK) st = probe(ctx, n_workers, &f->peaks);
    return st == WHET_OK ? doubt(ctx, s, &opts, f) : st;
}

void cli_duel_figures_fini(whet_ctx *ctx, cli_duel_figures *f) {
    for (int i = 0; i < CLI_N_DUELS; i++)
        whet_duel_fini(ctx, &f->duels[i]);
}
