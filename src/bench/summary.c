/* SPDX-License-Identifier: MIT */
/* From samples to figures: tokens per second, the share of the limit, the ratio of two sides. */
#include <math.h>
#include <stdlib.h>

#include "bench/bench_int.h"

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts x. */
static double median(double *x, size_t n) {
    if (n == 0) return 0;
    qsort(x, n, sizeof *x, by_value);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

static bool belongs(const whet_bench_sample *s, whet_bench_kind kind, int side) {
    return s->kind == kind && s->time.is_rival == side;
}

static double limit_ns(const whet_bench *b, const whet_bench_sample *s, bool *is_reading) {
    const size_t chunk = whet_bench_chunk(b, s->time.is_rival, SIZE_MAX);
    const whet_work work = s->kind == WHET_BENCH_TOKENS
                               ? whet_work_decode(b->facts, s->n_context, s->n_tokens)
                               : whet_work_prompt(b->facts, s->n_context, s->n_tokens, chunk);
    return whet_work_limit_ns(&work, &s->peaks, is_reading);
}

/* Mean and standard deviation (n - 1) of x. */
static void spread(const double *x, size_t n, whet_bench_figure *f) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    f->mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - f->mean) * (x[i] - f->mean);
    f->sd = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
}

whet_status whet_bench_summarise(whet_ctx *ctx, const whet_bench *b,
                                 const whet_bench_result *result, whet_bench_kind kind, int side,
                                 whet_bench_figure *figure) {
    *figure = (whet_bench_figure){ 0 };
    const size_t room = result->n_samples + 1;
    double *speeds = whet_alloc(ctx, 4 * room * sizeof *speeds);
    if (!speeds) return WHET_E_NOMEM;
    double *shares = speeds + room, *reading = shares + room, *adding = reading + room;
    size_t n = 0;
    for (size_t i = 0; i < result->n_samples; i++) {
        const whet_bench_sample *s = &result->samples[i];
        if (!belongs(s, kind, side)) continue;
        speeds[n] = (double)s->n_tokens / s->time.ns * 1e9;
        shares[n] = limit_ns(b, s, n == 0 ? &figure->is_reading : NULL) / s->time.ns;
        reading[n] = s->peaks.bytes_per_second;
        adding[n++] = s->peaks.flop_per_second;
    }
    figure->n_samples = (int)n;
    if (n) {
        spread(speeds, n, figure);
        figure->median = median(speeds, n);
        figure->share_of_limit = median(shares, n);
        figure->peaks = (whet_peaks){ median(reading, n), median(adding, n) };
    }
    whet_free(ctx, speeds);
    return WHET_OK;
}

whet_status whet_bench_compare(whet_ctx *ctx, const whet_bench *b, const whet_bench_result *result,
                               whet_bench_kind kind, whet_ratio *ratio) {
    whet_duel_sample *samples = whet_alloc(ctx, (result->n_samples + 1) * sizeof *samples);
    if (!samples) return WHET_E_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < result->n_samples; i++)
        if (result->samples[i].kind == kind) samples[n++] = result->samples[i].time;
    const whet_status st = whet_ratio_estimate(ctx, samples, n, b->opts.seed, ratio);
    whet_free(ctx, samples);
    return st;
}
