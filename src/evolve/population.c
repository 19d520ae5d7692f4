/* SPDX-License-Identifier: MIT */
/* Islands with ring migration, a grid of elites by measured facts on each, an archive of the best
 * of all. */
#include "evolve/population.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "evolve/facts.h"
#include "evolve/interval.h"
#include "evolve/journal.h"
#include "evolve/referee.h"

enum {
    MAX_CELLS = 64, /* of one island's grid */
    MAX_ARCHIVE = 100,
    N_BORED = 60,   /* programs without a gain after which exploration is at its height */
    N_CHILDREN = 6, /* after which a parent is timed again, and after twice as many ... */
    MAX_LOOKS = 5,
};

static const double niche_reach = 0.6; /* of the best one's speed: what a cell's best may lack */
static const double warmth = 0.08;     /* a program slower by that (log) is a parent e times less */
static const double step_credit = 0.1; /* of a gain over the parent that is none over the best */
static const double least_credit = 0.01; /* as a logarithm: less is noise */

static double or_default(double given, double otherwise) {
    return given > 0 ? given : otherwise;
}

int whet_population_islands(const whet_search *s) {
    int n = s->opts.population.n_islands;
    if (n <= 0) n = 1 + (int)fmin(3, s->opts.minutes / 10);
    return n < WHET_MAX_ISLANDS ? n : WHET_MAX_ISLANDS;
}

double whet_population_boredom(const whet_search *s) {
    const int n = s->n_members - s->last_gain;
    return n < N_BORED ? (double)n / N_BORED : 1;
}

static bool lives(const whet_member *m, int island) {
    return m->is_timed && !m->control && (m->islands >> island & 1);
}

int whet_population_best(const whet_search *s, int island) {
    int best = -1;
    for (int i = 0; i < s->n_members; i++)
        if (lives(&s->members[i], island) &&
            (best < 0 || s->members[i].log_speed > s->members[best].log_speed))
            best = i;
    return best;
}

/* ---- parents ---- */

/* The best of each cell; returns how many. */
static int list_elites(const whet_search *s, int island, int elites[MAX_CELLS]) {
    int n = 0;
    for (int i = 0; i < s->n_members; i++) {
        const whet_member *m = &s->members[i];
        if (!lives(m, island)) continue;
        int at = 0;
        while (at < n && s->members[elites[at]].cell != m->cell)
            at++;
        if (at == MAX_CELLS) continue;
        if (at == n) elites[n++] = i;
        if (m->log_speed > s->members[elites[at]].log_speed) elites[at] = i;
    }
    return n;
}

static int draw_elite(whet_search *s, int island) {
    int elites[MAX_CELLS], n_near = 0;
    const int n = list_elites(s, island, elites), best = whet_population_best(s, island);
    const double reach = niche_reach * (1 - 0.5 * whet_population_boredom(s));
    for (int i = 0; i < n; i++)
        if (s->members[elites[i]].log_speed >= s->members[best].log_speed + log(reach))
            elites[n_near++] = elites[i];
    return elites[whet_rng_below(&s->rng, (uint64_t)n_near)];
}

static int draw_weighted(whet_search *s, const int *from, int n) {
    double weights[MAX_ARCHIVE], sum = 0, top = -HUGE_VAL;
    for (int i = 0; i < n; i++)
        top = fmax(top, s->members[from[i]].log_speed);
    for (int i = 0; i < n; i++) {
        const whet_member *m = &s->members[from[i]];
        weights[i] = exp((m->log_speed - top) / warmth) / (1 + m->n_children / 4.0);
        sum += weights[i];
    }
    double dice = whet_rng_uniform(&s->rng) * sum;
    for (int i = 0; i < n - 1; i++)
        if ((dice -= weights[i]) < 0) return from[i];
    return from[n - 1];
}

