/* SPDX-License-Identifier: MIT */
/* The loop: propose a few children, build and check them side by side, race them one by one, write
 * each into the run file as one step. */
#include "evolve/search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <whet/machine.h>

#include "base/clock.h"
#include "kernels/programs.h"

void whet_member_fini(whet_ctx *ctx, whet_member *m) {
    whet_buf_fini(ctx, &m->text);
    whet_object_fini(ctx, &m->object);
}

void whet_search_tell(const whet_search *s, const char *what, const whet_member *m) {
    if (!s->opts->on_event) return;
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
        .n_tried = s->result->n_tried,
        .seconds = (whet_clock_ns() - s->start_ns) * 1e-9,
        .budget_seconds = s->opts->minutes * 60,
    };
    s->opts->on_event(s->opts->event_data, &event);
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

/* A judged member enters the population; its fate is one step of the run. */
static whet_status admit(whet_ctx *ctx, whet_search *s, whet_member *m) {
    WHET_TRY(make_room(ctx, s));
    s->step++;
    WHET_TRY(whet_store_begin(ctx, s->store));
    WHET_TRY(whet_record_member(ctx, s, m));
    const double start_ns = whet_clock_ns();
    if (m->verdict.code == WHET_V_PASS) WHET_TRY(whet_search_race(ctx, s, m));
    s->race_ns += whet_clock_ns() - start_ns;
    s->n_races++;
    WHET_TRY(whet_record_verdict(ctx, s, m));
    WHET_TRY(whet_record_event(ctx, s, "program", m->change));
    WHET_TRY(whet_store_commit(ctx, s->store));
    s->result->n_tried++;
    s->result->n_by_verdict[m->verdict.code]++;
    s->members[s->n_members++] = *m;
    *m = (whet_member){ 0 };
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
        if (!is_elite) whet_object_fini(ctx, &s->members[i].object);
    }
}

static whet_status breed(whet_ctx *ctx, whet_search *s, whet_member *bred, int n_wanted,
                         int *n_bred) {
    *n_bred = 0;
    while (*n_bred < n_wanted) {
        bool is_found;
        WHET_TRY(whet_search_propose(ctx, s, &bred[*n_bred], bred, *n_bred, &is_found));
        if (!is_found) break;
        ++*n_bred;
    }
    return WHET_OK;
}

/* The finals are about a dozen races long, and longer where there is much time. */
static double finals_ns(const whet_search *s) {
    const double budget_ns = s->opts->minutes * 60e9;
    const double race_ns = s->n_races ? s->race_ns / s->n_races : 0;
    const double wanted_ns = fmax(14 * race_ns, fmin(0.2 * budget_ns, 60e9));
    return fmin(wanted_ns, 0.4 * budget_ns);
}

static bool is_over(const whet_search *s) {
    const double left_ns = s->start_ns + s->opts->minutes * 60e9 - whet_clock_ns();
    return left_ns <= finals_ns(s) || s->n_members >= WHET_MAX_MEMBERS;
}

static whet_status generation(whet_ctx *ctx, whet_search *s, int n_wanted, bool *is_dry) {
    whet_member bred[WHET_MAX_BREED] = { 0 };
    int n_bred;
    whet_status st = breed(ctx, s, bred, n_wanted, &n_bred);
    *is_dry = n_bred == 0;
    if (st == WHET_OK) st = whet_search_judge_all(ctx, s, bred, n_bred);
    for (int i = 0; i < n_bred; i++) {
        /* The text moves with the member: the genome's view of it stays right. */
        if (st == WHET_OK && !is_over(s)) st = admit(ctx, s, &bred[i]);
        whet_member_fini(ctx, &bred[i]);
    }
    forget_objects(ctx, s);
    return st;
}

whet_status whet_search_run(whet_ctx *ctx, whet_search *s) {
    whet_machine machine;
    WHET_TRY(whet_machine_read(ctx, &machine));
    int n_wanted = machine.n_usable < 2 ? 2 : machine.n_usable;
    if (n_wanted > WHET_MAX_BREED / 2) n_wanted = WHET_MAX_BREED / 2;
    bool is_dry = false;
    while (!is_over(s) && !is_dry) {
        const whet_status st = generation(ctx, s, n_wanted, &is_dry);
        if (st == WHET_E_CANCELLED) {
            whet_store_rollback(s->store);
            whet_ctx_resume(ctx);
            s->is_stopped = true;
            break;
        }
        if (st != WHET_OK) return st;
    }
    whet_search_tell(s, "end of search", NULL);
    return WHET_OK;
}

/* From source where the library carries it, with the candidates' own flags; else built in. */
static whet_status write_baseline(whet_ctx *ctx, const char *name, whet_member *m) {
    const char *source = whet_program_text(name);
    *m = (whet_member){ .operator_name = name };
    if (source) return whet_buf_puts(ctx, &m->text, source);
    m->object.built_in = name;
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

/* The seed is the `repeat` program, made for this problem alone. */
static whet_status write_seed(whet_ctx *ctx, whet_search *s, whet_member *m) {
    const char *source = whet_program_text("repeat");
    if (!source) return whet_fail(ctx, WHET_E_INTERNAL, "there is no program repeat");
    *m = (whet_member){ .operator_name = "seed", .parent = -1, .parent2 = -1 };
    WHET_TRY(whet_genome_parse(ctx, source, strlen(source), &m->genome));
    WHET_TRY(whet_genome_specialise(ctx, &m->genome, &s->opts->problem, &m->text));
    WHET_TRY(whet_genome_parse(ctx, m->text.text, m->text.len, &m->genome));
    return whet_genome_hash(ctx, m->text.text, m->text.len, m->hash);
}

enum { REPEAT, FUSED, SEED, N_FIRST };

static whet_status plant(whet_ctx *ctx, whet_search *s, whet_member *first) {
    WHET_TRY(write_baseline(ctx, "repeat", &first[REPEAT]));
    WHET_TRY(write_baseline(ctx, "fused", &first[FUSED]));
    WHET_TRY(write_seed(ctx, s, &first[SEED]));
    WHET_TRY(whet_search_judge_all(ctx, s, first, N_FIRST));
    WHET_TRY(take_baseline(ctx, &first[REPEAT], &s->repeat));
    WHET_TRY(take_baseline(ctx, &first[FUSED], &s->fused));
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
    WHET_TRY(whet_store_begin(ctx, s->store));
    WHET_TRY(whet_record_run(ctx, s));
    WHET_TRY(whet_record_event(ctx, s, "start", ""));
    WHET_TRY(whet_store_commit(ctx, s->store));
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
}
