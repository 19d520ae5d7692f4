/* SPDX-License-Identifier: MIT */
/* whet winners: which programs were promoted on this machine. */
#include <string.h>

#include <whet/machine.h>

#include "cli.h"
#include "winner.h"

typedef struct winners_opts {
    bool is_json;
} winners_opts;

typedef struct printer {
    const winners_opts *opts;
    const char *fingerprint;
    int n;
} printer;

static const char *dtype_name(int dtype) {
    return dtype == WHET_F32 ? "f32" : dtype == WHET_BF16 ? "bf16" : "f16";
}

static whet_status print_winner(void *data, const whet_winner_info *w) {
    printer *p = data;
    const whet_problem *q = &w->problem;
    const bool is_here = strcmp(w->fingerprint, p->fingerprint) == 0;
    if (p->opts->is_json) {
        printf("{\"type\":\"winner\",\"id\":%lld,\"dtype\":\"%s\",\"heads\":%d,\"kv_heads\":%d,"
               "\"head_dim\":%d,\"program\":\"%s\",\"object\":\"%s\",\"fingerprint\":\"%s\","
               "\"is_here\":%s,\"shape\":\"%s\",\"repeat\":[%.4f,%.4f,%.4f],"
               "\"fused\":[%.4f,%.4f,%.4f],\"date\":\"%s\"}\n",
               (long long)w->id, dtype_name(q->dtype), q->n_heads, q->n_kv_heads, q->head_dim,
               w->program_hash, w->object_sha256, w->fingerprint, is_here ? "true" : "false",
               w->shape, w->repeat.ratio, w->repeat.low, w->repeat.high, w->fused.ratio,
               w->fused.low, w->fused.high, w->date);
        return WHET_OK;
    }
    if (p->n++ == 0)
        printf("%4s  %-18s %-14s %-14s %-23s %-23s %s\n", "id", "heads", "program", "timed",
               "x repeat", "x fused", "made");
    printf("%4lld  %-4s %3d:%-3d x%-4d %.12s   %-14s", (long long)w->id, dtype_name(q->dtype),
           q->n_heads, q->n_kv_heads, q->head_dim, w->program_hash, w->shape);
    printf(" %5.2f [%5.2f, %5.2f]  ", w->repeat.ratio, w->repeat.low, w->repeat.high);
    if (w->fused.ratio > 0)
        printf("%5.2f [%5.2f, %5.2f]  ", w->fused.ratio, w->fused.low, w->fused.high);
    else
        printf("%-23s", "-");
    printf(" %s%s\n", w->date, is_here ? "" : ", on another machine");
    return WHET_OK;
}

static whet_status list(whet_ctx *ctx, const char *folder, printer *p) {
    const whet_status st = whet_winner_list(ctx, folder, print_winner, p);
    if (st == WHET_OK && p->n == 0 && !p->opts->is_json)
        printf("no winners in %s; whet evolve makes them\n", folder);
    return st;
}

/* The facts, then the source as it was judged. */
static whet_status show(whet_ctx *ctx, const char *folder, int64_t id, printer *p) {
    whet_winner_info info;
    whet_buf source = { 0 };
    whet_status st = whet_winner_read(ctx, folder, id, &info, &source);
    if (st == WHET_OK) st = print_winner(p, &info);
    if (st == WHET_OK && !p->opts->is_json) printf("\n%s", source.text ? source.text : "");
    whet_buf_fini(ctx, &source);
    return st;
}

static whet_status take_out(whet_ctx *ctx, const char *folder, int64_t id) {
    const whet_status st = whet_winner_remove(ctx, folder, id);
    if (st == WHET_OK) printf("winner %lld is removed\n", (long long)id);
    return st;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const char *what = args->n_words ? args->words[0] : "list";
    const bool is_list = strcmp(what, "list") == 0;
    const bool is_show = strcmp(what, "show") == 0;
    int64_t id = 0;
    if (!is_list && !is_show && strcmp(what, "remove") != 0)
        return cli_usage("winners: \"%s\" is none of list, show ID, remove ID", what);
    if (is_list != (args->n_words < 2))
        return is_list ? cli_usage("winners list: \"%s\" is one word too many", args->words[1])
                       : cli_usage("winners %s: an id is missing; whet winners lists them", what);
    whet_status st = is_list ? WHET_OK : cli_winner_id(args->words[1], &id);
    whet_machine machine;
    whet_buf folder = { 0 };
    if (st == WHET_OK) st = whet_machine_read(ctx, &machine);
    printer p = { .opts = args->opts, .fingerprint = machine.fingerprint };
    if (st == WHET_OK) st = cli_data_folder(ctx, &folder);
    if (st == WHET_OK)
        st = is_list   ? list(ctx, folder.text, &p)
             : is_show ? show(ctx, folder.text, id, &p)
                       : take_out(ctx, folder.text, id);
    whet_buf_fini(ctx, &folder);
    return st;
}

static const cli_option options[] = {
    { "json", CLI_FLAG, offsetof(winners_opts, is_json), NULL, "JSON Lines", NULL },
    { 0 },
};

const cli_command cli_winners = {
    .name = "winners",
    .summary = "list, show or remove the programs that the engine uses here",
    .usage = "[--json] [list | show ID | remove ID]",
    .options = options,
    .opts_bytes = sizeof(winners_opts),
    .max_words = 2,
    .run = run,
};
