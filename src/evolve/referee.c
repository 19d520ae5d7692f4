/* SPDX-License-Identifier: MIT */
/* Answers from the run file where it has them, else from the judge. */
#include "evolve/referee.h"

#include <stdio.h>
#include <string.h>

#include "base/crew.h"

/* ---- checks ---- */

static whet_status take_verdict(whet_ctx *ctx, const whet_store_judgement *j, whet_verdict *v) {
    int code = 0;
    while (code < WHET_N_VERDICTS && strcmp(whet_verdict_name(code), j->code) != 0)
        code++;
    if (code == WHET_N_VERDICTS)
        return whet_fail(ctx, WHET_E_FORMAT, "the verdict \"%s\" of the run file is not known",
                         j->code);
    v->code = (whet_verdict_code)code;
    v->gate = (whet_gate)j->gate;
    snprintf(v->reason, sizeof v->reason, "%s", j->reason);
    return WHET_OK;
}

/* The buffers of the answer change hands. */
static whet_status take_answer(whet_ctx *ctx, whet_member *m, whet_store_answer *a) {
    WHET_TRY(take_verdict(ctx, &a->check, &m->verdict));
    m->verdict.build_ns = a->wall_ns;
    snprintf(m->verdict.compiler_text, sizeof m->verdict.compiler_text, "%s",
             a->compiler_text.text ? a->compiler_text.text : "");
    m->evidence = a->check.evidence;
    a->check.evidence = (whet_buf){ 0 };
    if (!*a->object_sha256) return WHET_OK;
    memcpy(m->object.sha256, a->object_sha256, sizeof m->object.sha256);
    m->object.bytes = a->object.text;
    m->object.n_bytes = a->object.len;
    a->object = (whet_buf){ 0 };
    return WHET_OK;
}

static whet_status look_up(whet_ctx *ctx, whet_search *s, whet_member *m, bool *is_known) {
    whet_store_answer answer = { 0 };
    *is_known = false;
    if (!s->answers || !*m->hash) return WHET_OK;
    whet_status st = whet_store_get_answer(ctx, s->answers, m->hash, &answer);
    if (st == WHET_OK && answer.is_there) st = take_answer(ctx, m, &answer);
    *is_known = answer.is_there;
    whet_store_answer_fini(ctx, &answer);
    return st;
}

/* ---- judging side by side: nothing is timed ---- */

typedef struct judging {
    whet_judge *judge;
    whet_member *member;
    whet_object object; /* belongs to the thread's context */
} judging;

static whet_status judge_one(whet_ctx *own, void *job) {
    judging *j = job;
    whet_member *m = j->member;
    if (m->object.built_in) return whet_judge_check(own, j->judge, &m->object, &m->verdict);
    WHET_TRY(whet_judge_build(own, j->judge, m->text.text, m->text.len, &j->object, &m->verdict));
    if (m->verdict.code != WHET_V_PASS) return WHET_OK;
    const whet_verdict built = m->verdict;
    WHET_TRY(whet_judge_check(own, j->judge, &j->object, &m->verdict));
    m->verdict.build_ns = built.build_ns;
    memcpy(m->verdict.compiler_text, built.compiler_text, sizeof built.compiler_text);
    return WHET_OK;
}

static whet_status take_object(whet_ctx *ctx, void *job) {
    const judging *j = job;
    if (j->object.bytes) {
        j->member->object = j->object;
        j->member->object.bytes = whet_alloc(ctx, j->object.n_bytes);
        if (!j->member->object.bytes) return WHET_E_NOMEM;
        memcpy(j->member->object.bytes, j->object.bytes, j->object.n_bytes);
    }
    return whet_verdict_evidence(ctx, &j->member->verdict, &j->member->evidence);
}

static void drop_object(whet_ctx *own, void *job) {
    whet_object_fini(own, &((judging *)job)->object);
}

static const whet_crew_work judging_work = { judge_one, take_object, drop_object };

/* A sibling may have been judged, but never admitted: then nothing is lost without an answer. */
static whet_status do_without(whet_ctx *ctx, whet_member *m) {
    m->is_unanswered = true;
    return whet_buf_puts(ctx, &m->evidence, "");
}

whet_status whet_referee_check(whet_ctx *ctx, whet_search *s, whet_member *members, int n) {
    judging unknown[WHET_MAX_BREED] = { 0 };
    int n_unknown = 0;
    for (int i = 0; i < n; i++) {
        bool is_known;
        WHET_TRY(look_up(ctx, s, &members[i], &is_known));
        if (is_known) continue;
        if (s->judge)
            unknown[n_unknown++] = (judging){ .judge = s->judge, .member = &members[i] };
        else
            WHET_TRY(do_without(ctx, &members[i]));
    }
    return whet_crew_run(ctx, &judging_work, unknown, sizeof *unknown, n_unknown);
}

