/* SPDX-License-Identifier: MIT */
/* What to try next. Gains of different segments mostly add up (as logarithms): an additive model of
 * all programs timed so far guides whole programs at first, then the best one is improved one
 * segment or knob at a time, siblings that both gained are stacked, and double swaps and crosses
 * look for what single steps cannot reach. */
#include "evolve/search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "evolve/guide.h"
#include "kernels/programs.h"

enum { N_DRAWS = 60, N_FIRST_GUIDED = 8, MAX_NICHES = 16 };

static const double niche_reach = 0.6; /* of the best one's speed: what its own layout may cost */
static const double least_gain = 0.02; /* of a sibling that is worth stacking, as a logarithm */

/* A proposal in the making. */
typedef struct draft {
    whet_search *s;
    whet_member *child;
    const whet_member *bred;
    int n_bred;
    bool is_new;
} draft;

static bool is_known(const draft *d, const char *hash) {
    for (int i = 0; i < d->s->n_members; i++)
        if (strcmp(d->s->members[i].hash, hash) == 0) return true;
    for (int i = 0; i < d->n_bred; i++)
        if (strcmp(d->bred[i].hash, hash) == 0) return true;
    return false;
}

/* A text becomes the child, unless it is known. `text` is taken over or released. */
static whet_status take(whet_ctx *ctx, draft *d, whet_child_text *text, const char *operator_name,
                        int parent, int parent2) {
    char hash[WHET_SHA256_HEX];
    whet_status st = whet_genome_hash(ctx, text->text.text, text->text.len, hash);
    if (st == WHET_OK && is_known(d, hash)) d->s->result->n_duplicates++;
    if (st != WHET_OK || is_known(d, hash)) {
        whet_buf_fini(ctx, &text->text);
        return st;
    }
    whet_member *m = d->child;
    *m = (whet_member){
        .text = text->text, .operator_name = operator_name, .parent = parent, .parent2 = parent2
    };
    memcpy(m->hash, hash, sizeof m->hash);
    memcpy(m->change, text->change, sizeof m->change);
    /* Two parents' segments can bring the same knob twice: then this is no program. */
    d->is_new = whet_genome_parse(ctx, m->text.text, m->text.len, &m->genome) == WHET_OK;
    if (!d->is_new) whet_member_fini(ctx, m);
    return WHET_OK;
}

whet_status whet_search_adopt(whet_ctx *ctx, whet_search *s, whet_member *child,
                              const whet_member *bred, int n_bred, whet_child_text *text,
                              const char *operator_name, int parent, bool *is_new) {
    draft d = { .s = s, .child = child, .bred = bred, .n_bred = n_bred };
    const whet_status st = take(ctx, &d, text, operator_name, parent, -1);
    *is_new = d.is_new;
    return st;
}

static const char *body(const whet_genome *g, const whet_segment *segment, size_t *n) {
    *n = segment->body.end - segment->body.begin;
    return g->text + segment->body.begin;
}

static bool is_same_segment(const whet_genome *a, const whet_genome *b, int i) {
    const whet_segment *other = whet_genome_segment(b, a->segments[i].name);
    size_t n, n_other;
    if (!other) return false;
    const char *text = body(a, &a->segments[i], &n), *text_other = body(b, other, &n_other);
    return n == n_other && memcmp(text, text_other, n) == 0;
}

/* The best program with what a sibling did better than their common parent. */
static whet_status stack(whet_ctx *ctx, draft *d, int best) {
    const whet_search *s = d->s;
    const whet_member *a = &s->members[best];
    for (int i = 0; i < s->n_members && !d->is_new && a->parent >= 0; i++) {
        const whet_member *b = &s->members[i], *parent = &s->members[a->parent];
        if (i == best || b->parent != a->parent || !b->is_timed || !parent->is_timed) continue;
        if (b->log_speed < parent->log_speed + least_gain) continue;
        uint32_t from_b = 0;
        for (int j = 0; j < a->genome.n_segments; j++)
            if (!is_same_segment(&a->genome, &b->genome, j) &&
                is_same_segment(&a->genome, &parent->genome, j))
                from_b |= 1u << j;
        if (!from_b) continue;
        whet_child_text text = { 0 };
        WHET_TRY(whet_operate_cross(ctx, &a->genome, &b->genome, from_b, &text));
        WHET_TRY(take(ctx, d, &text, "stack", best, i));
    }
    return WHET_OK;
}

/* Another text for one segment of a genome, at random; NULL when there is none. */
static const whet_segment_text *draw_segment(whet_search *s, const whet_genome *g, int *segment) {
    const whet_segment_text *t = &whet_segment_texts[whet_rng_below(&s->rng, whet_n_segment_texts)];
    const whet_segment *there = whet_genome_segment(g, t->segment);
    if (!there) return NULL;
    size_t n;
    const char *now = body(g, there, &n);
    if (n == t->len && memcmp(now, t->text, n) == 0) return NULL;
    *segment = (int)(there - g->segments);
    return t;
}

static whet_status guide(whet_ctx *ctx, draft *d, int parent, whet_guide_kind kind) {
    whet_child_text text = { 0 };
    WHET_TRY(whet_guide(ctx, d->s, parent, kind, &text));
    return take(ctx, d, &text, kind == WHET_GUIDE_STEP ? "step" : "guided", parent, -1);
}

