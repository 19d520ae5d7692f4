/* SPDX-License-Identifier: MIT */
/* whet judge: is this attention kernel right? Exit code 0: nothing was found against it; 2: it is
 * rejected; 1: the question could not be answered. */
#include <stdlib.h>
#include <string.h>

#include <whet/judge.h>

#include "candidate.h"
#include "cli.h"
#include "judge_champion.h"
#include "judge_score.h"
#include "self_test.h"
#include "sittings.h"

enum { EXIT_REJECTED = 2, MAX_CONTEXT = 1 << 20 };

typedef struct judge_opts {
    const char *problems;
    const char *dtype;
    const char *cc;
    const char *against;           /* a built-in kernel to time against; NULL = nothing is timed */
    const char *model, *scenarios; /* of gate 10; NULL = it is not asked, all of them */
    uint64_t seed;
    int n_threads;
    int n_context;                   /* that is timed */
    int n_mutants, n_honest, n_jobs; /* of a score */
    int n_pairs, n_sittings;         /* of gate 10 */
    const char *apart;
    bool is_score;
    bool is_json;
    bool is_unsafe;
    bool is_self_test;
    bool is_quick;
    bool is_untimed;
} judge_opts;

/* How fast it is in one shape. */
typedef struct timing {
    char shape[48];
    whet_ratio ratio; /* rival's time over its own */
    double ns, rival_ns;
} timing;

/* One question: a source text and a problem. */
typedef struct question {
    const judge_opts *opts;
    const char *file;
    const whet_buf *source;
    whet_problem problem;
    uint64_t seed;
    whet_buf model; /* its folder; empty: gate 10 is not asked */
    double apart_seconds;
} question;

/* What came of it. */
typedef struct findings {
    whet_object object;
    whet_verdict verdict;
    timing timings[WHET_N_SHAPES];
    whet_champion *champions; /* of gate 10's sittings; owned */
    int n_champions;          /* that were held */
} findings;

/* Silent where nothing is missing. */
static void print_jail(uint32_t layers) {
    for (uint32_t layer = 1; whet_jail_layer_name(layer); layer <<= 1)
        if (!(layers & layer))
            printf("  judged without %s: it does not hold here that %s\n",
                   whet_jail_layer_name(layer), whet_jail_layer_meaning(layer));
}

static void print_timings(const question *q, const timing *timings) {
    for (int i = 0; i < WHET_N_SHAPES; i++)
        if (timings[i].ns > 0)
            printf("  %-14s %.2fx %s [%.2f, %.2f], %.3f ms a call\n", timings[i].shape,
                   timings[i].ratio.ratio, q->opts->against, timings[i].ratio.low,
                   timings[i].ratio.high, timings[i].ns * 1e-6);
}

static void print_text(const question *q, const findings *f) {
    const whet_verdict *v = &f->verdict;
    const whet_problem *p = &q->problem;
    printf("%s  %s %d:%d heads of %d: %s\n", q->file, cli_dtype_name(p->dtype), p->n_heads,
           p->n_kv_heads, p->head_dim, whet_verdict_name(v->code));
    if (v->code != WHET_V_PASS) {
        printf("  gate %d, %s: %s\n", v->gate, whet_gate_name(v->gate),
               whet_verdict_meaning(v->code));
        printf("  %s\n", v->reason);
    }
    if (*v->compiler_text) printf("%s", v->compiler_text);
    if (v->n_checked)
        printf("  %lld outputs compared, the worst at %.3f of its tolerance, seed %llu\n",
               (long long)v->n_checked, v->worst, (unsigned long long)q->seed);
    if (v->jail) print_jail(v->jail);
    if (*f->object.sha256) printf("  object %s\n", f->object.sha256);
    print_timings(q, f->timings);
    for (int i = 0; i < f->n_champions; i++) {
        if (f->n_champions > 1) printf("  sitting %d:\n", i + 1);
        judge_champion_print(&f->champions[i]);
    }
    if (v->code == WHET_V_PASS) judge_champion_print_claims(f->champions, f->n_champions);
}

