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

static const double fit_hope = 0.4; /* of a pair that was never seen, as a logarithm */

typedef struct guide {
    whet_search *s;
    const whet_genome *genome;
    whet_fit fits[WHET_MAX_FITS];
    int n_fits;
    whet_effects effects;          /* of the ideas, then of the fits */
    double sample[WHET_MAX_IDEAS]; /* effects as they may be, for all that is known */
} guide;

/* One idea for each segment of the genome; -1 = a text of its own. */
typedef struct recipe {
    int ideas[WHET_MAX_SEGMENTS];
} recipe;

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
        if (s->members[i].has_speed && !s->members[i].control)
            observe(g, &s->members[i], &seen[n++]);
    whet_effects_fit(seen, n, (int)whet_n_segment_texts + g->n_fits, &g->effects);
    whet_free(ctx, seen);
    return WHET_OK;
}

/* Ideas that were made for each other are expected to gain together, until programs say so or
 * not. */
static void sample_effects(guide *g) {
    for (int i = 0; i < g->effects.n_ideas; i++) {
        const double n = g->effects.n[i] + 0.5;
        const double hope = i < (int)whet_n_segment_texts ? 0 : fit_hope * 0.5 / n;
        g->sample[i] = g->effects.of[i] + hope + doubt / sqrt(n) * whet_rng_normal(&g->s->rng);
    }
}

static int segment_of(const guide *g, int idea) {
    const whet_segment *there = whet_genome_segment(g->genome, whet_segment_texts[idea].segment);
    return there ? (int)(there - g->genome->segments) : -1;
}

static bool is_in(const guide *g, const recipe *r, int idea) {
    const int segment = segment_of(g, idea);
    return segment >= 0 && r->ideas[segment] == idea;
}

/* The logarithm of the speed that the sampled model expects, up to a constant. */
static double expect(const guide *g, const recipe *r) {
    double sum = 0;
    for (int i = 0; i < g->genome->n_segments; i++)
        if (r->ideas[i] >= 0) sum += g->sample[r->ideas[i]];
    for (int i = 0; i < g->n_fits; i++)
        if (is_in(g, r, g->fits[i].idea) && is_in(g, r, g->fits[i].partner))
            sum += g->sample[(int)whet_n_segment_texts + i];
    return sum;
}

static recipe recipe_of(const guide *g) {
    recipe r;
    for (int i = 0; i < g->genome->n_segments; i++)
        r.ideas[i] = whet_idea_of(g->genome, i);
    return r;
}

/* The best recipe that differs from `from` in one segment. */
static recipe best_step(const guide *g, const recipe *from) {
    recipe best = *from;
    double best_value = -HUGE_VAL;
    for (size_t i = 0; i < whet_n_segment_texts; i++) {
        const int segment = segment_of(g, (int)i);
        if (segment < 0 || from->ideas[segment] == (int)i) continue;
        recipe r = *from;
        r.ideas[segment] = (int)i;
        const double value = expect(g, &r);
        if (!(value > best_value)) continue;
        best = r;
        best_value = value;
    }
    return best;
}

/* Puts an idea and its partners, fits[first] to fits[end - 1], into a recipe. */
static void impose(const guide *g, int first, int end, recipe *r) {
    const int own = segment_of(g, g->fits[first].idea);
    if (own >= 0) r->ideas[own] = g->fits[first].idea;
    for (int i = first; i < end; i++) {
        const int segment = segment_of(g, g->fits[i].partner);
        if (segment >= 0) r->ideas[segment] = g->fits[i].partner;
    }
}

/* Climbs by single steps to where the sampled model expects most. */
static void climb(const guide *g, recipe *r) {
    for (;;) {
        const recipe next = best_step(g, r);
        if (!(expect(g, &next) > expect(g, r))) return;
        *r = next;
    }
}

/* Where the suite that begins with fits[first] ends. */
static int suite_end(const guide *g, int first) {
    int end = first + 1;
    while (end < g->n_fits && g->fits[end].idea == g->fits[first].idea)
        end++;
    return end;
}

