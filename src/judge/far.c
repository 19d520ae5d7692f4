/* SPDX-License-Identifier: MIT */
/* Long cases: the weights of a long flat tail, indices that no longer fit where short ones do,
 * the capacity that the engine gives to Qwen3, more workers and more rows than usual; some rows at
 * once with scores that only a right maximum stands. */
#include "judge/far.h"

#include "base/clock.h"

enum { STREAM = 850 };

/* Keys at least, fewer than `spread` more by the seed; capacity at least; rows beyond the 1024 of a
 * round number, and as many workers as a team can have. */
static const struct {
    int32_t n_context, spread, n_rows, capacity;
    int n_workers, chunk;
    whet_case_family family;
} lengths[] = {
    { 1100, 3000, 200, 0, 2, 0, WHET_CASE_NEEDLE },
    { 40, 60, 33, 0, 3, 0, WHET_CASE_HIGH_PEAK },
    { 40, 60, 33, 0, 2, 16, WHET_CASE_DEEP_KEYS },
    { 70, 60, 40, 0, 2, 0, WHET_CASE_DEEP_KEYS },
    { 4097, 900, 2, 0, 2, 0, WHET_CASE_MIXED },
    { 33000, 900, 1, 40960, 3, 4096, WHET_CASE_PEAK_TAIL },
    { 65537, 900, 8, 0, 2, 0, WHET_CASE_NEEDLE },
    { 70, 16, 3, 40960, 2, 16, WHET_CASE_GAUSS_1 },
    { 1070, 16, 1060, 0, 256, 512, WHET_CASE_ANY_SCALE },
};

whet_status whet_far_heads(whet_ctx *ctx, const whet_judge *judge, whet_link *link,
                           whet_problem *heads) {
    whet_link_end end;
    whet_reply reply;
    whet_verdict found = { 0 };
    *heads = judge->opts.problem;
    heads->n_heads /= heads->n_kv_heads;
    heads->n_kv_heads = 1;
    const whet_request request = { .op = WHET_OP_LOAD, .problem = *heads };
    const whet_limits limits = whet_judge_limits(judge, &request);
    WHET_TRY(whet_link_ask(ctx, link, &request, &limits, &end, &reply, NULL));
    whet_link_blame(end, &reply, WHET_GATE_CORRECTNESS, &found);
    if (found.code != WHET_V_PASS) *heads = judge->opts.problem;
    return WHET_OK;
}

static whet_bank_case make_case(const whet_problem *heads, whet_rng *rng, size_t i) {
    whet_bank_case c = {
        .family = lengths[i].family,
        .gate = WHET_GATE_CORRECTNESS,
        .problem = *heads,
        .seed = whet_rng_u64(rng) >> 11,
        .n_workers = lengths[i].n_workers,
        .chunk = lengths[i].chunk,
    };
    c.problem.n_context =
        lengths[i].n_context + (int32_t)whet_rng_below(rng, (uint64_t)lengths[i].spread);
    c.problem.n_rows = lengths[i].n_rows;
    c.capacity = c.problem.n_context;
    if (c.capacity < lengths[i].capacity) c.capacity = lengths[i].capacity;
    c.bounds = c.problem;
    c.bounds.n_context = (int32_t)c.capacity;
    return c;
}

static whet_status judge_lengths(whet_ctx *ctx, const whet_judge *judge, whet_link *link,
                                 whet_arena *arena, whet_verdict *v) {
    whet_problem heads;
    whet_rng rng;
    whet_rng_init(&rng, whet_rng_derive(judge->opts.seed, STREAM));
    WHET_TRY(whet_far_heads(ctx, judge, link, &heads));
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths && v->code == WHET_V_PASS; i++) {
        const whet_mark mark = whet_arena_mark(arena);
        whet_bank_case c = make_case(&heads, &rng, i);
        WHET_TRY(whet_bank_fill(ctx, arena, &c));
        WHET_TRY(whet_judge_case(ctx, judge, &c, link, v));
        whet_arena_reset(arena, mark);
    }
    return WHET_OK;
}

whet_status whet_far_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                           const char *source, size_t n_bytes, whet_verdict *verdict) {
    (void)source, (void)n_bytes;
    const double start_ns = whet_clock_ns();
    whet_link link;
    whet_link_end end;
    whet_reply reply;
    whet_arena arena = { 0 };
    WHET_TRY(
        whet_link_open(ctx, judge->opts.worker, object, &judge->opts.problem, &link, &end, &reply));
    whet_link_blame(end, &reply, WHET_GATE_CORRECTNESS, verdict);
    whet_status st = whet_arena_init(ctx, &arena, (size_t)8 << 30);
    if (st == WHET_OK && verdict->code == WHET_V_PASS)
        st = judge_lengths(ctx, judge, &link, &arena, verdict);
    whet_arena_fini(&arena);
    whet_link_close(&link);
    whet_log(ctx, WHET_LOG_DEBUG, "judge", "long cases: %s in %.0f ms",
             whet_verdict_name(verdict->code), (whet_clock_ns() - start_ns) * 1e-6);
    return st;
}
