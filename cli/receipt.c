/* SPDX-License-Identifier: MIT */
/* Printing receipts. */
#include "receipt.h"

#include <inttypes.h>

#include "candidate.h"
#include "cli.h"
#include "winner.h"

static void print_field(const char *name, const char *value) {
    if (*value) printf("%-10s %s\n", name, value);
}

void cli_print_receipt(const whet_receipt *r) {
    print_field("program", r->program_hash);
    print_field("source", r->source_sha256);
    print_field("object", r->object_sha256);
    print_field("judged", r->date);
    print_field("by whet", r->version);
    print_field("machine", r->fingerprint);
    print_field("cpu", r->cpu);
    print_field("compiler", r->compiler);
    if (r->seed) printf("%-10s %" PRIu64 "\n", "seed", r->seed);
}

static void print_ratio(const whet_measured *m) {
    if (m)
        printf("  %6.2f [%5.2f, %5.2f] %9.3f ms", m->ratio.ratio, m->ratio.low, m->ratio.high,
               m->ns * 1e-6);
    else
        printf("  %-34s", "     -");
}

void cli_print_measured(const whet_receipt *there, const whet_receipt *here) {
    printf("%-16s %-8s  %-34s%s\n", "shape", "over",
           here ? "receipt" : "ratio, 95 % interval, own call", here ? "  here" : "");
    for (int i = 0; i < there->n_measured; i++) {
        const whet_measured *m = &there->measured[i];
        if (whet_receipt_find(there, m->shape, m->rival) != m) continue; /* measured twice */
        printf("%-16s %-8s", m->shape, m->rival);
        print_ratio(m);
        if (here) print_ratio(whet_receipt_find(here, m->shape, m->rival));
        printf("\n");
    }
}

void cli_print_lineage(const whet_receipt *r) {
    for (int i = 0; i < r->n_lineage; i++)
        printf("%-10s %.12s  %-10s %s\n", i ? "" : "lineage", r->lineage[i].hash,
               r->lineage[i].operator_name, r->lineage[i].change);
}

whet_status cli_receipt_json(whet_ctx *ctx, const whet_receipt *receipt, whet_buf *line) {
    const size_t begin = line->len;
    const whet_status st = whet_receipt_write(ctx, receipt, line);
    for (size_t i = begin; i < line->len; i++)
        if (line->text[i] == '\n') line->text[i] = ' '; /* none is within a string */
    return st;
}

whet_status cli_rejudge(whet_ctx *ctx, const char *cc, uint64_t seed, bool has_seed,
                        whet_rejudge_opts *opts) {
    static char program[PATH_MAX];
    static whet_profile profile;
    whet_status st = cli_find_self(program);
    if (st == WHET_OK) st = cli_profile_find(ctx, &profile);
    if (st != WHET_OK) return st;
    *opts = (whet_rejudge_opts){
        .worker = program, .cc = cc, .seed = seed, .measured_attention = profile.attention
    };
    return has_seed ? WHET_OK : cli_fresh_seed(&opts->seed);
}
