/* SPDX-License-Identifier: MIT */
/* What the ways to benchmark share: options, lists of sizes, opening, the line about the machine.
 */
#ifndef WHET_CLI_BENCH_H
#define WHET_CLI_BENCH_H

#include <whet/bench.h>

#include "engine.h"

enum { CLI_BENCH_MAX_LIST = 32 };

typedef struct cli_bench_opts {
    const char *model, *kernel, *baseline, *candidate;
    const char *prompts, *tokens, *depths, *contexts; /* lists of sizes */
    const char *output, *scenarios, *suite, *op, *shape;
    /* of candidate and baseline: what was loaded already, in place of the name; borrowed */
    const whet_attention_kernel *loaded[WHET_BENCH_MAX_SIDES];
    int threads, chunk, repetitions;
    int cache_mib; /* 0 = the machine's last-level caches */
    double seconds;
    uint64_t seed;
    bool no_winner, is_json;
} cli_bench_opts;

/* "512,2k" */
typedef struct cli_sizes {
    size_t sizes[CLI_BENCH_MAX_LIST];
    int n;
} cli_sizes;

/* Whole numbers apart by commas; k multiplies by 1024. */
whet_status cli_parse_sizes(const char *option, const char *text, cli_sizes *list);

/* Refuses numbers that all ways of measuring have and that make no sense. */
whet_status cli_check_bench(const cli_bench_opts *o);

/* A model opened for measuring. */
typedef struct cli_rig {
    cli_engine engine; /* its session stays closed */
    whet_checkpoint_facts facts;
    whet_machine machine;
    whet_bench *bench;
    const char *kernels[WHET_BENCH_MAX_SIDES]; /* as they were named; NULL = the engine chose */
} cli_rig;

/* Opens the model. A zeroed one goes in; close it whatever comes back. */
whet_status cli_rig_open(whet_ctx *ctx, cli_rig *b, const cli_bench_opts *o,
                         cli_tokenizer_need need);

/* Opens the kernels of n_sides, instead of those before; a NULL name is what the engine takes: the
 * winner for this machine, else the best built-in kernel. The names are borrowed until close. */
whet_status cli_rig_set_kernels(whet_ctx *ctx, cli_rig *b, const cli_bench_opts *o,
                                const char *const *kernels, int n_sides);

/* The same in two steps, for those who change the options in between. */
whet_bench_opts cli_rig_opts(whet_ctx *ctx, cli_rig *b, const cli_bench_opts *o,
                             const char *const *kernels, int n_sides);
whet_status cli_rig_set_opts(whet_ctx *ctx, cli_rig *b, const whet_bench_opts *opts);

void cli_rig_close(whet_ctx *ctx, cli_rig *b);

/* The last part of a path or of a model's name. Borrowed. */
const char *cli_last_part(const char *path);

enum { CLI_KERNEL_NAME = 48 };

/* "fused-avx512", "winner 0123456789ab", or the name of the file it was compiled from. */
const char *cli_rig_kernel_name(const cli_rig *b, int side, char name[CLI_KERNEL_NAME]);

/* Whether a token's weights and 128 tokens of context leave the last-level caches: else the
 * bandwidth of memory is no limit. */
bool cli_rig_is_cold(const cli_rig *b);

/* Refuses a list for --scenario with words that name none. */
whet_status cli_check_scenarios(const char *names);

/* The three ways. */
whet_status cli_bench_speed(whet_ctx *ctx, const cli_bench_opts *o);
whet_status cli_bench_scenarios(whet_ctx *ctx, const cli_bench_opts *o);
whet_status cli_bench_op(whet_ctx *ctx, const cli_bench_opts *o);

#endif
