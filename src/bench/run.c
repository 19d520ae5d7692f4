/* SPDX-License-Identifier: MIT */
/* Running a job: fresh sessions for every pair, sides in random order in every block, a probe
 * before and after every sample, and at the end the count of what the dispatch ran. */
#include <string.h>

#include <whet/generate.h>

#include "base/clock.h"
#include "base/rng.h"
#include "bench/bench_int.h"
#include "bench/memory.h"

/* One kernel's session of the pair at hand. */
typedef struct side {
    whet_session *session;
    whet_ids drawn;    /* in this round */
    uint64_t n_needed; /* runs of the kernel that the work so far takes */
    uint64_t n_layers;
    size_t chunk;
} side;

typedef struct runner {
    whet_bench *bench;
    const whet_bench_job *job;
    whet_bench_result *result;
    size_t capacity;
    int32_t *ids; /* [n_prompt + n_tokens], owned */
    whet_rng rng; /* of orders */
    whet_peaks last_peaks;
    side sides[WHET_BENCH_MAX_SIDES];
    int n_sides;
    int32_t pair, block;
} runner;

static size_t n_slices(const whet_bench_job *job) {
    const size_t n = job->n_tokens - (job->is_drawn && job->n_tokens > 0);
    return job->slice_tokens && n ? (n - 1) / job->slice_tokens + 1 : n > 0;
}

/* Whole numbers that are at least 1. */
static int at_least_one(int n) {
    return n > 0 ? n : 1;
}

/* ---- one session ---- */

/* n tokens in whole steps. */
static whet_status feed(whet_ctx *ctx, side *s, const int32_t *ids, size_t n, double *ns) {
    const double start = whet_clock_ns();
    WHET_TRY(whet_session_feed(ctx, s->session, ids, n));
    if (ns) *ns = whet_clock_ns() - start;
    s->n_needed += (n + s->chunk - 1) / s->chunk * s->n_layers;
    return WHET_OK;
}

/* The prompt, and the first of n tokens with it; or n more tokens behind the last one. */
static whet_status generate(whet_ctx *ctx, side *s, const int32_t *prompt, size_t n_prompt,
                            size_t n_tokens, whet_generated *g) {
    const whet_generate_opts opts = { .max_tokens = n_tokens, .ignore_eos = true };
    WHET_TRY(whet_generate(ctx, s->session, prompt, n_prompt, &opts, &s->drawn, g));
    if (g->stop == WHET_STOP_CANCELLED) return whet_fail(ctx, WHET_E_CANCELLED, "cancelled");
    if (g->n_tokens != n_tokens)
        return whet_fail(ctx, WHET_E_INTERNAL, "%zu tokens were drawn, not %zu", g->n_tokens,
                         n_tokens);
    s->n_needed += ((n_prompt + s->chunk - 1) / s->chunk + n_tokens - 1) * s->n_layers;
    return WHET_OK;
}

static whet_status time_prompt(whet_ctx *ctx, const runner *r, side *s, double *ns) {
    if (!r->job->is_drawn) return feed(ctx, s, r->ids, r->job->n_prompt, ns);
    whet_generated g;
    s->drawn.n = 0;
    WHET_TRY(generate(ctx, s, r->ids, r->job->n_prompt, 1, &g));
    *ns = g.prompt_ns;
    return WHET_OK;
}

/* n tokens behind the first `done` of the round. */
static whet_status time_tokens(whet_ctx *ctx, const runner *r, side *s, size_t done, size_t n,
                               double *ns) {
    if (r->job->is_drawn) {
        const int32_t last = s->drawn.ids[s->drawn.n - 1];
        whet_generated g;
        WHET_TRY(generate(ctx, s, &last, 1, n, &g));
        *ns = g.prompt_ns + g.generation_ns;
        return WHET_OK;
    }
    const double start = whet_clock_ns();
    for (size_t i = 0; i < n; i++)
        WHET_TRY(feed(ctx, s, r->ids + r->job->n_prompt + done + i, 1, NULL));
    *ns = whet_clock_ns() - start;
    return WHET_OK;
}

/* Opens a session and touches all that the timed work will: the whole cache, buffers for as many
 * rows as a step has, every weight. */
static whet_status prepare(whet_ctx *ctx, runner *r, int which) {
    const whet_bench_job *job = r->job;
    side *s = &r->sides[which];
    WHET_TRY(whet_bench_open_session(ctx, r->bench, which, r->capacity, &s->session));
    s->chunk = whet_bench_chunk(r->bench, which, r->capacity);
    s->n_layers = (uint64_t)r->bench->facts->config.n_layers;
    s->n_needed = 0;
    WHET_TRY(whet_session_fill(ctx, s->session, r->capacity, r->bench->opts.seed));
    whet_session_truncate(s->session, job->n_filled);
    const size_t n = job->n_prompt < s->chunk ? job->n_prompt : s->chunk;
    if (n) WHET_TRY(feed(ctx, s, r->ids, n, NULL));
    whet_session_truncate(s->session, job->n_filled);
    if (job->n_tokens) WHET_TRY(feed(ctx, s, r->ids, 1, NULL));
    whet_session_truncate(s->session, job->n_filled);
    return WHET_OK;
}

