/* SPDX-License-Identifier: MIT */
/* whet duel: which of two attention kernels is faster here, with an interval and the controls of
 * the same sitting. Exit code 0: measured; 2: a side is rejected or in quarantine; 1: no answer. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <whet/machine.h>

#include "candidate.h"
#include "cli.h"
#include "duel.h"
#include "sittings.h"

enum {
    EXIT_REJECTED = 2,
    MAX_SHAPES = 32,
    MAX_PAIRS = 1000,
    MAX_BLOCKS = 32,
    MAX_CONTEXT = 1 << 17,
    MAX_THREADS = 256,
    PAIRS_IN_MODEL = 5,
};

static const char usual_shapes[] =
    "decode@128,decode@512,decode@2048,decode@8192,prefill512@512,prefill512@2560";

/* What is asked for: shapes, each at some numbers of workers. */
typedef struct plan {
    const cli_duel_opts *opts;
    const char *program;
    cli_duel_shape shapes[MAX_SHAPES];
    int n_shapes;
    int workers[2];
    int n_workers;
    double apart_seconds;
    whet_claim claims[MAX_SHAPES][2]; /* that every sitting so far has made */
    bool is_rejected;
} plan;

/* ---- what is asked ---- */

/* "decode@2048" or "prefill512@2560". */
static bool read_shape(const char *word, cli_duel_shape *shape) {
    int n = 0;
    shape->n_rows = 1;
    if (sscanf(word, "decode@%9d%n", &shape->n_context, &n) != 1)
        sscanf(word, "prefill%9d@%9d%n", &shape->n_rows, &shape->n_context, &n);
    return n > 0 && word[n] == '\0' && shape->n_rows >= 1 && shape->n_context <= MAX_CONTEXT &&
           shape->n_rows <= shape->n_context;
}

static whet_status read_shapes(plan *p) {
    char word[64];
    const char *at = p->opts->shapes;
    for (;;) {
        const size_t len = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)(len < 63 ? len : 63), at);
        if (p->n_shapes == MAX_SHAPES) return cli_usage("--shape takes at most %d", MAX_SHAPES);
        if (!read_shape(word, &p->shapes[p->n_shapes++]))
            return cli_usage("--shape %s: write decode@2048, or prefill512@2560 for the last 512 "
                             "rows of 2560; contexts up to %d",
                             word, MAX_CONTEXT);
        if (!at[len]) return WHET_OK;
        at += len + 1;
    }
}

static whet_status check_numbers(const cli_duel_opts *o) {
    if (o->n_pairs < 1 || o->n_pairs > MAX_PAIRS)
        return cli_usage("--pairs takes 1 to %d, not %d", MAX_PAIRS, o->n_pairs);
    if (o->n_blocks < 1 || o->n_blocks > MAX_BLOCKS)
        return cli_usage("--blocks takes 1 to %d, not %d", MAX_BLOCKS, o->n_blocks);
    if (o->n_threads < 0 || o->n_threads > MAX_THREADS)
        return cli_usage("--threads takes 0 to %d, not %d", MAX_THREADS, o->n_threads);
    if (!(o->sample_ms > 0) || o->sample_ms > 1000)
        return cli_usage("--sample takes milliseconds up to 1000, not %g", o->sample_ms);
    return WHET_OK;
}

static whet_status choose_workers(whet_ctx *ctx, plan *p) {
    whet_machine machine;
    const whet_status st = whet_machine_read(ctx, &machine);
    p->workers[p->n_workers++] = p->opts->n_threads ? p->opts->n_threads : 1;
    if (st == WHET_OK && !p->opts->n_threads && machine.n_threads > 1)
        p->workers[p->n_workers++] = machine.n_threads;
    return st;
}

/* ---- sittings ---- */

static void note_claim(plan *p, int shape, int workers, int sitting, const cli_duel_figures *f) {
    const whet_duel *cold = &f->duels[CLI_DUEL_COLD];
    const whet_claim now = whet_ratio_claim(&cold->result);
    whet_claim *kept = &p->claims[shape][workers];
    bool has_failed = f->doubt.code != WHET_V_PASS;
    for (int i = 0; i < CLI_N_DUELS; i++)
        has_failed |=
            f->duels[i].verdict.code != WHET_V_PASS && f->duels[i].verdict.code != WHET_V_SLOWER;
    if (has_failed || cold->verdict.gate == WHET_GATE_SANITY) p->is_rejected = true;
    *kept = cli_agree(*kept, now, sitting);
    if (has_failed) *kept = WHET_CLAIM_NONE;
}

