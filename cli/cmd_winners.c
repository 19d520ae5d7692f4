/* SPDX-License-Identifier: MIT */
/* whet winners: which programs were promoted on this machine; out as text, and in by the judge. */
#include <string.h>

#include <whet/machine.h>

#include "candidate.h"
#include "receipt.h"
#include "winner.h"

typedef struct winners_opts {
    bool is_json;
} winners_opts;

typedef struct printer {
    whet_ctx *ctx;
    const winners_opts *opts;
    const char *fingerprint;
    int n;
} printer;

static whet_status print_json(const printer *p, const whet_winner_info *w, const whet_receipt *r,
                              bool is_here) {
    const whet_problem *q = &w->problem;
    whet_buf line = { 0 };
    const whet_status st = cli_receipt_json(p->ctx, r, &line);
    if (st == WHET_OK)
        printf("{\"type\":\"winner\",\"id\":%lld,\"dtype\":\"%s\",\"heads\":%d,\"kv_heads\":%d,"
               "\"head_dim\":%d,\"program\":\"%s\",\"object\":\"%s\",\"fingerprint\":\"%s\","
               "\"is_here\":%s,\"shape\":\"%s\",\"repeat\":[%.4f,%.4f,%.4f],"
               "\"fused\":[%.4f,%.4f,%.4f],\"date\":\"%s\",\"receipt\":%s}\n",
               (long long)w->id, cli_dtype_name(q->dtype), q->n_heads, q->n_kv_heads, q->head_dim,
               w->program_hash, w->object_sha256, w->fingerprint, is_here ? "true" : "false",
               w->shape, w->repeat.ratio, w->repeat.low, w->repeat.high, w->fused.ratio,
               w->fused.low, w->fused.high, w->date, line.text);
    whet_buf_fini(p->ctx, &line);
    return st;
}