/* The fastest, the fastest first: of an island, or of all (-1). */
static int list_fastest(const whet_search *s, int island, int *fastest, int max) {
    int n = 0;
    for (int i = 0; i < s->n_members; i++) {
        const whet_member *m = &s->members[i];
        if (island >= 0 ? !lives(m, island) : !m->is_timed || m->control || !m->islands) continue;
        int at = n < max ? n++ : max;
        for (; at > 0 && s->members[fastest[at - 1]].log_speed < m->log_speed; at--)
            if (at < max) fastest[at] = fastest[at - 1];
        if (at < max) fastest[at] = i;
    }
    return n;
}

int whet_population_draw(whet_search *s, int island) {
    int from[MAX_ARCHIVE];
    const whet_population_opts *o = &s->opts.population;
    if (whet_population_best(s, island) < 0) return -1;
    const double dice = whet_rng_uniform(&s->rng);
    const double explore =
        fmin(or_default(o->exploration, 0.2) * (1 + 2 * whet_population_boredom(s)), 0.9);
    if (dice < explore) return draw_elite(s, island);
    const int n_archive = (int)or_default(o->n_archive, 20);
    const bool is_archive = dice < explore + or_default(o->exploitation, 0.5);
    const int n = list_fastest(s, is_archive ? -1 : island, from,
                               n_archive < MAX_ARCHIVE && is_archive ? n_archive : MAX_ARCHIVE);
    return draw_weighted(s, from, n);
}

/* ---- a new member ---- */

static uint32_t hash_of(const char *text) {
    uint32_t hash = 2166136261; /* FNV-1a */
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 16777619;
    return hash;
}

/* Room on the island: the slowest that is nobody's elite leaves. */
static void make_way(whet_search *s, int island) {
    int elites[MAX_CELLS], n = 0, slowest = -1;
    const int n_all = (int)or_default(s->opts.population.n_programs, 200);
    const int n_elites = list_elites(s, island, elites);
    for (int i = 0; i < s->n_members; i++) {
        const whet_member *m = &s->members[i];
        if (!lives(m, island)) continue;
        n++;
        bool is_elite = false;
        for (int j = 0; j < n_elites; j++)
            is_elite |= elites[j] == i;
        if (!is_elite && (slowest < 0 || m->log_speed < s->members[slowest].log_speed)) slowest = i;
    }
    const int room = n_all / whet_population_islands(s);
    if (slowest >= 0 && n > (room > 1 ? room : 1)) s->members[slowest].islands &= ~(1u << island);
}

/* The best there was on any island before the last member came. */
static double best_before(const whet_search *s) {
    double best = -HUGE_VAL;
    for (int i = 0; i < s->n_members - 1; i++)
        if (s->members[i].is_timed && !s->members[i].control)
            best = fmax(best, s->members[i].log_speed);
    return best;
}

/* What an arm did for the search: a gain over the best program, or a little of one over the
 * parent. */
static double credit(const whet_search *s, const whet_member *m, double best) {
    const double over_best = m->log_speed - best;
    if (over_best > least_credit) return over_best;
    const whet_member *parent = m->parent >= 0 ? &s->members[m->parent] : NULL;
    const double over_parent = parent && parent->is_timed ? m->log_speed - parent->log_speed : 0;
    return over_parent > least_credit ? step_credit * over_parent : 0;
}

void whet_population_settle(whet_search *s, int member, int island) {
    whet_member *m = &s->members[member];
    whet_facts facts;
    char cell[WHET_CELL_BYTES];
    whet_facts_read(m, &facts);
    whet_facts_cell(&facts, s->opts.population.features, cell);
    m->cell = hash_of(cell);
    if (m->parent >= 0) s->members[m->parent].n_children++;
    if (m->control) return;
    m->islands = member ? 1u << island : (1u << whet_population_islands(s)) - 1;
    const double best = best_before(s);
    const double gain = m->is_timed && member ? credit(s, m, best) : 0;
    const whet_arm arm = whet_arm_of(m->operator_name);
    if (arm < WHET_N_ARMS && member > WHET_N_FIRST_GUIDED)
        whet_bandit_learn(&s->bandit, arm, gain, m->seconds);
    const double least = log1p(or_default(s->opts.population.least_gain, 0.001));
    if (m->is_timed && m->log_speed > best + least) s->last_gain = s->n_members;
    s->n_landed[island]++;
    make_way(s, island);
}

