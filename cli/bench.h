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
    int threads, chunk, repetitions;
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

/* A model opened for measuring. */
typedef struct cli_rig {
    cli_engine engine; /* its session stays closed */
    whet_checkpoint_facts facts;
    whet_machine machine;
    whet_bench *bench;
} cli_rig;

/* Opens the model and the kernels of n_sides; a NULL name is what the engine takes: the winner for
 * this machine, else the best built-in kernel. A zeroed one goes in; close it whatever comes back.
 */
whet_status cli_rig_open(whet_ctx *ctx, cli_rig *b, const cli_bench_opts *o,
                         const char *const *kernels, int n_sides, cli_tokenizer_need need);
void cli_rig_close(whet_ctx *ctx, cli_rig *b);

/* The last part of a model's path or name. Borrowed. */
const char *cli_bench_model_name(const char *model);

/* "fused-avx512", or "winner 0123456789ab". */
const char *cli_rig_kernel_name(const cli_rig *b, int side, char name[32]);

/* Whether a token's weights and 128 tokens of context leave the last-level caches: else the
 * bandwidth of memory is no limit. */
bool cli_rig_is_cold(const cli_rig *b);

/* The three ways. */
whet_status cli_bench_speed(whet_ctx *ctx, const cli_bench_opts *o);
whet_status cli_bench_scenarios(whet_ctx *ctx, const cli_bench_opts *o);

#endif