static whet_status sit(whet_ctx *ctx, plan *p, cli_sitting *s) {
    whet_status st = WHET_OK;
    for (int i = 0; i < p->n_shapes; i++)
        for (int j = 0; j < p->n_workers && st == WHET_OK; j++) {
            cli_duel_figures figures;
            st = cli_duel_measure(ctx, s, p->shapes[i], p->workers[j], &figures);
            if (st == WHET_OK) note_claim(p, i, j, s->number, &figures);
            if (st == WHET_OK && s->opts->is_json) st = cli_duel_print_json(ctx, s, &figures);
            if (st == WHET_OK && !s->opts->is_json) cli_duel_print(s, &figures);
            cli_duel_figures_fini(ctx, &figures);
        }
    return st;
}

/* A claim needs every sitting. */
static void print_claims(const plan *p) {
    for (int i = 0; i < p->n_shapes; i++)
        for (int j = 0; j < p->n_workers; j++)
            printf("all %d sittings, %s%d@%d, %d workers: %s\n", p->opts->n_sittings,
                   p->shapes[i].n_rows > 1 ? "prefill" : "decode of ", p->shapes[i].n_rows,
                   p->shapes[i].n_context, p->workers[j], cli_claim_name(p->claims[i][j]));
}

static whet_status run_sittings(whet_ctx *ctx, plan *p, cli_sitting *s) {
    const uint64_t seed = s->seed;
    whet_status st = WHET_OK;
    for (s->number = 1; s->number <= p->opts->n_sittings && st == WHET_OK; s->number++) {
        cli_rest(ctx, s->number, p->apart_seconds);
        s->seed = seed + (uint64_t)s->number - 1;
        st = sit(ctx, p, s);
    }
    if (st == WHET_OK && p->opts->n_sittings > 1 && !p->opts->is_json) print_claims(p);
    return st;
}

static whet_judge_opts judge_opts_of(const plan *p, const whet_problem *problem, uint64_t seed,
                                     const cli_duellist *sides) {
    return (whet_judge_opts){
        .problem = *problem,
        .seed = seed,
        .worker = p->program,
        .cc = p->opts->cc,
        .sample_ns = p->opts->sample_ms * 1e6,
        .is_unsafe = p->opts->is_unsafe,
        .has_no_cases = !cli_duel_is_file(sides[0].name) && !cli_duel_is_file(sides[1].name),
    };
}

static whet_status duel(whet_ctx *ctx, plan *p, const whet_problem *problem, uint64_t seed,
                        cli_duellist *sides) {
    const whet_judge_opts opts = judge_opts_of(p, problem, seed, sides);
    cli_sitting sitting = { .opts = p->opts, .problem = *problem, .sides = sides, .seed = seed };
    whet_status st = whet_judge_open(ctx, &opts, &sitting.judge);
    for (int i = 0; i < 2 && st == WHET_OK && !p->is_rejected; i++)
        st = cli_duel_open_side(ctx, sitting.judge, problem, &sides[i], &p->is_rejected);
    if (st == WHET_OK && !p->is_rejected && !p->opts->is_json)
        printf("A %s against B %s, %s %d:%d heads of %d, seed %llu; above 1 A is faster\n",
               sides[0].name, sides[1].name, cli_dtype_name(problem->dtype), problem->n_heads,
               problem->n_kv_heads, problem->head_dim, (unsigned long long)seed);
    if (st == WHET_OK && !p->is_rejected) st = run_sittings(ctx, p, &sitting);
    for (int i = 0; i < 2; i++)
        whet_object_fini(ctx, &sides[i].object);
    whet_judge_close(ctx, sitting.judge);
    return st;
}

/* What is said of the engine is said by whet bench, and of a model's own heads. */
static whet_status check_scenarios(const cli_args *args) {
    static const char *const others[] = { "shape",    "problem", "dtype", "blocks", "sample",
                                          "sittings", "apart",   "bare",  "asleep" };
    const cli_duel_opts *o = args->opts;
    if (!o->model || !o->scenarios)
        return cli_usage("--scenario and --model go together: texts, and the model that they are "
                         "read and written by");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (cli_is_given(&cli_duel, args, others[i]))
            return cli_usage("--%s does not go with --scenario, which times both kernels in a "
                             "model's text",
                             others[i]);
    return WHET_OK;
}

