/* SPDX-License-Identifier: MIT */
/* Gate 5: its rows, its questions, its comparisons. */
#include "judge/exam.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/attention.h"
#include "kernels/dtype.h"

enum { NEAR = 16, SPARE_ROWS = 21, STREAM = 700 };

static size_t bytes_of(const whet_problem *p, int n_rows, int n_heads) {
    return (size_t)n_rows * (size_t)n_heads * (size_t)p->head_dim *
           whet_dtype_bytes((whet_dtype)p->dtype);
}

void *whet_exam_room(whet_ctx *ctx, whet_exam *e, const whet_bank_case *c, bool is_query) {
    const whet_problem *p = &c->problem;
    return whet_arena_alloc(ctx, &e->arena,
                            is_query ? bytes_of(p, p->n_rows, p->n_heads)
                                     : bytes_of(p, p->n_context, p->n_kv_heads));
}

whet_memory whet_exam_memory(whet_exam *e) {
    const uint64_t bits = whet_rng_u64(&e->rng);
    return (whet_memory){
        .seed = bits,
        .place = (whet_place)(bits >> 8 & 0xff) % 3,
        .kv = (whet_leftover)((bits >> 16 & 0xff) % (WHET_LEFT_PLAUSIBLE + 1)),
        .workspace = (whet_leftover)((bits >> 24 & 0xff) % (WHET_LEFT_BYTES + 1)),
        .out = WHET_LEFT_NAN,
    };
}

/* Neither small nor large: a power of two more or less changes no bit of the mantissas. */
static void fill_values(whet_exam *e, const whet_problem *p, void *v) {
    const int64_t n = (int64_t)p->n_context * p->n_kv_heads * p->head_dim;
    for (int64_t i = 0; i < n; i++) {
        const double size = 0.5 + 1.5 * whet_rng_uniform(&e->rng);
        whet_store_f32((whet_dtype)p->dtype, v, i,
                       (float)(whet_rng_u64(&e->rng) >> 63 ? size : -size));
    }
}

whet_status whet_exam_make(whet_ctx *ctx, whet_exam *e, whet_exam_shape shape, whet_bank_case *c) {
    *c = (whet_bank_case){
        .family = WHET_CASE_GAUSS_1,
        .gate = WHET_GATE_PROPERTY,
        .problem = e->judge->opts.problem,
        .seed = whet_rng_u64(&e->rng) >> 11,
        .n_workers = shape.n_workers,
        .chunk = shape.chunk,
    };
    c->problem.n_context = shape.n_context;
    if (shape.n_context > 1) c->problem.n_context += (int32_t)whet_rng_below(&e->rng, NEAR);
    c->problem.n_rows = shape.n_rows;
    c->capacity = c->problem.n_context + SPARE_ROWS;
    c->bounds = c->problem;
    c->bounds.n_context = (int32_t)c->capacity;
    void *q = whet_exam_room(ctx, e, c, true), *k = whet_exam_room(ctx, e, c, false);
    void *v = whet_exam_room(ctx, e, c, false);
    if (!q || !k || !v) return WHET_E_NOMEM;
    whet_case_fill(c->family, &c->problem, c->seed, q, k, v);
    fill_values(e, &c->problem, v);
    c->q = q;
    c->k = k;
    c->v = v;
    whet_verdict *verdict = e->verdict;
    snprintf(verdict->family, sizeof verdict->family, "%s", "exact");
    verdict->gate = c->gate;
    verdict->seed = c->seed;
    verdict->n_context = c->problem.n_context;
    verdict->n_rows = c->problem.n_rows;
    verdict->n_workers = c->n_workers;
    return WHET_OK;
}

whet_status whet_exam_ask(whet_ctx *ctx, whet_exam *e, const whet_bank_case *c, float scale,
                          void *out) {
    whet_trial t;
    WHET_TRY(whet_trial_open(ctx, e->judge, c, e->link, e->verdict, &t));
    if (whet_trial_is_over(&t)) return WHET_OK;
    t.request.scale = scale;
    const whet_memory memory = whet_exam_memory(e);
    WHET_TRY(whet_trial_lay_out(ctx, &t, &memory));
    WHET_TRY(whet_trial_play(ctx, &t));
    if (!whet_trial_is_over(&t)) whet_trial_take(&t, out);
    return WHET_OK;
}

bool whet_exam_agrees(whet_exam *e, const whet_bank_case *c, const void *got, const void *want,
                      int n_rows, double slack, const char *law) {
    const whet_problem *p = &c->problem;
    const int64_t row = (int64_t)p->n_heads * p->head_dim;
    whet_verdict *v = e->verdict;
    for (int64_t i = 0; i < n_rows * row; i++) {
        const double a = (double)whet_load_f32((whet_dtype)p->dtype, got, i);
        const double b = (double)whet_load_f32((whet_dtype)p->dtype, want, i);
        if (fabs(a - b) <= slack * fabs(b)) continue;
        v->row = (int32_t)(i / row);
        v->head = (int32_t)(i % row / p->head_dim);
        v->dim = (int32_t)(i % p->head_dim);
        v->got = a;
        v->expected = b;
        v->tolerance = slack * fabs(b);
        whet_verdict_reject(v, isnan(a) ? WHET_V_NOT_A_NUMBER : WHET_V_INCONSISTENT, c->gate,
                            "%s: row %d, head %d, dimension %d is %.9g, not %.9g (%d keys, %d "
                            "rows, %d workers)",
                            law, v->row, v->head, v->dim, a, b, p->n_context, p->n_rows,
                            c->n_workers);
        return false;
    }
    v->n_checked += n_rows * row;
    return true;
}

whet_status whet_exam_run(whet_ctx *ctx, const whet_judge *judge, whet_link *link,
                          whet_verdict *verdict) {
    static whet_status (*const parts[])(whet_ctx *, whet_exam *) = {
        whet_exam_sizes,
        whet_exam_outputs,
        whet_exam_cache,
    };
    whet_exam e = { .judge = judge, .link = link, .verdict = verdict };
    whet_rng_init(&e.rng, whet_rng_derive(judge->opts.seed, STREAM));
    whet_status st = whet_arena_init(ctx, &e.arena, (size_t)4 << 30);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (st != WHET_OK || verdict->code != WHET_V_PASS) break;
        st = parts[i](ctx, &e);
    }
    whet_arena_fini(&e.arena);
    return st;
}
