/* SPDX-License-Identifier: MIT */
/* Gates 2 to 5: every case twice, with other leftovers in memory; every output compared; then what
 * must hold bit for bit. */
#include "judge/exam.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
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
    for (int i = 0; i < judge->bank->n_cases; i++) {
        if (st != WHET_OK || verdict->code != WHET_V_PASS) break;
        st = whet_judge_case(ctx, judge, &judge->bank->cases[i], &link, verdict);
    }
    const double checked_ns = whet_clock_ns();
    if (st == WHET_OK && verdict->code == WHET_V_PASS)
        st = whet_exam_run(ctx, judge, &link, verdict);
    whet_link_close(&link);
    if (st == WHET_OK && verdict->code == WHET_V_PASS)
        st = whet_proof_check(ctx, judge, object, verdict);
    whet_log(ctx, WHET_LOG_DEBUG, "judge", "check: %s, cases in %.0f ms, properties in %.0f ms",
             whet_verdict_name(verdict->code), (checked_ns - start_ns) * 1e-6,
             (whet_clock_ns() - checked_ns) * 1e-6);
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
