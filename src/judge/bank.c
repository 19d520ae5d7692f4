/* SPDX-License-Identifier: MIT */
/* Cases: boundary lengths first, since they find most mistakes and refuse nothing that is right
 * (arXiv 2606.27396); each length with several families, each family at several lengths; then
 * probes of every key and every dimension. */
#include "judge/bank.h"

#include <math.h>

#include "base/clock.h"
#include "base/crew.h"
#include "base/rng.h"
#include "kernels/attention.h"

static const uint64_t arena_bytes = (uint64_t)2 << 30; /* reserved; used as needed */

/* The order in which families come round: those that catch most first. */
static const whet_case_family families[] = {
    WHET_CASE_GAUSS_1,   WHET_CASE_NEEDLE,  WHET_CASE_V_MEAN_8,  WHET_CASE_SHIFT_226,
    WHET_CASE_RAMP_UP,   WHET_CASE_GAUSS_3, WHET_CASE_RAMP_DOWN, WHET_CASE_FLAT_CODED,
    WHET_CASE_V_OUTLIER, WHET_CASE_SINK,    WHET_CASE_TINY,      WHET_CASE_GAUSS_01,
};

/* n_rows 0: a decode step; else a prefill of at most so many rows. chunk 0: appended at once. */
typedef struct plan {
    int n_context, n_rows, chunk, n_workers;
    bool is_near; /* up to NEAR - 1 keys more, by the seed */
} plan;

/* n_workers 0 stands for the number that is timed. */
static const plan plans[] = {
    { 1, 0, 0, 1 },          { 2, 2, 0, 2 },           { 3, 0, 1, 1 },
    { 17, 5, 0, 3 }, /* smoke */
    { 15, 15, 0, 2 },        { 16, 0, 16, 1 },         { 16, 16, 3, 5 },
    { 31, 0, 0, 0 },         { 33, 33, 16, 2 },        { 33, 0, 1, 7 },
    { 63, 7, 0, 1 },         { 64, 0, 64, 0 },         { 64, 33, 16, 3 },
    { 65, 0, 3, 2 },         { 65, 17, 0, 0 },         { 127, 0, 0, 1 },
    { 128, 16, 64, 5 },      { 129, 0, 16, 2 },        { 129, 3, 1, 0 },
    { 255, 0, 0, 3 },        { 257, 17, 64, 2 },       { 257, 0, 3, 16 },
    { 96, 0, 0, 2, true },   { 200, 12, 16, 0, true }, { 515, 0, 64, 0, true },
    { 1029, 0, 0, 2, true }, { 777, 2, 64, 1, true },  { 140, 0, 0, 64, true },
};

/* What is continuous or differs from head to head: one of them at every other length, by the seed.
 */
static const whet_case_family varied[] = {
    WHET_CASE_ANY_SCALE, WHET_CASE_MIXED,     WHET_CASE_CORRELATED, WHET_CASE_FAR_HUGE,
    WHET_CASE_PEAK_TAIL, WHET_CASE_HIGH_PEAK, WHET_CASE_DEEP_KEYS,
};

enum {
    N_PLANS = sizeof plans / sizeof *plans,
    N_FAMILIES = sizeof families / sizeof *families,
    N_VARIED = sizeof varied / sizeof *varied,
    N_SMOKE = 4,
    NEAR = 32,
    TURNS = 2, /* families at each length */
    FIRST_VARIED = N_PLANS * TURNS,
    FIRST_PROBE = FIRST_VARIED + N_PLANS / 2,
    N_PROBES = 4,
    N_CASES = FIRST_PROBE + N_PROBES,
    SWEPT = 512, /* keys that are looked for one by one */
};

float whet_bank_scale(const whet_bank_case *c) {
    return (float)((1 + c->stretch) / sqrt(c->problem.head_dim));
}

whet_status whet_bank_ask_oracle(whet_ctx *ctx, whet_arena *arena, whet_bank_case *c) {
    const whet_problem *p = &c->problem;
    const size_t n = (size_t)p->n_heads * (size_t)p->head_dim;
    const int32_t first = p->n_context - p->n_rows;
    double *out = whet_arena_alloc(ctx, arena, (size_t)p->n_rows * n * sizeof *out);
    double *tolerance = whet_arena_alloc(ctx, arena, (size_t)p->n_rows * n * sizeof *tolerance);
    double *scratch = whet_alloc(ctx, 2 * (size_t)p->n_context * sizeof *scratch);
    if (!out || !tolerance || !scratch) {
        whet_free(ctx, scratch);
        return WHET_E_NOMEM;
    }
    const size_t row_bytes = n * whet_dtype_bytes((whet_dtype)p->dtype);
    for (int32_t r = 0; r < p->n_rows; r++)
        whet_attention_oracle(p, (double)whet_bank_scale(c),
                              (const char *)c->q + (size_t)r * row_bytes, c->k, c->v,
                              (int64_t)p->n_kv_heads * p->head_dim, first + r, out + (size_t)r * n,
                              tolerance + (size_t)r * n, scratch);
    whet_free(ctx, scratch);
    c->truth = (whet_truth){ out, tolerance };
    return WHET_OK;
}