static bool has_suite(const whet_observation *o, const whet_fit *fits, int n) {
    bool has_all = contains(o, fits->idea);
    for (int i = 0; i < n && has_all; i++)
        has_all = contains(o, fits[i].partner);
    return has_all;
}

/* Whether some program, right or not, has the idea with all of its partners. */
static bool was_tried(const guide *g, int first) {
    const whet_search *s = g->s;
    bool was = false;
    for (int i = 0; i < s->n_members && !was; i++) {
        whet_observation o = { 0 };
        observe(g, &s->members[i], &o);
        was = has_suite(&o, &g->fits[first], suite_end(g, first) - first);
    }
    return was;
}

/* The largest suite that was never tried: where it begins, -1 if there is none. Of equal ones any.
 */
static int largest_new_suite(const guide *g) {
    int largest = -1, size = 0, n_equal = 0;
    for (int first = 0; first < g->n_fits; first = suite_end(g, first)) {
        const int n = suite_end(g, first) - first;
        if (n < size || was_tried(g, first)) continue;
        n_equal = n > size ? 1 : n_equal + 1;
        size = n;
        if (whet_rng_below(&g->s->rng, (uint64_t)n_equal) == 0) largest = first;
    }
    return largest;
}

/* The best recipe of all, or the best with a suite that was never tried. */
static recipe best_of_all(const guide *g, const recipe *from) {
    recipe best = *from;
    climb(g, &best);
    const int new_suite = largest_new_suite(g);
    if (new_suite >= 0) {
        impose(g, new_suite, suite_end(g, new_suite), &best);
        return best;
    }
    for (int first = 0; first < g->n_fits; first = suite_end(g, first)) {
        recipe r = best;
        impose(g, first, suite_end(g, first), &r);
        climb(g, &r);
        if (expect(g, &r) > expect(g, &best)) best = r;
    }
    return best;
}

/* Any idea that has partners, with them; knobs as they come with it. */
static recipe any_suite(const guide *g, const recipe *from) {
    recipe r = *from;
    int n = 0, chosen = 0;
    for (int i = 0; i < g->n_fits; i++)
        if ((i == 0 || g->fits[i].idea != g->fits[i - 1].idea) &&
            whet_rng_below(&g->s->rng, (uint64_t)++n) == 0)
            chosen = i;
    if (g->n_fits > 0) impose(g, chosen, suite_end(g, chosen), &r);
    return r;
}

/* Segments that are the chosen idea already keep their knobs. */
static whet_status write_child(whet_ctx *ctx, const guide *g, const recipe *r,
                               whet_child_text *child) {
    whet_edit edits[WHET_MAX_SEGMENTS];
    int n_edits = 0;
    for (int i = 0; i < g->genome->n_segments; i++) {
        if (r->ideas[i] < 0 || r->ideas[i] == whet_idea_of(g->genome, i)) continue;
        const whet_segment_text *t = &whet_segment_texts[r->ideas[i]];
        const size_t used = strlen(child->change);
        snprintf(child->change + used, sizeof child->change - used, "%s%s: %s", used ? ", " : "",
                 t->segment, t->name);
        edits[n_edits++] = (whet_edit){ g->genome->segments[i].body, t->text, t->len };
    }
    return whet_genome_apply(ctx, g->genome, edits, n_edits, &child->text);
}

whet_status whet_guide(whet_ctx *ctx, whet_search *s, int parent, whet_guide_kind kind,
                       whet_child_text *child) {
    guide g = { .s = s, .genome = &s->members[parent].genome };
    g.n_fits = whet_idea_fits(g.fits, WHET_MAX_FITS);
    WHET_TRY(learn(ctx, &g));
    sample_effects(&g);
    const recipe from = recipe_of(&g);
    const recipe to = kind == WHET_GUIDE_STEP    ? best_step(&g, &from)
                      : kind == WHET_GUIDE_SUITE ? any_suite(&g, &from)
                                                 : best_of_all(&g, &from);
    return write_child(ctx, &g, &to, child);
}