whet_status whet_referee_recall(whet_ctx *ctx, whet_search *s, whet_member *m) {
    if (m->object.bytes || !s->judge) return WHET_OK;
    whet_store_answer answer;
    WHET_TRY(whet_store_get_answer(ctx, s->store, m->hash, &answer));
    if (answer.is_there && answer.object.len) {
        memcpy(m->object.sha256, answer.object_sha256, sizeof m->object.sha256);
        m->object.bytes = answer.object.text;
        m->object.n_bytes = answer.object.len;
        answer.object = (whet_buf){ 0 };
    }
    whet_store_answer_fini(ctx, &answer);
    if (m->object.bytes) return WHET_OK;
    return whet_fail(ctx, WHET_E_STORE, "the run file has no object of program %.10s", m->hash);
}

/* ---- duels ---- */

static whet_status take_duel(whet_ctx *ctx, const whet_store_duel_answer *a, whet_duel *duel) {
    *duel = (whet_duel){
        .result = { a->duel.ratio, a->duel.low, a->duel.high },
        .n_samples = a->n_samples,
        .n_pairs = a->duel.n_pairs,
        .n_blocks = a->duel.n_blocks,
        .n_calls = a->duel.n_calls,
        .ns = a->duel.ns,
        .rival_ns = a->duel.rival_ns,
        .kv_bytes = a->duel.kv_bytes,
    };
    WHET_TRY(take_verdict(ctx, &a->verdict, &duel->verdict));
    duel->samples = whet_alloc_zero(ctx, a->n_samples + 1, sizeof *duel->samples);
    if (!duel->samples) return WHET_E_NOMEM;
    for (size_t i = 0; i < a->n_samples; i++) {
        const whet_store_sample *from = &a->samples[i];
        duel->samples[i] =
            (whet_duel_sample){ from->pair, from->block, from->is_rival, from->order, from->ns };
    }
    /* The ratio is recomputed; where a wrong output ended the duel, it is of the pairs before. */
    const bool is_timed = duel->verdict.code == WHET_V_PASS || duel->verdict.code == WHET_V_SLOWER;
    if (!is_timed || duel->n_samples == 0) return WHET_OK;
    return whet_ratio_estimate(ctx, duel->samples, duel->n_samples, a->duel.seed, &duel->result);
}

/* Answer or judgement; the evidence is appended. */
static whet_status fight(whet_ctx *ctx, whet_search *s, const whet_member *m,
                         const whet_baseline *rival, const char *kind, const whet_duel_opts *opts,
                         whet_duel *duel, whet_buf *evidence) {
    whet_duel_opts here = *opts;
    here.is_rough = s->opts.is_rehearsal;
    whet_store_duel_answer a = { 0 };
    whet_status st = WHET_OK;
    if (s->answers)
        st =
            whet_store_get_duel(ctx, s->answers, opts->seed, kind, s->shape_names[opts->shape], &a);
    if (st == WHET_OK && a.is_there) {
        st = take_duel(ctx, &a, duel);
        if (st == WHET_OK)
            st = whet_buf_append(ctx, evidence, a.verdict.evidence.text, a.verdict.evidence.len);
    } else if (st == WHET_OK && s->judge) {
        st = whet_judge_duel(ctx, s->judge, &m->object, &rival->object, &here, duel);
        if (st == WHET_OK) st = whet_verdict_evidence(ctx, &duel->verdict, evidence);
    } else if (st == WHET_OK) {
        st = whet_fail(ctx, WHET_E_STORE,
                       "the run parts from its log here: it has no %s of %.10s and %s on %s", kind,
                       m->hash, rival->name, s->shape_names[opts->shape]);
    }
    whet_store_duel_answer_fini(ctx, &a);
    return st;
}

whet_status whet_referee_duel(whet_ctx *ctx, whet_search *s, const whet_member *m,
                              const whet_baseline *rival, const char *kind,
                              const whet_duel_opts *opts, whet_duel *duel) {
    whet_buf evidence = { 0 };
    *duel = (whet_duel){ 0 };
    whet_status st = fight(ctx, s, m, rival, kind, opts, duel, &evidence);
    int64_t id = 0;
    if (st == WHET_OK) st = whet_record_duel(ctx, s, m, kind, rival->name, opts, duel, &id);
    if (st == WHET_OK) st = whet_record_verdict(ctx, s, m, id, &duel->verdict, evidence.text);
    whet_buf_fini(ctx, &evidence);
    if (st != WHET_OK) whet_duel_fini(ctx, duel);
    return st;
}