whet_status whet_bank_fill_inputs(whet_ctx *ctx, whet_arena *arena, whet_bank_case *c) {
    const whet_problem *p = &c->problem;
    const size_t bytes = whet_dtype_bytes((whet_dtype)p->dtype) * (size_t)p->head_dim;
    const size_t kv_bytes = (size_t)p->n_context * (size_t)p->n_kv_heads * bytes;
    void *q = whet_arena_alloc(ctx, arena, (size_t)p->n_rows * (size_t)p->n_heads * bytes);
    void *k = whet_arena_alloc(ctx, arena, kv_bytes), *v = whet_arena_alloc(ctx, arena, kv_bytes);
    if (!q || !k || !v) return WHET_E_NOMEM;
    whet_case_fill(c->family, p, c->seed, q, k, v);
    c->q = q;
    c->k = k;
    c->v = v;
    return WHET_OK;
}

whet_status whet_bank_fill(whet_ctx *ctx, whet_arena *arena, whet_bank_case *c) {
    WHET_TRY(whet_bank_fill_inputs(ctx, arena, c));
    return whet_bank_ask_oracle(ctx, arena, c);
}

/* Every key up to SWEPT, the edges of tiles beyond them, every dimension for every head; rows of
 * which each needs a maximum of its own, at lengths that no seed chooses. */
static plan plan_probe(const whet_problem *p, int which, whet_case_family *family) {
    static const whet_case_family of[N_PROBES] = { WHET_CASE_SWEEP, WHET_CASE_SWEEP,
                                                   WHET_CASE_ONE_DIM, WHET_CASE_HIGH_PEAK };
    const int n_rows = (SWEPT + p->n_heads - 1) / p->n_heads;
    const plan probes[N_PROBES] = {
        { SWEPT + 3, n_rows < SWEPT ? n_rows : SWEPT, 0, 0 },
        { 2080, (80 + p->n_heads - 1) / p->n_heads, 64, 2 },
        { p->head_dim + 9, p->head_dim, 16, 3 },
        { 64, 33, 0, 2 },
    };
    *family = of[which];
    return probes[which];
}

/* Length and family of the i-th case. */
static plan plan_of(const whet_problem *problem, uint64_t seed, int i, whet_case_family *family) {
    if (i >= FIRST_PROBE) return plan_probe(problem, i - FIRST_PROBE, family);
    const uint64_t turn = whet_rng_derive(seed, 400);
    const int which = i - FIRST_VARIED;
    *family =
        which < 0 ? families[i % N_FAMILIES] : varied[(turn / 2 + (uint64_t)which) % N_VARIED];
    return plans[which < 0 ? i / TURNS : 2 * which + (int)(turn % 2)];
}

/* The i-th case; capacity, bounds, padding by turns. */
static whet_bank_case plan_case(const whet_problem *problem, int n_threads, uint64_t seed, int i) {
    whet_case_family family;
    const plan at = plan_of(problem, seed, i, &family);
    whet_rng rng; /* of the length: all families have the same */
    whet_rng_init(&rng, whet_rng_derive(seed, 500 + (uint64_t)at.n_context));
    whet_bank_case c = {
        .family = family,
        .gate = i < N_SMOKE * TURNS ? WHET_GATE_SMOKE : WHET_GATE_CORRECTNESS,
        .problem = *problem,
        .seed = whet_rng_derive(seed, (uint64_t)i),
        .n_workers = at.n_workers ? at.n_workers : n_threads,
        .chunk = at.chunk,
        .padding = i % 3 == 2 ? 16 : 0,
        .is_rewound = i % 4 == 3,
    };
    c.problem.n_context = at.n_context;
    if (at.is_near) c.problem.n_context += (int32_t)whet_rng_below(&rng, NEAR);
    /* head_dim^-0.5 may be a power of two, which shows little of what is lost of a scale */
    if (i % 5 == 4) c.stretch = 0.05 + 0.2 * whet_rng_uniform(&rng);
    c.problem.n_rows = at.n_rows ? at.n_rows : 1;
    c.capacity = c.problem.n_context + (i % 2 ? 0 : 37);
    c.bounds = c.problem;
    c.bounds.n_context = (int32_t)c.capacity;
    if (i % 4 == 2) c.bounds.n_rows = c.problem.n_rows + 5;
    if (c.bounds.n_rows > c.bounds.n_context) c.bounds.n_rows = c.bounds.n_context;
    return c;
}

double whet_bank_products(const whet_problem *p) {
    return (double)p->n_rows * p->n_context * p->n_heads * p->head_dim;
}

/* Inputs, outputs and tolerances of a case. */
static double case_bytes(const whet_problem *p) {
    const double q = (double)p->n_rows * p->n_heads * p->head_dim;
    const double kv = 2.0 * p->n_context * p->n_kv_heads * p->head_dim;
    return (q + kv) * (double)whet_dtype_bytes((whet_dtype)p->dtype) + 2 * q * sizeof(double);
}