static whet_status swap(whet_ctx *ctx, draft *d, int parent) {
    int segment = 0;
    const whet_genome *g = &d->s->members[parent].genome;
    const whet_segment_text *t = draw_segment(d->s, g, &segment);
    if (!t) return WHET_OK;
    whet_child_text text = { 0 };
    WHET_TRY(whet_operate_segment(ctx, g, segment, t->text, t->len, &text));
    return take(ctx, d, &text, "segment", parent, -1);
}

static whet_status swap_two(whet_ctx *ctx, draft *d, int parent) {
    int first = 0, second = 0;
    const whet_genome *g = &d->s->members[parent].genome;
    const whet_segment_text *a = draw_segment(d->s, g, &first);
    const whet_segment_text *b = draw_segment(d->s, g, &second);
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
    return take(ctx, d, &text, "double", parent, -1);
}

static whet_status move_knob(whet_ctx *ctx, draft *d, int parent) {
    const whet_genome *g = &d->s->members[parent].genome;
    if (g->n_knobs == 0) return WHET_OK;
    const int knob = (int)whet_rng_below(&d->s->rng, (uint64_t)g->n_knobs);
    const int choice = (int)whet_rng_below(&d->s->rng, (uint64_t)g->knobs[knob].n_choices);
    if (choice == g->knobs[knob].chosen) return WHET_OK;
    whet_child_text text = { 0 };
    WHET_TRY(whet_operate_knob(ctx, g, knob, choice, &text));
    return take(ctx, d, &text, "knob", parent, -1);
}

static whet_status cross(whet_ctx *ctx, draft *d, int parent, int other) {
    if (parent == other) return WHET_OK;
    whet_child_text text = { 0 };
    WHET_TRY(whet_operate_cross(ctx, &d->s->members[parent].genome, &d->s->members[other].genome,
                                (uint32_t)whet_rng_u64(&d->s->rng), &text));
    return take(ctx, d, &text, "cross", parent, other);
}

static bool has_layout_of(const whet_member *a, const whet_member *b) {
    char layout_a[WHET_MAX_NAME] = "", layout_b[WHET_MAX_NAME] = "";
    const whet_segment *in_a = whet_genome_segment(&a->genome, "layout");
    const whet_segment *in_b = whet_genome_segment(&b->genome, "layout");
    if (in_a) whet_segment_alternative(&a->genome, (int)(in_a - a->genome.segments), layout_a);
    if (in_b) whet_segment_alternative(&b->genome, (int)(in_b - b->genome.segments), layout_b);
    return strcmp(layout_a, layout_b) == 0;
}

/* Half of the time the best program of all, else the best one of some layout that is not far off:
 * a layout that is quickly good must not keep out one that gets better. */
static int draw_parent(whet_search *s, int best) {
    int champions[MAX_NICHES], n = 0;
    if (whet_rng_uniform(&s->rng) < 0.5) return best;
    for (int i = 0; i < s->n_members; i++) {
        const whet_member *m = &s->members[i];
        if (!m->is_timed || m->log_speed < s->members[best].log_speed + log(niche_reach)) continue;
        int at = 0;
        while (at < n && !has_layout_of(&s->members[champions[at]], m))
            at++;
        if (at == MAX_NICHES) continue;
        if (at == n) champions[n++] = i;
        if (m->log_speed > s->members[champions[at]].log_speed) champions[at] = i;
    }
    return n ? champions[whet_rng_below(&s->rng, (uint64_t)n)] : best;
}

/* One draw of operator and parent; a known child is drawn again. */
static whet_status draw(whet_ctx *ctx, draft *d, const int *elites, int n_elites) {
    whet_rng *rng = &d->s->rng;
    const double dice = whet_rng_uniform(rng);
    const int best = elites[0];
    const int some = elites[whet_rng_below(rng, (uint64_t)n_elites)];
    if (d->s->n_members + d->n_bred <= N_FIRST_GUIDED || dice < 0.15)
        return guide(ctx, d, best, WHET_GUIDE_WHOLE);
    if (dice < 0.50) return guide(ctx, d, draw_parent(d->s, best), WHET_GUIDE_STEP);
    if (dice < 0.78) return move_knob(ctx, d, draw_parent(d->s, best));
    if (dice < 0.86) return swap(ctx, d, some);
    if (dice < 0.94) return swap_two(ctx, d, draw_parent(d->s, best));
    return cross(ctx, d, some, elites[whet_rng_below(rng, (uint64_t)n_elites)]);
}

whet_status whet_search_propose(whet_ctx *ctx, whet_search *s, whet_member *child,
                                const whet_member *bred, int n_bred, bool *is_found) {
    draft d = { .s = s, .child = child, .bred = bred, .n_bred = n_bred };
    int elites[2 * WHET_N_ELITES];
    const int n_elites = whet_search_elites(s, elites, 2 * WHET_N_ELITES);
    *is_found = false;
    if (n_elites == 0) return WHET_OK;
    if (s->n_members > N_FIRST_GUIDED) WHET_TRY(stack(ctx, &d, elites[0]));
    for (int i = 0; i < N_DRAWS && !d.is_new; i++)
        WHET_TRY(draw(ctx, &d, elites, n_elites));
    *is_found = d.is_new;
    return WHET_OK;
}
