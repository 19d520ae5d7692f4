/* SPDX-License-Identifier: MIT */
/* Opening a benchmark: kernels that stay loaded, sessions with them, the probes. */
#include "bench/bench_int.h"

#include "bench/memory.h"

static const double default_probe_seconds = 0.03;

/* Whatever the problem: the kernel that the holder has loaded. */
static const whet_attention_kernel *find_held(void *data, const whet_problem *problem) {
    (void)problem;
    return whet_session_kernel(data);
}

static whet_session_opts held_opts(const whet_bench *b, int side, size_t capacity) {
    return (whet_session_opts){
        .find_winner = find_held,
        .find_winner_data = b->holders[side],
        .capacity_tokens = (int32_t)capacity,
        .chunk_tokens = b->opts.sides[side].chunk_tokens,
    };
}

static whet_status open_parts(whet_ctx *ctx, whet_bench *b) {
    for (int i = 0; i < b->opts.n_sides; i++) {
        whet_session_opts opts = b->opts.sides[i];
        opts.capacity_tokens = opts.chunk_tokens = 1;
        opts.is_precise = false;
        WHET_TRY(whet_session_open(ctx, b->model, b->team, &opts, &b->holders[i]));
    }
    return whet_prober_open(ctx, b->team, b->opts.cache_bytes, &b->prober);
}

whet_status whet_bench_open(whet_ctx *ctx, const whet_model *model,
                            const whet_checkpoint_facts *facts, whet_team *team,
                            const whet_bench_opts *opts, whet_bench **bench) {
    *bench = NULL;
    if (opts->n_sides < 1 || opts->n_sides > WHET_BENCH_MAX_SIDES)
        return whet_fail(ctx, WHET_E_ARG, "a benchmark of %d kernels, 1 or 2 are possible",
                         opts->n_sides);
    whet_bench *b = whet_alloc_zero(ctx, 1, sizeof *b);
    if (!b) return WHET_E_NOMEM;
    b->ctx = ctx;
    b->model = model;
    b->facts = facts;
    b->team = team;
    b->opts = *opts;
    if (b->opts.probe_seconds <= 0) b->opts.probe_seconds = default_probe_seconds;
    const whet_status st = open_parts(ctx, b);
    if (st == WHET_OK)
        *bench = b;
    else
        whet_bench_close(b);
    return st;
}

void whet_bench_close(whet_bench *b) {
    if (!b) return;
    for (int i = 0; i < WHET_BENCH_MAX_SIDES; i++)
        whet_session_close(b->holders[i]);
    whet_prober_close(b->prober);
    whet_free(b->ctx, b);
}

const whet_attention_kernel *whet_bench_kernel(const whet_bench *b, int side) {
    return whet_session_kernel(b->holders[side]);
}

size_t whet_bench_chunk(const whet_bench *b, int side, size_t capacity) {
    const size_t asked = (size_t)b->opts.sides[side].chunk_tokens;
    const size_t chunk = asked ? asked : WHET_BENCH_CHUNK;
    return chunk < capacity ? chunk : capacity;
}

whet_status whet_bench_open_session(whet_ctx *ctx, const whet_bench *b, int side, size_t capacity,
                                    whet_session **session) {
    const whet_session_opts opts = held_opts(b, side, capacity);
    WHET_TRY(whet_session_open(ctx, b->model, b->team, &opts, session));
    if (whet_session_kernel(*session) == whet_bench_kernel(b, side)) return WHET_OK;
    whet_session_close(*session);
    *session = NULL;
    return whet_fail(ctx, WHET_E_UNSUPPORTED, "kernel %s does not do %zu tokens of context",
                     whet_bench_kernel(b, side)->name, capacity);
}

whet_status whet_bench_fits(whet_ctx *ctx, const whet_bench *b, size_t n_context) {
    const size_t limit = (size_t)b->facts->config.max_position_embeddings;
    if (n_context > limit)
        return whet_fail(ctx, WHET_E_ARG, "%zu tokens of context, the model has %zu", n_context,
                         limit);
    /* A tenth for what a session has besides its keys and values, which kernels may pad. */
    const double bytes =
        1.1 * b->opts.n_sides * (double)n_context * (double)b->facts->kv_bytes_per_token;
    const double available = (double)whet_memory_available_bytes();
    if (available > 0 && bytes > available)
        return whet_fail(ctx, WHET_E_NOMEM,
                         "%zu tokens of context for %d kernel%s take %.1f GB, %.1f GB are free",
                         n_context, b->opts.n_sides, b->opts.n_sides == 1 ? "" : "s", bytes * 1e-9,
                         available * 1e-9);
    return WHET_OK;
}

whet_status whet_bench_probe(const whet_bench *b, whet_peaks *peaks) {
    whet_probe probe;
    WHET_TRY(whet_prober_bandwidth(b->prober, b->opts.probe_seconds, &probe));
    peaks->bytes_per_second = probe.median;
    WHET_TRY(whet_prober_flops(b->prober, b->opts.probe_seconds / 3, &probe));
    peaks->flop_per_second = probe.median;
    return WHET_OK;
}
