/* SPDX-License-Identifier: MIT */
/* Inputs and truths of timed calls. */
#include "judge/timed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/attention.h"
#include "kernels/cases.h"

enum { SHIFT = 37, MIN_CACHES = 2, MAX_CACHES = 256, MAX_CALLS = 4096, MAX_OUT_BYTES = 64 << 20 };

static size_t row_bytes(const whet_problem *p, int n_heads) {
    return (size_t)n_heads * (size_t)p->head_dim * whet_dtype_bytes((whet_dtype)p->dtype);
}

static int count_caches(const whet_problem *p, uint64_t cache_bytes, uint64_t max_bytes) {
    const uint64_t one = 2 * (uint64_t)p->n_context * row_bytes(p, p->n_kv_heads);
    uint64_t n = 2 * cache_bytes / one + 1;
    if (n > max_bytes / one) n = max_bytes / one;
    if (n > MAX_CACHES) n = MAX_CACHES;
    return n < MIN_CACHES ? MIN_CACHES : (int)n;
}

static whet_status fill_pool(whet_ctx *ctx, uint64_t seed, whet_timed *t) {
    const whet_problem *p = &t->problem;
    const int n_rows = t->n_pool + WHET_TIMED_VARIANTS * p->n_rows;
    const int n_queries = t->n_caches * WHET_TIMED_VARIANTS * p->n_rows;
    t->kv_bytes = (size_t)n_rows * row_bytes(p, p->n_kv_heads);
    t->q_bytes = (size_t)n_queries * row_bytes(p, p->n_heads);
    t->k = whet_arena_alloc(ctx, &t->arena, t->kv_bytes);
    t->v = whet_arena_alloc(ctx, &t->arena, t->kv_bytes);
    t->q = whet_arena_alloc(ctx, &t->arena, t->q_bytes);
    if (!t->k || !t->v || !t->q) return WHET_E_NOMEM;
    whet_problem all = *p;
    all.n_context = n_rows;
    all.n_rows = n_queries;
    whet_case_fill(WHET_CASE_GAUSS_1, &all, seed, t->q, t->k, t->v);
    return WHET_OK;
}

/* The context of one call as it is when it runs: rows of the pool, the last ones replaced. */
static void assemble(const whet_timed *t, const void *pool, const whet_call *call, char *rows) {
    const whet_problem *p = &t->problem;
    const size_t bytes = row_bytes(p, p->n_kv_heads);
    const size_t n_old = (size_t)(p->n_context - p->n_rows);
    memcpy(rows, (const char *)pool + (size_t)(call->cache * t->shift) * bytes, n_old * bytes);
    memcpy(rows + n_old * bytes, (const char *)pool + (size_t)call->first_row * bytes,
           (size_t)p->n_rows * bytes);
}

static void ask_oracle(const whet_timed *t, const whet_call *call, const char *k, const char *v,
                       double *scratch, size_t at) {
    const whet_problem *p = &t->problem;
    const size_t n = (size_t)p->n_heads * (size_t)p->head_dim;
    for (int i = 0; i < t->n_rows; i++) {
        const char *q =
            (const char *)t->q + (size_t)(call->query + t->rows[i]) * row_bytes(p, p->n_heads);
        whet_attention_oracle(
            p, 1 / sqrt(p->head_dim), q, k, v, (int64_t)p->n_kv_heads * p->head_dim,
            p->n_context - p->n_rows + t->rows[i], t->truth + (at + (size_t)i) * n,
            t->tolerance + (at + (size_t)i) * n, scratch);
    }
}

