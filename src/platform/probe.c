/* SPDX-License-Identifier: MIT */
/* Bandwidth and arithmetic probes: the same loops the kernels live on, and nothing else. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <whet/machine.h>

#include "base/arena.h"
#include "base/clock.h"
#include "platform/cpu.h"
#include "platform/probe_int.h"

enum {
    MIN_PASSES = 3,
    MAX_PASSES = 2048,
    MAX_WORKERS = 256,
    N_SLICES = 8,
    N_CHOOSING_ROUNDS = 4,
    PIECE_BYTES = 32 * PROBE_STEP_BYTES,
};

static const size_t min_bytes = (size_t)256 << 20;
static const double calibrated_pass_ns = 2e6;

const whet_probe_reads *const whet_probe_all_reads[] = {
#if defined(__x86_64__)
    &whet_probe_reads_avx512,
    &whet_probe_reads_avx2,
#endif
    &whet_probe_reads_portable,
    NULL,
};

const whet_probe_unit *const whet_probe_units[] = {
#if defined(__x86_64__)
    &whet_probe_tiles_amx,    &whet_probe_dots_avx512_bf16,
    &whet_probe_fma_avx512,   &whet_probe_fma_avx2,
#elif defined(__aarch64__)
    &whet_probe_matrices_neon_bf16,
#endif
    &whet_probe_fma_portable, NULL,
};

const char *const whet_probe_way_names[N_PROBE_READS] = {
    "1 stream",
    "2 streams",
    "4 streams",
    "8 streams",
    "1 stream, prefetched",
    "2 streams, prefetched",
    "4 streams, prefetched",
    "8 streams, prefetched",
};

static bool can_run(uint32_t needs) {
    return (needs & whet_cpu_features()) == needs;
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

/* ---- the prober ---- */

struct whet_prober {
    whet_ctx *ctx;   /* borrowed until close */
    whet_team *team; /* borrowed until close */
    const whet_probe_reads *reads;
    int way; /* of reads: the fastest here */
    const whet_probe_unit *unit;
    size_t n_rounds; /* of a pass of the unit */
    whet_arena memory;
    char *bytes;            /* borrowed from memory */
    size_t worker_bytes;    /* of each worker's part, a multiple of N_SLICES * PROBE_STEP_BYTES */
    size_t from, length;    /* of each worker's part: the slice that a pass reads */
    _Atomic size_t n_dealt; /* pieces of the pass; zero before and after */
    uint64_t words[MAX_WORKERS]; /* the results are used, so that the work is done */
    double sums[MAX_WORKERS];
};

static void touch(void *arg, int worker, int n_workers) {
    const whet_prober *p = arg;
    (void)n_workers;
    memset(p->bytes + (size_t)worker * p->worker_bytes, 1, p->worker_bytes);
}

/* Most of one's own part, then pieces of the rest of all, dealt to whoever is free: as good kernels
 * divide their work, since else the slowest worker would be the limit. */
static void read_part(void *arg, int worker, int n_workers) {
    whet_prober *p = arg;
    const whet_probe_read read = p->reads->ways[p->way];
    const size_t n = (size_t)n_workers, n_each = n > 1 ? p->length / PIECE_BYTES * 3 / 8 : 0;
    const size_t own = p->length - n_each * PIECE_BYTES;
    const char *from = p->bytes + p->from;
    uint64_t word = read(from + (size_t)worker * p->worker_bytes, own);
    size_t i;
    while ((i = atomic_fetch_add_explicit(&p->n_dealt, 1, memory_order_relaxed)) < n_each * n)
        word += read(from + i % n * p->worker_bytes + own + i / n * PIECE_BYTES, PIECE_BYTES);
    if (i == n_each * n + n - 1) atomic_store_explicit(&p->n_dealt, 0, memory_order_relaxed);
    p->words[worker] = word;
}

/* The ways in turns, each on the next slice, so that none finds in the caches what another left;
 * the best time of each counts, since all that disturbs makes slower. */
static void choose_way(whet_prober *p) {
    const whet_probe_reads *const *reads = whet_probe_all_reads;
    while (!can_run((*reads)->needs))
        reads++;
    p->reads = *reads;
    double best_ns[N_PROBE_READS];
    int best = 0;
    p->length = p->worker_bytes / N_SLICES;
    for (int i = 0; i < N_CHOOSING_ROUNDS * N_PROBE_READS; i++) {
        p->way = i % N_PROBE_READS;
        /* A slice further than all ways a round, or a way would always read the same one. */
        p->from = (size_t)(i + i / N_PROBE_READS) % N_SLICES * p->length;
        const double ns = pass_ns(p->team, read_part, p);
        if (i < N_PROBE_READS || ns < best_ns[p->way]) best_ns[p->way] = ns;
    }
    for (int way = 1; way < N_PROBE_READS; way++)
        if (best_ns[way] < best_ns[best]) best = way;
    p->way = best;
}

