/* SPDX-License-Identifier: MIT */
/* Opening a judge: defaults, the machine's caches, the cases. */
#include "judge/judge_int.h"

#include <stdio.h>

#include <whet/machine.h>

#include "kernels/attention.h"

enum {
    DEFAULT_CONTEXT = 2048,
    DEFAULT_ROWS = 64,
    PREFILL_DEPTH = 8,
    MAX_ROWS = 512,  /* of the suite's prefill */
    MAX_FAR = 32768, /* keys of its longest decode */
    UNKNOWN_CACHE_BYTES = 32 << 20,
    FEW_CACHES = 2,
    MAX_CACHES = 2048,
    NEAR = 32, /* a timed context is at most a 32nd above its round number */
};

/* Of one timed process, and not more than a 16th of the memory, which holds them three times:
 * pools, which both processes read, and for each of the two its caches. */
static const uint64_t max_caches_bytes = (uint64_t)1 << 29;

static void fill_defaults(whet_judge_opts *o, const whet_machine *machine) {
    if (!o->problem.n_context) o->problem.n_context = DEFAULT_CONTEXT;
    if (!o->problem.n_rows) o->problem.n_rows = DEFAULT_ROWS;
    if (o->problem.n_rows > o->problem.n_context / 2) o->problem.n_rows = o->problem.n_context / 2;
    if (o->problem.n_rows < 1) o->problem.n_rows = 1;
    if (!o->n_threads) o->n_threads = machine->n_threads;
    if (!o->cc) o->cc = "cc";
    if (!(o->build_seconds > 0)) o->build_seconds = 10;
    if (!(o->call_seconds > 0)) o->call_seconds = 1;
    if (!(o->total_seconds > 0)) o->total_seconds = 60;
    if (!(o->sample_ns > 0)) o->sample_ns = 10e6;
    if (!o->cache_bytes) {
        const uint64_t n_l3 = machine->n_l3 > 1 ? (uint64_t)machine->n_l3 : 1;
        o->cache_bytes = machine->l3_bytes * n_l3 + machine->l2_bytes * (uint64_t)o->n_threads;
        if (!machine->l3_bytes && !machine->l2_bytes) o->cache_bytes = UNKNOWN_CACHE_BYTES;
    }
}

static whet_status fail_jail(whet_ctx *ctx) {
    return whet_fail(ctx, WHET_E_UNSUPPORTED,
                     "this system has no seccomp, without which a candidate could call it; "
                     "--unsafe judges all the same");
}

whet_status whet_judge_trust(whet_ctx *ctx, const whet_judge *judge, const whet_link *link) {
    if (judge->opts.is_unsafe || link->jail & WHET_JAIL_SECCOMP) return WHET_OK;
    return fail_jail(ctx);
}

whet_limits whet_judge_limits(const whet_judge *judge, const whet_request *request) {
    whet_problem p = request->problem;
    p.n_context = request->n_context;
    p.n_rows = request->n_rows;
    const double n_copied = (double)request->n * p.n_kv_heads * p.head_dim;
    const double n = request->op == WHET_OP_RUN      ? whet_bank_products(&p)
                     : request->op == WHET_OP_APPEND ? n_copied
                                                     : 0;
    return (whet_limits){
        .call_seconds = judge->opts.call_seconds,
        .total_seconds = judge->opts.total_seconds,
        .baseline_ns = n * judge->bank->oracle_ns,
    };
}

whet_status whet_judge_open(whet_ctx *ctx, const whet_judge_opts *opts, whet_judge **out) {
    *out = NULL;
    whet_machine machine;
    WHET_TRY(whet_machine_read(ctx, &machine));
    whet_judge_opts filled = *opts;
    fill_defaults(&filled, &machine);
    if (!whet_problem_is_valid(&filled.problem))
        return whet_fail(ctx, WHET_E_ARG, "%d:%d heads of %d, %d keys: not a problem to judge",
                         filled.problem.n_heads, filled.problem.n_kv_heads, filled.problem.head_dim,
                         filled.problem.n_context);
    if (!filled.worker)
        return whet_fail(ctx, WHET_E_ARG, "a judge needs the program of its workers");
    if (!filled.is_unsafe && !(whet_judge_jail() & WHET_JAIL_SECCOMP)) return fail_jail(ctx);
    if (!filled.has_no_cases) WHET_TRY(whet_bank_check_room(ctx, &filled.problem, filled.seed));
    whet_judge *judge = whet_alloc_zero(ctx, 1, sizeof *judge);
    if (!judge) return WHET_E_NOMEM;
    judge->opts = filled;
    judge->memory_bytes = machine.memory_bytes;
    judge->n_cores = machine.n_physical;
    judge->bank = whet_alloc_zero(ctx, 1, sizeof *judge->bank);
    whet_status st = judge->bank ? WHET_OK : WHET_E_NOMEM;
    if (st == WHET_OK && !filled.has_no_cases)
        st = whet_bank_open(ctx, &filled.problem, filled.n_threads, filled.seed, judge->bank);
    if (st == WHET_OK)
        *out = judge;
    else
        whet_judge_close(ctx, judge);
    return st;
}

void whet_judge_close(whet_ctx *ctx, whet_judge *judge) {
    if (!judge) return;
    if (judge->bank) whet_bank_close(judge->bank);
    whet_free(ctx, judge->bank);
    whet_sweep_close(&judge->sweep);
    for (int i = 0; i < WHET_N_ALL_SHAPES; i++) {
        whet_timed_close(&judge->timed[i]);
        for (int j = 0; j < WHET_KEPT_CALLS; j++)
            whet_calls_fini(ctx, &judge->kept[i][j]);
    }
    whet_free(ctx, judge);
}

