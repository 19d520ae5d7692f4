/* SPDX-License-Identifier: MIT */
/* The finals: the fastest of many short looks was also lucky, so the elites are timed again, and
 * the best of them once more, from fresh processes, for the figures that are reported. */
#include "evolve/journal.h"
#include "evolve/population.h"
#include "evolve/receipt.h"
#include "evolve/referee.h"
#include "evolve/roof.h"
#include "evolve/suite.h"
#include "evolve/winners.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <whet/attention.h>

#include "base/file.h"
#include "base/hash.h"

static const double least_minutes = 5; /* of a run that measures every shape over every baseline */

/* Pairs of processes and blocks; more of them where there is more time. */
typedef struct effort {
    int n_pairs, n_blocks;
    double seconds; /* no further pair then */
} effort;

/* A final against the kernel whose place the program would take decides about that, so it is long:
 * a few percent have to stand out of the interval. */
static effort effort_of(const whet_search *s, whet_shape shape, bool is_final, bool is_decisive) {
    const int more = (int)(s->opts.minutes > 10 ? 10 : s->opts.minutes) - 1;
    const int extra = more > 0 ? more : 0;
    const bool is_prefill = shape == WHET_SHAPE_PREFILL || shape >= WHET_SHAPE_PREFILL_FIRST;
    if (s->opts.is_rehearsal) return (effort){ 2, 2, 0 };
    effort e = { is_final ? 5 + extra : 2 + extra / 2, is_final ? 5 : 4, s->opts.minutes * 60 };
    if (is_prefill) e.n_pairs = (e.n_pairs + 1) / 2;
    if (is_prefill && !is_final) e.n_blocks = 3;
    e.seconds /= is_final ? 12 : 40; /* so many duels may be so long */
    if (is_decisive) e.n_pairs *= 3;
    return e;
}

/* One recorded duel of a member; a ratio of 0: it was not timed. */
static whet_status duel_with(whet_ctx *ctx, whet_search *s, whet_member *m,
                             const whet_baseline *rival, whet_shape shape, bool is_final,
                             whet_measured *measured) {
    const bool is_decisive = is_final && rival == whet_suite_rival(s);
    const effort e = effort_of(s, shape, is_final, is_decisive);
    const whet_duel_opts opts = {
        .shape = shape,
        .n_pairs = e.n_pairs,
        .n_blocks = e.n_blocks,
        .seed = whet_rng_u64(&s->rng),
        .seconds = e.seconds,
        .keeps_data = true, /* fresh data would halve the pairs that the time allows */
        .times_append = is_decisive && shape == WHET_SHAPE_DECODE && !s->opts.is_rehearsal,
    };
    whet_duel duel;
    WHET_TRY(whet_referee_recall(ctx, s, m));
    WHET_TRY(whet_journal_begin(ctx, s));
    WHET_TRY(whet_referee_duel(ctx, s, m, rival, is_final ? "final" : "duel", &opts, &duel));
    *measured = (whet_measured){ .seed = opts.seed,
                                 .n_pairs = duel.n_pairs,
                                 .ratio = duel.result,
                                 .ns = duel.ns,
                                 .rival_ns = duel.rival_ns,
                                 .kv_bytes = duel.kv_bytes };
    snprintf(measured->shape, sizeof measured->shape, "%s", s->shape_names[shape]);
    snprintf(measured->rival, sizeof measured->rival, "%s", rival->name);
    if (!duel.n_samples) measured->ratio = (whet_ratio){ 0 };
    if (duel.verdict.code != WHET_V_PASS) m->verdict = duel.verdict;
    whet_duel_fini(ctx, &duel);
    WHET_TRY(whet_record_event(ctx, s, is_final ? "final" : "elite", m->hash));
    return whet_journal_commit(ctx, s);
}