/* Appends ,"timing":[...]: of what passed, and was to be timed. */
static whet_status put_timings(whet_ctx *ctx, const question *q, const timing *timings,
                               whet_buf *line) {
    if (!(timings[0].ns > 0)) return WHET_OK;
    whet_status st = whet_buf_puts(ctx, line, ",\"rival\":");
    if (st == WHET_OK) st = whet_json_quote(ctx, line, q->opts->against, strlen(q->opts->against));
    for (int i = 0; i < WHET_N_SHAPES && st == WHET_OK; i++)
        st = whet_buf_printf(ctx, line,
                             "%s{\"shape\":\"%s\",\"ratio\":%.5f,\"low\":%.5f,\"high\":%.5f,"
                             "\"ns\":%.0f,\"rival_ns\":%.0f}",
                             i ? "," : ",\"timing\":[", timings[i].shape, timings[i].ratio.ratio,
                             timings[i].ratio.low, timings[i].ratio.high, timings[i].ns,
                             timings[i].rival_ns);
    return st == WHET_OK ? whet_buf_puts(ctx, line, "]") : st;
}

static whet_status print_json(whet_ctx *ctx, const question *q, const findings *f) {
    const whet_verdict *v = &f->verdict;
    const whet_problem *p = &q->problem;
    whet_buf line = { 0 };
    whet_status st = whet_buf_puts(ctx, &line, "{\"type\":\"verdict\",\"file\":");
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, q->file, strlen(q->file));
    if (st == WHET_OK)
        st = whet_buf_printf(ctx, &line,
                             ",\"dtype\":\"%s\",\"heads\":%d,\"kv_heads\":%d,\"head_dim\":%d,"
                             "\"seed\":%llu,\"verdict\":\"%s\",\"gate\":%d,\"gate_name\":\"%s\","
                             "\"object\":\"%s\",\"build_ms\":%.0f,\"reason\":",
                             cli_dtype_name(p->dtype), p->n_heads, p->n_kv_heads, p->head_dim,
                             (unsigned long long)q->seed, whet_verdict_name(v->code), v->gate,
                             whet_gate_name(v->gate), f->object.sha256, v->build_ns * 1e-6);
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, v->reason, strlen(v->reason));
    if (st == WHET_OK) st = whet_buf_puts(ctx, &line, ",\"compiler\":");
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, v->compiler_text, strlen(v->compiler_text));
    if (st == WHET_OK) st = whet_buf_puts(ctx, &line, ",\"evidence\":");
    if (st == WHET_OK) st = whet_verdict_evidence(ctx, v, &line);
    if (st == WHET_OK) st = put_timings(ctx, q, f->timings, &line);
    const int n = f->n_champions;
    if (st == WHET_OK && n && f->champions[n - 1].n_cases)
        st = judge_champion_put(ctx, &f->champions[n - 1], &line);
    if (st == WHET_OK && n > 1 && v->code == WHET_V_PASS)
        st = judge_champion_put_claims(ctx, f->champions, n, &line);
    if (st == WHET_OK) printf("%s}\n", line.text);
    whet_buf_fini(ctx, &line);
    return st;
}

/* Duels in decode and prefill; a wrong output while it is timed is a verdict, too. */
static whet_status time_it(whet_ctx *ctx, const question *q, whet_judge *judge, findings *f) {
    const whet_object rival = { .built_in = q->opts->against };
    for (int i = 0; i < WHET_N_SHAPES && f->verdict.code == WHET_V_PASS; i++) {
        const whet_duel_opts opts = { .shape = (whet_shape)i, .seed = q->seed + (uint64_t)i };
        whet_duel duel;
        const whet_status st = whet_judge_duel(ctx, judge, &f->object, &rival, &opts, &duel);
        if (st != WHET_OK) return st;
        f->timings[i] = (timing){ .ratio = duel.result, .ns = duel.ns, .rival_ns = duel.rival_ns };
        whet_judge_shape_name(judge, opts.shape, f->timings[i].shape, sizeof f->timings[i].shape);
        if (duel.verdict.code != WHET_V_PASS) f->verdict = duel.verdict;
        whet_duel_fini(ctx, &duel);
    }
    if (f->verdict.code != WHET_V_PASS) f->timings[0] = (timing){ 0 };
    return WHET_OK;
}

