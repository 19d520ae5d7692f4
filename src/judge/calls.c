/* SPDX-License-Identifier: MIT */
/* The calls of a sample: dealt at random, answered by the trusted attention and, for a few secret
 * heads, by the oracle; compared with what came. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "judge/timed.h"
#include "kernels/attention.h"
#include "kernels/dtype.h"
#include "kernels/trusted.h"

static size_t row_bytes(const whet_problem *p, int n_heads) {
    return (size_t)n_heads * (size_t)p->head_dim * whet_dtype_bytes((whet_dtype)p->dtype);
}

/* Elements of one call's queries or outputs. */
static size_t call_elements(const whet_problem *p) {
    return (size_t)p->n_rows * (size_t)p->n_heads * (size_t)p->head_dim;
}

/* ---- dealing ---- */

static void *resized(whet_ctx *ctx, void *old, size_t bytes, whet_status *st) {
    void *room = whet_realloc(ctx, old, bytes);
    if (!room) *st = WHET_E_NOMEM;
    return room ? room : old;
}

static whet_status grow(whet_ctx *ctx, const whet_problem *p, int n_calls, whet_calls *c) {
    const size_t n = (size_t)n_calls, each = call_elements(p), dim = (size_t)p->head_dim;
    whet_status st = WHET_OK;
    if (n_calls <= c->n_room) return WHET_OK;
    c->calls = resized(ctx, c->calls, n * sizeof *c->calls, &st);
    c->q = resized(ctx, c->q, n * (size_t)p->n_rows * row_bytes(p, p->n_heads), &st);
    c->out = resized(ctx, c->out, n * each * sizeof *c->out, &st);
    c->miss = resized(ctx, c->miss, n * each * sizeof *c->miss, &st);
    c->of_audits =
        resized(ctx, c->of_audits, 2 * WHET_TIMED_AUDITS * dim * sizeof *c->of_audits, &st);
    if (st != WHET_OK) return st;
    for (int i = 0; i < WHET_TIMED_AUDITS; i++) {
        c->audits[i].out = c->of_audits + (size_t)(2 * i) * dim;
        c->audits[i].tolerance = c->audits[i].out + dim;
    }
    c->n_room = n_calls;
    return WHET_OK;
}

void whet_calls_fini(whet_ctx *ctx, whet_calls *c) {
    whet_free(ctx, c->calls);
    whet_free(ctx, c->q);
    whet_free(ctx, c->out);
    whet_free(ctx, c->miss);
    whet_free(ctx, c->of_audits);
    *c = (whet_calls){ 0 };
}

/* A query that was never there before: one of the pool's, longer or shorter, and no element of it
 * by quite the same factor: some families have nothing but signs. */
static void draw_query(const whet_timed *t, whet_rng *rng, int cache, char *to) {
    const whet_problem *p = &t->problem;
    const whet_dtype dtype = (whet_dtype)p->dtype;
    const size_t at = (size_t)cache * WHET_TIMED_QUERIES + whet_rng_below(rng, WHET_TIMED_QUERIES);
    const char *from = (const char *)t->q + at * row_bytes(p, p->n_heads);
    const float scale = (float)(0.75 + 0.5 * whet_rng_uniform(rng));
    for (int32_t i = 0; i < p->n_heads * p->head_dim; i++)
        whet_store_f32(dtype, to, i,
                       scale * (float)(0.97 + 0.06 * whet_rng_uniform(rng)) *
                           whet_load_f32(dtype, from, i));
}

/* The first of n rows of those that no cache begins with. */
static int32_t draw_row(const whet_timed *t, whet_rng *rng, int cache, int n) {
    const int first = t->problem.n_context, n_ways = t->n_pool - first - n + 1;
    return whet_timed_base(t, cache) + first + (int32_t)whet_rng_below(rng, (uint64_t)n_ways);
}

static void deal(const whet_timed *t, whet_rng *rng, int i, whet_calls *c) {
    const whet_problem *p = &t->problem;
    const size_t row = row_bytes(p, p->n_heads);
    const int cache = i % c->n_caches;
    for (int r = 0; r < p->n_rows; r++)
        draw_query(t, rng, cache, c->q + (size_t)(i * p->n_rows + r) * row);
    c->calls[i] = (whet_call){
        .cache = cache,
        .first_row = draw_row(t, rng, cache, p->n_rows),
        .query = i * p->n_rows,
        /* the cache is given fresh rows once a sample */
        .fresh_row = i < c->n_caches ? draw_row(t, rng, cache, c->n_fresh)
                                     : c->calls[i - c->n_caches].fresh_row,
    };
}

