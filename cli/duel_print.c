/* SPDX-License-Identifier: MIT */
/* What a sitting found out, for people and for programs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "candidate.h"
#include "duel.h"
#include "sittings.h"

static const char *const kind_names[CLI_N_DUELS] = { "cold", "warm", "A/A" };

/* A candidate that is dropped for being slow is told as slower, not as rejected. */
static bool is_rejected(const whet_verdict *v) {
    return v->code != WHET_V_PASS && !(v->code == WHET_V_SLOWER && v->gate == WHET_GATE_RACE);
}

static bool is_there(const whet_duel *d) {
    return d->n_samples > 0 || is_rejected(&d->verdict);
}

static void print_duel(const whet_duel *d, cli_duel_kind kind) {
    const whet_ratio *r = &d->result;
    if (d->n_samples == 0) return;
    printf("  %-5s %.3fx [%.3f, %.3f]  %-8s  A %9.2f us, B %9.2f us; %d pairs x %d blocks",
           kind_names[kind], r->ratio, r->low, r->high, cli_claim_name(whet_ratio_claim(r)),
           d->ns * 1e-3, d->rival_ns * 1e-3, d->n_pairs, d->n_blocks);
    if (d->n_voided) printf(", %d void", d->n_voided);
    printf("\n");
}

/* Which side it is of, and when. */
static void print_rejection(const cli_sitting *s, const whet_duel *d, cli_duel_kind kind) {
    const bool is_of_b = d->is_of_rival && kind != CLI_DUEL_SAME;
    if (is_rejected(&d->verdict))
        printf("  %s, gate %d, of %s %s (%s): %s\n", whet_verdict_name(d->verdict.code),
               d->verdict.gate, is_of_b ? "B" : "A", s->sides[is_of_b].name, kind_names[kind],
               d->verdict.reason);
}

static void print_how(const cli_sitting *s, const whet_duel *d) {
    char name[64];
    whet_duel_name(d, name, sizeof name);
    const double sample_ns = d->n_calls * (d->ns < d->rival_ns ? d->ns : d->rival_ns);
    if (s->opts->n_sittings > 1) printf("sitting %d, ", s->number);
    printf("%s, %d worker%s: ", name, d->n_workers, d->n_workers == 1 ? "" : "s");
    printf(d->is_rung ? "%d calls rung one by one" : "batches of %d calls", d->n_calls);
    printf(" on %d caches%s", d->n_caches, d->is_cold ? "" : " that may stay in the processor's");
    if (sample_ns > 0) printf("; empty %.2f %% of a sample", 100 * d->empty_ns / sample_ns);
    printf("\n");
}

void cli_duel_print(const cli_sitting *s, const cli_duel_figures *f) {
    const whet_duel *cold = &f->duels[CLI_DUEL_COLD];
    print_how(s, cold);
    for (int i = 0; i < CLI_N_DUELS; i++)
        print_duel(&f->duels[i], (cli_duel_kind)i);
    if (f->shares[0] > 0)
        printf("  limit P %.1f GB/s, F %.0f GFLOP/s: A reaches %.0f %%, B %.0f %% of %s%s\n",
               f->peaks.bytes_per_second * 1e-9, f->peaks.flop_per_second * 1e-9,
               100 * f->shares[0], 100 * f->shares[1], f->is_reading ? "P" : "F",
               cold->is_cold ? "" : " (no floor of reading: it may come from caches)");
    if (cold->copies > 0)
        printf("  an append of many rows takes %.1f plain copies\n", cold->copies);
    for (int i = 0; i < CLI_N_DUELS; i++)
        print_rejection(s, &f->duels[i], (cli_duel_kind)i);
    if (f->doubt.code != WHET_V_PASS)
        printf("  %s, gate %d: %s\n", whet_verdict_name(f->doubt.code), f->doubt.gate,
               f->doubt.reason);
    fflush(stdout);
}

static whet_status put_samples(whet_ctx *ctx, const whet_duel *d, whet_buf *line) {
    whet_status st = whet_buf_puts(ctx, line, ",\"samples\":[");
    for (size_t i = 0; i < d->n_samples && st == WHET_OK; i++) {
        const whet_duel_sample *x = &d->samples[i];
        st = whet_buf_printf(ctx, line, "%s[%d,%d,%d,%d,%.0f]", i ? "," : "", x->pair, x->block,
                             x->is_rival, x->order, x->ns);
    }
    return st == WHET_OK ? whet_buf_puts(ctx, line, "]") : st;
}

