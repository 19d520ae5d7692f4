/* SPDX-License-Identifier: MIT */
/* Pools of rows that timed calls are made of: the same mixture of families as the checked cases. */
#include "judge/timed.h"

#include <unistd.h>

#include "kernels/attention.h"

enum { MIN_LATER = 64, LATER = 16 /* a 16th of the context */ };

static size_t row_bytes(const whet_problem *p, int n_heads) {
    return (size_t)n_heads * (size_t)p->head_dim * whet_dtype_bytes((whet_dtype)p->dtype);
}

/* Anywhere in the first page, aligned as all is that a timed kernel is given. */
static whet_span choose_span(const whet_timed *t, whet_rng *rng, uint64_t offset) {
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), n = (uint64_t)t->n_most * t->pool_bytes;
    return (whet_span){
        .offset = offset,
        .bytes = (n + 2 * page - 1) / page * page,
        .skip = whet_rng_below(rng, page / WHET_TIMED_ALIGNMENT) * WHET_TIMED_ALIGNMENT,
    };
}

static whet_status make_room(whet_ctx *ctx, whet_rng *rng, whet_timed *t) {
    t->of_k = choose_span(t, rng, 0);
    t->of_v = choose_span(t, rng, t->of_k.bytes);
    WHET_TRY(whet_shared_open(ctx, true, &t->rows));
    WHET_TRY(whet_shared_grow(ctx, &t->rows, t->of_v.offset + t->of_v.bytes));
    t->k = t->rows.bytes + t->of_k.offset + t->of_k.skip;
    t->v = t->rows.bytes + t->of_v.offset + t->of_v.skip;
    WHET_TRY(whet_arena_init(ctx, &t->arena, (size_t)8 << 30));
    t->q = whet_arena_alloc(ctx, &t->arena,
                            (size_t)t->n_most * WHET_TIMED_QUERIES *
                                row_bytes(&t->problem, t->problem.n_heads));
    return t->q ? WHET_OK : WHET_E_NOMEM;
}

whet_status whet_timed_open(whet_ctx *ctx, const whet_problem *problem, int n_most, uint64_t seed,
                            whet_timed *t) {
    if (t->n_pool) return WHET_OK;
    const int n_later = problem->n_context / LATER;
    *t = (whet_timed){ .problem = *problem, .seed = seed, .n_most = n_most };
    t->n_pool = problem->n_context + problem->n_rows + (n_later < MIN_LATER ? MIN_LATER : n_later);
    t->pool_bytes = (size_t)t->n_pool * row_bytes(problem, problem->n_kv_heads);
    whet_rng rng;
    whet_rng_init(&rng, seed);
    const uint64_t first = whet_rng_below(&rng, WHET_N_TIMED_CASES);
    const uint64_t step = 1 + whet_rng_below(&rng, WHET_N_TIMED_CASES - 1);
    for (uint64_t i = 0; i < WHET_TIMED_FAMILIES; i++)
        t->families[i] = (whet_case_family)((first + i * step) % WHET_N_TIMED_CASES);
    const whet_status st = make_room(ctx, &rng, t);
    if (st != WHET_OK) whet_timed_close(t);
    return st;
}

void whet_timed_close(whet_timed *timed) {
    whet_arena_fini(&timed->arena);
    whet_shared_close(&timed->rows);
    *timed = (whet_timed){ 0 };
}

typedef struct filling {
    const whet_timed *t;
    int n_pools; /* wanted */
} filling;

static void fill_pools(void *arg, int worker, int n_workers) {
    const filling *f = arg;
    const whet_timed *t = f->t;
    whet_problem all = t->problem;
    all.n_context = t->n_pool;
    all.n_rows = WHET_TIMED_QUERIES;
    const size_t q_bytes = WHET_TIMED_QUERIES * row_bytes(&all, all.n_heads);
    for (int i = t->n_pools + worker; i < f->n_pools; i += n_workers) {
        const size_t n = (size_t)i;
        whet_case_fill(whet_timed_family(t, i), &all, whet_rng_derive(t->seed, n),
                       (char *)t->q + n * q_bytes, (char *)t->k + n * t->pool_bytes,
                       (char *)t->v + n * t->pool_bytes);
    }
}

whet_status whet_timed_extend(whet_ctx *ctx, whet_team *team, int n_pools, whet_timed *t) {
    if (n_pools <= t->n_pools) return WHET_OK;
    whet_team_run(team, fill_pools, &(filling){ t, n_pools });
    t->n_pools = n_pools;
    return whet_check_cancelled(ctx);
}

int32_t whet_timed_base(const whet_timed *t, int cache) {
    return cache * t->n_pool;
}

whet_case_family whet_timed_family(const whet_timed *t, int cache) {
    return t->families[cache % WHET_TIMED_FAMILIES];
}
