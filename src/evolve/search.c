/* SPDX-License-Identifier: MIT */
/* The loop: propose a few children, build and check them side by side, race them one by one, write
 * each into the run file as one step. */
#include "evolve/search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "evolve/ablate.h"
#include "evolve/ask.h"
#include "evolve/control.h"
#include "evolve/frame.h"
#include "evolve/inject.h"
#include "evolve/journal.h"
#include "evolve/population.h"
#include "evolve/referee.h"
#include "evolve/roof.h"
#include "kernels/programs.h"

void whet_member_fini(whet_ctx *ctx, whet_member *m) {
    whet_buf_fini(ctx, &m->text);
    whet_buf_fini(ctx, &m->evidence);
    whet_object_fini(ctx, &m->object);
}

void whet_search_tell(const whet_search *s, const char *what, const whet_member *m) {
    if (!s->opts.on_event || whet_store_is_following(s->store)) return;
    int best = -1;
    whet_search_elites(s, &best, 1);
    const whet_evolve_event event = {
        .what = what,
        .hash = m ? m->hash : "",
        .operator_name = m ? m->operator_name : "",
        .change = m ? m->change : "",
        .verdict = m ? &m->verdict : NULL,
        .speed = m && m->is_timed ? exp(m->log_speed) : 0,
        .best_speed = best >= 0 ? exp(s->members[best].log_speed) : 0,
        .best = best >= 0 ? s->members[best].races[WHET_SHAPE_DECODE] : (whet_ratio){ 0 },
        .rival = s->yardstick ? s->yardstick->name : "",
        .n_tried = s->result->n_tried,
        .n_rejected = s->result->n_rejected,
        .n_generations = s->n_generations,
        .island = whet_search_island(s),
        .n_islands = whet_population_islands(s),
        .n_tokens = s->asking.n_tokens,
        .money = s->asking.money,
        .seconds = (whet_clock_ns() - s->start_ns) * 1e-9,
        .budget_seconds = s->opts.minutes * 60,
    };
    s->opts.on_event(s->opts.event_data, &event);
}

static whet_status make_room(whet_ctx *ctx, whet_search *s) {
    if (s->n_members < s->n_room) return WHET_OK;
    const int n_room = s->n_room ? 2 * s->n_room : 64;
    whet_member *members = whet_realloc(ctx, s->members, (size_t)n_room * sizeof *members);
    if (!members) return WHET_E_NOMEM;
    s->members = members;
    s->n_room = n_room;
    return WHET_OK;
}

int whet_search_island(const whet_search *s) {
    return whet_search_island_behind(s, 0);
}

int whet_search_island_behind(const whet_search *s, int n) {
    return (s->n_generations + n) % whet_population_islands(s);
}

/* Another program came out as the very same object: whatever it is worth is known. */
static bool is_twin(const whet_search *s, const whet_member *m) {
    for (int i = 0; i < s->n_members && *m->object.sha256; i++)
        if (strcmp(s->members[i].object.sha256, m->object.sha256) == 0) return true;
    return false;
}

/* A judged member enters the population; its fate is one step of the run. */
static whet_status admit(whet_ctx *ctx, whet_search *s, whet_member *m) {
    if (m->is_unanswered)
        return whet_fail(ctx, WHET_E_STORE,
                         "the run parts from its log here: it has no program %.10s", m->hash);
    WHET_TRY(make_room(ctx, s));
    WHET_TRY(whet_journal_begin(ctx, s));
    WHET_TRY(whet_record_member(ctx, s, m));
    const double start_ns = whet_clock_ns();
    const bool is_raced = m->verdict.code == WHET_V_PASS && !is_twin(s, m);
    m->seconds += m->verdict.build_ns * 1e-9;
    if (is_raced) WHET_TRY(whet_search_race(ctx, s, m));
    if (m->verdict.code == WHET_V_PASS && !is_raced) s->result->n_duplicates++;
    if (!s->answers && is_raced) {
        s->race_ns += whet_clock_ns() - start_ns;
        s->n_races++;
    }
    WHET_TRY(whet_record_event(ctx, s, "program", m->change));
    WHET_TRY(whet_journal_commit(ctx, s));
    s->result->n_tried++;
    s->result->n_by_verdict[m->verdict.code]++;
    if (m->verdict.code != WHET_V_PASS) s->result->n_rejected[m->verdict.gate]++;
    const int island = whet_search_island_behind(s, m->n_behind);
    s->members[s->n_members++] = *m;
    *m = (whet_member){ 0 };
    whet_population_settle(s, s->n_members - 1, island);
    whet_search_tell(s, "program", &s->members[s->n_members - 1]);
    return WHET_OK;
}