static void release(side *s) {
    whet_session_close(s->session);
    s->session = NULL;
}

/* ---- blocks ---- */

static whet_status time_side(whet_ctx *ctx, runner *r, int which, size_t done, size_t n_tokens,
                             whet_bench_sample *sample) {
    side *s = &r->sides[which];
    const whet_peaks before = r->last_peaks;
    sample->n_context = whet_session_length(s->session);
    WHET_TRY(n_tokens ? time_tokens(ctx, r, s, done, n_tokens, &sample->time.ns)
                      : time_prompt(ctx, r, s, &sample->time.ns));
    WHET_TRY(whet_bench_probe(r->bench, &r->last_peaks));
    sample->peaks = (whet_peaks){
        0.5 * (before.bytes_per_second + r->last_peaks.bytes_per_second),
        0.5 * (before.flop_per_second + r->last_peaks.flop_per_second),
    };
    return WHET_OK;
}

/* The same work by every side; n_tokens 0: the prompt. */
static whet_status run_block(whet_ctx *ctx, runner *r, size_t done, size_t n_tokens) {
    const int first = r->n_sides == 2 ? (int)whet_rng_below(&r->rng, 2) : 0;
    for (int i = 0; i < r->n_sides; i++) {
        whet_bench_sample *sample = &r->result->samples[r->result->n_samples];
        *sample = (whet_bench_sample){
            .time = { .pair = r->pair, .block = r->block, .is_rival = i ^ first, .order = i },
            .kind = n_tokens ? WHET_BENCH_TOKENS : WHET_BENCH_PROMPT,
            .n_tokens = n_tokens ? n_tokens : r->job->n_prompt,
        };
        WHET_TRY(time_side(ctx, r, i ^ first, done, n_tokens, sample));
        r->result->n_samples++;
    }
    r->block++;
    return WHET_OK;
}

static void compare_drawn(runner *r) {
    const whet_ids *a = &r->sides[0].drawn, *b = &r->sides[1].drawn;
    size_t n = 0;
    while (n < a->n && n < b->n && a->ids[n] == b->ids[n])
        n++;
    if (n < r->result->n_same) r->result->n_same = n;
}

static whet_status run_round(whet_ctx *ctx, runner *r) {
    const whet_bench_job *job = r->job;
    for (int i = 0; job->n_prompt && i < at_least_one(job->n_prompts); i++) {
        for (int k = 0; k < r->n_sides; k++)
            whet_session_truncate(r->sides[k].session, job->n_filled);
        WHET_TRY(run_block(ctx, r, 0, 0));
    }
    if (!job->n_prompt)
        for (int k = 0; k < r->n_sides; k++)
            whet_session_truncate(r->sides[k].session, job->n_filled);
    const size_t n = job->n_tokens - (job->is_drawn && job->n_tokens > 0), parts = n_slices(job);
    for (size_t i = 0; i < parts; i++)
        WHET_TRY(run_block(ctx, r, n * i / parts, n * (i + 1) / parts - n * i / parts));
    if (job->is_drawn && r->n_sides == 2) compare_drawn(r);
    return WHET_OK;
}

/* Every run of the kernel was dispatched by this session, and no other ran. */
static whet_status prove(whet_ctx *ctx, runner *r, int which) {
    const side *s = &r->sides[which];
    const uint64_t n = whet_session_kernel_calls(s->session);
    r->result->n_calls[which] += n;
    if (n == s->n_needed && whet_session_kernel(s->session) == whet_bench_kernel(r->bench, which))
        return WHET_OK;
    return whet_fail(ctx, WHET_E_INTERNAL, "the dispatch counted %llu runs of kernel %s, not %llu",
                     (unsigned long long)n, whet_bench_kernel(r->bench, which)->name,
                     (unsigned long long)s->n_needed);
}

static whet_status run_pair(whet_ctx *ctx, runner *r) {
    const int first = r->n_sides == 2 ? (int)whet_rng_below(&r->rng, 2) : 0;
    whet_status st = WHET_OK;
    for (int i = 0; i < r->n_sides && st == WHET_OK; i++)
        st = prepare(ctx, r, i ^ first);
    if (st == WHET_OK) st = whet_bench_probe(r->bench, &r->last_peaks);
    for (int i = 0; i < at_least_one(r->job->n_rounds) && st == WHET_OK; i++)
        st = run_round(ctx, r);
    for (int i = 0; i < r->n_sides && st == WHET_OK; i++)
        st = prove(ctx, r, i);
    for (int i = 0; i < r->n_sides; i++)
        release(&r->sides[i]);
    return st;
}

