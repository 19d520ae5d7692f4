/* SPDX-License-Identifier: MIT */
/* The same cases for two kernels, in the same memory; where bits differ, the oracle speaks. */
#include "judge/likeness.h"

#include <string.h>

#include "judge/trial.h"
#include "kernels/attention.h"

enum {
    FAR_EVERY = 16, /* of random cases: one of so many is long */
    MAX_NEAR = 400,
    MIN_FAR = 1000,
    MAX_FAR = 6000,
    MAX_ROWS = 48,
    MAX_WORKERS = 9,
    MANY_WORKERS = 70,
    STREAM = 1200,
};

static const size_t arena_bytes = (size_t)8 << 30; /* reserved; used as needed */

static int32_t from_to(whet_rng *rng, int32_t low, int32_t high) {
    return low + (int32_t)whet_rng_below(rng, (uint64_t)(high - low) + 1);
}

static whet_bank_case random_case(const whet_problem *problem, uint64_t seed, int i) {
    whet_rng rng;
    whet_rng_init(&rng, whet_rng_derive(seed, STREAM + (uint64_t)i));
    whet_bank_case c = {
        .family = (whet_case_family)(i % WHET_N_CASES),
        .gate = WHET_GATE_CORRECTNESS,
        .problem = *problem,
        .seed = whet_rng_u64(&rng) >> 11,
        .n_workers = i % 8 == 7 ? from_to(&rng, 1, MANY_WORKERS) : from_to(&rng, 1, MAX_WORKERS),
        .padding = i % 3 == 1 ? from_to(&rng, 1, 40) : 0,
        .is_rewound = i % 5 == 4,
    };
    const bool is_far = i % FAR_EVERY == FAR_EVERY - 1;
    const int32_t n =
        is_far ? from_to(&rng, MIN_FAR, MAX_FAR) : from_to(&rng, 1, i % 3 ? MAX_NEAR : MAX_ROWS);
    const int32_t most = is_far ? 2 : n < MAX_ROWS ? n : MAX_ROWS;
    c.problem.n_context = n;
    c.problem.n_rows = i % 2 ? 1 : from_to(&rng, 1, most);
    c.chunk = i % 4 ? 0 : from_to(&rng, 1, n);
    c.capacity = n + (i % 3 ? from_to(&rng, 0, 100) : 0);
    c.bounds = c.problem;
    c.bounds.n_context = (int32_t)c.capacity;
    return c;
}

whet_status whet_likeness_open(whet_ctx *ctx, const whet_judge *judge, uint64_t seed,
                               whet_likeness *l) {
    const whet_problem *problem = &judge->opts.problem;
    *l = (whet_likeness){ .judge = judge };
    whet_status st = whet_arena_init(ctx, &l->arena, arena_bytes);
    for (uint64_t i = 0; i < 2 && st == WHET_OK; i++)
        st = whet_bank_open(ctx, problem, judge->opts.n_threads, whet_rng_derive(seed, i),
                            &l->banks[i]);
    for (int i = 0; i < 2 && st == WHET_OK; i++)
        st = whet_bank_wait(ctx, &l->banks[i]);
    const int n_bank = l->banks[0].n_cases + l->banks[1].n_cases;
    if (st == WHET_OK)
        l->cases = whet_arena_alloc(ctx, &l->arena, 2 * (size_t)n_bank * sizeof *l->cases);
    if (st == WHET_OK && !l->cases) st = WHET_E_NOMEM;
    for (int i = 0; i < 2 && st == WHET_OK; i++)
        for (int k = 0; k < l->banks[i].n_cases; k++)
            l->cases[l->n_cases++] = l->banks[i].cases[k];
    for (int i = 0; i < n_bank && st == WHET_OK; i++) {
        l->cases[l->n_cases] = random_case(problem, seed, i);
        st = whet_bank_fill(ctx, &l->arena, &l->cases[l->n_cases++]);
        if (st == WHET_OK) st = whet_check_cancelled(ctx);
    }
    if (st != WHET_OK) whet_likeness_close(l);
    return st;
}

