/* SPDX-License-Identifier: MIT */
/* Timing one op: kernels in turns, cold and warm, every round between two probes. */
#include "bench/op.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ctx.h"
#include "base/rng.h"
#include "bench/memory.h"
#include "kernels/dtype.h"

enum { MAX_ROUNDS = 200, MIN_ROUNDS = 3, MAX_CALLS = 1 << 20 };

static const double sample_ns = 5e6, probe_seconds = 0.03;
static const double default_seconds = 1;

static const whet_op_table *const tables[] = { &whet_op_attention, &whet_op_linear };

/* One row of the result while it grows. */
typedef struct entrant {
    int kernel;
    bool is_cold;
    int n_calls;   /* in a sample */
    int next_copy; /* of a cold one */
    uint64_t n_done;
    double used_ns;
    double ns[MAX_ROUNDS];     /* of a call */
    double shares[MAX_ROUNDS]; /* of the limit */
    whet_peaks peaks[MAX_ROUNDS];
    int n_samples;
} entrant;

typedef struct runner {
    whet_op_bench b;
    const whet_op_table *table;
    whet_prober *prober;
    entrant *entrants; /* [2 * n_kernels] */
    entrant *running;
    int n_entrants;
    whet_peaks last_peaks;
} runner;

/* ---- for the ops ---- */

int whet_op_copies(const whet_op_bench *b, size_t bytes) {
    return (int)(b->cold_bytes / bytes) + 2;
}

whet_status whet_op_each_word(whet_ctx *ctx, whet_op_bench *b, const char *list,
                              whet_op_word_fn fn) {
    char word[512];
    for (const char *p = list;; p++) {
        const size_t len = strcspn(p, ",");
        if (len >= sizeof word)
            return whet_fail(ctx, WHET_E_ARG, "a kernel's name of %zu bytes", len);
        memcpy(word, p, len);
        word[len] = '\0';
        WHET_TRY(fn(ctx, b, word));
        p += len;
        if (!*p) return WHET_OK;
    }
}

whet_status whet_op_check_memory(whet_ctx *ctx, double bytes) {
    const double available = (double)whet_memory_available_bytes();
    if (available <= 0 || bytes <= available) return WHET_OK;
    return whet_fail(ctx, WHET_E_NOMEM, "this shape takes %.1f GB, %.1f GB are free", bytes * 1e-9,
                     available * 1e-9);
}

void whet_op_fill(void *values, size_t n, uint64_t seed) {
    whet_rng rng;
    whet_rng_init(&rng, seed);
    uint16_t *p = values;
    for (size_t i = 0; i < n; i++)
        p[i] = whet_f32_to_bf16((float)(2 * whet_rng_uniform(&rng) - 1));
}

/* ---- timing ---- */

static void pass(void *arg, int worker, int n_workers) {
    runner *r = arg;
    const entrant *e = r->running;
    for (int i = 0; i < e->n_calls; i++) {
        const int copy = e->is_cold ? (e->next_copy + i) % r->b.n_copies : 0;
        r->table->call(&r->b, e->kernel, copy, worker, n_workers);
    }
}

static double run_pass(runner *r, entrant *e) {
    r->running = e;
    const double start = whet_clock_ns();
    whet_team_run(r->b.team, pass, r);
    const double ns = whet_clock_ns() - start;
    e->next_copy = (e->next_copy + e->n_calls) % r->b.n_copies;
    e->n_done += (uint64_t)e->n_calls;
    e->used_ns += ns;
    return ns;
}

/* Also the warm-up: every copy is touched by a cold one, or 5 ms are over. */
static void choose_n_calls(runner *r, entrant *e) {
    e->n_calls = 1;
    double ns = run_pass(r, e);
    while (ns < sample_ns && e->n_calls < MAX_CALLS) {
        e->n_calls *= 2;
        ns = run_pass(r, e);
    }
    e->used_ns = 0;
}

static whet_status probe(runner *r) {
    whet_probe p;
    WHET_TRY(whet_prober_bandwidth(r->prober, probe_seconds, &p));
    r->last_peaks.bytes_per_second = p.median;
    WHET_TRY(whet_prober_flops(r->prober, probe_seconds / 3, &p));
    r->last_peaks.flop_per_second = p.median;
    return WHET_OK;
}

/* What reads nothing from memory is limited by calculating alone. */
static double limit_ns(const runner *r, bool is_cold, const whet_peaks *peaks, bool *is_reading) {
    const whet_work work = { .kv_bytes = is_cold ? r->b.bytes : 0, .linear_flop = r->b.flop };
    return whet_work_limit_ns(&work, peaks, is_reading);
}

static void keep(runner *r, entrant *e, double ns, const whet_peaks *before) {
    const whet_peaks peaks = {
        0.5 * (before->bytes_per_second + r->last_peaks.bytes_per_second),
        0.5 * (before->flop_per_second + r->last_peaks.flop_per_second),
    };
    const int i = e->n_samples++;
    e->ns[i] = ns / e->n_calls;
    e->peaks[i] = peaks;
    e->shares[i] = limit_ns(r, e->is_cold, &peaks, NULL) / e->ns[i];
}

/* Everybody's turn, beginning with another one each time. */
static whet_status run_round(whet_ctx *ctx, runner *r, int round, double limit_ns_each,
                             bool *is_over) {
    double ns[2 * WHET_OP_MAX_KERNELS] = { 0 };
    const whet_peaks before = r->last_peaks;
    *is_over = true;
    for (int i = 0; i < r->n_entrants; i++) {
        const int which = (i + round) % r->n_entrants;
        entrant *e = &r->entrants[which];
        if (e->used_ns > limit_ns_each && round > 0) continue;
        WHET_TRY(whet_check_cancelled(ctx));
        ns[which] = run_pass(r, e);
        *is_over = false;
    }
    WHET_TRY(probe(r));
    for (int i = 0; i < r->n_entrants; i++)
        if (ns[i] > 0) keep(r, &r->entrants[i], ns[i], &before);
    return WHET_OK;
}

