/* SPDX-License-Identifier: MIT */
/* The finals: the fastest of many short looks was also lucky, so the elites are timed again, and
 * the best of them once more, from fresh processes, for the figures that are reported. */
#include "evolve/journal.h"
#include "evolve/population.h"
#include "evolve/referee.h"
#include "evolve/suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <whet/attention.h>
#include <whet/machine.h>

#include "base/file.h"
#include "store/winners.h"

/* Pairs of processes and blocks; more of them where there is more time. */
typedef struct effort {
    int n_pairs, n_blocks;
    double seconds; /* no further pair then */
} effort;

static effort effort_of(const whet_search *s, whet_shape shape, bool is_final) {
    const int more = (int)(s->opts.minutes > 10 ? 10 : s->opts.minutes) - 1;
    const int extra = more > 0 ? more : 0;
    const bool is_prefill = shape == WHET_SHAPE_PREFILL || shape >= WHET_SHAPE_PREFILL_FIRST;
    effort e = { is_final ? 5 + extra : 2 + extra / 2, is_final ? 5 : 4, s->opts.minutes * 60 };
    if (is_prefill) e.n_pairs = (e.n_pairs + 1) / 2;
    if (is_prefill && !is_final) e.n_blocks = 3;
    e.seconds /= is_final ? 12 : 40; /* so many duels may be so long */
    return e;
}

/* One recorded duel of a member; `duel` is the caller's to release. */
static whet_status duel_with(whet_ctx *ctx, whet_search *s, whet_member *m,
                             const whet_baseline *rival, whet_shape shape, bool is_final,
                             whet_duel *duel) {
    const effort e = effort_of(s, shape, is_final);
    const whet_duel_opts opts = {
        .shape = shape,
        .n_pairs = e.n_pairs,
        .n_blocks = e.n_blocks,
        .seed = whet_rng_u64(&s->rng),
        .seconds = e.seconds,
    };
    WHET_TRY(whet_referee_recall(ctx, s, m));
    WHET_TRY(whet_journal_begin(ctx, s));
    WHET_TRY(whet_referee_duel(ctx, s, m, rival, is_final ? "final" : "duel", &opts, duel));
    if (duel->verdict.code != WHET_V_PASS) m->verdict = duel->verdict;
    WHET_TRY(whet_record_event(ctx, s, is_final ? "final" : "elite", m->hash));
    return whet_journal_commit(ctx, s);
}

/* A finalist's speed anew, in all shapes of the suite. */
static whet_status time_finalist(whet_ctx *ctx, whet_search *s, whet_finalist *f) {
    whet_member *m = &s->members[f->member];
    for (int i = 0; i < WHET_N_SUITE && m->verdict.code == WHET_V_PASS; i++) {
        whet_duel duel = { 0 };
        const whet_status st =
            duel_with(ctx, s, m, whet_suite_rival(s), whet_suite[i], false, &duel);
        f->logs[i] = duel.n_samples ? log(duel.result.ratio) : 0;
        whet_duel_fini(ctx, &duel);
        WHET_TRY(st);
    }
    f->is_whole = m->is_timed = m->verdict.code == WHET_V_PASS;
    m->log_speed = whet_suite_mean(f);
    whet_search_tell(s, "elite", m);
    return WHET_OK;
}

/* The best of each shape goes into the run file, as a step that says so. */
static whet_status keep_best_of_shapes(whet_ctx *ctx, whet_search *s) {
    for (int i = 0; i < WHET_N_SUITE; i++) {
        const whet_evolve_kept *kept = &s->result->suite.kept[i];
        char text[128];
        snprintf(text, sizeof text, "%s %.4f %s", kept->shape, kept->speed, kept->hash);
        if (*kept->hash) WHET_TRY(whet_journal_note(ctx, s, "best of shape", text));
    }
    return WHET_OK;
}

/* The fastest of many short looks was also lucky: twice as many as there are places are looked at
 * once more before the finalists are named. */
static whet_status look_twice(whet_ctx *ctx, whet_search *s, int n) {
    int elites[2 * WHET_MAX_FINALISTS];
    const int n_elites = whet_search_elites(s, elites, 2 * n);
    for (int i = 0; i < n_elites && n_elites > 1; i++)
        if (s->members[elites[i]].n_looks < 2)
            WHET_TRY(whet_population_look_again(ctx, s, &s->members[elites[i]]));
    return WHET_OK;
}

