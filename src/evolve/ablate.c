/* SPDX-License-Identifier: MIT */
/* Taking gains apart. */
#include "evolve/ablate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evolve/frame.h"
#include "evolve/hunks.h"
#include "evolve/interval.h"
#include "evolve/journal.h"
#include "evolve/population.h"
#include "evolve/tried.h"

enum { MAX_OF_ONE = 4, LEAST_OTHERS = 8 };

static const double least_gain = 0.05; /* over the parent, that is worth it, as a logarithm */
static const char operator_name[] = "ablate", without[] = "without "; /* changes begin so */

/* ---- differences ---- */

static bool is_same_text(const whet_genome *a, const whet_segment *x, const whet_genome *b,
                         const whet_segment *y) {
    const size_t n = x->body.end - x->body.begin;
    return n == y->body.end - y->body.begin &&
           memcmp(a->text + x->body.begin, b->text + y->body.begin, n) == 0;
}

int whet_ablate_differences(const whet_genome *genome, const whet_genome *other,
                            whet_difference list[WHET_MAX_DIFFERENCES]) {
    int n = 0;
    for (int i = 0; i < genome->n_segments; i++) {
        const whet_segment *s = &genome->segments[i], *t = whet_genome_segment(other, s->name);
        if (!t || is_same_text(genome, s, other, t)) continue;
        whet_difference d = { .segment = i, .knob = -1 };
        memcpy(d.name, s->name, sizeof d.name);
        whet_segment_alternative(genome, i, d.here);
        whet_segment_alternative(other, (int)(t - other->segments), d.there);
        /* the same idea of the library, with other knobs */
        if (strcmp(d.here, d.there) == 0 && strcmp(d.here, "own") != 0) continue;
        list[n++] = d;
    }
    for (int i = 0; i < genome->n_knobs; i++) {
        const whet_knob *k = &genome->knobs[i], *l = whet_genome_knob(other, k->name);
        if (!l || strcmp(k->choices[k->chosen], l->choices[l->chosen]) == 0) continue;
        whet_difference d = { .segment = -1, .knob = i };
        memcpy(d.name, k->name, sizeof d.name);
        memcpy(d.here, k->choices[k->chosen], sizeof d.here);
        memcpy(d.there, l->choices[l->chosen], sizeof d.there);
        list[n++] = d;
    }
    return n;
}

/* ---- proposing ---- */

static bool is_ablation(const whet_member *m) {
    return m->operator_name && strcmp(m->operator_name, operator_name) == 0;
}

/* How many there were of all, and of one program. */
static bool may_propose(const whet_draft *d, int of) {
    int n = 0, n_of = 0;
    for (int i = 0; i < d->s->n_members; i++) {
        n += is_ablation(&d->s->members[i]);
        n_of += is_ablation(&d->s->members[i]) && d->s->members[i].parent == of;
    }
    for (int i = 0; i < d->n_bred; i++)
        if (is_ablation(&d->bred[i])) return false;
    return n_of < MAX_OF_ONE && (n + 1) * LEAST_OTHERS <= d->s->n_members;
}

/* The program with the other's text or value in that one place. */
static whet_status revert(whet_ctx *ctx, const whet_genome *genome, const whet_genome *other,
                          const whet_difference *diff, whet_child_text *text) {
    whet_edit edit;
    if (diff->segment >= 0) {
        const whet_segment *theirs = whet_genome_segment(other, diff->name);
        edit = (whet_edit){ genome->segments[diff->segment].body, other->text + theirs->body.begin,
                            theirs->body.end - theirs->body.begin };
    } else {
        edit = (whet_edit){ genome->knobs[diff->knob].value, diff->there, strlen(diff->there) };
    }
    snprintf(text->change, sizeof text->change, "%s%s: %s", without, diff->name, diff->here);
    return whet_genome_apply(ctx, genome, &edit, 1, &text->text);
}

/* A segment of its own text, changed in several places: it with the parent's lines in one of them.
 */
static whet_status without_a_hunk(whet_ctx *ctx, whet_draft *d, int best,
                                  const whet_difference *diff, const whet_genome *genome,
                                  const whet_genome *other) {
    whet_hunk hunks[WHET_MAX_HUNKS];
    int n;
    const whet_extent here = genome->segments[diff->segment].body;
    const whet_extent there = whet_genome_segment(other, diff->name)->body;
    WHET_TRY(whet_hunks_find(ctx, genome->text + here.begin, here.end - here.begin,
                             other->text + there.begin, there.end - there.begin, hunks, &n));
    for (int i = 0; i < n && n > 1 && !d->is_new; i++) {
        const whet_hunk *h = &hunks[i];
        whet_child_text text = { 0 };
        const whet_edit edit = { { here.begin + h->here.begin, here.begin + h->here.end },
                                 other->text + there.begin + h->there.begin,
                                 h->there.end - h->there.begin };
        snprintf(text.change, sizeof text.change, "%s%s: change %d of %d", without, diff->name,
                 i + 1, n);
        WHET_TRY(whet_genome_apply(ctx, genome, &edit, 1, &text.text));
        WHET_TRY(whet_draft_take(ctx, d, &text, operator_name, best, -1));
    }
    return WHET_OK;
}

