/* SPDX-License-Identifier: MIT */
/* Gates 2 to 5: every case twice, with other leftovers in memory; every output compared; then what
 * must hold bit for bit. */
#include "judge/exam.h"

#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crew.h"
#include "judge/check.h"
#include "judge/object.h"
#include "judge/proof.h"
#include "kernels/attention.h"

enum { N_PASSES = 2 };

/* The leftovers of a case's passes; whatever is in memory, the bits must be the same. */
static whet_memory memory_of(const whet_bank_case *c, int pass) {
    const uint64_t bits = whet_rng_derive(c->seed, 900 + (uint64_t)pass);
    const bool is_first = pass == 0;
    const whet_leftover second[] = { WHET_LEFT_BYTES, WHET_LEFT_PLAUSIBLE, WHET_LEFT_ZERO };
    return (whet_memory){
        .seed = bits,
        .place = bits % 3 == 0 ? WHET_PLACE_MIDDLE
                 : is_first    ? WHET_PLACE_BEGIN
                               : WHET_PLACE_END,
        .kv = is_first          ? WHET_LEFT_ZERO
              : (bits >> 8 & 1) ? WHET_LEFT_FINITE
                                : WHET_LEFT_PLAUSIBLE,
        .workspace = is_first ? WHET_LEFT_NAN : second[(bits >> 16) % 3],
        .out = is_first ? WHET_LEFT_NAN : second[(bits >> 24) % 3],
    };
}

/* The first pass is kept, the second must give the same bits. */
static bool repeat_rejects(whet_trial *t, char *first, int pass) {
    const size_t n = (size_t)t->c->problem.n_rows * (size_t)t->c->problem.n_heads *
                     (size_t)t->c->problem.head_dim *
                     whet_dtype_bytes((whet_dtype)t->c->problem.dtype);
    char *now = first + (pass ? n : 0);
    whet_trial_take(t, now);
    if (pass == 0 || memcmp(first, now, n) == 0) return false;
    whet_verdict_reject(t->verdict, WHET_V_NOT_REPEATABLE, t->c->gate,
                        "other leftovers in cache, workspace and output, or other addresses, gave "
                        "other bits (%s, %d keys, %d workers)",
                        t->verdict->family, t->verdict->n_context, t->verdict->n_workers);
    return true;
}

static whet_status run_pass(whet_ctx *ctx, whet_trial *t, int pass, char *room) {
    const whet_memory memory = memory_of(t->c, pass);
    WHET_TRY(whet_trial_lay_out(ctx, t, &memory));
    WHET_TRY(whet_trial_play(ctx, t));
    if (whet_trial_is_over(t) || repeat_rejects(t, room, pass)) return WHET_OK;
    whet_compare(&t->c->problem, t->parts[WHET_SECTION_OUT].data, t->request.out_stride,
                 t->c->problem.n_rows, &t->c->truth, t->c->gate, t->verdict);
    return WHET_OK;
}

whet_status whet_judge_case(whet_ctx *ctx, const whet_judge *judge, const whet_bank_case *c,
                            whet_link *link, whet_verdict *v) {
    whet_trial t;
    snprintf(v->family, sizeof v->family, "%s",
             c->family < WHET_N_CASES ? whet_case_name(c->family) : "the model's own");
    v->gate = c->gate;
    v->seed = c->seed;
    v->n_context = c->problem.n_context;
    v->n_rows = c->problem.n_rows;
    v->n_workers = c->n_workers;
    WHET_TRY(whet_trial_open(ctx, judge, c, link, v, &t));
    if (whet_trial_is_over(&t)) return WHET_OK;
    char *room = whet_alloc(ctx, 2 * (size_t)c->problem.n_rows * (size_t)c->problem.n_heads *
                                     (size_t)c->problem.head_dim *
                                     whet_dtype_bytes((whet_dtype)c->problem.dtype));
    if (!room) return WHET_E_NOMEM;
    whet_status st = WHET_OK;
    for (int pass = 0; pass < N_PASSES && st == WHET_OK && v->code == WHET_V_PASS; pass++)
        st = run_pass(ctx, &t, pass, room);
    whet_free(ctx, room);
    return st;
}

