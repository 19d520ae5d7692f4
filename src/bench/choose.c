/* SPDX-License-Identifier: MIT */
/* The measurement behind a profile: candidates of one op in turns, the least time of each. */
#include <whet/profile.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/ctx.h"
#include "base/shape.h"
#include "bench/op.h"
#include "kernels/attention.h"
#include "kernels/linear.h"
#include "platform/cpu.h"

enum { MIN_ROUNDS = 3, MAX_ROUNDS = 50, LIST_BYTES = 1024 };

static const whet_problem usual = { WHET_BF16, 16, 8, 128, 512, 2048 };
static const double default_seconds = 2;

/* All candidates' data together are past every cache, since they take turns. */
static const size_t cold_bytes = (size_t)48 << 20;

/* A kernel this much slower than the fastest is not timed for long. */
static const double hopeless = 3;

/* What the static order takes gives way only to what is so much faster: a tie decides nothing, and
 * the answer stays the same from day to day. */
static const double clearly_faster = 1.03;

typedef struct stopwatch {
    whet_op_bench b;
    const whet_op_table *table;
    int kernel, n_calls;
    double best_ns[WHET_OP_MAX_KERNELS]; /* of a call */
} stopwatch;

static void pass(void *arg, int worker, int n_workers) {
    stopwatch *s = arg;
    for (int i = 0; i < s->n_calls; i++)
        s->table->call(&s->b, s->kernel, i % s->b.n_copies, worker, n_workers);
}

static void time_kernel(stopwatch *s, int kernel) {
    s->kernel = kernel;
    const double start = whet_clock_ns();
    whet_team_run(s->b.team, pass, s);
    const double ns = (whet_clock_ns() - start) / s->n_calls;
    if (s->best_ns[kernel] == 0 || ns < s->best_ns[kernel]) s->best_ns[kernel] = ns;
}

static double least(const double *ns, int n) {
    double least_ns = ns[0];
    for (int i = 1; i < n; i++)
        if (ns[i] < least_ns) least_ns = ns[i];
    return least_ns;
}

static whet_status take_turns(whet_ctx *ctx, stopwatch *s, double seconds) {
    const double end_ns = whet_clock_ns() + seconds * 1e9;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        const double best = least(s->best_ns, s->b.n_kernels);
        for (int i = 0; i < s->b.n_kernels; i++) {
            WHET_TRY(whet_check_cancelled(ctx));
            if (round < MIN_ROUNDS || s->best_ns[i] <= hopeless * best) time_kernel(s, i);
        }
        if (round + 1 >= MIN_ROUNDS && whet_clock_ns() > end_ns) break;
    }
    return WHET_OK;
}

/* Fills best_ns of the kernels named in opts, in their order. */
static whet_status time_op(whet_ctx *ctx, whet_team *team, const whet_op_opts *opts, bool is_cold,
                           stopwatch *s) {
    *s = (stopwatch){
        .b = { .opts = opts, .team = team, .cold_bytes = is_cold ? cold_bytes : 0 },
        .table = opts->op == WHET_BENCH_LINEAR ? &whet_op_linear : &whet_op_attention,
    };
    whet_status st = s->table->open(ctx, &s->b);
    s->n_calls = is_cold ? s->b.n_copies : 1;
    if (st == WHET_OK) st = take_turns(ctx, s, opts->seconds);
    s->table->close(ctx, &s->b);
    return st;
}

/* ---- candidates ---- */

static void add_word(char *list, const char *word) {
    const size_t n = strlen(list);
    snprintf(list + n, LIST_BYTES - n, "%s%s", n ? "," : "", word);
}

static bool is_worth_it(const char *name) {
    return !strstr(name, "portable") && strcmp(name, "oracle") != 0;
}

static void list_attention(const whet_problem *p, char *list) {
    for (const whet_attention_kernel *const *k = whet_attention_kernels; *k; k++)
        if (is_worth_it((*k)->name) && (*k)->supports(p)) add_word(list, (*k)->name);
    if (!*list) add_word(list, whet_attention_default(p)->name);
}

static void list_linear(char *list) {
    for (const whet_linear_kernel *const *k = whet_linear_kernels; *k; k++)
        if (is_worth_it((*k)->name) && ((*k)->features & ~whet_cpu_features()) == 0)
            add_word(list, (*k)->name);
    if (!*list) add_word(list, whet_linear_default(true)->name);
}

/* ---- choosing ---- */

/* Both ops share the places. */
static whet_status check_room(whet_ctx *ctx, const whet_profile *p, int n_more) {
    if (p->n_figures + n_more <= WHET_PROFILE_MAX_FIGURES) return WHET_OK;
    return whet_fail(ctx, WHET_E_INTERNAL, "a profile holds at most %d kernels",
                     WHET_PROFILE_MAX_FIGURES);
}

