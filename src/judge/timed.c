/* SPDX-License-Identifier: MIT */
/* Pools of rows that timed calls are made of: the same mixture of families as the checked cases. */
#include "judge/timed.h"

#include "kernels/attention.h"

enum { SHIFT = 37, MIN_SPARE = 64, SPARE = 16 /* a 16th of the context */ };

static size_t row_bytes(const whet_problem *p, int n_heads) {
    return (size_t)n_heads * (size_t)p->head_dim * whet_dtype_bytes((whet_dtype)p->dtype);
}

typedef struct filling {
    const whet_timed *t;
    uint64_t seed;
} filling;

static void fill_pools(void *arg, int worker, int n_workers) {
    const filling *f = arg;
    const whet_timed *t = f->t;
    whet_problem all = t->problem;
    all.n_context = t->n_pool;
    all.n_rows = WHET_TIMED_QUERIES;
    const size_t kv = (size_t)t->n_pool * row_bytes(&all, all.n_kv_heads);
    const size_t q = WHET_TIMED_QUERIES * row_bytes(&all, all.n_heads);
    for (int i = worker; i < WHET_TIMED_FAMILIES; i += n_workers)
        whet_case_fill(t->families[i], &all, whet_rng_derive(f->seed, (uint64_t)i),
                       (char *)t->q + (size_t)i * q, (char *)t->k + (size_t)i * kv,
                       (char *)t->v + (size_t)i * kv);
}

static whet_status make_pools(whet_ctx *ctx, whet_team *team, uint64_t seed, whet_timed *t) {
    const whet_problem *p = &t->problem;
    t->kv_bytes = (size_t)t->n_pool * WHET_TIMED_FAMILIES * row_bytes(p, p->n_kv_heads);
    t->k = whet_arena_alloc(ctx, &t->arena, t->kv_bytes);
    t->v = whet_arena_alloc(ctx, &t->arena, t->kv_bytes);
    t->q = whet_arena_alloc(ctx, &t->arena,
                            WHET_TIMED_FAMILIES * WHET_TIMED_QUERIES * row_bytes(p, p->n_heads));
    if (!t->k || !t->v || !t->q) return WHET_E_NOMEM;
    whet_team_run(team, fill_pools, &(filling){ t, seed });
    return whet_check_cancelled(ctx);
}

whet_status whet_timed_open(whet_ctx *ctx, whet_team *team, const whet_problem *problem,
                            uint64_t seed, whet_timed *t) {
    if (t->n_pool) return WHET_OK;
    *t = (whet_timed){ .problem = *problem };
    const int spare = problem->n_context / SPARE;
    t->n_pool = problem->n_context + (spare < MIN_SPARE ? MIN_SPARE : spare);
    whet_rng rng;
    whet_rng_init(&rng, seed);
    const uint64_t first = whet_rng_below(&rng, WHET_N_TIMED_CASES);
    const uint64_t step = 1 + whet_rng_below(&rng, WHET_N_TIMED_CASES - 1);
    for (uint64_t i = 0; i < WHET_TIMED_FAMILIES; i++)
        t->families[i] = (whet_case_family)((first + i * step) % WHET_N_TIMED_CASES);
    whet_status st = whet_arena_init(ctx, &t->arena, (size_t)8 << 30);
    if (st == WHET_OK) st = make_pools(ctx, team, seed, t);
    if (st != WHET_OK) whet_timed_close(t);
    return st;
}

void whet_timed_close(whet_timed *timed) {
    whet_arena_fini(&timed->arena);
    *timed = (whet_timed){ 0 };
}

int32_t whet_timed_base(const whet_timed *t, int cache) {
    const int spare = t->n_pool - t->problem.n_context;
    return cache % WHET_TIMED_FAMILIES * t->n_pool + cache * SHIFT % spare;
}
