/* SPDX-License-Identifier: MIT */
/* Bandwidth and arithmetic probes: the same loops the kernels live on, and nothing else. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <whet/machine.h>

#include "base/arena.h"
#include "base/clock.h"
#include "platform/cpu.h"
#include "platform/probe_int.h"

enum {
    MIN_PASSES = 3,
    MAX_PASSES = 2048,
    MAX_WORKERS = 256,
};

static const size_t min_bytes = (size_t)256 << 20;
static const double calibrated_pass_ns = 2e6;

static const whet_probe_loops *choose_loops(void) {
    static const whet_probe_loops *const by_width[] = {
#if defined(__x86_64__)
        &whet_probe_loops_avx512,
        &whet_probe_loops_avx2,
#endif
        &whet_probe_loops_portable,
    };
    const whet_probe_loops *const *loops = by_width;
    while (((*loops)->needs & whet_cpu_features()) != (*loops)->needs)
        loops++;
    return *loops;
}

/* ---- passes ---- */

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The q-quantile of sorted values, between neighbours by the straight line. */
static double quantile(const double *sorted, int n, double q) {
    const double at = q * (n - 1);
    const int i = (int)at;
    return i + 1 < n ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[i];
}

static double pass_ns(whet_team *team, whet_team_fn fn, void *arg) {
    const double start_ns = whet_clock_ns();
    whet_team_run(team, fn, arg);
    return whet_clock_ns() - start_ns;
}

/* Repeats a pass of `amount` bytes or FLOP for about `seconds` and summarises amount per second. */
static whet_status repeat_passes(whet_ctx *ctx, whet_team *team, whet_team_fn fn, void *arg,
                                 double amount, double seconds, whet_probe *probe) {
    double rates[MAX_PASSES];
    int n = 0;
    const double end_ns = whet_clock_ns() + seconds * 1e9;
    while (n < MAX_PASSES && (n < MIN_PASSES || whet_clock_ns() < end_ns)) {
        WHET_TRY(whet_check_cancelled(ctx));
        rates[n++] = amount / (pass_ns(team, fn, arg) * 1e-9);
    }
    qsort(rates, (size_t)n, sizeof rates[0], by_value);
    *probe = (whet_probe){
        .median = quantile(rates, n, 0.5),
        .low = quantile(rates, n, 0.25),
        .high = quantile(rates, n, 0.75),
        .n_passes = n,
    };
    return WHET_OK;
}

/* ---- bandwidth ---- */

struct whet_prober {
    whet_ctx *ctx;   /* borrowed until close */
    whet_team *team; /* borrowed until close */
    const whet_probe_loops *loops;
    whet_arena memory;
    char *bytes;         /* borrowed from memory */
    size_t worker_bytes; /* of each worker's part, a multiple of PROBE_STEP_BYTES */
    uint64_t sums[MAX_WORKERS];
};

static void touch(void *arg, int worker, int n_workers) {
    const whet_prober *p = arg;
    (void)n_workers;
    memset(p->bytes + (size_t)worker * p->worker_bytes, 1, p->worker_bytes);
}

static void read_part(void *arg, int worker, int n_workers) {
    whet_prober *p = arg;
    (void)n_workers;
    p->sums[worker] =
        p->loops->read_all(p->bytes + (size_t)worker * p->worker_bytes, p->worker_bytes);
}

static size_t choose_bytes(const whet_machine *m) {
    size_t bytes = (size_t)m->l3_bytes * (size_t)m->n_l3 * 4;
    if (bytes < min_bytes) bytes = min_bytes;
    if (m->memory_bytes > 0 && bytes > m->memory_bytes / 4) bytes = (size_t)m->memory_bytes / 4;
    return bytes;
}

whet_status whet_prober_open(whet_ctx *ctx, whet_team *team, whet_prober **prober) {
    *prober = NULL;
    whet_machine machine;
    WHET_TRY(whet_machine_read(ctx, &machine));
    whet_prober *p = whet_alloc_zero(ctx, 1, sizeof *p);
    if (!p) return WHET_E_NOMEM;
    p->ctx = ctx;
    p->team = team;
    p->loops = choose_loops();
    const size_t n = (size_t)whet_team_size(team);
    const size_t steps = choose_bytes(&machine) / n / PROBE_STEP_BYTES + 1;
    p->worker_bytes = steps * PROBE_STEP_BYTES;
    const size_t total = n * p->worker_bytes;
    const whet_status st = whet_arena_init(ctx, &p->memory, total);
    if (st != WHET_OK) {
        whet_free(ctx, p);
        return st;
    }
    p->bytes = whet_arena_alloc(ctx, &p->memory, total);
#ifdef MADV_HUGEPAGE
    madvise(p->bytes, total, MADV_HUGEPAGE); /* small pages, where refused, are a bit slower */
#endif
    whet_team_run(team, touch, p);
    *prober = p;
    return WHET_OK;
}

void whet_prober_close(whet_prober *p) {
    if (!p) return;
    whet_arena_fini(&p->memory);
    whet_free(p->ctx, p);
}

uint64_t whet_prober_bytes(const whet_prober *p) {
    return (uint64_t)p->worker_bytes * (uint64_t)whet_team_size(p->team);
}

whet_status whet_prober_bandwidth(whet_prober *p, double seconds, whet_probe *bytes_per_second) {
    return repeat_passes(p->ctx, p->team, read_part, p, (double)whet_prober_bytes(p), seconds,
                         bytes_per_second);
}

whet_status whet_probe_bandwidth(whet_ctx *ctx, whet_team *team, double seconds,
                                 whet_probe *bytes_per_second) {
    whet_prober *p;
    WHET_TRY(whet_prober_open(ctx, team, &p));
    const whet_status st = whet_prober_bandwidth(p, seconds, bytes_per_second);
    whet_prober_close(p);
    return st;
}

/* ---- arithmetic ---- */

typedef struct arithmetic {
    const whet_probe_loops *loops;
    size_t n_rounds;
    double sums[MAX_WORKERS]; /* the results are used, so that the work is done */
} arithmetic;

static void multiply_add(void *arg, int worker, int n_workers) {
    arithmetic *a = arg;
    (void)n_workers;
    a->sums[worker] = a->loops->multiply_add(a->n_rounds);
}

whet_status whet_probe_flops(whet_ctx *ctx, whet_team *team, double seconds,
                             whet_probe *flop_per_second) {
    arithmetic a = { .loops = choose_loops(), .n_rounds = 1000 };
    while (pass_ns(team, multiply_add, &a) < calibrated_pass_ns && a.n_rounds < SIZE_MAX / 2)
        a.n_rounds *= 2;
    const double flop = a.loops->flop_a_round * (double)a.n_rounds * whet_team_size(team);
    return repeat_passes(ctx, team, multiply_add, &a, flop, seconds, flop_per_second);
}
