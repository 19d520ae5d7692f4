/* SPDX-License-Identifier: MIT */
/* Names of changes with their effects. */
#include "evolve/tried.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evolve/interval.h"

static const int most_of[WHET_N_TRIED_KINDS] = { 14, 10, 14, 10 };

/* ---- gains ---- */

whet_ratio whet_tried_gain_in(const whet_search *s, const whet_member *m, int shape) {
    static const double quotient[] = { 1, -1 };
    if (m->parent < 0 || !m->has_speed || !s->members[m->parent].has_speed)
        return (whet_ratio){ 0 };
    const whet_ratio both[] = { m->races[shape], s->members[m->parent].races[shape] };
    return whet_interval_combine(both, quotient, 2);
}

whet_ratio whet_tried_gain(const whet_search *s, const whet_member *m) {
    whet_ratio gains[WHET_N_SHAPES];
    for (int i = 0; i < WHET_N_SHAPES; i++)
        gains[i] = whet_tried_gain_in(s, m, i);
    if (!m->is_timed || m->parent < 0 || !s->members[m->parent].is_timed)
        return gains[WHET_SHAPE_DECODE];
    return whet_interval_combine(gains, whet_race_weights, WHET_N_SHAPES);
}

/* ---- the list ---- */

static bool is_listed(const whet_member *m) {
    return m->parent >= 0 && !m->control && strcmp(m->operator_name, "ablate") != 0;
}

static whet_tried_kind kind_of(const whet_member *m, const whet_ratio *gain) {
    const bool is_twin = m->verdict.code == WHET_V_PASS && !m->has_speed;
    if (is_twin || (m->verdict.code != WHET_V_PASS && m->verdict.code != WHET_V_SLOWER))
        return WHET_TRIED_REJECTED;
    if (!whet_interval_is_decided(gain)) return WHET_TRIED_EQUAL;
    return gain->ratio > 1 ? WHET_TRIED_GAINED : WHET_TRIED_LOST;
}

typedef struct sorted {
    whet_tried tried;
    bool is_answer; /* of a model */
} sorted;

static int by_tale(const void *a, const void *b) {
    const sorted *x = a, *y = b;
    const whet_tried *p = &x->tried, *q = &y->tried;
    if (p->kind != q->kind) return p->kind < q->kind ? -1 : 1;
    const double far_p = fabs(log(p->gain.ratio)), far_q = fabs(log(q->gain.ratio));
    if (p->kind <= WHET_TRIED_LOST && far_p != far_q) return far_p > far_q ? -1 : 1;
    if (p->kind > WHET_TRIED_LOST && x->is_answer != y->is_answer) return x->is_answer ? -1 : 1;
    return (p->member < q->member) - (p->member > q->member);
}

static bool is_same_name(const whet_search *s, int a, int b) {
    return strcasecmp(s->members[a].change, s->members[b].change) == 0;
}

/* Counts all tries of its name. */
static void count(const whet_search *s, const sorted *all, int n_all, whet_tried *t) {
    for (int i = 0; i < n_all; i++) {
        const double gain = all[i].tried.gain.ratio;
        if (!is_same_name(s, all[i].tried.member, t->member)) continue;
        t->n++;
        if (!(gain > 0)) continue;
        t->least = t->least > 0 ? fmin(t->least, gain) : gain;
        t->most = fmax(t->most, gain);
    }
}

static int choose(const whet_search *s, const sorted *all, int n_all,
                  whet_tried tried[WHET_MAX_TRIED]) {
    int n = 0, n_of[WHET_N_TRIED_KINDS] = { 0 };
    for (int i = 0; i < n_all && n < WHET_MAX_TRIED; i++) {
        const whet_tried *t = &all[i].tried;
        bool is_known = false;
        for (int j = 0; j < n; j++)
            is_known |= is_same_name(s, tried[j].member, t->member);
        if (is_known || n_of[t->kind] == most_of[t->kind]) continue;
        n_of[t->kind]++;
        tried[n] = *t;
        count(s, all, n_all, &tried[n++]);
    }
    return n;
}

whet_status whet_tried_list(whet_ctx *ctx, const whet_search *s, whet_tried tried[WHET_MAX_TRIED],
                            int *n) {
    sorted *all = whet_alloc_zero(ctx, (size_t)s->n_members, sizeof *all);
    if (!all) return WHET_E_NOMEM;
    int n_all = 0;
    for (int i = 1; i < s->n_members; i++) {
        const whet_member *m = &s->members[i];
        if (!is_listed(m)) continue;
        whet_tried t = { .member = i, .gain = whet_tried_gain(s, m) };
        t.kind = kind_of(m, &t.gain);
        all[n_all++] = (sorted){ t, whet_arm_is_asked(m->operator_name) };
    }
    qsort(all, (size_t)n_all, sizeof *all, by_tale);
    *n = choose(s, all, n_all, tried);
    whet_free(ctx, all);
    return WHET_OK;
}