whet_status whet_ablate_propose(whet_ctx *ctx, whet_draft *d, int island) {
    const whet_search *s = d->s;
    const int best = whet_population_best(s, island);
    if (best < 0 || s->members[best].parent < 0 || !may_propose(d, best)) return WHET_OK;
    const whet_member *m = &s->members[best], *parent = &s->members[m->parent];
    if (!parent->is_timed || m->log_speed < parent->log_speed + least_gain) return WHET_OK;
    if (!whet_frame_is_same(m, parent)) return WHET_OK;
    whet_difference list[WHET_MAX_DIFFERENCES];
    const int n = whet_ablate_differences(&m->genome, &parent->genome, list);
    for (int i = 0; i < n && n > 1 && !d->is_new; i++) {
        whet_child_text text = { 0 };
        WHET_TRY(revert(ctx, &m->genome, &parent->genome, &list[i], &text));
        WHET_TRY(whet_draft_take(ctx, d, &text, operator_name, best, -1));
    }
    for (int i = 0; i < n && !d->is_new; i++)
        if (list[i].segment >= 0 && strcmp(list[i].here, "own") == 0)
            WHET_TRY(without_a_hunk(ctx, d, best, &list[i], &m->genome, &parent->genome));
    return WHET_OK;
}

/* ---- the table ---- */

/* Two programs that differ in one place, the first one's part over the second one's. */
static void add_pair(const whet_search *s, whet_gain *all, int *n_all, const whet_member *m) {
    const whet_member *p = &s->members[m->parent];
    whet_difference list[WHET_MAX_DIFFERENCES];
    if (!m->has_speed || !p->has_speed || !whet_frame_is_same(m, p)) return;
    if (whet_ablate_differences(&m->genome, &p->genome, list) != 1) return;
    const int shape = WHET_SHAPE_DECODE;
    const bool is_whole = m->is_timed && p->is_timed;
    double gain =
        is_whole ? m->log_speed - p->log_speed : m->log_speeds[shape] - p->log_speeds[shape];
    if (!isfinite(gain)) return;
    whet_gain one = { .n = 1 };
    const bool is_forth = !is_ablation(m);
    if (!is_forth && strcmp(list[0].here, list[0].there) == 0) /* a change within a text */
        snprintf(one.what, sizeof one.what, "%.100s in %.12s", m->change + strlen(without),
                 p->hash);
    else
        snprintf(one.what, sizeof one.what, "%s: %s over %s", list[0].name,
                 is_forth ? list[0].here : list[0].there, is_forth ? list[0].there : list[0].here);
    one.log_gain = is_forth ? gain : -gain;
    const whet_ratio measured = whet_tried_gain(s, m);
    one.gain = whet_interval_combine(&measured, &(const double){ is_forth ? 1 : -1 }, 1);
    for (int i = 0; i < *n_all; i++) {
        if (strcmp(all[i].what, one.what) != 0) continue;
        const whet_ratio both[] = { all[i].gain, one.gain };
        const double part = 1.0 / ++all[i].n;
        all[i].log_gain += (one.log_gain - all[i].log_gain) / all[i].n;
        all[i].gain = whet_interval_combine(both, (const double[]){ 1 - part, part }, 2);
        return;
    }
    all[(*n_all)++] = one;
}

static int by_gain(const void *a, const void *b) {
    const whet_gain *x = a, *y = b;
    if (x->log_gain != y->log_gain) return x->log_gain < y->log_gain ? 1 : -1;
    return strcmp(x->what, y->what);
}

whet_status whet_ablate_gains(whet_ctx *ctx, const whet_search *s, whet_gain *gains, int n,
                              int *n_found) {
    *n_found = 0;
    whet_gain *all = whet_alloc_zero(ctx, (size_t)s->n_members + 1, sizeof *all);
    if (!all) return WHET_E_NOMEM;
    int n_all = 0;
    for (int i = 1; i < s->n_members; i++)
        if (s->members[i].parent >= 0) add_pair(s, all, &n_all, &s->members[i]);
    qsort(all, (size_t)n_all, sizeof *all, by_gain);
    for (int i = 0; i < n_all && i < n && all[i].log_gain > 0; i++)
        gains[(*n_found)++] = all[i];
    whet_free(ctx, all);
    return WHET_OK;
}

whet_status whet_ablate_report(whet_ctx *ctx, whet_search *s) {
    whet_gain gains[WHET_N_GAINS];
    int n;
    WHET_TRY(whet_ablate_gains(ctx, s, gains, WHET_N_GAINS, &n));
    for (int i = 0; i < n; i++) {
        whet_evolve_gain *to = &s->result->gains[i];
        *to = (whet_evolve_gain){ .speed = exp(gains[i].log_gain), .n = gains[i].n };
        memcpy(to->what, gains[i].what, sizeof to->what);
        char text[200];
        snprintf(text, sizeof text, "%.4f %d %s", to->speed, to->n, to->what);
        WHET_TRY(whet_journal_note(ctx, s, "gain", text));
    }
    return WHET_OK;
}