/* Objects are kept for those that may come to the finals; all are in the run file. */
static void forget_objects(whet_ctx *ctx, whet_search *s) {
    int elites[WHET_N_ELITES];
    const int n = whet_search_elites(s, elites, WHET_N_ELITES);
    for (int i = 1; i < s->n_members; i++) {
        bool is_elite = false;
        for (int j = 0; j < n; j++)
            is_elite |= elites[j] == i;
        char sha256[sizeof s->members[i].object.sha256];
        memcpy(sha256, s->members[i].object.sha256, sizeof sha256);
        if (is_elite) continue;
        whet_object_fini(ctx, &s->members[i].object);
        memcpy(s->members[i].object.sha256, sha256, sizeof sha256); /* twins are found by it */
    }
}

static whet_status breed(whet_ctx *ctx, whet_search *s, whet_member *bred, int n_wanted,
                         int *n_bred) {
    while (*n_bred < n_wanted) {
        bool is_found;
        WHET_TRY(whet_search_propose(ctx, s, &bred[*n_bred], bred, *n_bred, &is_found));
        if (!is_found) break;
        ++*n_bred;
    }
    return WHET_OK;
}

/* The finals are some forty races long, and longer where there is much time. */
static double finals_ns(const whet_search *s) {
    const double budget_ns = s->opts.minutes * 60e9;
    const double race_ns = s->n_races ? s->race_ns / s->n_races : 0;
    const double wanted_ns = fmax(40 * race_ns, fmin(0.33 * budget_ns, 120e9));
    return fmin(wanted_ns, 0.4 * budget_ns);
}

/* Whether the search ends before a step of that name: by the clock, or as the log has it. */
static whet_status is_over(whet_ctx *ctx, whet_search *s, const char *step, bool *over) {
    whet_store_said next;
    WHET_TRY(whet_journal_next(ctx, s, &next));
    const int asked = s->opts.max_programs;
    const int max = asked > 0 && asked < WHET_MAX_MEMBERS ? asked : WHET_MAX_MEMBERS;
    const double left_ns = s->start_ns + s->opts.minutes * 60e9 - whet_clock_ns();
    const int patience = s->opts.population.patience;
    const bool is_stuck = patience > 0 && s->n_members - s->last_gain >= patience;
    s->is_stopped = !next.is_there && s->opts.is_ending;
    *over = next.is_there
                ? strcmp(next.what, step) != 0
                : left_ns <= finals_ns(s) || s->n_members >= max || is_stuck || s->is_stopped;
    return WHET_OK;
}

static whet_status admit_all(whet_ctx *ctx, whet_search *s, whet_member *bred, int n_bred) {
    bool over = false;
    for (int i = 0; i < n_bred && !over; i++) {
        WHET_TRY(is_over(ctx, s, "program", &over));
        /* The text moves with the member: the genome's view of it stays right. */
        if (!over) WHET_TRY(admit(ctx, s, &bred[i]));
    }
    return WHET_OK;
}

