/* SPDX-License-Identifier: MIT */
/* whet headroom: how much of a token is attention, and so the most that a better kernel can give.
 */
#include <string.h>

#include "bench.h"

enum { N_TOKENS = 16, SLICE_TOKENS = 8, FREE = WHET_BENCH_CANDIDATE, REAL = WHET_BENCH_BASELINE };

/* At one length of the context. Times are of one token. */
typedef struct room {
    size_t n_context;
    double ns;         /* with the kernel */
    double rest_ns;    /* with an attention that costs nothing */
    whet_ratio at_all; /* ns / rest_ns: what no kernel can pass */
    double kv_bytes;   /* that attention must read */
    double read_ns;    /* as fast as memory goes */
    double limit_ns;   /* of the whole token, likewise */
    whet_peaks peaks;
} room;

static const whet_attention_kernel *find_free(void *data, const whet_problem *problem) {
    (void)data;
    (void)problem;
    return &whet_attention_free;
}

/* With attention as fast as memory goes; no worse than now, since that is a measurement too. */
static double best_gain(const room *r) {
    const double best_ns = r->rest_ns + r->read_ns;
    return r->ns > best_ns ? r->ns / best_ns : 1;
}

static double share(double ratio) {
    return ratio > 1 ? 1 - 1 / ratio : 0;
}

static whet_status find(whet_ctx *ctx, const cli_rig *b, const whet_bench_result *result, room *r) {
    whet_bench_figure with, without;
    whet_status st = whet_bench_summarise(ctx, b->bench, result, WHET_BENCH_TOKENS, REAL, &with);
    if (st == WHET_OK)
        st = whet_bench_summarise(ctx, b->bench, result, WHET_BENCH_TOKENS, FREE, &without);
    if (st == WHET_OK)
        st = whet_bench_compare(ctx, b->bench, result, WHET_BENCH_TOKENS, &r->at_all);
    if (st != WHET_OK) return st;
    const whet_work work = whet_work_decode(&b->facts, r->n_context, N_TOKENS);
    r->ns = 1e9 / with.median;
    r->rest_ns = r->ns / r->at_all.ratio;
    r->peaks = with.peaks;
    r->kv_bytes = work.kv_bytes / N_TOKENS;
    r->read_ns = r->kv_bytes / with.peaks.bytes_per_second * 1e9;
    r->limit_ns = whet_work_limit_ns(&work, &with.peaks, NULL) / N_TOKENS;
    return WHET_OK;
}

static whet_status measure(whet_ctx *ctx, const cli_bench_opts *o, cli_rig *b, room *r) {
    const whet_bench_job job = {
        .n_filled = r->n_context,
        .n_tokens = N_TOKENS,
        .slice_tokens = SLICE_TOKENS,
        .n_pairs = o->repetitions,
    };
    whet_bench_result result;
    whet_status st = whet_bench_run(ctx, b->bench, &job, &result);
    if (st != WHET_OK) return st;
    st = find(ctx, b, &result, r);
    whet_bench_result_fini(ctx, &result);
    return st;
}

static void print_head(const cli_bench_opts *o, const cli_rig *b) {
    char kernel[CLI_KERNEL_NAME];
    printf("%s, %d:%d heads of %d, kernel %s; %s, %d threads\n\n", cli_last_part(o->model),
           b->facts.config.n_heads, b->facts.config.n_kv_heads, b->facts.config.head_dim,
           cli_rig_kernel_name(b, REAL, kernel), b->machine.cpu, whet_team_size(b->engine.team));
    printf("%8s %9s %9s %24s %9s %8s %9s %9s %9s\n", "", "", "attention", "share of a token",
           "K, V", "at", "P", "roofline", "at most");
    printf("%8s %9s %9s %24s %9s %8s %9s %9s %9s\n", "context", "tokens/s", "ms", "(95 % interval)",
           "MB", "GB/s", "GB/s", "tokens/s", "x");
}

static void print_room(const room *r) {
    const double attention_ns = r->ns - r->rest_ns;
    char at[16] = "-";
    if (attention_ns > 0.01 * r->ns) snprintf(at, sizeof at, "%.1f", r->kv_bytes / attention_ns);
    printf("%8zu %9.2f %9.3f %9.1f %% (%4.1f .. %4.1f) %9.1f %8s %9.1f %9.2f %9.2f\n", r->n_context,
           1e9 / r->ns, attention_ns * 1e-6, 100 * share(r->at_all.ratio),
           100 * share(r->at_all.low), 100 * share(r->at_all.high), r->kv_bytes * 1e-6, at,
           r->peaks.bytes_per_second * 1e-9, 1e9 / r->limit_ns, best_gain(r));
}

static whet_status print_json(whet_ctx *ctx, const cli_rig *b, const room *r) {
    char kernel[CLI_KERNEL_NAME];
    whet_buf name = { 0 };
    cli_rig_kernel_name(b, REAL, kernel);
    const whet_status st = whet_json_quote(ctx, &name, kernel, strlen(kernel));
    if (st == WHET_OK)
        printf(
            "{\"type\":\"headroom\",\"kernel\":%s,\"n_context\":%zu,\"ns\":%.0f,\"rest_ns\":%.0f,"
            "\"attention_share\":%.4f,\"attention_share_low\":%.4f,"
            "\"attention_share_high\":%.4f,\"kv_bytes\":%.0f,\"bytes_per_second\":%.6g,"
            "\"limit_ns\":%.0f,\"best_gain\":%.4f,\"gain_without_attention\":%.4f}\n",
            name.text, r->n_context, r->ns, r->rest_ns, share(r->at_all.ratio),
            share(r->at_all.low), share(r->at_all.high), r->kv_bytes, r->peaks.bytes_per_second,
            r->limit_ns, best_gain(r), r->at_all.ratio);
    whet_buf_fini(ctx, &name);
    return st;
}