static whet_status print_winner(void *data, const whet_winner_info *w, const whet_receipt *r) {
    printer *p = data;
    const whet_problem *q = &w->problem;
    const bool is_here = strcmp(w->fingerprint, p->fingerprint) == 0;
    if (p->opts->is_json) return print_json(p, w, r, is_here);
    if (p->n++ == 0)
        printf("%4s  %-18s %-14s %-14s %-23s %-23s %s\n", "id", "heads", "program", "timed",
               "x repeat", "x fused", "made");
    printf("%4lld  %-4s %3d:%-3d x%-4d %.12s   %-14s", (long long)w->id, cli_dtype_name(q->dtype),
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

/* The facts, the receipt, then the source as it was judged. */
static whet_status show(whet_ctx *ctx, const char *folder, int64_t id, printer *p) {
    static whet_receipt receipt;
    whet_winner_info info;
    whet_buf source = { 0 };
    whet_status st = whet_winner_read(ctx, folder, id, &info, &receipt, &source);
    if (st == WHET_OK) st = print_winner(p, &info, &receipt);
    if (st == WHET_OK && !p->opts->is_json) {
        printf("\n");
        cli_print_receipt(&receipt);
        cli_print_lineage(&receipt);
        printf("\n");
        cli_print_measured(&receipt, NULL);
        printf("\n%s", source.text ? source.text : "");
    }
    whet_buf_fini(ctx, &source);
    return st;
}

static whet_status take_out(whet_ctx *ctx, const char *folder, int64_t id) {
    const whet_status st = whet_winner_remove(ctx, folder, id);
    if (st == WHET_OK) printf("winner %lld is removed\n", (long long)id);
    return st;
}

static whet_status put_out(whet_ctx *ctx, const char *folder, const char *file) {
    int n;
    const whet_status st = whet_winners_export(ctx, folder, file, &n);
    if (st == WHET_OK)
        printf("%s holds %d winner%s, without objects\n", file, n, n == 1 ? "" : "s");
    return st;
}

static void print_news(void *data, const whet_winner_news *n) {
    int *n_taken = data;
    const whet_problem *q = &n->there->problem;
    const bool is_right = n->verdict->code == WHET_V_PASS;
    *n_taken += n->is_taken;
    printf("line %d: %d:%d heads of %d, program %.12s%s%s%s: %s here%s\n", n->number, q->n_heads,
           q->n_kv_heads, q->head_dim, n->there->program_hash,
           n->is_foreign ? ", of another machine (" : "", n->is_foreign ? n->there->cpu : "",
           n->is_foreign ? ")" : "", whet_verdict_name(n->verdict->code),
           n->is_taken ? ", and faster than the engine's own kernel"
           : is_right  ? ", not faster than the engine's own kernel beyond doubt: left out"
                       : "");
    if (is_right) cli_print_measured(n->there, n->here);
    fflush(stdout);
}

static whet_status take_in(whet_ctx *ctx, const char *folder, const char *file) {
    int n_taken = 0;
    whet_rejudge_opts opts;
    whet_status st = cli_rejudge(ctx, NULL, 0, false, &opts);
    cli_cancel_on_signal(ctx);
    if (st == WHET_OK) st = whet_winners_import(ctx, folder, file, &opts, print_news, &n_taken);
    if (st == WHET_OK)
        printf("%d winner%s taken into %s\n", n_taken, n_taken == 1 ? " was" : "s were", folder);
    return st;
}

typedef enum verb { LIST, SHOW, REMOVE, EXPORT, IMPORT, N_VERBS } verb;

static const struct {
    const char *name, *object;
} verbs[N_VERBS] = {
    { "list", NULL },       { "show", "an id" },    { "remove", "an id" },
    { "export", "a file" }, { "import", "a file" },
};

static whet_status find_verb(const cli_args *args, verb *found) {
    const char *what = args->n_words ? args->words[0] : "list";
    for (int i = 0; i < N_VERBS; i++) {
        if (strcmp(what, verbs[i].name) != 0) continue;
        *found = (verb)i;
        if (verbs[i].object && args->n_words < 2)
            return cli_usage("winners %s: %s is missing; see whet winners --help", what,
                             verbs[i].object);
        if (!verbs[i].object && args->n_words > 1)
            return cli_usage("winners %s: \"%s\" is one word too many", what, args->words[1]);
        return WHET_OK;
    }
    return cli_usage(
        "winners: \"%s\" is none of list, show ID, remove ID, export FILE, import FILE", what);
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    verb what = LIST;
    int64_t id = 0;
    whet_machine machine;
    whet_buf folder = { 0 };
    whet_status st = find_verb(args, &what);
    if (st == WHET_OK && (what == SHOW || what == REMOVE)) st = cli_winner_id(args->words[1], &id);
    if (st == WHET_OK) st = whet_machine_read(ctx, &machine);
    if (st == WHET_OK) st = cli_data_folder(ctx, &folder);
    printer p = { .ctx = ctx, .opts = args->opts, .fingerprint = machine.fingerprint };
    if (st == WHET_OK) switch (what) {
        case SHOW: st = show(ctx, folder.text, id, &p); break;
        case REMOVE: st = take_out(ctx, folder.text, id); break;
        case EXPORT: st = put_out(ctx, folder.text, args->words[1]); break;
        case IMPORT: st = take_in(ctx, folder.text, args->words[1]); break;
        default: st = list(ctx, folder.text, &p); break;
        }
    whet_buf_fini(ctx, &folder);
    return st;
}

static const cli_option options[] = {
    { "json", CLI_FLAG, offsetof(winners_opts, is_json), NULL, "JSON Lines", NULL },
    { 0 },
};

const cli_command cli_winners = {
    .name = "winners",
    .summary = "list, show, remove, export or import the programs that the engine uses",
    .usage = "[--json] [list | show ID | remove ID | export FILE | import FILE]",
    .options = options,
    .opts_bytes = sizeof(winners_opts),
    .max_words = 2,
    .run = run,
};