/* Gate 10: in a model, each sitting with a seed of its own. */
static whet_status play(whet_ctx *ctx, const question *q, const char *program,
                        const whet_judge *judge, findings *f) {
    const int n = q->opts->n_sittings;
    whet_champion_opts opts = {
        .model = q->model.text,
        .program = program,
        .baseline = q->opts->against,
        .scenarios = q->opts->scenarios,
        .seed = q->seed,
        .n_threads = q->opts->n_threads,
        .n_pairs = q->opts->n_pairs,
    };
    f->champions = calloc((size_t)n, sizeof *f->champions);
    if (!f->champions) {
        cli_usage("out of memory for %d sittings", n);
        return WHET_E_NOMEM;
    }
    whet_status st = WHET_OK;
    while (st == WHET_OK && f->n_champions < n && f->verdict.code == WHET_V_PASS) {
        whet_champion *c = &f->champions[f->n_champions++];
        cli_rest(ctx, f->n_champions, q->apart_seconds);
        st = whet_champion_run(ctx, judge, &f->object, &opts, c, &f->verdict);
        opts.seed++;
    }
    return st;
}

static whet_judge_opts judge_opts_of(const question *q, const char *program) {
    return (whet_judge_opts){
        .problem = q->problem,
        .n_threads = q->opts->n_threads,
        .seed = q->seed,
        .worker = program,
        .cc = q->opts->cc,
        .is_full = true,
        .is_unsafe = q->opts->is_unsafe,
    };
}

/* Mutants of the files, and the files as they are. */
static whet_status score(whet_ctx *ctx, const question *q, const char *program,
                         const cli_args *args) {
    const judge_opts *o = q->opts;
    whet_judge_opts opts = judge_opts_of(q, program);
    bool is_clean = true;
    if (o->n_mutants < 0 || o->n_honest < 0 || o->n_jobs < 0)
        return cli_usage("--mutants, --honest and --jobs take 0 or more");
    const whet_status st = judge_score_run(ctx, &opts,
                                           &(judge_score){ .files = args->words,
                                                           .n_files = args->n_words,
                                                           .n_mutants = o->n_mutants,
                                                           .n_honest = o->n_honest,
                                                           .n_jobs = o->n_jobs,
                                                           .is_json = o->is_json },
                                           &is_clean);
    if (!is_clean) *args->exit_code = EXIT_REJECTED;
    return st;
}

static whet_status answer(whet_ctx *ctx, const question *q, const char *program,
                          whet_verdict_code *code) {
    const whet_judge_opts opts = judge_opts_of(q, program);
    whet_judge *judge = NULL;
    findings f = { 0 };
    const char *against = q->opts->against;
    whet_status st = against ? cli_check_built_in(&q->problem, against, "") : WHET_OK;
    if (st == WHET_OK) st = whet_judge_open(ctx, &opts, &judge);
    if (st == WHET_OK)
        st = whet_judge_source(ctx, judge, q->source->text ? q->source->text : "", q->source->len,
                               &f.object, &f.verdict);
    if (st == WHET_OK && against) st = time_it(ctx, q, judge, &f);
    if (st == WHET_OK && q->model.len && f.verdict.code == WHET_V_PASS)
        st = play(ctx, q, program, judge, &f);
    if (st == WHET_OK && q->opts->is_json) st = print_json(ctx, q, &f);
    if (st == WHET_OK && !q->opts->is_json) print_text(q, &f);
    *code = f.verdict.code;
    free(f.champions);
    whet_object_fini(ctx, &f.object);
    whet_judge_close(ctx, judge);
    return st;
}

