/* SPDX-License-Identifier: MIT */
/* whet bench: how fast a model, a pair of kernels or a single op is on this machine. */
#include "bench.h"

#include "cli.h"

/* The words of llama-bench ask for its table. */
static bool is_speed(const cli_bench_opts *o) {
    return o->prompts || o->tokens || o->depths;
}

static whet_status check_model(const cli_bench_opts *o) {
    if (!o->model) return cli_usage("bench: --model is missing; see whet bench --help");
    if (o->shape) return cli_usage("bench: --shape is for --op");
    if (!is_speed(o) && (o->kernel || o->output))
        return cli_usage("bench: --kernel and -o are for -p, -n and -d; kernels are compared with "
                         "--baseline and --candidate");
    if (is_speed(o) && (o->baseline || o->candidate || o->scenarios || o->suite || o->contexts))
        return cli_usage("bench: -p, -n and -d measure one kernel: --kernel NAME|FILE.c");
    return WHET_OK;
}

static whet_status check_op(const cli_bench_opts *o) {
    if (is_speed(o) || o->output || o->baseline || o->candidate || o->scenarios || o->suite ||
        o->contexts || o->model)
        return cli_usage("bench: --op goes with --shape, --kernel, --seconds, --threads, --json");
    if (!(o->seconds > 0) || o->seconds > 600)
        return cli_usage("--seconds takes a number up to 600, not %g", o->seconds);
    return WHET_OK;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const cli_bench_opts *o = args->opts;
    whet_status st = cli_check_bench(o);
    if (st == WHET_OK) st = o->op ? check_op(o) : check_model(o);
    if (st != WHET_OK) return st;
    cli_cancel_on_signal(ctx);
    if (o->op) return cli_bench_op(ctx, o);
    return is_speed(o) ? cli_bench_speed(ctx, o) : cli_bench_scenarios(ctx, o);
}

#define AT(field) offsetof(cli_bench_opts, field)
static const cli_option options[] = {
    { "model", CLI_STRING, AT(model), "DIR", "checkpoint, or its name in the Hugging Face cache",
      NULL, 'm' },
    { "threads", CLI_INT, AT(threads), "N", "0 = what suits the machine", "0", 't' },
    { "caches", CLI_INT, AT(cache_mib), "MIB",
      "last-level caches that cold data leaves; 0 = as the machine shows them", "0" },
    CLI_ISA_OPTION,
    { "chunk", CLI_INT, AT(chunk), "N", "prompt tokens a step; 0 = 512", "0" },
    { "no-winners", CLI_FLAG, AT(no_winner), NULL, "do not use a winner of whet evolve", NULL },
    { "repetitions", CLI_INT, AT(repetitions), "N", "times that everything is measured", "5", 'r' },
    { "seed", CLI_U64, AT(seed), "N", "of ids, filled contexts and orders", "0" },
    { "json", CLI_FLAG, AT(is_json), NULL, "JSON Lines with every sample", NULL },
    { "baseline", CLI_STRING, AT(baseline), "NAME|FILE.c", "kernel to compare with; default: fused",
      NULL },
    { "candidate", CLI_STRING, AT(candidate), "NAME|FILE.c",
      "kernel to compare; default: what the engine takes", NULL },
    { "scenario", CLI_STRING, AT(scenarios), "LIST", "of primary, short, medium, long, code",
      NULL },
    { "suite", CLI_STRING, AT(suite), "NAME",
      "short, or long: also prompts filled to 2k, 8k and 32k; default short", NULL },
    { "context", CLI_STRING, AT(contexts), "LIST",
      "decode at these lengths; default 128,512,2k,8k,32k", NULL },
    { "kernel", CLI_STRING, AT(kernel), "NAME|FILE.c",
      "speed: attention kernel, a file is trusted; op: a list of them; default: all", NULL },
    { "n-prompt", CLI_STRING, AT(prompts), "LIST", "speed: prompts of so many tokens; default 512",
      NULL, 'p' },
    { "n-gen", CLI_STRING, AT(tokens), "LIST", "speed: so many tokens one by one; default 128",
      NULL, 'n' },
    { "n-depth", CLI_STRING, AT(depths), "LIST",
      "speed: behind so many synthetic tokens; default 0", NULL, 'd' },
    { "op", CLI_STRING, AT(op), "NAME", "one op alone: attention or linear", NULL },
    { "shape", CLI_STRING, AT(shape), "LIST",
      "op: \"16:8x128,2048,1\" (heads:KV heads x dim, context, rows) or \"3072x1024,1\" (outputs x "
      "inputs, rows); several apart by spaces",
      NULL },
    { "seconds", CLI_DOUBLE, AT(seconds), "S", "op: for each kernel and shape", "1" },
    { "output", CLI_STRING, AT(output), "FORMAT", "speed: md, csv, json or jsonl; default md", NULL,
      'o' },
    { 0 },
};

const cli_command cli_bench = {
    .name = "bench",
    .summary = "measure speed: tokens per second, and how far that is from the machine's limits",
    .usage =
        "-m DIR [--baseline K] [--candidate K]   text jobs, two kernels in turns\n"
        "       whet bench -m DIR -p 512 -n 128 -d 0,2k   tokens per second of one kernel\n"
        "       whet bench --op attention|linear [--shape LIST]   one op, all kernels in turns",
    .options = options,
    .opts_bytes = sizeof(cli_bench_opts),
    .run = run,
};