static int32_t at_least_one(int32_t n) {
    return n > 1 ? n : 1;
}

static bool is_decode(whet_shape shape) {
    return shape != WHET_SHAPE_PREFILL && shape < WHET_SHAPE_PREFILL_FIRST;
}

static whet_problem shape_problem(const whet_judge *judge, whet_shape shape) {
    whet_problem p = judge->opts.problem;
    const int32_t n = p.n_context, far = n < MAX_FAR / 4 ? 4 * n : n > MAX_FAR ? n : MAX_FAR;
    const int32_t n_rows = at_least_one(n / 4 < MAX_ROWS ? n / 4 : MAX_ROWS);
    if (is_decode(shape)) p.n_rows = 1;
    switch (shape) {
    case WHET_SHAPE_PREFILL:
        if (n > p.n_rows * PREFILL_DEPTH) p.n_context = p.n_rows * PREFILL_DEPTH;
        break;
    case WHET_SHAPE_DECODE_16TH: p.n_context = at_least_one(n / 16); break;
    case WHET_SHAPE_DECODE_4TH: p.n_context = at_least_one(n / 4); break;
    case WHET_SHAPE_DECODE_4X: p.n_context = far; break;
    case WHET_SHAPE_PREFILL_FIRST: p.n_context = p.n_rows = n_rows; break;
    case WHET_SHAPE_PREFILL_BEHIND: p.n_context = n + (p.n_rows = n_rows); break;
    default: break;
    }
    return p;
}

/* A little above, so that nothing is gained by knowing the round numbers. */
static int32_t near(const whet_judge *judge, const whet_duel_opts *o, int32_t n) {
    whet_rng rng;
    whet_rng_init(&rng, whet_rng_derive(o->keeps_data ? judge->opts.seed : o->seed, 1000));
    return n + (int32_t)whet_rng_below(&rng, (uint64_t)n / NEAR + 1);
}

whet_problem whet_judge_timed_problem(const whet_judge *judge, const whet_duel_opts *o) {
    whet_problem p = judge->opts.problem;
    if (!o->n_context)
        p = shape_problem(judge, o->shape);
    else
        p.n_rows = at_least_one(o->n_rows);
    const int32_t n_keys = o->n_context ? o->n_context : p.n_context;
    const bool is_first = p.n_rows == n_keys;
    p.n_context = near(judge, o, n_keys);
    if (is_first) p.n_rows = p.n_context;
    return p;
}

static uint64_t cache_bytes(const whet_problem *p) {
    return 2 * (uint64_t)p->n_context * (uint64_t)p->n_kv_heads * (uint64_t)p->head_dim *
           whet_dtype_bytes((whet_dtype)p->dtype);
}

/* A race of prefills, which are arithmetic. */
static bool is_race_of_prefills(const whet_duel_opts *o) {
    return o->keeps_data && !is_decode(o->shape);
}

int whet_judge_max_caches(const whet_judge *judge, const whet_problem *p, const whet_duel_opts *o) {
    if (o->is_warm) return 1;
    if (o->is_rough || is_race_of_prefills(o)) return FEW_CACHES;
    uint64_t most = judge->memory_bytes ? judge->memory_bytes / 16 : max_caches_bytes;
    if (most > max_caches_bytes) most = max_caches_bytes;
    const uint64_t n = most / cache_bytes(p);
    return n < FEW_CACHES ? FEW_CACHES : n > MAX_CACHES ? MAX_CACHES : (int)n;
}

bool whet_judge_sweeps(const whet_judge *judge, const whet_duel_opts *o) {
    const bool has_room =
        !judge->memory_bytes || 2 * judge->opts.cache_bytes <= judge->memory_bytes / 8;
    return has_room && !o->is_warm && !o->is_rough && !is_race_of_prefills(o);
}

void whet_judge_shape_name(const whet_judge *judge, whet_shape shape, char *text, size_t n) {
    const whet_problem p = shape_problem(judge, shape);
    if (is_decode(shape))
        snprintf(text, n, "decode@%d", p.n_context);
    else
        snprintf(text, n, "prefill%d@%d", p.n_rows, p.n_context);
}

whet_status whet_judge_examine(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                               const char *source, size_t n_bytes, whet_verdict *verdict) {
    const double build_ns = verdict->build_ns;
    whet_status st = whet_judge_check(ctx, judge, object, verdict);
    if (st == WHET_OK && verdict->code == WHET_V_PASS && judge->opts.is_full)
        st = whet_judge_finish(ctx, judge, source, n_bytes, object, verdict);
    verdict->build_ns = build_ns;
    return st;
}

whet_status whet_judge_source(whet_ctx *ctx, const whet_judge *judge, const char *source,
                              size_t n_bytes, whet_object *object, whet_verdict *verdict) {
    whet_object own = { 0 };
    whet_object *to = object ? object : &own;
    WHET_TRY(whet_judge_build(ctx, judge, source, n_bytes, to, verdict));
    whet_status st = WHET_OK;
    if (verdict->code == WHET_V_PASS)
        st = whet_judge_examine(ctx, judge, to, source, n_bytes, verdict);
    if (st != WHET_OK || to == &own) whet_object_fini(ctx, to);
    return st;
}