static whet_status run_in_model(whet_ctx *ctx, const cli_args *args, plan *p, cli_duellist *sides) {
    uint64_t seed = 0;
    const whet_problem problem = { 0 }; /* the model has it */
    whet_status st = check_scenarios(args);
    if (st == WHET_OK) st = cli_choose_seed(&cli_duel, args, p->opts->seed, &seed);
    const whet_judge_opts opts = judge_opts_of(p, &problem, seed, sides);
    cli_duel_opts here = *p->opts;
    if (!cli_is_given(&cli_duel, args, "pairs")) here.n_pairs = PAIRS_IN_MODEL;
    if (st == WHET_OK) st = cli_duel_in_model(ctx, &here, &opts, sides, &p->is_rejected);
    return st;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const cli_duel_opts *o = args->opts;
    char program[PATH_MAX];
    plan p = { .opts = o, .program = program };
    whet_problem problem = { 0 };
    const char *more = NULL;
    uint64_t seed = 0;
    cli_duellist sides[2] = { { .name = args->words[0] }, { .name = args->words[1] } };
    whet_status st = check_numbers(o);
    if (st == WHET_OK) st = cli_find_self(program);
    cli_cancel_on_signal(ctx);
    if (st == WHET_OK && (o->scenarios || o->model)) {
        st = run_in_model(ctx, args, &p, sides);
        if (p.is_rejected) *args->exit_code = EXIT_REJECTED;
        return st;
    }
    if (st == WHET_OK) st = cli_read_dtype(o->dtype, &problem.dtype);
    if (st == WHET_OK) st = cli_read_problem(o->problem, &problem, &more);
    if (st == WHET_OK && more) st = cli_usage("--problem takes one problem, not %s", o->problem);
    if (st == WHET_OK) st = read_shapes(&p);
    if (st == WHET_OK) st = cli_read_sittings(o->n_sittings, o->apart, &p.apart_seconds);
    if (st == WHET_OK) st = cli_choose_seed(&cli_duel, args, o->seed, &seed);
    if (st == WHET_OK) st = choose_workers(ctx, &p);
    if (st == WHET_OK) st = duel(ctx, &p, &problem, seed, sides);
    if (p.is_rejected) *args->exit_code = EXIT_REJECTED;
    return st;
}

#define OPT(field) offsetof(cli_duel_opts, field)

static const cli_option options[] = {
    { "shape", CLI_STRING, OPT(shapes), "LIST", "decode@CONTEXT and prefillROWS@CONTEXT",
      usual_shapes },
    { "model", CLI_STRING, OPT(model), "DIR",
      "with --scenario: the checkpoint, whose heads are "
      "judged",
      NULL, 'm' },
    { "scenario", CLI_STRING, OPT(scenarios), "LIST",
      "in place of shapes: of primary, short, medium, long, code, in the engine", NULL },
    { "problem", CLI_STRING, OPT(problem), "H:K:D", "query heads, KV heads and head dimension",
      "16:8:128" },
    { "dtype", CLI_STRING, OPT(dtype), "TYPE", "bf16, f16 or f32", "bf16" },
    { "threads", CLI_INT, OPT(n_threads), "N", "workers; default: first 1, then one a core", NULL },
    { "pairs", CLI_INT, OPT(n_pairs), "N",
      "pairs of fresh processes, a quarter for controls; with --scenario of sessions, default 5",
      "20" },
    { "blocks", CLI_INT, OPT(n_blocks), "N", "interleaved blocks in each pair", "8" },
    { "sample", CLI_DOUBLE, OPT(sample_ms), "MS", "least length of a sample, milliseconds", "10" },
    CLI_SITTING_OPTIONS(cli_duel_opts, n_sittings, apart),
    { "seed", CLI_U64, OPT(seed), "N", "of inputs and orders; default: a fresh one", NULL },
    { "bare", CLI_FLAG, OPT(is_bare), NULL, "the duel alone: no probe, no warm one, no A/A", NULL },
    { "asleep", CLI_FLAG, OPT(is_asleep), NULL,
      "time batches also where a core is free to time every call", NULL },
    { "cc", CLI_STRING, OPT(cc), "CC", "compiler of FILE.c; default cc", NULL },
    { "unsafe", CLI_FLAG, OPT(is_unsafe), NULL,
      "also where the system gives no seccomp (see whet doctor)", NULL },
    { "json", CLI_FLAG, OPT(is_json), NULL, "a JSON line a duel, with every sample", NULL },
    { 0 },
};

const cli_command cli_duel = {
    .name = "duel",
    .summary = "which of two attention kernels is faster here, with an interval and its controls",
    .usage = "[options] NAME|FILE.c NAME|FILE.c\n"
             "       whet duel -m DIR --scenario LIST [options] NAME|FILE.c NAME|FILE.c   in texts",
    .options = options,
    .opts_bytes = sizeof(cli_duel_opts),
    .min_words = 2,
    .max_words = 2,
    .run = run,
};