/* The verdict of the whole: what the duel says, else what gate 9 says of it. */
static const whet_verdict *verdict_of(const cli_duel_figures *f, int kind) {
    const whet_verdict *own = &f->duels[kind].verdict;
    return own->code == WHET_V_PASS && kind == CLI_DUEL_COLD ? &f->doubt : own;
}

static whet_status put_duel(whet_ctx *ctx, const cli_sitting *s, const cli_duel_figures *f,
                            int kind, whet_buf *line) {
    const whet_duel *d = &f->duels[kind];
    const whet_verdict *v = verdict_of(f, kind);
    const char *b = s->sides[kind == CLI_DUEL_SAME ? 0 : 1].name;
    char name[64];
    whet_duel_name(d, name, sizeof name);
    char worst[32]; /* JSON has no number for what is infinitely wrong */
    snprintf(worst, sizeof worst, isfinite(d->verdict.worst) ? "%.4f" : "\"%f\"", d->verdict.worst);
    whet_status st = whet_buf_puts(ctx, line, "{\"type\":\"duel\",\"a\":");
    if (st == WHET_OK) st = whet_json_quote(ctx, line, s->sides[0].name, strlen(s->sides[0].name));
    if (st == WHET_OK) st = whet_buf_puts(ctx, line, ",\"b\":");
    if (st == WHET_OK) st = whet_json_quote(ctx, line, b, strlen(b));
    if (st == WHET_OK)
        st = whet_buf_printf(
            ctx, line,
            ",\"dtype\":\"%s\",\"heads\":%d,\"kv_heads\":%d,\"head_dim\":%d,\"seed\":%llu,"
            "\"sitting\":%d,\"kind\":\"%s\",\"shape\":\"%s\",\"workers\":%d,\"rung\":%s,"
            "\"cold\":%s,\"ratio\":%.6f,\"low\":%.6f,\"high\":%.6f,\"claim\":\"%s\",\"ns\":%.1f,"
            "\"rival_ns\":%.1f,\"pairs\":%d,\"blocks\":%d,\"void\":%d,\"calls\":%d,\"caches\":%d,"
            "\"empty_ns\":%.0f,\"kv_bytes\":%.0f,\"flop\":%.0f,\"copies\":%.3f,"
            "\"bytes_per_second\":%.6g,\"flop_per_second\":%.6g,\"share\":%.4f,\"checked\":%lld,"
            "\"worst\":%s,\"verdict\":\"%s\",\"of\":\"%s\",\"gate\":%d,\"reason\":",
            cli_dtype_name(s->problem.dtype), s->problem.n_heads, s->problem.n_kv_heads,
            s->problem.head_dim, (unsigned long long)s->seed, s->number, kind_names[kind], name,
            d->n_workers, d->is_rung ? "true" : "false", d->is_cold ? "true" : "false",
            d->result.ratio, d->result.low, d->result.high,
            cli_claim_name(whet_ratio_claim(&d->result)), d->ns, d->rival_ns, d->n_pairs,
            d->n_blocks, d->n_voided, d->n_calls, d->n_caches, d->empty_ns, d->kv_bytes, d->flop,
            d->copies, f->peaks.bytes_per_second, f->peaks.flop_per_second, f->shares[0],
            (long long)d->verdict.n_checked, worst, whet_verdict_name(v->code),
            d->is_of_rival && kind != CLI_DUEL_SAME ? "b" : "a", v->gate);
    if (st == WHET_OK) st = whet_json_quote(ctx, line, v->reason, strlen(v->reason));
    return st == WHET_OK ? put_samples(ctx, d, line) : st;
}

whet_status cli_duel_print_json(whet_ctx *ctx, const cli_sitting *s, const cli_duel_figures *f) {
    whet_status st = WHET_OK;
    for (int kind = 0; kind < CLI_N_DUELS && st == WHET_OK; kind++) {
        whet_buf line = { 0 };
        if (kind != CLI_DUEL_COLD && !is_there(&f->duels[kind])) continue;
        st = put_duel(ctx, s, f, kind, &line);
        if (st == WHET_OK) printf("%s}\n", line.text);
        whet_buf_fini(ctx, &line);
    }
    fflush(stdout);
    return st;
}