static whet_profile_figure *add_figure(whet_profile *p, whet_bench_op op, const char *kernel) {
    whet_profile_figure *f = &p->figures[p->n_figures++];
    *f = (whet_profile_figure){ .op = op };
    snprintf(f->kernel, sizeof f->kernel, "%s", kernel);
    return f;
}

static void choose(whet_bench_op op, const char *first, const whet_profile *p,
                   char chosen[WHET_PROFILE_NAME]) {
    double best = -INFINITY;
    for (int i = 0; i < p->n_figures; i++) {
        const whet_profile_figure *f = &p->figures[i];
        if (f->op != op || f->prefill_ns == 0) continue;
        double speed =
            -WHET_DECODE_WEIGHT * log(f->decode_ns) - (1 - WHET_DECODE_WEIGHT) * log(f->prefill_ns);
        if (strcmp(f->kernel, first) == 0) speed += log(clearly_faster);
        if (!(speed > best)) continue;
        best = speed;
        memcpy(chosen, f->kernel, sizeof f->kernel);
    }
}

/* Figures of the kernels named in `list`: of one row, and, unless that is hopeless, of many. */
static whet_status time_both(whet_ctx *ctx, whet_team *team, const whet_op_opts *one,
                             const whet_op_opts *many, const char *list, whet_profile *p) {
    stopwatch s;
    char rest[LIST_BYTES] = "";
    whet_op_opts opts = *one;
    opts.kernels = list;
    WHET_TRY(time_op(ctx, team, &opts, true, &s));
    WHET_TRY(check_room(ctx, p, s.b.n_kernels));
    const int from = p->n_figures;
    const double best_ns = least(s.best_ns, s.b.n_kernels);
    for (int i = 0; i < s.b.n_kernels; i++) {
        add_figure(p, one->op, s.b.names[i])->decode_ns = s.best_ns[i];
        if (s.best_ns[i] <= hopeless * best_ns) add_word(rest, s.b.names[i]);
    }
    opts = *many;
    opts.kernels = rest;
    WHET_TRY(time_op(ctx, team, &opts, false, &s));
    for (int i = 0; i < s.b.n_kernels; i++)
        for (int j = from; j < p->n_figures; j++)
            if (strcmp(p->figures[j].kernel, s.b.names[i]) == 0)
                p->figures[j].prefill_ns = s.best_ns[i];
    return WHET_OK;
}

static whet_status measure_attention(whet_ctx *ctx, whet_team *team, const whet_problem *problem,
                                     double seconds, whet_profile *p) {
    char list[LIST_BYTES] = "";
    whet_op_opts one = { .op = WHET_BENCH_ATTENTION, .attention = *problem, .seconds = seconds };
    whet_op_opts many = one;
    one.attention.n_rows = 1;
    many.attention.n_context = problem->n_rows;
    list_attention(problem, list);
    WHET_TRY(time_both(ctx, team, &one, &many, list, p));
    choose(WHET_BENCH_ATTENTION, whet_attention_default(problem)->name, p, p->attention);
    return WHET_OK;
}

static whet_status measure_linear(whet_ctx *ctx, whet_team *team, int32_t n_rows, double seconds,
                                  whet_profile *p) {
    char list[LIST_BYTES] = "";
    whet_op_opts one = {
        .op = WHET_BENCH_LINEAR,
        .n_out = 3072,
        .n_in = 1024,
        .n_rows = 1,
        .seconds = seconds,
    };
    whet_op_opts many = one;
    many.n_rows = n_rows;
    list_linear(list);
    WHET_TRY(time_both(ctx, team, &one, &many, list, p));
    choose(WHET_BENCH_LINEAR, whet_linear_default(true)->name, p, p->linear);
    return WHET_OK;
}

whet_status whet_profile_measure(whet_ctx *ctx, whet_team *team, const whet_profile_opts *opts,
                                 whet_profile *p) {
    const double seconds = opts && opts->seconds > 0 ? opts->seconds : default_seconds;
    const whet_problem problem = opts && opts->attention.n_heads ? opts->attention : usual;
    WHET_TRY(whet_profile_static(ctx, p));
    p->n_threads = whet_team_size(team);
    const time_t now = time(NULL);
    struct tm utc;
    WHET_TRY(measure_attention(ctx, team, &problem, seconds * 0.2, p));
    WHET_TRY(measure_linear(ctx, team, problem.n_rows, seconds * 0.2, p));
    strftime(p->date, sizeof p->date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    return WHET_OK;
}