static whet_status measure(whet_ctx *ctx, runner *r) {
    const double seconds = r->b.opts->seconds > 0 ? r->b.opts->seconds : default_seconds;
    r->n_entrants = 2 * r->b.n_kernels;
    r->entrants = whet_alloc_zero(ctx, (size_t)r->n_entrants, sizeof *r->entrants);
    if (!r->entrants) return WHET_E_NOMEM;
    for (int i = 0; i < r->n_entrants; i++) {
        WHET_TRY(whet_check_cancelled(ctx));
        r->entrants[i].kernel = i / 2;
        r->entrants[i].is_cold = i % 2 == 0;
        choose_n_calls(r, &r->entrants[i]);
    }
    WHET_TRY(probe(r));
    bool is_over = false;
    for (int round = 0; round < MAX_ROUNDS && !is_over; round++) {
        WHET_TRY(run_round(ctx, r, round, round < MIN_ROUNDS ? seconds * 3e9 : seconds * 0.5e9,
                           &is_over));
        whet_progress(ctx, "op", "rounds", round + 1, 0);
    }
    for (int i = 0; i < r->b.n_kernels && r->table->prove; i++)
        WHET_TRY(r->table->prove(ctx, &r->b, i,
                                 r->entrants[2 * i].n_done + r->entrants[2 * i + 1].n_done));
    return WHET_OK;
}

/* ---- the result ---- */

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* x is sorted. */
static double quantile(const double *x, int n, double q) {
    return x[(int)(q * (n - 1) + 0.5)];
}

static double median_peak(const entrant *e, bool is_reading) {
    double x[MAX_ROUNDS];
    for (int i = 0; i < e->n_samples; i++)
        x[i] = is_reading ? e->peaks[i].bytes_per_second : e->peaks[i].flop_per_second;
    qsort(x, (size_t)e->n_samples, sizeof *x, by_value);
    return quantile(x, e->n_samples, 0.5);
}

static whet_status sum_up(whet_ctx *ctx, const runner *r, entrant *e, whet_op_figure *f) {
    const size_t n = (size_t)e->n_samples;
    *f = (whet_op_figure){
        .is_cold = e->is_cold,
        .n_copies = e->is_cold ? r->b.n_copies : 1,
        .n_samples = e->n_samples,
        .samples_ns = whet_alloc(ctx, (n + 1) * sizeof *f->samples_ns),
    };
    if (!f->samples_ns) return WHET_E_NOMEM;
    snprintf(f->name, sizeof f->name, "%s", r->b.names[e->kernel]);
    memcpy(f->samples_ns, e->ns, n * sizeof *e->ns);
    qsort(e->ns, n, sizeof *e->ns, by_value);
    qsort(e->shares, n, sizeof *e->shares, by_value);
    f->ns = quantile(e->ns, e->n_samples, 0.5);
    f->low = quantile(e->ns, e->n_samples, 0.25);
    f->high = quantile(e->ns, e->n_samples, 0.75);
    f->peaks = (whet_peaks){ median_peak(e, true), median_peak(e, false) };
    f->share_of_limit = quantile(e->shares, e->n_samples, 0.5);
    limit_ns(r, e->is_cold, &f->peaks, &f->is_reading);
    return WHET_OK;
}

static whet_status make_result(whet_ctx *ctx, runner *r, whet_op_result *result) {
    result->bytes = r->b.bytes;
    result->flop = r->b.flop;
    result->figures = whet_alloc_zero(ctx, (size_t)r->n_entrants, sizeof *result->figures);
    if (!result->figures) return WHET_E_NOMEM;
    for (; result->n_figures < r->n_entrants; result->n_figures++)
        WHET_TRY(
            sum_up(ctx, r, &r->entrants[result->n_figures], &result->figures[result->n_figures]));
    return WHET_OK;
}

static size_t cold_bytes(const whet_machine *m, uint64_t cache_bytes) {
    const size_t caches = cache_bytes ? cache_bytes : (size_t)m->l3_bytes * (size_t)m->n_l3;
    return 2 * (caches ? caches : (size_t)32 << 20);
}

whet_status whet_op_run(whet_ctx *ctx, whet_team *team, const whet_op_opts *opts,
                        whet_op_result *result) {
    *result = (whet_op_result){ 0 };
    whet_machine machine;
    WHET_TRY(whet_machine_read(ctx, &machine));
    runner r = {
        .b = { .opts = opts, .team = team, .cold_bytes = cold_bytes(&machine, opts->cache_bytes) },
        .table = tables[opts->op == WHET_BENCH_LINEAR],
    };
    whet_status st = r.table->open(ctx, &r.b);
    if (st == WHET_OK) st = whet_prober_open(ctx, team, opts->cache_bytes, &r.prober);
    if (st == WHET_OK) st = measure(ctx, &r);
    if (st == WHET_OK) st = make_result(ctx, &r, result);
    r.table->close(ctx, &r.b);
    whet_prober_close(r.prober);
    whet_free(ctx, r.entrants);
    if (st != WHET_OK) whet_op_result_fini(ctx, result);
    return st;
}

void whet_op_result_fini(whet_ctx *ctx, whet_op_result *result) {
    for (int i = 0; i < result->n_figures; i++)
        whet_free(ctx, result->figures[i].samples_ns);
    whet_free(ctx, result->figures);
    *result = (whet_op_result){ 0 };
}