/* The heads of --model, as a word of --problem. */
static whet_status read_model(whet_ctx *ctx, const cli_args *args, question *q, char problem[48]) {
    const judge_opts *o = args->opts;
    whet_problem heads;
    if (cli_is_given(&cli_judge, args, "problem") || cli_is_given(&cli_judge, args, "dtype"))
        return cli_usage("--model has its own heads, in bf16: leave --problem and --dtype out");
    const whet_status st = cli_read_heads(ctx, o->model, &q->model, &heads);
    if (st == WHET_OK)
        snprintf(problem, 48, "%d:%d:%d", heads.n_heads, heads.n_kv_heads, heads.head_dim);
    return st;
}

/* The judge judges itself: what it is known to have to say. */
static whet_status test_itself(whet_ctx *ctx, const cli_args *args, const char *program) {
    const judge_opts *o = args->opts;
    bool is_right = false;
    whet_self_test_opts opts = {
        .parts = WHET_SELF_CHEATS | WHET_SELF_TWINS | WHET_SELF_HONEST,
        .is_quick = o->is_quick,
        .worker = program,
        .cc = o->cc,
        .is_unsafe = o->is_unsafe,
    };
    if (!o->is_untimed) opts.parts |= WHET_SELF_TIMING;
    if (args->n_words) return cli_usage("--self-test takes no file: the kernels are whet's own");
    whet_status st = cli_choose_seed(&cli_judge, args, o->seed, &opts.seed);
    cli_cancel_on_signal(ctx);
    if (st == WHET_OK) st = cli_self_test(ctx, &opts, o->is_json, &is_right);
    if (!is_right) *args->exit_code = EXIT_REJECTED;
    return st;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const judge_opts *o = args->opts;
    char program[PATH_MAX];
    whet_status st = cli_find_self(program);
    if (st != WHET_OK) return st;
    if (o->is_self_test) return test_itself(ctx, args, program);
    if (o->is_quick || o->is_untimed)
        return cli_usage("--quick and --no-timing go with --self-test");
    if (!args->n_words && !o->is_score)
        return cli_usage("judge: a word is missing; usage: whet judge FILE.c");
    if (o->n_threads < 0) return cli_usage("--threads takes 0 or more, not %d", o->n_threads);
    if (!o->model && (o->scenarios || o->n_pairs || o->n_sittings != 1 ||
                      cli_is_given(&cli_judge, args, "apart")))
        return cli_usage("--scenario, --pairs, --sittings and --apart go with --model");
    if (o->model && (o->is_score || o->n_pairs < 0 || o->n_pairs > 1000))
        return cli_usage("--model takes one file, and 1 to 1000 --pairs");
    if (!o->is_score && args->n_words > 1)
        return cli_usage("%s: one file at a time, but for --score", args->words[1]);
    if (o->n_context < 0 || o->n_context > MAX_CONTEXT)
        return cli_usage("--context takes 1 to %d, not %d", MAX_CONTEXT, o->n_context);
    whet_buf source = { 0 };
    question q = { .opts = o, .file = args->words[0], .source = &source };
    st = cli_read_dtype(o->dtype, &q.problem.dtype);
    if (st == WHET_OK) st = cli_read_sittings(o->n_sittings, o->apart, &q.apart_seconds);
    if (st == WHET_OK) st = cli_choose_seed(&cli_judge, args, o->seed, &q.seed);
    if (st == WHET_OK && !o->is_score) st = cli_read_source(ctx, q.file, &source);
    cli_cancel_on_signal(ctx);
    const bool is_small = o->is_score && !cli_is_given(&cli_judge, args, "problem");
    char of_model[48];
    if (st == WHET_OK && o->model) st = read_model(ctx, args, &q, of_model);
    for (const char *rest = o->model   ? of_model
                            : is_small ? "4:2:64"
                                       : o->problems;
         rest && st == WHET_OK;) {
        whet_verdict_code code = WHET_V_PASS;
        st = cli_read_problem(rest, &q.problem, &rest);
        q.problem.n_context = o->n_context;
        if (st == WHET_OK && o->is_score)
            st = score(ctx, &q, program, args);
        else if (st == WHET_OK)
            st = answer(ctx, &q, program, &code);
        if (code != WHET_V_PASS) *args->exit_code = EXIT_REJECTED;
    }
    whet_buf_fini(ctx, &source);
    whet_buf_fini(ctx, &q.model);
    return st;
}