/* ---- answering ---- */

static whet_stretch stretch_at(const whet_timed *t, int32_t row, int32_t n) {
    const size_t at = (size_t)row * row_bytes(&t->problem, t->problem.n_kv_heads);
    return (whet_stretch){ (const char *)t->k + at, (const char *)t->v + at, n };
}

/* The cache as call i finds it, with the rows that it appends. */
static whet_trusted question(const whet_timed *t, const whet_calls *c, int i) {
    const whet_problem *p = &t->problem;
    const whet_call *call = &c->calls[i];
    const int32_t n_old = p->n_context - p->n_rows - c->n_fresh;
    return (whet_trusted){
        .problem = *p,
        .scale = (float)(1 / sqrt(p->head_dim)),
        .q = c->q + (size_t)call->query * row_bytes(p, p->n_heads),
        .stretches = { stretch_at(t, whet_timed_base(t, call->cache), n_old),
                       stretch_at(t, call->fresh_row, c->n_fresh),
                       stretch_at(t, call->first_row, p->n_rows) },
        .out = c->out + (size_t)i * call_elements(p),
        .miss = c->miss + (size_t)i * call_elements(p),
    };
}

typedef struct answering {
    const whet_timed *t;
    const whet_calls *c;
    int first, n_calls;
    char *scratch;
    size_t scratch_bytes; /* of each worker */
} answering;

static void answer(void *arg, int worker, int n_workers) {
    const answering *a = arg;
    void *scratch = a->scratch + (size_t)worker * a->scratch_bytes;
    for (int i = a->first; i < a->n_calls; i++) {
        const whet_trusted task = question(a->t, a->c, i);
        whet_trusted_run(&task, scratch, worker, n_workers);
    }
}

/* One head's columns of all rows, one after the other. */
static void gather(const whet_timed *t, const whet_trusted *task, int group, char *k, char *v) {
    const whet_problem *p = &t->problem;
    const size_t row = row_bytes(p, p->n_kv_heads), head = row_bytes(p, 1);
    size_t to = 0;
    for (int s = 0; s < WHET_TRUSTED_STRETCHES; s++)
        for (int32_t i = 0; i < task->stretches[s].n; i++, to += head) {
            const size_t at = (size_t)i * row + (size_t)group * head;
            memcpy(k + to, (const char *)task->stretches[s].k + at, head);
            memcpy(v + to, (const char *)task->stretches[s].v + at, head);
        }
}

static whet_status audit(whet_ctx *ctx, const whet_timed *t, whet_rng *rng, const whet_calls *c,
                         whet_audit *a) {
    const whet_problem *p = &t->problem;
    const size_t head = row_bytes(p, 1), bytes = (size_t)p->n_context * head;
    whet_problem one = *p;
    one.n_heads = one.n_kv_heads = 1;
    a->call = (int)whet_rng_below(rng, (uint64_t)c->n_calls);
    a->row = (int)whet_rng_below(rng, (uint64_t)p->n_rows);
    a->head = (int)whet_rng_below(rng, (uint64_t)p->n_heads);
    char *k = whet_alloc(ctx, bytes), *v = whet_alloc(ctx, bytes);
    double *scratch = whet_alloc(ctx, 2 * (size_t)p->n_context * sizeof *scratch);
    const bool has_room = k && v && scratch;
    if (has_room) {
        const whet_trusted task = question(t, c, a->call);
        gather(t, &task, a->head / (p->n_heads / p->n_kv_heads), k, v);
        const char *q = (const char *)task.q + (size_t)(a->row * p->n_heads + a->head) * head;
        whet_attention_oracle(&one, 1 / sqrt(p->head_dim), q, k, v, p->head_dim,
                              p->n_context - p->n_rows + a->row, a->out, a->tolerance, scratch);
    }
    whet_free(ctx, k);
    whet_free(ctx, v);
    whet_free(ctx, scratch);
    return has_room ? WHET_OK : WHET_E_NOMEM;
}