static whet_status generation(whet_ctx *ctx, whet_search *s, bool *is_dry) {
    whet_member bred[WHET_MAX_BREED] = { 0 };
    whet_proposal asked[WHET_MAX_QUESTIONS] = { 0 };
    int n_bred = 0, n_asked = 0;
    whet_buf state = { 0 };
    const int island = whet_search_island(s);
    whet_status st = WHET_OK;
    if (s->opts.proposer) st = whet_search_ask(ctx, s, bred, &n_bred, asked, &n_asked);
    if (st == WHET_OK) st = breed(ctx, s, bred, s->n_wanted, &n_bred);
    if (st == WHET_OK)
        st = whet_buf_printf(ctx, &state, "%d children on island %d; ", n_bred, island);
    if (st == WHET_OK) st = whet_bandit_print(ctx, &s->bandit, &state);
    if (st == WHET_OK) st = whet_journal_begin(ctx, s);
    for (int i = 0; i < n_asked && st == WHET_OK; i++)
        st = whet_record_proposal(ctx, s, &asked[i]);
    if (st == WHET_OK) st = whet_record_event(ctx, s, "generation", state.text);
    if (st == WHET_OK) st = whet_journal_commit(ctx, s);
    if (st == WHET_OK) whet_search_tell(s, "generation", NULL);
    for (int i = 0; i < WHET_MAX_QUESTIONS; i++)
        whet_proposal_fini(ctx, &asked[i]);
    whet_buf_fini(ctx, &state);
    if (st == WHET_OK) st = whet_inject_take(ctx, s, bred, &n_bred);
    *is_dry = n_bred == 0;
    if (st == WHET_OK) st = whet_referee_check(ctx, s, bred, n_bred);
    if (st == WHET_OK) st = admit_all(ctx, s, bred, n_bred);
    if (st == WHET_OK) st = whet_population_tend(ctx, s, island, is_over);
    if (st == WHET_OK && n_asked) st = whet_roof_measure_again(ctx, s);
    s->n_generations++;
    for (int i = 0; i < n_bred; i++)
        whet_member_fini(ctx, &bred[i]);
    forget_objects(ctx, s);
    return st;
}

whet_status whet_search_run(whet_ctx *ctx, whet_search *s) {
    bool is_dry = false, over = false;
    whet_status st = WHET_OK;
    while (st == WHET_OK && !is_dry && !over) {
        st = is_over(ctx, s, "generation", &over);
        if (st == WHET_OK && !over) st = generation(ctx, s, &is_dry);
    }
    whet_store_said next;
    if (st == WHET_OK) st = whet_journal_next(ctx, s, &next);
    if (st == WHET_OK && next.is_there) s->is_stopped = strcmp(next.detail, "stopped") == 0;
    if (st == WHET_OK)
        st = whet_journal_note(ctx, s, "search ended", s->is_stopped ? "stopped" : "");
    if (st == WHET_OK) whet_control_report(s);
    if (st == WHET_OK) st = whet_ablate_report(ctx, s);
    if (st == WHET_OK) whet_search_tell(s, "end of search", NULL);
    return st;
}

/* From source where the library carries it, with the candidates' own flags; else built in. */
static whet_status write_baseline(whet_ctx *ctx, const whet_search *s, const char *name,
                                  whet_member *m) {
    const char *source = whet_program_text(name);
    *m = (whet_member){ .operator_name = name };
    if (source) return whet_buf_puts(ctx, &m->text, source);
    /* Of its family the one that a winner would take the place of, if that is of it. */
    const bool is_engine = strncmp(s->engine, name, strlen(name)) == 0;
    m->object.built_in = is_engine ? s->engine : name;
    return WHET_OK;
}

/* A judged baseline; one that is not built in on this machine is left out. */
static whet_status take_baseline(whet_ctx *ctx, whet_member *m, whet_baseline *baseline) {
    *baseline = (whet_baseline){ .name = m->operator_name,
                                 .object = m->object,
                                 .from = m->text.len ? "source" : "built-in" };
    m->object = (whet_object){ 0 };
    if (m->verdict.code == WHET_V_PASS) return WHET_OK;
    if (m->verdict.code == WHET_V_UNSUPPORTED && !m->text.len) {
        baseline->name = NULL;
        return WHET_OK;
    }
    return whet_fail(ctx, WHET_E_INTERNAL, "the baseline %s is rejected: %s: %s", baseline->name,
                     whet_verdict_name(m->verdict.code), m->verdict.reason);
}

static const char *baseline_state(const char *name, const char *from, char state[64]) {
    snprintf(state, 64, "%s: %s", name, from);
    return state;
}

/* Judged here, or as the log has it; a step of the run. */
static whet_status settle_baseline(whet_ctx *ctx, whet_search *s, whet_member *m,
                                   whet_baseline *baseline) {
    const char *name = m->operator_name, *from = m->text.len ? "source" : "built-in";
    char state[64];
    if (s->judge) {
        WHET_TRY(take_baseline(ctx, m, baseline));
    } else {
        whet_store_said next;
        WHET_TRY(whet_journal_next(ctx, s, &next));
        *baseline = (whet_baseline){ .name = name, .from = from };
        if (strcmp(next.detail, baseline_state(name, "none", state)) == 0) baseline->name = NULL;
    }
    return whet_journal_note(ctx, s, "baseline",
                             baseline_state(name, baseline->name ? from : "none", state));
}