void whet_likeness_close(whet_likeness *l) {
    whet_bank_close(&l->banks[0]);
    whet_bank_close(&l->banks[1]);
    whet_arena_fini(&l->arena);
    *l = (whet_likeness){ 0 };
}

static size_t out_bytes(const whet_problem *p) {
    return (size_t)p->n_rows * (size_t)p->n_heads * (size_t)p->head_dim *
           whet_dtype_bytes((whet_dtype)p->dtype);
}

/* One kernel's answer into `out`; what is found against it is in the verdict. */
static whet_status answer(whet_ctx *ctx, const whet_likeness *l, const whet_bank_case *c,
                          whet_link *link, whet_verdict *v, void *out) {
    whet_trial t;
    const whet_memory memory = { .seed = c->seed,
                                 .place = WHET_PLACE_MIDDLE,
                                 .kv = WHET_LEFT_PLAUSIBLE,
                                 .workspace = WHET_LEFT_BYTES,
                                 .out = WHET_LEFT_NAN };
    v->gate = c->gate;
    v->n_context = c->problem.n_context;
    v->n_rows = c->problem.n_rows;
    v->n_workers = c->n_workers;
    WHET_TRY(whet_trial_open(ctx, l->judge, c, link, v, &t));
    if (whet_trial_is_over(&t)) return WHET_OK;
    WHET_TRY(whet_trial_lay_out(ctx, &t, &memory));
    WHET_TRY(whet_trial_play(ctx, &t));
    if (!whet_trial_is_over(&t)) whet_trial_take(&t, out);
    return WHET_OK;
}

static whet_status ask_case(whet_ctx *ctx, const whet_likeness *l, const whet_bank_case *c,
                            whet_link *links, whet_alike *alike) {
    const whet_problem *p = &c->problem;
    const size_t n = out_bytes(p);
    char *out = whet_alloc(ctx, 2 * n);
    if (!out) return WHET_E_NOMEM;
    whet_status st = answer(ctx, l, c, &links[0], &alike->a, out);
    if (st == WHET_OK) st = answer(ctx, l, c, &links[1], &alike->b, out + n);
    if (st == WHET_OK && alike->a.code == WHET_V_PASS && alike->b.code == WHET_V_PASS) {
        alike->n_cases++;
        if (memcmp(out, out + n, n) != 0) {
            const int64_t stride = (int64_t)p->n_heads * p->head_dim;
            alike->n_other++;
            whet_compare(p, out, stride, p->n_rows, &c->truth, c->gate, &alike->a);
            whet_compare(p, out + n, stride, p->n_rows, &c->truth, c->gate, &alike->b);
        }
    }
    whet_free(ctx, out);
    return st;
}

static whet_status open_link(whet_ctx *ctx, const whet_likeness *l, const whet_object *object,
                             whet_link *link, whet_verdict *v) {
    whet_link_end end;
    whet_reply reply;
    const whet_judge_opts *o = &l->judge->opts;
    WHET_TRY(whet_link_open(ctx, o->worker, object, &o->problem, link, &end, &reply));
    whet_link_blame(end, &reply, WHET_GATE_OBJECT, v);
    return WHET_OK;
}

whet_status whet_likeness_ask(whet_ctx *ctx, const whet_likeness *l, const whet_object *a,
                              const whet_object *b, whet_alike *alike) {
    whet_link links[2] = { 0 };
    *alike = (whet_alike){ 0 };
    whet_status st = open_link(ctx, l, a, &links[0], &alike->a);
    if (st == WHET_OK) st = open_link(ctx, l, b, &links[1], &alike->b);
    for (int i = 0; i < l->n_cases && st == WHET_OK; i++) {
        if (alike->a.code != WHET_V_PASS || alike->b.code != WHET_V_PASS) break;
        st = ask_case(ctx, l, &l->cases[i], links, alike);
    }
    whet_link_close(&links[0]);
    whet_link_close(&links[1]);
    return st;
}