static whet_status choose(whet_ctx *ctx, whet_search *s, int *best) {
    int members[WHET_MAX_FINALISTS];
    whet_finalist finalists[WHET_MAX_FINALISTS] = { 0 };
    const int most = s->opts.minutes < 3 ? 3 : WHET_MAX_FINALISTS;
    WHET_TRY(look_twice(ctx, s, most));
    const int n = whet_suite_finalists(s, members, most);
    for (int i = 0; i < n; i++) {
        finalists[i].member = members[i];
        WHET_TRY(time_finalist(ctx, s, &finalists[i]));
    }
    const int taken = whet_suite_take(finalists, n);
    *best = taken < 0 ? -1 : members[taken];
    whet_suite_report(s, finalists, n, taken);
    return keep_best_of_shapes(ctx, s);
}

/* Where the figures of one shape and one rival go. */
typedef struct place {
    const whet_baseline *rival;
    whet_ratio *ratio;
    double *ns;
} place;

static whet_status measure(whet_ctx *ctx, whet_search *s, whet_member *m) {
    for (int shape = 0; shape < WHET_N_SHAPES; shape++) {
        whet_evolve_shape *row = &s->result->shapes[shape];
        snprintf(row->name, sizeof row->name, "%s", s->shape_names[shape]);
        const place places[] = { { &s->repeat, &row->repeat, &row->repeat_ns },
                                 { &s->fused, &row->fused, &row->fused_ns },
                                 { &s->grouped, &row->grouped, &row->grouped_ns } };
        for (int i = 0; i < 3 && m->verdict.code == WHET_V_PASS; i++) {
            if (!places[i].rival->name) continue;
            whet_duel duel = { 0 };
            const whet_status st =
                duel_with(ctx, s, m, places[i].rival, (whet_shape)shape, true, &duel);
            row->ns = duel.ns;
            row->kv_bytes = duel.kv_bytes;
            *places[i].ns = duel.rival_ns;
            *places[i].ratio = duel.result;
            whet_duel_fini(ctx, &duel);
            WHET_TRY(st);
        }
    }
    whet_search_tell(s, "final", m);
    return WHET_OK;
}

/* Of the attention's time in answering 512 tokens with 200, `fused` spends five parts of six in
 * decode (docs/judging.md). */
static double text_job_mean(const double logs[WHET_N_SHAPES]) {
    return (5 * logs[WHET_SHAPE_DECODE] + logs[WHET_SHAPE_PREFILL]) / 6;
}

/* Faster than a baseline where it counts, by the lower ends of the intervals, one a shape: in
 * decode, and in a text job as a whole. A loss in prefill may be the price. */
static bool is_faster(const double lows[WHET_N_SHAPES]) {
    double logs[WHET_N_SHAPES];
    for (int shape = 0; shape < WHET_N_SHAPES; shape++) {
        if (!(lows[shape] > 0)) return false;
        logs[shape] = log(lows[shape]);
    }
    return logs[WHET_SHAPE_DECODE] > 0 && text_job_mean(logs) > 0;
}

/* A run's problem leaves the rows open, and no kernel supports none: one row stands for them. */
const char *whet_search_first_choice(const whet_problem *of_run) {
    whet_problem problem = *of_run;
    problem.n_rows = 1;
    return whet_attention_default(&problem)->name;
}

/* Than the kernel whose place it would take. */
static bool deserves_it(const whet_search *s) {
    const char *first = whet_search_first_choice(&s->opts.problem);
    double lows[WHET_N_SHAPES];
    for (int shape = 0; shape < WHET_N_SHAPES; shape++) {
        const whet_evolve_shape *row = &s->result->shapes[shape];
        lows[shape] = row->repeat.low;
        if (s->fused.name) lows[shape] = row->fused.low;
        if (s->grouped.name && strncmp(first, "grouped", 7) == 0) lows[shape] = row->grouped.low;
    }
    return is_faster(lows) && log(s->result->suite.speed) > -whet_suite_noise;
}