whet_status whet_calls_extend(whet_ctx *ctx, const whet_timed *t, whet_team *team, whet_rng *rng,
                              int n_calls, whet_calls *c) {
    if (n_calls <= c->n_calls) return WHET_OK;
    WHET_TRY(grow(ctx, &t->problem, n_calls, c));
    answering a = { .t = t, .c = c, .first = c->n_calls, .n_calls = n_calls };
    while (c->n_calls < n_calls)
        deal(t, rng, c->n_calls++, c);
    if (!team) return whet_check_cancelled(ctx);
    a.scratch_bytes = (whet_trusted_bytes(&t->problem) + 127) / 128 * 128;
    char *scratch = whet_alloc(ctx, a.scratch_bytes * (size_t)whet_team_size(team) + 64);
    if (!scratch) return WHET_E_NOMEM;
    a.scratch = (char *)(((uintptr_t)scratch + 63) / 64 * 64);
    whet_team_run(team, answer, &a);
    whet_free(ctx, scratch);
    for (int i = 0; i < WHET_TIMED_AUDITS; i++)
        WHET_TRY(audit(ctx, t, rng, c, &c->audits[i]));
    return whet_check_cancelled(ctx);
}

/* ---- comparing ---- */

/* Some elements of a row, from number `first` on. */
typedef struct piece {
    const whet_problem *p;
    const char *got;
    int row, first, n;
} piece;

/* The element that is furthest off, by the tolerance of its own; NaN is further than all. */
static int furthest(const piece *x, const float *out, const float *miss, float *off) {
    const whet_dtype dtype = (whet_dtype)x->p->dtype;
    int at = 0;
    *off = 0;
    for (int i = 0; i < x->n; i++) {
        const float now = fabsf(whet_load_f32(dtype, x->got, i) - out[i]) / miss[i];
        if (now <= *off) continue;
        *off = now;
        at = i;
        if (isnan(now)) break;
    }
    return at;
}

static bool row_rejects(const piece *x, const float *out, const float *miss, whet_verdict *v) {
    float off;
    const int i = furthest(x, out, miss, &off);
    v->n_checked += x->n;
    if ((double)off > v->worst) v->worst = (double)off;
    if (off <= 1) return false;
    whet_compare_reject(x->p, x->row, i, (double)out[i],
                        (double)whet_load_f32((whet_dtype)x->p->dtype, x->got, i), (double)miss[i],
                        WHET_GATE_DUEL, v);
    return true;
}

static bool audit_rejects(const piece *x, const whet_audit *a, whet_verdict *v) {
    for (int i = 0; i < x->n; i++) {
        const double got = (double)whet_load_f32((whet_dtype)x->p->dtype, x->got, i);
        const double off = fabs(got - a->out[i]) / a->tolerance[i];
        if (off > v->worst) v->worst = off;
        if (off <= 1) continue;
        whet_compare_reject(x->p, x->row, x->first + i, a->out[i], got, a->tolerance[i],
                            WHET_GATE_DUEL, v);
        return true;
    }
    return false;
}

static void name_case(const whet_timed *t, const whet_calls *c, int i, whet_verdict *v) {
    const whet_case_family family = whet_timed_family(t, c->calls[i].cache);
    snprintf(v->family, sizeof v->family, "%s", whet_case_name(family));
    v->n_context = t->problem.n_context;
    v->n_rows = t->problem.n_rows;
}

bool whet_calls_compare(const whet_timed *t, const whet_calls *c, int n_calls, const void *out,
                        whet_verdict *v) {
    const whet_problem *p = &t->problem;
    const int n = p->n_heads * p->head_dim;
    for (int i = 0; i < n_calls; i++) {
        name_case(t, c, i, v);
        for (int r = 0; r < p->n_rows; r++) {
            const size_t row = (size_t)(i * p->n_rows + r), at = row * (size_t)n;
            const char *got = (const char *)out + row * row_bytes(p, p->n_heads);
            const piece whole = { p, got, r, 0, n };
            if (row_rejects(&whole, c->out + at, c->miss + at, v)) return true;
        }
    }
    for (int i = 0; i < WHET_TIMED_AUDITS; i++) {
        const whet_audit *a = &c->audits[i];
        if (a->call >= n_calls) continue;
        name_case(t, c, a->call, v);
        const size_t head =
            (size_t)(a->call * p->n_rows + a->row) * (size_t)p->n_heads + (size_t)a->head;
        const piece one = { p, (const char *)out + head * row_bytes(p, 1), a->row,
                            a->head * p->head_dim, p->head_dim };
        if (audit_rejects(&one, a, v)) return true;
    }
    return false;
}