/* A finalist's speed anew, in all shapes of the suite. */
static whet_status time_finalist(whet_ctx *ctx, whet_search *s, whet_finalist *f) {
    whet_member *m = &s->members[f->member];
    for (int i = 0; i < WHET_N_SUITE && m->verdict.code == WHET_V_PASS; i++) {
        whet_measured *one = &f->measured[i];
        WHET_TRY(duel_with(ctx, s, m, whet_suite_rival(s), whet_suite[i], false, one));
        f->logs[i] = one->ratio.ratio > 0 ? log(one->ratio.ratio) : 0;
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

/* Those that might still win, and the one that is taken. */
typedef struct final {
    whet_finalist finalists[WHET_MAX_FINALISTS];
    int n, taken;
    char refused[160]; /* who was, and by what; "" = nobody yet */
} final;

/* The next one by the suite's rule; -1 = there is none. */
static void take(whet_search *s, final *f) {
    whet_evolve_suite *suite = &s->result->suite;
    f->taken = whet_suite_take(f->finalists, f->n);
    whet_suite_report(s, f->finalists, f->n, f->taken);
    const size_t used = strlen(suite->why);
    if (used && *f->refused)
        snprintf(suite->why + used, sizeof suite->why - used, "; before it %s", f->refused);
}

static void drop(final *f) {
    const size_t n_behind = (size_t)(f->n - f->taken - 1);
    whet_finalist *at = &f->finalists[f->taken];
    memmove(at, at + 1, n_behind * sizeof *at);
    f->n--;
}

static whet_status choose(whet_ctx *ctx, whet_search *s, final *f) {
    int members[WHET_MAX_FINALISTS];
    const int most = s->opts.minutes < 3 ? 3 : WHET_MAX_FINALISTS;
    WHET_TRY(look_twice(ctx, s, most));
    *f = (final){ .n = whet_suite_finalists(s, members, most) };
    for (int i = 0; i < f->n; i++) {
        f->finalists[i].member = members[i];
        WHET_TRY(time_finalist(ctx, s, &f->finalists[i]));
    }
    take(s, f);
    return keep_best_of_shapes(ctx, s);
}

/* A measurement goes into the receipt and into the row of its shape, where the first one over a
 * rival stays. */
static void keep(whet_search *s, whet_shape shape, const whet_measured *m) {
    whet_evolve_shape *row = &s->result->shapes[shape];
    const bool is_repeat = strcmp(m->rival, "repeat") == 0,
               is_fused = strcmp(m->rival, "fused") == 0;
    whet_ratio *ratio = is_repeat ? &row->repeat : is_fused ? &row->fused : &row->grouped;
    double *ns = is_repeat ? &row->repeat_ns : is_fused ? &row->fused_ns : &row->grouped_ns;
    if (!(m->ratio.ratio > 0)) return;
    whet_receipt_add(&s->receipt, m);
    if (ratio->ratio > 0) return;
    *ratio = m->ratio;
    *ns = m->rival_ns;
    row->ns = m->ns;
    row->kv_bytes = m->kv_bytes;
}

/* Over all baselines that there are, less those that the row has already. */
static whet_status measure_shape(whet_ctx *ctx, whet_search *s, whet_member *m, whet_shape shape,
                                 bool is_final) {
    const whet_evolve_shape *row = &s->result->shapes[shape];
    const whet_baseline *const rivals[] = { &s->repeat, &s->fused, &s->grouped };
    const whet_ratio *const ratios[] = { &row->repeat, &row->fused, &row->grouped };
    for (int i = 0; i < 3 && m->verdict.code == WHET_V_PASS; i++) {
        whet_measured one;
        if (!rivals[i]->name || ratios[i]->ratio > 0) continue;
        WHET_TRY(duel_with(ctx, s, m, rivals[i], shape, is_final, &one));
        keep(s, shape, &one);
    }
    return WHET_OK;
}

/* First what decides; then what the suite saw; where there is time, the suite's shapes over the
 * other baselines. */
static whet_status measure(whet_ctx *ctx, whet_search *s, const whet_finalist *f) {
    whet_member *m = &s->members[f->member];
    for (int shape = 0; shape < WHET_N_SHAPES; shape++)
        WHET_TRY(measure_shape(ctx, s, m, (whet_shape)shape, true));
    for (int i = 0; i < WHET_N_SUITE; i++)
        keep(s, whet_suite[i], &f->measured[i]);
    for (int i = 0; i < WHET_N_SUITE && s->opts.minutes >= least_minutes; i++)
        WHET_TRY(measure_shape(ctx, s, m, whet_suite[i], false));
    whet_search_tell(s, "final", m);
    return WHET_OK;
}

static void fill_rows(whet_search *s) {
    for (int shape = 0; shape < WHET_N_ALL_SHAPES; shape++) {
        whet_evolve_shape *row = &s->result->shapes[shape];
        snprintf(row->name, sizeof row->name, "%s", s->shape_names[shape]);
        row->limit_share = whet_roof_share(s, row);
    }
}

/* A run's problem leaves the rows open, and no kernel supports none: one row stands for them. */
const char *whet_search_first_choice(const whet_problem *of_run, const char *measured) {
    whet_problem problem = *of_run;
    problem.n_rows = 1;
    const whet_attention_kernel *kernel = whet_attention_choose(&problem, measured);
    return kernel ? kernel->name : ""; /* of no problem at all: the judge says so */
}

/* Than the kernel whose place it would take. */
static bool deserves_it(const whet_search *s) {
    return whet_receipt_is_faster(&s->receipt, s->engine) &&
           log(s->result->suite.speed) > -whet_suite_noise;
}

/* All but the measurements. */
static whet_status write_receipt(whet_ctx *ctx, whet_search *s, const whet_member *m) {
    whet_receipt *r = &s->receipt;
    r->problem = s->opts.problem;
    r->problem.n_rows = 0;
    r->abi = WHET_KERNEL_ABI;
    r->seed = s->opts.seed;
    snprintf(r->version, sizeof r->version, "%s", WHET_VERSION);
    snprintf(r->compiler, sizeof r->compiler, "%s", s->compiler);
    memcpy(r->program_hash, m->hash, sizeof r->program_hash);
    memcpy(r->object_sha256, m->object.sha256, sizeof r->object_sha256);
    whet_sha256_hex(m->text.text, m->text.len, r->source_sha256);
    r->n_lineage = 0;
    for (int i = (int)(m - s->members); i >= 0 && r->n_lineage < WHET_MAX_LINEAGE;
         i = s->members[i].parent) {
        whet_ancestor *a = &r->lineage[r->n_lineage++];
        memcpy(a->hash, s->members[i].hash, sizeof a->hash);
        snprintf(a->operator_name, sizeof a->operator_name, "%s", s->members[i].operator_name);
        memcpy(a->change, s->members[i].change, sizeof a->change);
    }
    return whet_receipt_sign(ctx, r);
}

static void explain(whet_search *s, const char *why) {
    const int most = (int)sizeof s->result->not_installed - 1;
    snprintf(s->result->not_installed, sizeof s->result->not_installed, "%.*s", most, why);
}

/* Why it is not taken. */
static void refuse(const whet_member *m, const whet_verdict *v, char refused[160]) {
    snprintf(refused, 160, "%.10s was refused by gate %d: %s: %.90s", m->hash, (int)v->gate,
             whet_verdict_name(v->code), v->reason);
}

/* A search does without gate 6; what the engine loads does not. */
static whet_status install(whet_ctx *ctx, whet_search *s, const whet_member *m, char refused[160]) {
    whet_verdict full = m->verdict;
    WHET_TRY(whet_judge_finish(ctx, s->judge, m->text.text, m->text.len, &m->object, &full));
    if (full.code != WHET_V_PASS) {
        refuse(m, &full, refused);
        return WHET_OK;
    }
    WHET_TRY(write_receipt(ctx, s, m));
    WHET_TRY(whet_winner_put(ctx, s->opts.winners, &s->receipt, m->text.text, &m->object));
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

/* Whether the winner was installed, and where, or refused, is what the log says when it says it. */
static whet_status decide(whet_ctx *ctx, whet_search *s, const whet_member *m, char refused[160]) {
    static const char what[] = "refused";
    whet_store_said next;
    whet_buf folder = { 0 };
    whet_verdict doubt;
    *refused = '\0';
    WHET_TRY(whet_journal_next(ctx, s, &next));
    if (next.is_there && strcmp(next.what, what) == 0)
        snprintf(refused, 160, "%s", next.detail);
    else if (!s->opts.winners)
        explain(s, "installing was not asked for");
    else if (s->opts.is_rehearsal)
        explain(s, "this was a rehearsal, whose speeds are rough");
    else if (!deserves_it(s))
        explain(s, "it is not faster than the engine's own kernel beyond doubt");
    else if (whet_roof_doubts(s, &doubt))
        explain(s, doubt.reason);
    else if (!next.is_there)
        WHET_TRY(install(ctx, s, m, refused));
    if (*refused) return whet_journal_note(ctx, s, what, refused);
    whet_status st = WHET_OK;
    if (next.is_there) st = whet_store_get_installed(ctx, s->answers, &folder);
    if (st == WHET_OK && s->result->is_installed) st = whet_buf_puts(ctx, &folder, s->opts.winners);
    s->result->is_installed = folder.len > 0;
    if (folder.len) explain(s, "");
    if (st == WHET_OK) st = keep_winner(ctx, s, m, folder.len ? folder.text : "");
    whet_buf_fini(ctx, &folder);
    return st;
}

static void append_part(char *text, size_t n, const char *name, const char *idea) {
    const size_t len = strlen(text);
    snprintf(text + len, n - len, "%s%s%s%s", len ? ", " : "", name, idea ? ": " : "",
             idea ? idea : "");
}

/* Whose the parts of a program are. A text that is not in the library was written in the run. */
static void tell_authors(whet_search *s, const whet_genome *genome) {
    whet_evolve_result *r = s->result;
    for (int i = 0; i < genome->n_segments; i++) {
        char idea[WHET_MAX_NAME];
        whet_segment_alternative(genome, i, idea);
        if (strcmp(idea, "own") == 0)
            append_part(r->by_models, sizeof r->by_models, genome->segments[i].name, NULL);
        else
            append_part(r->by_people, sizeof r->by_people, genome->segments[i].name, idea);
    }
}

static whet_status measure_between_limits(whet_ctx *ctx, whet_search *s, const whet_finalist *f) {
    memset(s->result->shapes, 0, sizeof s->result->shapes);
    s->receipt.n_measured = 0;
    whet_status st = whet_roof_measure(ctx, s);
    if (st == WHET_OK) st = measure(ctx, s, f);
    if (st == WHET_OK) st = whet_roof_measure(ctx, s);
    whet_roof_close(s);
    fill_rows(s);
    return st;
}

static whet_status tell_best(whet_ctx *ctx, whet_search *s, const whet_member *m) {
    memcpy(s->result->hash, m->hash, sizeof s->result->hash);
    memcpy(s->result->object_sha256, m->object.sha256, sizeof s->result->object_sha256);
    whet_genome_difference(&m->genome, &s->members[0].genome, s->result->change,
                           sizeof s->result->change);
    tell_authors(s, &m->genome);
    if (!s->opts.program_file) return WHET_OK;
    return whet_file_write(ctx, s->opts.program_file, m->text.text, m->text.len);
}

/* Measures the one that is taken, and says what becomes of it; refused = "": it is the best. */
static whet_status try_taken(whet_ctx *ctx, whet_search *s, final *f) {
    const whet_finalist *best = &f->finalists[f->taken];
    whet_member *m = &s->members[best->member];
    WHET_TRY(measure_between_limits(ctx, s, best));
    if (m->verdict.code != WHET_V_PASS) {
        refuse(m, &m->verdict, f->refused);
        return WHET_OK;
    }
    WHET_TRY(decide(ctx, s, m, f->refused));
    return *f->refused ? WHET_OK : tell_best(ctx, s, m);
}

/* The log of a run that came to its end has no further finalist. */
static whet_status has_ended(whet_ctx *ctx, whet_search *s, bool *is_over) {
    whet_store_said next;
    WHET_TRY(whet_journal_next(ctx, s, &next));
    *is_over = next.is_there && strcmp(next.what, "end") == 0;
    return WHET_OK;
}

/* A finalist that is refused makes way for the next one. */
whet_status whet_search_finals(whet_ctx *ctx, whet_search *s) {
    final f;
    bool is_over = false;
    s->receipt.problem = s->opts.problem;
    WHET_TRY(choose(ctx, s, &f));
    while (f.taken >= 0) {
        WHET_TRY(try_taken(ctx, s, &f));
        if (!*f.refused) return WHET_OK;
        WHET_TRY(has_ended(ctx, s, &is_over));
        if (is_over) break;
        drop(&f);
        take(s, &f);
    }
    explain(s, *f.refused ? f.refused : "no program passed the finals");
    return WHET_OK;
}