static void multiply_add(void *arg, int worker, int n_workers) {
    whet_prober *p = arg;
    (void)n_workers;
    p->sums[worker] = p->unit->multiply_add(p->n_rounds);
}

/* The fastest unit, and rounds for 2 ms of it; what the flags promise is measured here. */
static void choose_unit(whet_prober *p) {
    const whet_probe_unit *best = NULL;
    size_t best_rounds = 0;
    double best_rate = 0;
    for (int i = 0; whet_probe_units[i]; i++) {
        if (!can_run(whet_probe_units[i]->needs)) continue;
        p->unit = whet_probe_units[i];
        p->n_rounds = 1000;
        double ns = pass_ns(p->team, multiply_add, p);
        while (ns < calibrated_pass_ns && p->n_rounds < SIZE_MAX / 2) {
            p->n_rounds *= 2;
            ns = pass_ns(p->team, multiply_add, p);
        }
        for (int round = 1; round < N_CHOOSING_ROUNDS; round++) {
            const double again_ns = pass_ns(p->team, multiply_add, p);
            if (again_ns < ns) ns = again_ns;
        }
        const double rate = p->unit->flop_a_round * (double)p->n_rounds / ns;
        if (rate > best_rate) {
            best = p->unit;
            best_rate = rate;
            best_rounds = p->n_rounds;
        }
    }
    p->unit = best;
    p->n_rounds = best_rounds;
}

static whet_status choose_bytes(whet_ctx *ctx, uint64_t cache_bytes, size_t *bytes) {
    whet_machine m;
    WHET_TRY(whet_machine_read(ctx, &m));
    *bytes = (size_t)(cache_bytes ? cache_bytes : m.l3_bytes * (uint64_t)m.n_l3) * 4;
    if (!cache_bytes && *bytes < min_bytes) *bytes = min_bytes;
    if (m.memory_bytes > 0 && *bytes > m.memory_bytes / 4) *bytes = (size_t)m.memory_bytes / 4;
    return WHET_OK;
}

whet_status whet_prober_open(whet_ctx *ctx, whet_team *team, uint64_t cache_bytes,
                             whet_prober **prober) {
    *prober = NULL;
    size_t bytes;
    WHET_TRY(choose_bytes(ctx, cache_bytes, &bytes));
    whet_prober *p = whet_alloc_zero(ctx, 1, sizeof *p);
    if (!p) return WHET_E_NOMEM;
    p->ctx = ctx;
    p->team = team;
    const size_t n = (size_t)whet_team_size(team), unit = (size_t)N_SLICES * PROBE_STEP_BYTES;
    p->worker_bytes = (bytes / n / unit + 1) * unit;
    const size_t total = n * p->worker_bytes;
    const whet_status st = whet_arena_init(ctx, &p->memory, total);
    if (st != WHET_OK) {
        whet_free(ctx, p);
        return st;
    }
    p->bytes = whet_arena_alloc(ctx, &p->memory, total);
    whet_arena_prefer_huge(&p->memory); /* small pages, where refused, are slower */
    whet_team_run(team, touch, p);
    choose_way(p);
    choose_unit(p);
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

/* ---- passes, one after the other ---- */

/* Nanoseconds of one. */
typedef double pass_fn(whet_prober *p);

/* Every slice in its turn: when one comes again it has left the caches. */
static double read_slice(whet_prober *p) {
    p->from = (p->from + p->length) % p->worker_bytes;
    return pass_ns(p->team, read_part, p);
}

static double calculate(whet_prober *p) {
    return pass_ns(p->team, multiply_add, p);
}

/* Repeats a pass of `amount` bytes or FLOP for about `seconds` and summarises amount per second. */
static whet_status repeat_passes(whet_prober *p, pass_fn *pass, double amount, double seconds,
                                 whet_probe *probe) {
    double rates[MAX_PASSES];
    int n = 0;
    const double end_ns = whet_clock_ns() + seconds * 1e9;
    while (n < MAX_PASSES && (n < MIN_PASSES || whet_clock_ns() < end_ns)) {
        WHET_TRY(whet_check_cancelled(p->ctx));
        rates[n++] = amount / (pass(p) * 1e-9);
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

whet_status whet_prober_bandwidth(whet_prober *p, double seconds, whet_probe *bytes_per_second) {
    const double bytes = (double)p->length * whet_team_size(p->team);
    return repeat_passes(p, read_slice, bytes, seconds, bytes_per_second);
}

whet_status whet_prober_flops(whet_prober *p, double seconds, whet_probe *flop_per_second) {
    const double flop = p->unit->flop_a_round * (double)p->n_rounds * whet_team_size(p->team);
    return repeat_passes(p, calculate, flop, seconds, flop_per_second);
}

const char *whet_prober_way(const whet_prober *p) {
    return whet_probe_way_names[p->way];
}

const char *whet_prober_unit(const whet_prober *p) {
    return p->unit->name;
}
