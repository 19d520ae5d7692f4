/* SPDX-License-Identifier: MIT */
/* From paired samples to a ratio with an interval. The process is the unit of replication: two
 * equal processes can differ by several percent for life, so pairs are resampled first. */
#include <math.h>
#include <stdlib.h>

#include <whet/judge.h>

#include "base/ctx.h"
#include "base/rng.h"

enum { N_RESAMPLES = 2000 };

#define FALSE_STOPS 0.021 /* of all duels of equals, however long they are, besides far_below's */

/* log(rival / candidate) of the blocks of each pair, one pair after the other. */
typedef struct table {
    double *logs;   /* [n_blocks in all] */
    size_t *begins; /* [n_pairs + 1] */
    size_t n_pairs;
} table;

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts x. */
static double median(double *x, size_t n) {
    qsort(x, n, sizeof *x, by_value);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

static int by_place(const void *a, const void *b) {
    const whet_duel_sample *x = a, *y = b;
    if (x->pair != y->pair) return x->pair < y->pair ? -1 : 1;
    if (x->block != y->block) return x->block < y->block ? -1 : 1;
    return (x->is_rival > y->is_rival) - (x->is_rival < y->is_rival);
}

/* `sorted` by pair, block, side; a block without both sides, or without time, is left out. */
static void tabulate(const whet_duel_sample *sorted, size_t n, table *t) {
    size_t n_logs = 0;
    int32_t pair = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        const whet_duel_sample *a = &sorted[i], *b = &sorted[i + 1];
        if (a->pair != b->pair || a->block != b->block || a->is_rival || !b->is_rival) continue;
        if (!(a->ns > 0) || !(b->ns > 0)) continue;
        if (t->n_pairs == 0 || a->pair != pair) t->begins[t->n_pairs++] = n_logs;
        pair = a->pair;
        t->logs[n_logs++] = log(b->ns / a->ns);
    }
    t->begins[t->n_pairs] = n_logs;
}

/* Median over pairs of the median over blocks; the original pairs, or a resample of both. */
static double centre(const table *t, whet_rng *rng, double *of_pairs, double *of_blocks) {
    for (size_t i = 0; i < t->n_pairs; i++) {
        const size_t pair = rng ? whet_rng_below(rng, t->n_pairs) : i;
        const size_t first = t->begins[pair], n = t->begins[pair + 1] - first;
        for (size_t j = 0; j < n; j++)
            of_blocks[j] = t->logs[first + (rng ? whet_rng_below(rng, n) : j)];
        of_pairs[i] = median(of_blocks, n);
    }
    return median(of_pairs, t->n_pairs);
}

static double quantile(const double *sorted, size_t n, double q) {
    const double at = q * (double)(n - 1);
    const size_t i = (size_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

static void resample(const table *t, uint64_t seed, double *space, size_t n, whet_ratio *result) {
    double *of_pairs = space, *of_blocks = space + n, *centres = space + 2 * n;
    const double middle = centre(t, NULL, of_pairs, of_blocks);
    whet_rng rng;
    whet_rng_init(&rng, seed);
    for (int i = 0; i < N_RESAMPLES; i++)
        centres[i] = centre(t, &rng, of_pairs, of_blocks);
    qsort(centres, N_RESAMPLES, sizeof *centres, by_value);
    *result = (whet_ratio){ exp(middle), exp(quantile(centres, N_RESAMPLES, 0.025)),
                            exp(quantile(centres, N_RESAMPLES, 0.975)) };
}

/* What both questions need: the table, and as much room for numbers again as asked for. */
static whet_status open_table(whet_ctx *ctx, const whet_duel_sample *samples, size_t n,
                              size_t n_more, table *t) {
    whet_duel_sample *sorted = whet_alloc(ctx, (n + 1) * sizeof *sorted);
    *t = (table){ .logs = whet_alloc(ctx, (n + n_more + 1) * sizeof *t->logs),
                  .begins = whet_alloc(ctx, (n + 2) * sizeof *t->begins) };
    whet_status st = sorted && t->logs && t->begins ? WHET_OK : WHET_E_NOMEM;
    if (st == WHET_OK) {
        for (size_t i = 0; i < n; i++)
            sorted[i] = samples[i];
        qsort(sorted, n, sizeof *sorted, by_place);
        tabulate(sorted, n, t);
        if (t->n_pairs == 0)
            st = whet_fail(ctx, WHET_E_ARG, "no block has the times of both sides");
    }
    whet_free(ctx, sorted);
    return st;
}

static void close_table(whet_ctx *ctx, table *t) {
    whet_free(ctx, t->logs);
    whet_free(ctx, t->begins);
}

whet_status whet_ratio_estimate(whet_ctx *ctx, const whet_duel_sample *samples, size_t n,
                                uint64_t seed, whet_ratio *result) {
    *result = (whet_ratio){ 0 };
    table t;
    const whet_status st = open_table(ctx, samples, n, 2 * n + N_RESAMPLES, &t);
    if (st == WHET_OK) resample(&t, seed, t.logs + n, n, result);
    close_table(ctx, &t);
    return st;
}

/* P(T <= t) of Student's distribution: the finite sums for whole degrees of freedom (Abramowitz and
 * Stegun, "Handbook of Mathematical Functions", 1964, 26.7.3 and 26.7.4). */
static double student_below(double t, size_t freedom) {
    const double pi = acos(-1.0);
    const double angle = atan(t / sqrt((double)freedom)), c = cos(angle);
    const bool is_odd = freedom % 2;
    double term = is_odd ? c : 1, sum = freedom > 1 ? term : 0;
    for (size_t i = is_odd ? 2 : 1; i + 2 < freedom; i += 2)
        sum += term *= c * c * (double)i / (double)(i + 1);
    const double both = is_odd ? 2 / pi * (angle + sin(angle) * sum) : sin(angle) * sum;
    return 0.5 * (1 + both);
}

/* A first pair alone. */
static bool is_far_below(const table *t, double bound) {
    bool is_below = t->n_pairs == 1 && t->begins[1] >= WHET_FAR_BLOCKS;
    for (size_t i = 0; i < t->begins[1] && is_below; i++)
        is_below = t->logs[i] < log(bound / WHET_FAR);
    return is_below;
}

whet_status whet_ratio_is_below(whet_ctx *ctx, const whet_duel_sample *samples, size_t n,
                                double bound, bool *is_below) {
    *is_below = false;
    table t;
    const whet_status st = open_table(ctx, samples, n, 0, &t);
    if (st == WHET_OK && bound > 0) *is_below = is_far_below(&t, bound);
    if (st == WHET_OK && t.n_pairs > 1 && bound > 0) {
        const double n_pairs = (double)t.n_pairs;
        double sum = 0, squares = 0;
        for (size_t i = 0; i < t.n_pairs; i++) {
            const size_t first = t.begins[i];
            const double x = median(t.logs + first, t.begins[i + 1] - first) - log(bound);
            sum += x;
            squares += x * x;
        }
        const double variance = fmax(0, squares - sum * sum / n_pairs) / (n_pairs - 1);
        const double error = sqrt(variance / n_pairs);
        /* Looks 1, 2, ...: 1 / (k (k + 1)) of them adds up to 1. */
        const double spent = FALSE_STOPS / ((n_pairs - 1) * n_pairs);
        *is_below =
            sum < 0 && student_below(sum / n_pairs / fmax(error, 1e-12), t.n_pairs - 1) <= spent;
    }
    close_table(ctx, &t);
    return st;
}