static whet_status make_truth(whet_ctx *ctx, whet_timed *t) {
    const whet_problem *p = &t->problem;
    const size_t n_truths = (size_t)(t->n_caches * WHET_TIMED_VARIANTS * t->n_rows);
    const size_t bytes = n_truths * (size_t)p->n_heads * (size_t)p->head_dim * sizeof(double);
    t->truth = whet_arena_alloc(ctx, &t->arena, bytes);
    t->tolerance = whet_arena_alloc(ctx, &t->arena, bytes);
    const size_t kv_bytes = (size_t)p->n_context * row_bytes(p, p->n_kv_heads);
    const whet_mark mark = whet_arena_mark(&t->arena);
    char *k = whet_arena_alloc(ctx, &t->arena, kv_bytes);
    char *v = whet_arena_alloc(ctx, &t->arena, kv_bytes);
    double *scratch = whet_arena_alloc(ctx, &t->arena, 2 * (size_t)p->n_context * sizeof *scratch);
    if (!t->truth || !t->tolerance || !k || !v || !scratch) return WHET_E_NOMEM;
    for (int i = 0; i < t->n_caches * WHET_TIMED_VARIANTS; i++) {
        const whet_call call = whet_timed_call(t, i / WHET_TIMED_VARIANTS, i % WHET_TIMED_VARIANTS);
        assemble(t, t->k, &call, k);
        assemble(t, t->v, &call, v);
        ask_oracle(t, &call, k, v, scratch, (size_t)(i * t->n_rows));
        WHET_TRY(whet_check_cancelled(ctx));
    }
    whet_arena_reset(&t->arena, mark);
    return WHET_OK;
}

whet_status whet_timed_open(whet_ctx *ctx, const whet_problem *problem, uint64_t cache_bytes,
                            uint64_t max_bytes, uint64_t seed, whet_timed *t) {
    if (t->n_caches) return WHET_OK;
    *t = (whet_timed){ .problem = *problem, .shift = SHIFT };
    t->n_caches = count_caches(problem, cache_bytes, max_bytes);
    t->n_pool = problem->n_context + (t->n_caches - 1) * SHIFT;
    const size_t out_bytes = (size_t)problem->n_rows * row_bytes(problem, problem->n_heads);
    const size_t max_calls = MAX_OUT_BYTES / out_bytes;
    t->max_calls = max_calls > MAX_CALLS ? MAX_CALLS : (int)max_calls;
    if (t->max_calls < t->n_caches) t->max_calls = t->n_caches;
    t->n_rows = problem->n_rows < WHET_TIMED_ROWS ? problem->n_rows : WHET_TIMED_ROWS;
    for (int i = 0; i < t->n_rows; i++)
        t->rows[i] = t->n_rows > 1 ? i * (problem->n_rows - 1) / (t->n_rows - 1) : 0;
    whet_status st = whet_arena_init(ctx, &t->arena, (size_t)8 << 30);
    if (st == WHET_OK) st = fill_pool(ctx, seed, t);
    if (st == WHET_OK) st = make_truth(ctx, t);
    if (st != WHET_OK) whet_timed_close(t);
    return st;
}

void whet_timed_close(whet_timed *timed) {
    whet_arena_fini(&timed->arena);
    *timed = (whet_timed){ 0 };
}

whet_call whet_timed_call(const whet_timed *t, int cache, int variant) {
    return (whet_call){
        .cache = cache,
        .first_row = t->n_pool + variant * t->problem.n_rows,
        .query = (cache * WHET_TIMED_VARIANTS + variant) * t->problem.n_rows,
    };
}

bool whet_timed_compare(const whet_timed *t, const whet_call *calls, int n_calls, const void *out,
                        whet_verdict *v) {
    const whet_problem *p = &t->problem;
    const size_t n = (size_t)p->n_heads * (size_t)p->head_dim;
    snprintf(v->family, sizeof v->family, "%s", "timed");
    v->n_context = p->n_context;
    v->n_rows = p->n_rows;
    for (int i = 0; i < n_calls; i++)
        for (int j = 0; j < t->n_rows; j++) {
            const size_t at = (size_t)(calls[i].query / p->n_rows * t->n_rows + j) * n;
            const whet_truth truth = { t->truth + at, t->tolerance + at };
            const char *got =
                (const char *)out + (size_t)(i * p->n_rows + t->rows[j]) * row_bytes(p, p->n_heads);
            if (!whet_compare(p, got, 0, 1, &truth, WHET_GATE_DUEL, v)) continue;
            v->row = t->rows[j];
            return true;
        }
    return false;
}