/* The `repeat` program, made for this problem alone. */
static whet_status write_repeat(whet_ctx *ctx, const whet_search *s, whet_member *m) {
    const char *source = whet_program_text("repeat");
    if (!source) return whet_fail(ctx, WHET_E_INTERNAL, "there is no program repeat");
    WHET_TRY(whet_genome_parse(ctx, source, strlen(source), &m->genome));
    return whet_genome_specialise(ctx, &m->genome, &s->opts.problem, &m->text);
}

/* The log's, which an older whet may have written; a new run begins with `repeat`. */
static whet_status write_seed(whet_ctx *ctx, whet_search *s, whet_member *m) {
    *m = (whet_member){ .operator_name = "seed", .parent = -1, .parent2 = -1 };
    if (s->answers) WHET_TRY(whet_store_get_seed(ctx, s->answers, &m->text));
    if (!m->text.len) WHET_TRY(write_repeat(ctx, s, m));
    WHET_TRY(whet_genome_parse(ctx, m->text.text, m->text.len, &m->genome));
    const int most = s->opts.max_code_bytes;
    if (s->opts.proposer && most > 0 && m->text.len > (size_t)most)
        return whet_fail(ctx, WHET_E_ARG,
                         "max_code_length is %d, and the first program has %zu bytes", most,
                         m->text.len);
    WHET_TRY(whet_frame_read(ctx, m));
    return whet_genome_hash(ctx, m->text.text, m->text.len, m->hash);
}

enum { REPEAT, FUSED, GROUPED, SEED, N_FIRST };

static whet_status plant(whet_ctx *ctx, whet_search *s, whet_member *first) {
    WHET_TRY(write_baseline(ctx, s, "repeat", &first[REPEAT]));
    WHET_TRY(write_baseline(ctx, s, "fused", &first[FUSED]));
    WHET_TRY(write_baseline(ctx, s, "grouped", &first[GROUPED]));
    WHET_TRY(write_seed(ctx, s, &first[SEED]));
    WHET_TRY(whet_referee_check(ctx, s, first, N_FIRST));
    WHET_TRY(settle_baseline(ctx, s, &first[REPEAT], &s->repeat));
    WHET_TRY(settle_baseline(ctx, s, &first[FUSED], &s->fused));
    WHET_TRY(settle_baseline(ctx, s, &first[GROUPED], &s->grouped));
    s->yardstick = s->fused.name ? &s->fused : &s->repeat;
    snprintf(s->result->fused_from, sizeof s->result->fused_from, "%s",
             s->fused.name ? s->fused.from : "");
    WHET_TRY(admit(ctx, s, &first[SEED]));
    if (!s->members[0].is_timed)
        return whet_fail(ctx, WHET_E_INTERNAL, "the program repeat is rejected: %s",
                         s->members[0].verdict.reason);
    return WHET_OK;
}

whet_status whet_search_begin(whet_ctx *ctx, whet_search *s) {
    WHET_TRY(whet_journal_begin(ctx, s));
    WHET_TRY(whet_journal_put_run(ctx, s));
    WHET_TRY(whet_record_event(ctx, s, "start", ""));
    WHET_TRY(whet_journal_commit(ctx, s));
    s->result->peak_bytes = s->limits.bytes_per_second;
    s->result->peak_flop = s->limits.flop_per_second;
    whet_member first[N_FIRST] = { 0 };
    const whet_status st = plant(ctx, s, first);
    for (int i = 0; i < N_FIRST; i++)
        whet_member_fini(ctx, &first[i]);
    return st;
}

void whet_search_end(whet_ctx *ctx, whet_search *s) {
    for (int i = 0; i < s->n_members; i++)
        whet_member_fini(ctx, &s->members[i]);
    whet_free(ctx, s->members);
    whet_object_fini(ctx, &s->repeat.object);
    whet_object_fini(ctx, &s->fused.object);
    whet_object_fini(ctx, &s->grouped.object);
}