static whet_status install(whet_ctx *ctx, whet_search *s, const whet_member *m) {
    const whet_problem *p = &s->opts.problem;
    const whet_evolve_shape *decode = &s->result->shapes[WHET_SHAPE_DECODE];
    whet_winner_row row = {
        .key = { .dtype = p->dtype,
                 .n_heads = p->n_heads,
                 .n_kv_heads = p->n_kv_heads,
                 .head_dim = p->head_dim,
                 .abi = WHET_KERNEL_ABI },
        .ratio_repeat = decode->repeat.ratio,
        .low_repeat = decode->repeat.low,
        .high_repeat = decode->repeat.high,
        .ratio_fused = decode->fused.ratio,
        .low_fused = decode->fused.low,
        .high_fused = decode->fused.high,
    };
    snprintf(row.key.fingerprint, sizeof row.key.fingerprint, "%s", s->fingerprint);
    snprintf(row.shape, sizeof row.shape, "%s", decode->name);
    memcpy(row.program_hash, m->hash, sizeof row.program_hash);
    memcpy(row.object_sha256, m->object.sha256, sizeof row.object_sha256);
    WHET_TRY(whet_winners_put(ctx, s->opts.winners, &row, m->text.text, m->object.bytes,
                              m->object.n_bytes));
    s->result->is_installed = true;
    return WHET_OK;
}

static whet_status keep_winner(whet_ctx *ctx, whet_search *s, const whet_member *m,
                               const char *installed_in) {
    const whet_evolve_shape *decode = &s->result->shapes[WHET_SHAPE_DECODE];
    const whet_store_winner winner = {
        .program = m->id,
        .object_sha256 = m->object.sha256,
        .ratio_repeat = decode->repeat.ratio,
        .low_repeat = decode->repeat.low,
        .high_repeat = decode->repeat.high,
        .ratio_fused = decode->fused.ratio,
        .low_fused = decode->fused.low,
        .high_fused = decode->fused.high,
        .installed_in = installed_in,
    };
    WHET_TRY(whet_journal_begin(ctx, s));
    WHET_TRY(whet_store_put_winner(ctx, s->store, &winner));
    WHET_TRY(whet_record_event(ctx, s, "winner", m->hash));
    return whet_journal_commit(ctx, s);
}

static void explain(whet_search *s, const char *why) {
    snprintf(s->result->not_installed, sizeof s->result->not_installed, "%s", why);
}

/* Whether the winner was installed, and where, is what the log says when it says it. */
static whet_status decide(whet_ctx *ctx, whet_search *s, const whet_member *m) {
    whet_store_said next;
    whet_buf folder = { 0 };
    WHET_TRY(whet_journal_next(ctx, s, &next));
    if (!s->opts.winners)
        explain(s, "installing was not asked for");
    else if (!deserves_it(s))
        explain(s, "it is not faster than the engine's own kernel beyond doubt");
    else if (!next.is_there)
        WHET_TRY(install(ctx, s, m));
    whet_status st = WHET_OK;
    if (next.is_there) st = whet_store_get_installed(ctx, s->answers, &folder);
    if (st == WHET_OK && s->result->is_installed) st = whet_buf_puts(ctx, &folder, s->opts.winners);
    s->result->is_installed = folder.len > 0;
    if (folder.len) explain(s, "");
    if (st == WHET_OK) st = keep_winner(ctx, s, m, folder.len ? folder.text : "");
    whet_buf_fini(ctx, &folder);
    return st;
}

whet_status whet_search_finals(whet_ctx *ctx, whet_search *s) {
    int best;
    WHET_TRY(choose(ctx, s, &best));
    if (best < 0) {
        explain(s, "no program passed the finals");
        return WHET_OK;
    }
    whet_member *m = &s->members[best];
    WHET_TRY(measure(ctx, s, m));
    if (m->verdict.code != WHET_V_PASS) {
        explain(s, "the best program was rejected in the final");
        return WHET_OK;
    }
    memcpy(s->result->hash, m->hash, sizeof s->result->hash);
    memcpy(s->result->object_sha256, m->object.sha256, sizeof s->result->object_sha256);
    whet_genome_difference(&m->genome, &s->members[0].genome, s->result->change,
                           sizeof s->result->change);
    if (s->opts.program_file)
        WHET_TRY(whet_file_write(ctx, s->opts.program_file, m->text.text, m->text.len));
    return decide(ctx, s, m);
}