/* ---- the smoke, then two workers side by side ---- */

/* What remains when the smoke has passed. Cases are taken by whoever is free; the properties come
 * behind the last one. What is found first in that order is the verdict, whichever was done first:
 * all that comes before it was done as well. */
typedef struct rest {
    const whet_judge *judge;
    const whet_object *object;
    const whet_verdict *smoke;
    whet_verdict *of_cases; /* [n_cases] */
    whet_verdict exact;     /* of the properties and the proof */
    int n_cases;
    atomic_int next; /* case that nobody has taken */
    atomic_int bad;  /* the first that is known to be rejected; n_cases: the properties */
} rest;

typedef struct part {
    rest *rest;
    whet_link *link; /* of the smoke; NULL: it opens another, and begins with the properties */
} part;

static whet_verdict begin_anew(const rest *r) {
    whet_verdict v = *r->smoke;
    v.n_checked = 0;
    v.worst = 0;
    return v;
}

static void note_bad(rest *r, int at) {
    int bad = atomic_load(&r->bad);
    while (at < bad && !atomic_compare_exchange_weak(&r->bad, &bad, at))
        continue;
}

static whet_status do_cases(whet_ctx *own, rest *r, whet_link *link) {
    for (;;) {
        const int i = atomic_fetch_add(&r->next, 1);
        if (i >= r->n_cases || i > atomic_load(&r->bad)) return WHET_OK;
        whet_verdict *v = &r->of_cases[i];
        *v = begin_anew(r);
        WHET_TRY(whet_judge_case(own, r->judge, &r->judge->bank->cases[i], link, v));
        if (v->code == WHET_V_PASS) continue;
        note_bad(r, i);
        return WHET_OK; /* that worker may be gone */
    }
}

static whet_status do_properties(whet_ctx *own, rest *r, whet_link *link) {
    whet_verdict *v = &r->exact;
    WHET_TRY(whet_exam_run(own, r->judge, link, v));
    if (v->code == WHET_V_PASS) WHET_TRY(whet_proof_check(own, r->judge, r->object, v));
    if (v->code != WHET_V_PASS) note_bad(r, r->n_cases);
    return WHET_OK;
}

static whet_status do_part(whet_ctx *own, void *job) {
    const part *p = job;
    rest *r = p->rest;
    if (p->link) return do_cases(own, r, p->link);
    whet_link link;
    whet_link_end end;
    whet_reply reply;
    const whet_judge_opts *o = &r->judge->opts;
    WHET_TRY(whet_link_open(own, o->worker, r->object, &o->problem, &link, &end, &reply));
    whet_status st = whet_judge_trust(own, r->judge, &link);
    const bool is_there = !whet_link_blame(end, &reply, WHET_GATE_OBJECT, &r->exact);
    if (st == WHET_OK && is_there) st = do_properties(own, r, &link);
    if (st == WHET_OK && r->exact.code == WHET_V_PASS) st = do_cases(own, r, &link);
    whet_link_close(&link);
    return st;
}

static whet_status take(whet_ctx *ctx, void *job) {
    (void)ctx, (void)job; /* all of it is in the rest */
    return WHET_OK;
}

static void drop(whet_ctx *own, void *job) {
    (void)own, (void)job;
}

/* As if all had been asked one after the other, but for the limit of a link's calls together. */
static void conclude(const rest *r, whet_verdict *verdict) {
    int64_t n_checked = verdict->n_checked;
    double worst = verdict->worst;
    const int bad = atomic_load(&r->bad);
    const int first = r->judge->bank->n_smoke;
    for (int i = first; i < r->n_cases && i <= bad; i++) {
        n_checked += r->of_cases[i].n_checked;
        worst = fmax(worst, r->of_cases[i].worst);
    }
    *verdict = bad < r->n_cases ? r->of_cases[bad] : r->exact;
    verdict->n_checked = n_checked + (bad < r->n_cases ? 0 : r->exact.n_checked);
    verdict->worst = fmax(worst, verdict->worst);
}

