/* SPDX-License-Identifier: MIT */
/* What to try next. The first few programs are put together from the library as the model of
 * effects promises most; then a bandit chooses among the operators, and a parent is drawn on the
 * island whose turn it is. */
#include "evolve/search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "evolve/ablate.h"
#include "evolve/control.h"
#include "evolve/draft.h"
#include "evolve/frame.h"
#include "evolve/guide.h"
#include "evolve/population.h"

enum { N_DRAWS = 60 };

static const double least_gain = 0.02; /* of a sibling that is worth stacking, as a logarithm */

static bool is_same_segment(const whet_genome *a, const whet_genome *b, int i) {
    const whet_segment *x = &a->segments[i], *y = whet_genome_segment(b, x->name);
    const size_t n = x->body.end - x->body.begin;
    return y && n == y->body.end - y->body.begin &&
           memcmp(a->text + x->body.begin, b->text + y->body.begin, n) == 0;
}

/* A program with what a sibling did better than their common parent. */
static whet_status stack(whet_ctx *ctx, whet_draft *d, int best) {
    const whet_search *s = d->s;
    const whet_member *a = &s->members[best];
    for (int i = 0; i < s->n_members && !d->is_new && a->parent >= 0; i++) {
        const whet_member *b = &s->members[i], *parent = &s->members[a->parent];
        if (i == best || b->parent != a->parent || !b->is_timed || !parent->is_timed) continue;
        if (b->control || b->log_speed < parent->log_speed + least_gain) continue;
        if (!whet_frame_is_same(a, b) || !whet_frame_is_same(a, parent)) continue;
        uint32_t from_b = 0;
        for (int j = 0; j < a->genome.n_segments; j++)
            if (!is_same_segment(&a->genome, &b->genome, j) &&
                is_same_segment(&a->genome, &parent->genome, j))
                from_b |= 1u << j;
        if (!from_b) continue;
        whet_child_text text = { 0 };
        WHET_TRY(whet_operate_cross(ctx, &a->genome, &b->genome, from_b, &text));
        WHET_TRY(whet_draft_take(ctx, d, &text, "stack", best, i));
    }
    return WHET_OK;
}

static whet_status guide(whet_ctx *ctx, whet_draft *d, whet_arm arm, int parent) {
    whet_child_text text = { 0 };
    const whet_guide_kind kind = arm == WHET_ARM_STEP    ? WHET_GUIDE_STEP
                                 : arm == WHET_ARM_SUITE ? WHET_GUIDE_SUITE
                                                         : WHET_GUIDE_WHOLE;
    WHET_TRY(whet_guide(ctx, d->s, parent, kind, &text));
    return whet_draft_take(ctx, d, &text, whet_arm_name(arm), parent, -1);
}

static whet_status swap_two(whet_ctx *ctx, whet_draft *d, int parent) {
    int first = 0, second = 0;
    const whet_genome *g = &d->s->members[parent].genome;
    const whet_segment_text *a = whet_draft_segment(d->s, g, &first);
    const whet_segment_text *b = whet_draft_segment(d->s, g, &second);
    if (!a || !b || first == second) return WHET_OK;
    if (first > second) {
        const whet_segment_text *other = a;
        a = b, b = other;
        const int index = first;
        first = second, second = index;
    }
    const whet_edit edits[] = { { g->segments[first].body, a->text, a->len },
                                { g->segments[second].body, b->text, b->len } };
    whet_child_text text = { 0 };
    snprintf(text.change, sizeof text.change, "%s: %s, %s: %s", a->segment, a->name, b->segment,
             b->name);
    WHET_TRY(whet_genome_apply(ctx, g, edits, 2, &text.text));
    return whet_draft_take(ctx, d, &text, "double", parent, -1);
}

static whet_status cross(whet_ctx *ctx, whet_draft *d, int parent, int other) {
    if (parent == other || other < 0) return WHET_OK;
    if (!whet_frame_is_same(&d->s->members[parent], &d->s->members[other])) return WHET_OK;
    whet_child_text text = { 0 };
    WHET_TRY(whet_operate_cross(ctx, &d->s->members[parent].genome, &d->s->members[other].genome,
                                (uint32_t)whet_rng_u64(&d->s->rng), &text));
    return whet_draft_take(ctx, d, &text, "cross", parent, other);
}

