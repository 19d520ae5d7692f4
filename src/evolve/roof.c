/* SPDX-License-Identifier: MIT */
/* The roofline of the finals. */
#include "evolve/roof.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/shape.h"
#include "evolve/journal.h"

static const double bandwidth_seconds = 0.1, flops_seconds = 0.03;
static const double pause_ns = 20e9; /* between two of a search, at least */
static const char what[] = "limit", form[] = "%.6g B/s, %.6g FLOP/s";

static const uint64_t rehearsal_cache_bytes = 1 << 20;

uint64_t whet_roof_cache_bytes(const whet_search *s) {
    return s->opts.is_rehearsal ? rehearsal_cache_bytes : 0;
}

static whet_status probe(whet_ctx *ctx, whet_search *s, char *text, size_t n) {
    whet_probe bytes, flop;
    whet_status st = WHET_OK;
    if (!s->team) st = whet_team_open(ctx, s->opts.n_threads, &s->team);
    if (st == WHET_OK && !s->prober)
        st = whet_prober_open(ctx, s->team, whet_roof_cache_bytes(s), &s->prober);
    if (st == WHET_E_NOMEM) {
        snprintf(text, n, "no memory to measure it");
        return WHET_OK;
    }
    if (st == WHET_OK) st = whet_prober_bandwidth(s->prober, bandwidth_seconds, &bytes);
    if (st == WHET_OK) st = whet_prober_flops(s->prober, flops_seconds, &flop);
    if (st != WHET_OK) return st;
    const int used = snprintf(text, n, form, bytes.median, flop.median);
    snprintf(text + used, n - (size_t)used, "; %s; %s", whet_prober_way(s->prober),
             whet_prober_unit(s->prober));
    return WHET_OK;
}

/* A run from before there were limits has no such step. */
whet_status whet_roof_measure(whet_ctx *ctx, whet_search *s) {
    whet_store_said next;
    double bytes = 0, flop = 0;
    WHET_TRY(whet_journal_next(ctx, s, &next));
    if (next.is_there && strcmp(next.what, what) != 0) return WHET_OK;
    if (!next.is_there) WHET_TRY(probe(ctx, s, next.detail, sizeof next.detail));
    if (sscanf(next.detail, "%lf B/s, %lf FLOP/s", &bytes, &flop) == 2) {
        s->result->peak_bytes = fmax(s->result->peak_bytes, bytes);
        s->result->peak_flop = fmax(s->result->peak_flop, flop);
    }
    return whet_journal_note(ctx, s, what, next.detail);
}

whet_status whet_roof_measure_again(whet_ctx *ctx, whet_search *s) {
    whet_store_said next;
    const double now_ns = whet_clock_ns();
    WHET_TRY(whet_journal_next(ctx, s, &next));
    if (!next.is_there && now_ns - fmax(s->probed_ns, s->start_ns) < pause_ns) return WHET_OK;
    s->probed_ns = now_ns;
    const whet_status st = whet_roof_measure(ctx, s);
    whet_roof_close(s);
    return st;
}

void whet_roof_close(whet_search *s) {
    whet_prober_close(s->prober);
    whet_team_close(s->team);
    s->prober = NULL;
    s->team = NULL;
}

/* Less than that may stay in the processor's caches, however many there are of them. */
static const double surely_read_bytes = 1 << 20;

bool whet_roof_doubts(const whet_search *s, whet_verdict *verdict) {
    const whet_evolve_result *r = s->result;
    const whet_problem *p = &s->opts.problem;
    *verdict = (whet_verdict){ 0 };
    for (int i = 0; i < WHET_N_ALL_SHAPES; i++) {
        const whet_evolve_shape *row = &r->shapes[i];
        const whet_ratio *const over[] = { &row->repeat, &row->fused, &row->grouped };
        const char *const names[] = { "repeat", "fused", "grouped" };
        whet_sanity sanity = {
            .ns = row->ns,
            .bytes = row->kv_bytes >= surely_read_bytes ? row->kv_bytes : 0,
            .bytes_per_second = r->peak_bytes,
            .flop = whet_shape_flop(row->name, p->n_heads, p->head_dim),
            .flop_per_second = r->peak_flop,
        };
        for (int j = 0; j < 3; j++) {
            const bool is_best = !sanity.best || over[j]->ratio < sanity.speed;
            if (!(over[j]->ratio > 0) || !is_best) continue;
            sanity.best = names[j];
            sanity.speed = over[j]->ratio;
        }
        if (row->ns > 0 && whet_judge_doubts(&sanity, verdict)) return true;
    }
    return false;
}

/* Seconds that reading alone, and calculating alone, would take. */
static void least_times(const whet_search *s, const whet_evolve_shape *shape, double *reading,
                        double *calculating) {
    const whet_problem *p = &s->opts.problem;
    *reading = shape->kv_bytes / s->result->peak_bytes;
    *calculating = whet_shape_flop(shape->name, p->n_heads, p->head_dim) / s->result->peak_flop;
}

bool whet_roof_is_memory(const whet_search *s, const whet_evolve_shape *shape) {
    double reading, calculating;
    least_times(s, shape, &reading, &calculating);
    return reading >= calculating;
}

double whet_roof_share(const whet_search *s, const whet_evolve_shape *shape) {
    const whet_evolve_result *r = s->result;
    double reading, calculating;
    if (!(r->peak_bytes > 0 && r->peak_flop > 0 && shape->ns > 0)) return 0;
    least_times(s, shape, &reading, &calculating);
    return 1e9 * fmax(reading, calculating) / shape->ns;
}
