/* SPDX-License-Identifier: MIT */
/* Whole programs put together from the library by what all timings so far say about its ideas: an
 * additive model of the logarithm of the speed, with a term of its own for each pair of ideas that
 * were made for each other, and Thompson sampling of what is not known yet. */
#include "evolve/guide.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "evolve/effects.h"
#include "evolve/ideas.h"
#include "kernels/programs.h"

static const double doubt = 0.35; /* about an idea seen once: of its effect, as a logarithm */

typedef struct guide {
    whet_search *s;
    const whet_genome *genome;
    whet_fit fits[WHET_MAX_FITS];
    int n_fits;
    whet_effects effects;             /* of the ideas, then of the fits */
    int ideas[WHET_MAX_SEGMENTS];     /* chosen, for each segment; -1 = it stays */
    double values[WHET_MAX_SEGMENTS]; /* what was drawn for them */
} guide;

static bool contains(const whet_observation *o, int idea) {
    for (int i = 0; i < o->n_ideas; i++)
        if (o->ideas[i] == idea) return true;
    return false;
}

static void add_part(whet_observation *o, int part) {
    if (o->n_ideas < WHET_MAX_PARTS) o->ideas[o->n_ideas++] = part;
}

static void observe(const guide *g, const whet_member *m, whet_observation *o) {
    o->log_speed = m->log_speed;
    for (int i = 0; i < m->genome.n_segments; i++) {
        const int idea = whet_idea_of(&m->genome, i);
        if (idea >= 0) add_part(o, idea);
    }
    for (int i = 0; i < g->n_fits; i++)
        if (contains(o, g->fits[i].idea) && contains(o, g->fits[i].partner))
            add_part(o, (int)whet_n_segment_texts + i);
}

static whet_status learn(whet_ctx *ctx, guide *g) {
    const whet_search *s = g->s;
    whet_observation *seen = whet_alloc_zero(ctx, (size_t)s->n_members, sizeof *seen);
    if (!seen) return WHET_E_NOMEM;
    int n = 0;
    for (int i = 0; i < s->n_members; i++)
        if (s->members[i].has_speed) observe(g, &s->members[i], &seen[n++]);
    whet_effects_fit(seen, n, (int)whet_n_segment_texts + g->n_fits, &g->effects);
    whet_free(ctx, seen);
    return WHET_OK;
}

/* An effect as it may be, for all that is known. */
static double draw(guide *g, int part) {
    const double spread = doubt / sqrt(g->effects.n[part] + 0.5);
    return g->effects.of[part] + spread * whet_rng_normal(&g->s->rng);
}

static void choose_idea(guide *g, int segment) {
    g->ideas[segment] = -1;
    g->values[segment] = 0;
    for (size_t i = 0; i < whet_n_segment_texts; i++) {
        if (strcmp(whet_segment_texts[i].segment, g->genome->segments[segment].name) != 0) continue;
        const double value = draw(g, (int)i);
        if (g->ideas[segment] >= 0 && value <= g->values[segment]) continue;
        g->ideas[segment] = (int)i;
        g->values[segment] = value;
    }
}

static int segment_of(const guide *g, int idea) {
    const whet_segment *there = whet_genome_segment(g->genome, whet_segment_texts[idea].segment);
    return there ? (int)(there - g->genome->segments) : -1;
}

/* No program had the idea with any of its partners yet. */
static bool is_unseen(const guide *g, int first, int end) {
    for (int i = first; i < end; i++)
        if (g->effects.n[whet_n_segment_texts + (size_t)i] > 0) return false;
    return true;
}

/* An idea and its partners, fits[first] to fits[end - 1], if they promise more together than what
 * was chosen for their segments, or were never seen together. */
static void try_suite(guide *g, int first, int end) {
    const int own = segment_of(g, g->fits[first].idea);
    if (own < 0) return;
    double now = g->values[own], drawn[WHET_MAX_SEGMENTS];
    double value = drawn[own] = draw(g, g->fits[first].idea);
    for (int i = first; i < end; i++) {
        const int segment = segment_of(g, g->fits[i].partner);
        if (segment < 0) return;
        drawn[segment] = draw(g, g->fits[i].partner) + draw(g, (int)whet_n_segment_texts + i);
        value += drawn[segment];
        now += g->values[segment];
    }
    if (value <= now && !is_unseen(g, first, end)) return;
    g->ideas[own] = g->fits[first].idea;
    g->values[own] = drawn[own];
    for (int i = first; i < end; i++) {
        const int segment = segment_of(g, g->fits[i].partner);
        g->ideas[segment] = g->fits[i].partner;
        g->values[segment] = drawn[segment];
    }
}

/* All suites, from a random one on. */
static void try_suites(guide *g) {
    if (g->n_fits == 0) return;
    int first = (int)whet_rng_below(&g->s->rng, (uint64_t)g->n_fits);
    while (first > 0 && g->fits[first - 1].idea == g->fits[first].idea)
        first--;
    for (int done = 0; done < g->n_fits;) {
        int end = first + 1;
        while (end < g->n_fits && g->fits[end].idea == g->fits[first].idea)
            end++;
        try_suite(g, first, end);
        done += end - first;
        first = end < g->n_fits ? end : 0;
    }
}

/* Segments that are the chosen idea already keep their knobs. */
static whet_status write_child(whet_ctx *ctx, const guide *g, whet_child_text *child) {
    whet_edit edits[WHET_MAX_SEGMENTS];
    int n_edits = 0;
    for (int i = 0; i < g->genome->n_segments; i++) {
        if (g->ideas[i] < 0 || g->ideas[i] == whet_idea_of(g->genome, i)) continue;
        const whet_segment_text *t = &whet_segment_texts[g->ideas[i]];
        const size_t used = strlen(child->change);
        snprintf(child->change + used, sizeof child->change - used, "%s%s: %s", used ? ", " : "",
                 t->segment, t->name);
        edits[n_edits++] = (whet_edit){ g->genome->segments[i].body, t->text, t->len };
    }
    return whet_genome_apply(ctx, g->genome, edits, n_edits, &child->text);
}

whet_status whet_guide(whet_ctx *ctx, whet_search *s, int parent, whet_child_text *child) {
    guide g = { .s = s, .genome = &s->members[parent].genome };
    g.n_fits = whet_idea_fits(g.fits, WHET_MAX_FITS);
    WHET_TRY(learn(ctx, &g));
    for (int i = 0; i < g.genome->n_segments; i++)
        choose_idea(&g, i);
    try_suites(&g);
    return write_child(ctx, &g, child);
}
