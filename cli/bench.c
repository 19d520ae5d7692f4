/* SPDX-License-Identifier: MIT */
/* What the ways to benchmark share. */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZE = 1 << 24 };

whet_status cli_parse_sizes(const char *option, const char *text, cli_sizes *list) {
    list->n = 0;
    for (const char *p = text;; p++) {
        char *end;
        errno = 0;
        const unsigned long n = strtoul(p, &end, 10);
        const bool is_kilo = end > p && (*end == 'k' || *end == 'K');
        const size_t size = is_kilo ? n << 10 : n;
        const char *next = end + is_kilo;
        if (*p < '0' || *p > '9' || errno || n > MAX_SIZE || size > MAX_SIZE ||
            (*next && *next != ','))
            return cli_usage("--%s takes numbers up to 16384k and commas, not \"%.40s\"", option,
                             text);
        if (list->n == CLI_BENCH_MAX_LIST)
            return cli_usage("--%s takes at most %d numbers", option, CLI_BENCH_MAX_LIST);
        list->sizes[list->n++] = size;
        p = next;
        if (!*p) return WHET_OK;
    }
}

whet_status cli_check_bench(const cli_bench_opts *o) {
    if (o->cache_mib < 0 || o->cache_mib > 1 << 20)
        return cli_usage("--caches takes 0 to 1048576, not %d", o->cache_mib);
    if (o->repetitions < 1 || o->repetitions > 1000)
        return cli_usage("-r takes 1 to 1000, not %d", o->repetitions);
    return WHET_OK;
}

whet_status cli_rig_open(whet_ctx *ctx, cli_rig *b, const cli_bench_opts *o,
                         cli_tokenizer_need need) {
    const cli_engine_opts engine = { .model = o->model, .threads = o->threads, .chunk = o->chunk };
    whet_status st = cli_engine_open(ctx, &b->engine, &engine, need);
    if (st == WHET_OK) st = whet_checkpoint_read_facts(ctx, b->engine.dir.text, &b->facts);
    if (st == WHET_OK) st = whet_machine_read(ctx, &b->machine);
    if (o->cache_mib) {
        b->machine.l3_bytes = (uint64_t)o->cache_mib << 20;
        b->machine.n_l3 = 1;
    }
    return st;
}

whet_bench_opts cli_rig_opts(whet_ctx *ctx, cli_rig *b, const cli_bench_opts *o,
                             const char *const *kernels, int n_sides) {
    whet_bench_opts opts = {
        .n_sides = n_sides,
        .seed = o->seed,
        .cache_bytes = (uint64_t)o->cache_mib << 20,
    };
    b->engine.winner.ctx = ctx;
    for (int i = 0; i < n_sides; i++) {
        b->kernels[i] = kernels[i];
        opts.sides[i] = (whet_session_opts){
            .kernel = kernels[i],
            .attention = o->loaded[i],
            .find_winner = o->no_winner ? NULL : cli_winner_find,
            .find_winner_data = &b->engine.winner,
            .measured_attention = b->engine.profile.attention,
            .measured_linear = b->engine.profile.linear,
            .compiler = getenv("CC"),
            .chunk_tokens = o->chunk,
        };
    }
    return opts;
}

whet_status cli_rig_set_opts(whet_ctx *ctx, cli_rig *b, const whet_bench_opts *opts) {
    whet_bench_close(b->bench);
    return whet_bench_open(ctx, b->engine.model, &b->facts, b->engine.team, opts, &b->bench);
}

whet_status cli_rig_set_kernels(whet_ctx *ctx, cli_rig *b, const cli_bench_opts *o,
                                const char *const *kernels, int n_sides) {
    const whet_bench_opts opts = cli_rig_opts(ctx, b, o, kernels, n_sides);
    return cli_rig_set_opts(ctx, b, &opts);
}

void cli_rig_close(whet_ctx *ctx, cli_rig *b) {
    whet_bench_close(b->bench);
    cli_engine_close(ctx, &b->engine);
}

const char *cli_last_part(const char *path) {
    const char *name = path;
    for (const char *p = path; *p; p++)
        if (*p == '/' && p[1]) name = p + 1;
    return name;
}

const char *cli_rig_kernel_name(const cli_rig *b, int side, char name[CLI_KERNEL_NAME]) {
    const whet_attention_kernel *kernel = whet_bench_kernel(b->bench, side);
    const whet_winner *winner = b->engine.winner.winner;
    const char *asked = b->kernels[side];
    const size_t len = asked ? strlen(asked) : 0;
    if (len > 2 && strcmp(asked + len - 2, ".c") == 0)
        snprintf(name, CLI_KERNEL_NAME, "%s", cli_last_part(asked));
    else if (winner && kernel == whet_winner_kernel(winner))
        snprintf(name, CLI_KERNEL_NAME, "winner %.12s", whet_winner_about(winner)->program_hash);
    else
        snprintf(name, CLI_KERNEL_NAME, "%s", kernel->name);
    return name;
}

bool cli_rig_is_cold(const cli_rig *b) {
    const whet_work work = whet_work_decode(&b->facts, 128, 1);
    const double caches = (double)b->machine.l3_bytes * b->machine.n_l3;
    return work.weight_bytes + work.kv_bytes > 2 * caches;
}