static whet_status check_rest(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                              whet_link *link, whet_verdict *verdict) {
    static const whet_crew_work work = { do_part, take, drop };
    const whet_bank *bank = judge->bank;
    const whet_verdict smoke = *verdict;
    rest r = { .judge = judge, .object = object, .smoke = &smoke, .n_cases = bank->n_cases };
    r.exact = begin_anew(&r);
    atomic_init(&r.next, bank->n_smoke);
    atomic_init(&r.bad, INT_MAX);
    r.of_cases = whet_alloc_zero(ctx, (size_t)bank->n_cases + 1, sizeof *r.of_cases);
    if (!r.of_cases) return WHET_E_NOMEM;
    part parts[] = { { &r, link }, { &r, NULL } };
    const whet_status st = whet_crew_run(ctx, &work, parts, sizeof *parts, 2);
    if (st == WHET_OK) conclude(&r, verdict);
    whet_free(ctx, r.of_cases);
    return st;
}

static whet_status check_loaded(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                                whet_link *link, whet_verdict *v) {
    const whet_bank *bank = judge->bank;
    for (int i = 0; i < bank->n_smoke && v->code == WHET_V_PASS; i++)
        WHET_TRY(whet_judge_case(ctx, judge, &bank->cases[i], link, v));
    return v->code == WHET_V_PASS ? check_rest(ctx, judge, object, link, v) : WHET_OK;
}

whet_status whet_judge_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                             whet_verdict *verdict) {
    *verdict = (whet_verdict){ .gate = WHET_GATE_OBJECT };
    const double start_ns = whet_clock_ns();
    memcpy(verdict->object_sha256, object->sha256, sizeof verdict->object_sha256);
    if (!object->built_in && !judge->opts.skips_object_gate) {
        WHET_TRY(whet_object_check(ctx, object->bytes, object->n_bytes, verdict));
        if (verdict->code != WHET_V_PASS) return WHET_OK;
    }
    WHET_TRY(whet_bank_wait(ctx, judge->bank));
    whet_link link;
    whet_link_end end;
    whet_reply reply;
    WHET_TRY(
        whet_link_open(ctx, judge->opts.worker, object, &judge->opts.problem, &link, &end, &reply));
    whet_status st = whet_judge_trust(ctx, judge, &link);
    verdict->jail = link.jail;
    whet_link_blame(end, &reply, WHET_GATE_OBJECT, verdict);
    if (st == WHET_OK) st = check_loaded(ctx, judge, object, &link, verdict);
    whet_link_close(&link);
    whet_log(ctx, WHET_LOG_DEBUG, "judge", "check: %s in %.0f ms", whet_verdict_name(verdict->code),
             (whet_clock_ns() - start_ns) * 1e-6);
    return st;
}

whet_status whet_check_cases(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                             const whet_bank_case *cases, int n, whet_verdict *verdict) {
    whet_link link;
    whet_link_end end;
    whet_reply reply;
    if (n == 0) return WHET_OK;
    WHET_TRY(whet_bank_wait(ctx, judge->bank));
    WHET_TRY(
        whet_link_open(ctx, judge->opts.worker, object, &judge->opts.problem, &link, &end, &reply));
    whet_status st = whet_judge_trust(ctx, judge, &link);
    whet_link_blame(end, &reply, cases[0].gate, verdict);
    for (int i = 0; i < n && st == WHET_OK && verdict->code == WHET_V_PASS; i++)
        st = whet_judge_case(ctx, judge, &cases[i], &link, verdict);
    whet_link_close(&link);
    return st;
}