/* ---- timed again ---- */

whet_status whet_population_look_again(whet_ctx *ctx, whet_search *s, whet_member *m) {
    whet_duel duel = { 0 };
    const whet_duel_opts opts = {
        .shape = WHET_SHAPE_DECODE,
        .keeps_data = true,
        .n_pairs = 2,
        .n_blocks = 4,
        .seed = whet_rng_u64(&s->rng),
    };
    WHET_TRY(whet_referee_recall(ctx, s, m));
    WHET_TRY(whet_journal_begin(ctx, s));
    whet_status st = whet_referee_duel(ctx, s, m, s->yardstick, "again", &opts, &duel);
    if (st == WHET_OK && duel.verdict.code == WHET_V_PASS && duel.n_samples) {
        double *log_speed = &m->log_speeds[WHET_SHAPE_DECODE];
        whet_ratio *race = &m->races[WHET_SHAPE_DECODE];
        *log_speed += (log(duel.result.ratio) - *log_speed) / ++m->n_looks;
        const whet_ratio looks[] = { *race, duel.result };
        *race = whet_interval_combine(
            looks, (const double[]){ 1 - 1.0 / m->n_looks, 1.0 / m->n_looks }, 2);
        m->log_speed = whet_search_mean(m->log_speeds);
    } else if (st == WHET_OK) {
        m->verdict = duel.verdict;
        m->is_timed = false;
    }
    whet_duel_fini(ctx, &duel);
    if (st == WHET_OK) st = whet_record_event(ctx, s, "again", m->hash);
    if (st == WHET_OK) st = whet_journal_commit(ctx, s);
    if (st == WHET_OK) whet_search_tell(s, "again", m);
    return st;
}

static bool is_due(const whet_member *m) {
    return m->is_timed && m->n_looks < MAX_LOOKS && m->n_children >= N_CHILDREN << (m->n_looks - 1);
}

/* ---- migration ---- */

static whet_status migrate(whet_ctx *ctx, whet_search *s, int island, whet_population_fn is_over) {
    int elites[MAX_ARCHIVE];
    const int n_islands = whet_population_islands(s), to = (island + 1) % n_islands;
    const int n = list_fastest(s, island, elites, MAX_ARCHIVE);
    int n_going = (int)(n * or_default(s->opts.population.migration_rate, 0.1));
    if (n_going < 1) n_going = 1;
    for (int i = 0; i < n_going && i < n; i++) {
        whet_member *m = &s->members[elites[i]];
        bool over = false;
        if (m->islands >> to & 1) continue;
        if (m->n_looks < 2) WHET_TRY(is_over(ctx, s, "again", &over));
        if (over) return WHET_OK;
        if (m->n_looks < 2) WHET_TRY(whet_population_look_again(ctx, s, m));
        if (m->is_timed) m->islands |= 1u << to;
    }
    s->n_landed[island] = 0;
    return WHET_OK;
}

whet_status whet_population_tend(whet_ctx *ctx, whet_search *s, int island,
                                 whet_population_fn is_over) {
    for (int i = 0; i < s->n_members; i++) {
        whet_member *m = &s->members[i];
        bool over = false;
        if (!is_due(m) || m->control) continue;
        WHET_TRY(is_over(ctx, s, "again", &over));
        if (over) return WHET_OK;
        WHET_TRY(whet_population_look_again(ctx, s, m));
    }
    const int interval = (int)or_default(s->opts.population.migration_interval, 25);
    if (whet_population_islands(s) > 1 && s->n_landed[island] >= interval)
        WHET_TRY(migrate(ctx, s, island, is_over));
    return WHET_OK;
}