static void print_sentence(const room *rooms, int n) {
    printf("\nThe most that a better attention kernel can give here");
    for (int i = 0; i < n; i++)
        printf("%s %.2fx at %zu tokens",
               i == 0      ? ":"
               : i + 1 < n ? ","
                           : " and",
               best_gain(&rooms[i]), rooms[i].n_context);
    printf(" of context, with K and V read as fast as memory goes.\n");
}

/* The sides: an attention that costs nothing, and the kernel in question. */
static whet_status open_sides(whet_ctx *ctx, const cli_bench_opts *o, cli_rig *b) {
    const char *const names[] = { NULL, o->kernel };
    whet_bench_opts opts = cli_rig_opts(ctx, b, o, names, 2);
    opts.sides[FREE].find_winner = find_free;
    return cli_rig_set_opts(ctx, b, &opts);
}

/* Contexts of the default list that do not fit are left out; those asked for must fit. */
static whet_status choose_contexts(whet_ctx *ctx, const cli_bench_opts *o, const cli_rig *b,
                                   room *rooms, int *n) {
    cli_sizes list;
    whet_status st =
        cli_parse_sizes("context", o->contexts ? o->contexts : "128,512,2k,8k,32k", &list);
    *n = 0;
    for (int i = 0; i < list.n && st == WHET_OK; i++) {
        const whet_status fit = whet_bench_fits(ctx, b->bench, list.sizes[i] + N_TOKENS);
        if (fit == WHET_OK)
            rooms[(*n)++] = (room){ .n_context = list.sizes[i] };
        else if (o->contexts || (i + 1 == list.n && *n == 0))
            st = fit;
    }
    return st;
}

static whet_status report(whet_ctx *ctx, const cli_bench_opts *o, cli_rig *b) {
    room rooms[CLI_BENCH_MAX_LIST];
    int n;
    whet_status st = choose_contexts(ctx, o, b, rooms, &n);
    if (st != WHET_OK) return st;
    if (!o->is_json) print_head(o, b);
    for (int i = 0; i < n && st == WHET_OK; i++) {
        st = measure(ctx, o, b, &rooms[i]);
        cli_progress_end();
        if (st == WHET_OK && o->is_json) st = print_json(ctx, b, &rooms[i]);
        if (st == WHET_OK && !o->is_json) print_room(&rooms[i]);
        fflush(stdout);
    }
    if (st != WHET_OK || o->is_json) return st;
    print_sentence(rooms, n);
    if (!cli_rig_is_cold(b))
        printf("The weights fit this machine's caches, where memory is no limit: the last three "
               "columns mean little.\n");
    return st;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const cli_bench_opts *o = args->opts;
    if (!o->model) return cli_usage("headroom: --model is missing; see whet headroom --help");
    cli_cancel_on_signal(ctx);
    cli_rig b = { 0 };
    whet_status st = cli_check_bench(o);
    if (st == WHET_OK) st = cli_rig_open(ctx, &b, o, CLI_TOKENIZER_NONE);
    if (st == WHET_OK) st = open_sides(ctx, o, &b);
    if (st == WHET_OK) st = report(ctx, o, &b);
    cli_rig_close(ctx, &b);
    return st;
}

#define AT(field) offsetof(cli_bench_opts, field)
static const cli_option options[] = {
    { "model", CLI_STRING, AT(model), "DIR", "checkpoint, or its name in the Hugging Face cache",
      NULL, 'm' },
    { "context", CLI_STRING, AT(contexts), "LIST",
      "lengths of the context; default 128,512,2k,8k,32k", NULL },
    { "kernel", CLI_STRING, AT(kernel), "NAME|FILE.c",
      "attention kernel; a file is compiled and trusted", NULL },
    CLI_ISA_OPTION,
    { "no-winners", CLI_FLAG, AT(no_winner), NULL, "do not use a winner of whet evolve", NULL },
    { "threads", CLI_INT, AT(threads), "N", "0 = what suits the machine", "0", 't' },
    { "caches", CLI_INT, AT(cache_mib), "MIB",
      "last-level caches that P leaves; 0 = as the machine shows them", "0" },
    { "repetitions", CLI_INT, AT(repetitions), "N", "pairs of fresh sessions", "5", 'r' },
    { "seed", CLI_U64, AT(seed), "N", "of ids, filled contexts and orders", "0" },
    { "json", CLI_FLAG, AT(is_json), NULL, "a line of JSON for each context", NULL },
    { 0 },
};

const cli_command cli_headroom = {
    .name = "headroom",
    .summary = "show the share of attention in a token, and what a better kernel could give",
    .usage = "-m DIR [--context 128,2k] [options]",
    .options = options,
    .opts_bytes = sizeof(cli_bench_opts),
    .run = run,
};