#define OPT(field) offsetof(judge_opts, field)

static const cli_option options[] = {
    { "problem", CLI_STRING, OPT(problems), "H:K:D,...",
      "query heads, KV heads and head dimension; several with commas", "16:8:128" },
    { "dtype", CLI_STRING, OPT(dtype), "TYPE", "bf16, f16 or f32", "bf16" },
    { "threads", CLI_INT, OPT(n_threads), "N", "workers of some cases; default: one a core", NULL },
    { "seed", CLI_U64, OPT(seed), "N", "of the inputs; default: a fresh one", NULL },
    { "against", CLI_STRING, OPT(against), "NAME",
      "time it, too, against a built-in kernel: repeat, fused, grouped", NULL },
    { "model", CLI_STRING, OPT(model), "DIR",
      "what passes also runs in this checkpoint, against the kernel of --against or fused", NULL },
    { "scenario", CLI_STRING, OPT(scenarios), "LIST",
      "with --model: of primary, short, medium, long, code", NULL },
    { "pairs", CLI_INT, OPT(n_pairs), "N", "with --model: of sessions; default 5", NULL },
    CLI_SITTING_OPTIONS(judge_opts, n_sittings, apart),
    { "context", CLI_INT, OPT(n_context), "N", "context that is timed; default 2048", NULL },
    { "cc", CLI_STRING, OPT(cc), "CC", "compiler; default cc", NULL },
    { "score", CLI_FLAG, OPT(is_score), NULL,
      "measure the judge: mutants of whet's honest kernels, or of FILE.c ..., are to be rejected; "
      "heads 4:2:64 unless --problem gives others",
      NULL },
    { "mutants", CLI_INT, OPT(n_mutants), "N", "of a score: distinct mutants to judge", "300" },
    { "honest", CLI_INT, OPT(n_honest), "N",
      "of a score: judgements of kernels as they are, each with a fresh seed", NULL },
    { "jobs", CLI_INT, OPT(n_jobs), "N", "of a score: judgements side by side; default: one a core",
      NULL },
    { "unsafe", CLI_FLAG, OPT(is_unsafe), NULL,
      "judge also where the system gives no seccomp (see whet doctor)", NULL },
    { "json", CLI_FLAG, OPT(is_json), NULL, "one JSON line a problem", NULL },
    { "self-test", CLI_FLAG, OPT(is_self_test), NULL,
      "judge whet's own cheats and honest kernels, and time what is known", NULL },
    { "quick", CLI_FLAG, OPT(is_quick), NULL, "self-test: a few of them, as before an evolution",
      NULL },
    { "no-timing", CLI_FLAG, OPT(is_untimed), NULL, "self-test: verdicts only", NULL },
    { 0 },
};

const cli_command cli_judge = {
    .name = "judge",
    .summary = "judge an attention kernel: right, or rejected with the evidence",
    .usage = "[options] FILE.c\n"
             "       whet judge --model DIR [--scenario LIST] [--pairs N] [--sittings N --apart "
             "TIME] FILE.c\n"
             "       whet judge --self-test [--quick] [--no-timing] [--json]\n"
             "       whet judge --score [--mutants N] [--honest N] [--json] [FILE.c ...]",
    .options = options,
    .opts_bytes = sizeof(judge_opts),
    .max_words = CLI_MAX_ARGS,
    .run = run,
};
