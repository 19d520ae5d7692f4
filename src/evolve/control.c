/* SPDX-License-Identifier: MIT */
/* Random, best-of-N and hill climbing, at the price of a few programs. */
#include "evolve/control.h"

#include <math.h>
#include <string.h>

#include "evolve/ideas.h"

enum { N_TRIES = 20, MOST_CHANGES = 4 };

static const char *const names[] = { "evolution",
#define WHET_X(code, name) name,
                                     WHET_CONTROL_LIST(WHET_X)
#undef WHET_X
};

static bool is_whose_turn(const whet_draft *d, whet_control *whose) {
    const double asked = d->s->opts.population.control;
    const double share = asked ? asked : 0.1;
    int n = 0;
    for (int i = 0; i < d->s->n_members; i++)
        n += d->s->members[i].control != 0;
    for (int i = 0; i < d->n_bred; i++)
        n += d->bred[i].control != 0;
    *whose = (whet_control)(1 + n % WHET_N_CONTROLS);
    return n + 1 <= share * (d->s->n_members + d->n_bred) + 1e-9; /* the seed is not counted */
}

/* The member that the control's next change begins with: 0 is the seed. */
static int start_of(const whet_search *s, whet_control whose) {
    int best = 0;
    for (int i = 1; i < s->n_members && whose == WHET_CONTROL_HILL_CLIMB; i++)
        if (s->members[i].control == (int)whose && s->members[i].is_timed &&
            s->members[i].log_speed > s->members[best].log_speed)
            best = i;
    return best;
}

/* Another text of a random segment, or another value of a random knob, in place. */
static whet_status change(whet_ctx *ctx, whet_search *s, whet_buf *text) {
    whet_genome g;
    whet_child_text next = { 0 };
    WHET_TRY(whet_genome_parse(ctx, text->text, text->len, &g));
    const int n = g.n_segments + g.n_knobs;
    const int at = n ? (int)whet_rng_below(&s->rng, (uint64_t)n) : 0;
    if (at >= g.n_segments && n) {
        const int knob = at - g.n_segments;
        const int choice = (int)whet_rng_below(&s->rng, (uint64_t)g.knobs[knob].n_choices);
        WHET_TRY(whet_operate_knob(ctx, &g, knob, choice, &next));
    } else {
        int segment = 0;
        const whet_segment_text *t = whet_draft_segment(s, &g, &segment);
        if (!t) return WHET_OK;
        WHET_TRY(whet_operate_segment(ctx, &g, segment, t->text, t->len, &next));
    }
    whet_buf_fini(ctx, text);
    *text = next.text;
    return WHET_OK;
}

/* All segments, then all knobs. */
static whet_status shuffle(whet_ctx *ctx, whet_search *s, whet_buf *text) {
    whet_genome g;
    WHET_TRY(whet_genome_parse(ctx, text->text, text->len, &g));
    for (int i = 0; i < 4 * g.n_segments; i++) {
        int segment = 0;
        WHET_TRY(whet_genome_parse(ctx, text->text, text->len, &g));
        const whet_segment_text *t = whet_draft_segment(s, &g, &segment);
        whet_child_text next = { 0 };
        if (!t) continue;
        WHET_TRY(whet_operate_segment(ctx, &g, segment, t->text, t->len, &next));
        whet_buf_fini(ctx, text);
        *text = next.text;
    }
    WHET_TRY(whet_genome_parse(ctx, text->text, text->len, &g));
    for (int i = 0; i < g.n_knobs; i++) {
        const int choice = (int)whet_rng_below(&s->rng, (uint64_t)g.knobs[i].n_choices);
        whet_child_text next = { 0 };
        WHET_TRY(whet_operate_knob(ctx, &g, i, choice, &next));
        whet_buf_fini(ctx, text);
        *text = next.text;
        WHET_TRY(whet_genome_parse(ctx, text->text, text->len, &g));
    }
    return WHET_OK;
}

static whet_status draw(whet_ctx *ctx, whet_draft *d, whet_control whose) {
    whet_search *s = d->s;
    const int start = start_of(s, whose);
    const whet_member *from = &s->members[start];
    whet_child_text text = { 0 };
    WHET_TRY(whet_buf_append(ctx, &text.text, from->text.text, from->text.len));
    const int n_changes = whose == WHET_CONTROL_BEST_OF_N
                              ? 1 + (int)whet_rng_below(&s->rng, MOST_CHANGES)
                              : whose == WHET_CONTROL_HILL_CLIMB;
    whet_status st = WHET_OK;
    if (whose == WHET_CONTROL_RANDOM) st = shuffle(ctx, s, &text.text);
    for (int i = 0; i < n_changes && st == WHET_OK; i++)
        st = change(ctx, s, &text.text);
    if (st != WHET_OK) {
        whet_buf_fini(ctx, &text.text);
        /* two segments with a knob of the same name: drawn again */
        return st == WHET_E_FORMAT ? WHET_OK : st;
    }
    whet_genome g;
    if (whet_genome_parse(ctx, text.text.text, text.text.len, &g) == WHET_OK)
        whet_genome_difference(&g, &from->genome, text.change, sizeof text.change);
    WHET_TRY(whet_draft_take(ctx, d, &text, names[whose], start, -1));
    if (d->is_new) d->child->control = (int)whose;
    return WHET_OK;
}

whet_status whet_control_propose(whet_ctx *ctx, whet_draft *d) {
    whet_control whose;
    if (!is_whose_turn(d, &whose)) return WHET_OK;
    for (int i = 0; i < N_TRIES && !d->is_new; i++)
        WHET_TRY(draw(ctx, d, whose));
    return WHET_OK;
}

/* The best speed among the first n programs of a search, the seed left out; 0 = none. */
static double best_of(const whet_search *s, int control, int n) {
    double best = -HUGE_VAL;
    for (int i = 1; i < s->n_members && n > 0; i++) {
        if (s->members[i].control != control) continue;
        n--;
        if (s->members[i].has_speed) best = fmax(best, s->members[i].log_speed);
    }
    return isfinite(best) ? exp(best) : 0;
}

void whet_control_report(whet_search *s) {
    for (int control = 1; control <= WHET_N_CONTROLS; control++) {
        whet_evolve_control *c = &s->result->controls[control - 1];
        c->name = names[control];
        c->n = 0;
        for (int i = 1; i < s->n_members; i++)
            c->n += s->members[i].control == control;
        c->speed = best_of(s, control, c->n);
        c->evolution = best_of(s, 0, c->n);
    }
}