/* The knob in which a program differs from its parent, and +1 or -1 for where it went; 0 when that
 * gained nothing. */
static int last_move(const whet_search *s, const whet_member *m, int *knob) {
    const whet_member *parent = m->parent >= 0 ? &s->members[m->parent] : NULL;
    if (!parent || !(m->log_speed > parent->log_speed)) return 0;
    for (int i = 0; i < m->genome.n_knobs; i++) {
        const whet_knob *now = &m->genome.knobs[i];
        const whet_knob *before = whet_genome_knob(&parent->genome, now->name);
        if (!before || before->chosen == now->chosen) continue;
        *knob = i;
        return now->chosen > before->chosen ? 1 : -1;
    }
    return 0;
}

static whet_status move(whet_ctx *ctx, whet_draft *d, int parent, int knob, int by) {
    const whet_knob *k = &d->s->members[parent].genome.knobs[knob];
    const int choice = k->chosen + by;
    if (choice < 0 || choice >= k->n_choices) return WHET_OK;
    whet_child_text text = { 0 };
    WHET_TRY(whet_operate_knob(ctx, &d->s->members[parent].genome, knob, choice, &text));
    return whet_draft_take(ctx, d, &text, "tune", parent, -1);
}

/* Coordinate descent: on in the direction that gained, else the next neighbour that was not tried,
 * beginning with any knob. */
static whet_status tune(whet_ctx *ctx, whet_draft *d, int parent) {
    const whet_member *m = &d->s->members[parent];
    const int n = m->genome.n_knobs;
    int knob = 0;
    const int by = last_move(d->s, m, &knob);
    if (by) WHET_TRY(move(ctx, d, parent, knob, by));
    const int first = n ? (int)whet_rng_below(&d->s->rng, 2 * (uint64_t)n) : 0;
    for (int i = 0; i < 2 * n && !d->is_new; i++) {
        const int at = (first + i) % (2 * n);
        WHET_TRY(move(ctx, d, parent, at / 2, at % 2 ? 1 : -1));
    }
    return WHET_OK;
}

/* One draw of operator and parent; a known child is drawn again. */
static whet_status draw(whet_ctx *ctx, whet_draft *d, int island) {
    whet_search *s = d->s;
    const int best = whet_population_best(s, island);
    if (s->n_members + d->n_bred <= WHET_N_FIRST_GUIDED)
        return guide(ctx, d, WHET_ARM_GUIDED, whet_frame_library_parent(s, best));
    const whet_arm arm = whet_bandit_draw(&s->bandit, &s->rng, whet_population_boredom(s));
    const int parent = whet_population_draw(s, island);
    const int of_library = whet_frame_library_parent(s, arm == WHET_ARM_GUIDED ? best : parent);
    switch (arm) {
    case WHET_ARM_GUIDED:
    case WHET_ARM_STEP:
    case WHET_ARM_SUITE: return guide(ctx, d, arm, of_library);
    case WHET_ARM_KNOB: return whet_draft_knob(ctx, d, "knob", parent);
    case WHET_ARM_TUNE: return tune(ctx, d, parent);
    case WHET_ARM_SEGMENT: return whet_draft_swap(ctx, d, "segment", of_library);
    case WHET_ARM_DOUBLE: return swap_two(ctx, d, of_library);
    case WHET_ARM_STACK: return stack(ctx, d, parent);
    default: return cross(ctx, d, parent, whet_population_draw(s, island));
    }
}

whet_status whet_search_propose(whet_ctx *ctx, whet_search *s, whet_member *child,
                                const whet_member *bred, int n_bred, bool *is_found) {
    whet_draft d = { .s = s, .child = child, .bred = bred, .n_bred = n_bred };
    const int island = whet_search_island(s);
    *is_found = false;
    if (whet_population_best(s, island) < 0) return WHET_OK;
    WHET_TRY(whet_control_propose(ctx, &d));
    if (!d.is_new && s->n_members > WHET_N_FIRST_GUIDED)
        WHET_TRY(whet_ablate_propose(ctx, &d, island));
    for (int i = 0; i < N_DRAWS && !d.is_new; i++)
        WHET_TRY(draw(ctx, &d, island));
    *is_found = d.is_new;
    return WHET_OK;
}