/* What a side needs when it is alone. The probe's buffer is resident all the time. */
static whet_status measure_memory(whet_ctx *ctx, runner *r, int which) {
    whet_memory_reset_peak();
    const whet_status st = prepare(ctx, r, which);
    const uint64_t peak = whet_memory_peak_bytes(), probe = whet_prober_bytes(r->bench->prober);
    r->result->rss_bytes[which] = peak > probe ? peak - probe : 0;
    release(&r->sides[which]);
    return st;
}

static whet_status run_pairs(whet_ctx *ctx, runner *r) {
    const int n_pairs = at_least_one(r->job->n_pairs);
    r->result->n_same = r->n_sides == 2 && r->job->is_drawn ? r->job->n_tokens : 0;
    for (int i = 0; i < r->n_sides; i++)
        WHET_TRY(measure_memory(ctx, r, i));
    for (r->pair = 0; r->pair < n_pairs; r->pair++) {
        r->block = 0;
        WHET_TRY(run_pair(ctx, r));
        whet_progress(ctx, "bench", "pairs", r->pair + 1, n_pairs);
    }
    return WHET_OK;
}

/* ---- a job ---- */

static whet_status check(whet_ctx *ctx, const whet_bench *b, const whet_bench_job *job) {
    if (job->n_prompt == 0 && n_slices(job) == 0)
        return whet_fail(ctx, WHET_E_ARG, "a job of no prompt and %zu tokens has nothing to time",
                         job->n_tokens);
    if (job->is_drawn && job->n_prompt == 0)
        return whet_fail(ctx, WHET_E_ARG, "tokens are drawn behind a prompt, there is none");
    const size_t limit = (size_t)b->facts->config.max_position_embeddings;
    if (job->n_filled > limit || job->n_prompt > limit || job->n_tokens > limit)
        return whet_fail(ctx, WHET_E_ARG, "%zu, %zu and %zu tokens, the model's context is %zu",
                         job->n_filled, job->n_prompt, job->n_tokens, limit);
    return whet_bench_fits(ctx, b, job->n_filled + job->n_prompt + job->n_tokens);
}

static whet_status make_room(whet_ctx *ctx, runner *r) {
    const whet_bench_job *job = r->job;
    const size_t n_ids = job->n_prompt + job->n_tokens;
    const size_t n_blocks =
        (job->n_prompt ? (size_t)at_least_one(job->n_prompts) : 0) + n_slices(job);
    const size_t n = n_blocks * (size_t)at_least_one(job->n_pairs) *
                     (size_t)at_least_one(job->n_rounds) * (size_t)r->n_sides;
    r->ids = whet_alloc(ctx, n_ids * sizeof *r->ids);
    r->result->samples = whet_alloc_zero(ctx, n, sizeof *r->result->samples);
    if (!r->ids || !r->result->samples) return WHET_E_NOMEM;
    whet_rng ids;
    whet_rng_init(&ids, r->bench->opts.seed);
    for (size_t i = 0; i < n_ids; i++)
        r->ids[i] =
            i < job->n_prompt && job->prompt
                ? job->prompt[i]
                : (int32_t)whet_rng_below(&ids, (uint64_t)r->bench->facts->config.vocab_size);
    return WHET_OK;
}

whet_status whet_bench_run(whet_ctx *ctx, whet_bench *bench, const whet_bench_job *job,
                           whet_bench_result *result) {
    *result = (whet_bench_result){ 0 };
    WHET_TRY(check(ctx, bench, job));
    runner r = {
        .bench = bench,
        .job = job,
        .result = result,
        .capacity = job->n_filled + job->n_prompt + job->n_tokens,
        .n_sides = bench->opts.n_sides,
    };
    whet_rng_init(&r.rng, whet_rng_derive(bench->opts.seed, 1));
    whet_status st = make_room(ctx, &r);
    if (st == WHET_OK) st = run_pairs(ctx, &r);
    for (int i = 0; i < WHET_BENCH_MAX_SIDES; i++)
        whet_ids_fini(ctx, &r.sides[i].drawn);
    whet_free(ctx, r.ids);
    if (st != WHET_OK) whet_bench_result_fini(ctx, result);
    return st;
}

void whet_bench_result_fini(whet_ctx *ctx, whet_bench_result *result) {
    whet_free(ctx, result->samples);
    *result = (whet_bench_result){ 0 };
}