whet_status whet_bank_check_room(whet_ctx *ctx, const whet_problem *problem, uint64_t seed) {
    const double room = 0.9 * (double)arena_bytes; /* a tenth for what else there is */
    double bytes[WHET_BANK_HANDS] = { 0 }, most = 0;
    for (int i = 0; i < N_CASES; i++) {
        const whet_bank_case c = plan_case(problem, 1, seed, i);
        double *of_hand = &bytes[i % WHET_BANK_HANDS];
        *of_hand += case_bytes(&c.problem);
        if (*of_hand > most) most = *of_hand;
    }
    if (most <= room) return WHET_OK;
    return whet_fail(ctx, WHET_E_UNSUPPORTED,
                     "%d:%d heads of %d: the cases of a judgement would take %.0f GB, at most %.0f "
                     "are possible",
                     problem->n_heads, problem->n_kv_heads, problem->head_dim,
                     most * WHET_BANK_HANDS * 1e-9, room * WHET_BANK_HANDS * 1e-9);
}

/* A thread's share of the cases: every so-manieth. */
typedef struct share {
    whet_bank *bank;
    whet_arena *arena;
    int first;
    double cpu_ns;
} share;

static whet_status fill_share(whet_ctx *own, void *job) {
    share *s = job;
    for (int i = s->first; i < s->bank->n_cases; i += WHET_BANK_HANDS) {
        whet_bank_case *c = &s->bank->cases[i];
        WHET_TRY(whet_bank_fill_inputs(own, s->arena, c));
        const double start_ns = whet_clock_thread_ns();
        WHET_TRY(whet_bank_ask_oracle(own, s->arena, c));
        s->cpu_ns += whet_clock_thread_ns() - start_ns;
        WHET_TRY(whet_check_cancelled(own));
    }
    return WHET_OK;
}

static whet_status take_share(whet_ctx *ctx, void *job) {
    (void)ctx;
    const share *s = job;
    s->bank->oracle_ns += s->cpu_ns; /* of all products until now */
    return WHET_OK;
}

static void drop_share(whet_ctx *own, void *job) {
    (void)own, (void)job; /* all of it is in the arena */
}

static whet_status fill(whet_ctx *ctx, whet_bank *bank) {
    static const whet_crew_work work = { fill_share, take_share, drop_share };
    share shares[WHET_BANK_HANDS];
    for (int i = 0; i < WHET_BANK_HANDS; i++)
        shares[i] = (share){ .bank = bank, .arena = &bank->arenas[i], .first = i };
    return whet_crew_run(ctx, &work, shares, sizeof *shares, WHET_BANK_HANDS);
}

static void *make(void *arg) {
    whet_bank *bank = arg;
    double n_products = 0;
    for (int i = 0; i < bank->n_cases; i++)
        n_products += whet_bank_products(&bank->cases[i].problem);
    bank->made = fill(bank->own, bank);
    bank->oracle_ns /= n_products;
    return NULL;
}

static whet_status begin(whet_ctx *ctx, whet_bank *bank) {
    bank->own = whet_ctx_open(NULL);
    if (!bank->own) return whet_fail_nomem(ctx, 1);
    if (pthread_create(&bank->maker, NULL, make, bank) != 0)
        return whet_fail(ctx, WHET_E_NOMEM, "the system starts no more threads");
    bank->is_making = true;
    return WHET_OK;
}

whet_status whet_bank_open(whet_ctx *ctx, const whet_problem *problem, int n_threads, uint64_t seed,
                           whet_bank *bank) {
    *bank = (whet_bank){ .waiting = PTHREAD_MUTEX_INITIALIZER };
    whet_status st = WHET_OK;
    for (int i = 0; i < WHET_BANK_HANDS && st == WHET_OK; i++)
        st = whet_arena_init(ctx, &bank->arenas[i], arena_bytes);
    if (st == WHET_OK)
        bank->cases = whet_arena_alloc(ctx, &bank->arenas[0], N_CASES * sizeof *bank->cases);
    if (st == WHET_OK && !bank->cases) st = WHET_E_NOMEM;
    for (int i = 0; i < N_CASES && st == WHET_OK; i++)
        bank->cases[bank->n_cases++] = plan_case(problem, n_threads, seed, i);
    bank->n_smoke = bank->n_cases ? N_SMOKE * TURNS : 0;
    if (st == WHET_OK) st = begin(ctx, bank);
    if (st != WHET_OK) whet_bank_close(bank);
    return st;
}

static void join(whet_bank *bank) {
    if (bank->is_making) pthread_join(bank->maker, NULL);
    bank->is_making = false;
}

whet_status whet_bank_wait(whet_ctx *ctx, whet_bank *bank) {
    pthread_mutex_lock(&bank->waiting);
    join(bank);
    pthread_mutex_unlock(&bank->waiting);
    if (bank->made == WHET_OK) return WHET_OK;
    return whet_fail(ctx, bank->made, "%s", whet_ctx_message(bank->own));
}

void whet_bank_close(whet_bank *bank) {
    if (bank->own) whet_ctx_cancel(bank->own);
    join(bank);
    whet_ctx_close(bank->own);
    for (int i = 0; i < WHET_BANK_HANDS; i++)
        whet_arena_fini(&bank->arenas[i]);
    *bank = (whet_bank){ 0 };
}
