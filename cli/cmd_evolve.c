/* SPDX-License-Identifier: MIT */
/* whet evolve: search for a faster attention program, prove it, install it. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <whet/checkpoint.h>
#include <whet/evolve.h>

#include "bench.h"
#include "candidate.h"
#include "cli.h"
#include "evolve_result.h"
#include "evolve_view.h"
#include "key.h"
#include "winner.h"

typedef struct evolve_opts {
    const char *model;
    const char *heads;
    const char *run_file;
    const char *resumed; /* the run file to go on with */
    const char *answers;
    const char *proposer;
    const char *program_file;
    const char *cc;
    const char *config;
    double minutes;
    double sample_ms;
    uint64_t seed;
    int max_programs;
    int n_children;
    int n_questions;
    int n_threads;
    int n_context;
    int head_dim;
    bool is_not_installed;
    bool is_json;
    bool is_config_printed;
    const char *prompts;
    int key_fd;
    bool is_dry_run;
    bool has_scenarios;
    bool is_untested;
    bool is_rehearsal;
    bool is_ending;
} evolve_opts;

/* ---- what is asked ---- */

/* The bundled model's shape, which is that of Qwen3-0.6B. */
static const whet_problem bundled = { WHET_BF16, 16, 8, 128, 0, 0 };

enum { DEFAULT_CONTEXT = 2048 };

/* A run that is resumed, or taken from answers, keeps its own problem, seed and time. */
static bool is_of_another_run(const evolve_opts *o) {
    return o->resumed || o->answers;
}

extern const cli_command cli_evolve;

static whet_status check(const cli_args *args) {
    const evolve_opts *o = args->opts;
    static const char *const own[] = { "model",     "heads",    "head-dim", "minutes", "seed",
                                       "programs",  "children", "context",  "threads", "proposer",
                                       "questions", "config",   "rehearsal" };
    for (size_t i = 0; i < sizeof own / sizeof *own && is_of_another_run(o); i++)
        if (cli_is_given(&cli_evolve, args, own[i]))
            return cli_usage("--%s and --%s: the run has its own", own[i],
                             o->resumed ? "resume" : "answers");
    if (!(o->sample_ms >= 0 && o->sample_ms <= 1000))
        return cli_usage("--sample %g: take more than 0 and at most 1000", o->sample_ms);
    if (o->is_ending && !o->resumed) return cli_usage("--end goes with --resume FILE");
    if (o->resumed && o->run_file)
        return cli_usage("--resume and --db: one of them names the run file");
    if (o->run_file &&
        (!*o->run_file || *o->run_file == ':')) /* SQLite's names of what is not kept */
        return cli_usage("--db \"%s\" is not the name of a file", o->run_file);
    return o->program_file ? cli_check_out("--out", o->program_file) : WHET_OK;
}

static whet_status choose_problem(whet_ctx *ctx, const whet_evolve_settings *settings,
                                  whet_problem *problem) {
    int max_context = INT_MAX;
    char tail;
    const int n_context = settings->opts.problem.n_context;
    *problem = bundled;
    if (settings->model && settings->heads)
        return cli_usage("--heads and --model: one of them says the shape");
    if (settings->model) {
        whet_buf dir = { 0 };
        const whet_status st = cli_read_heads(ctx, settings->model, &dir, problem);
        whet_buf_fini(ctx, &dir);
        if (st != WHET_OK) return st;
        max_context = problem->n_context;
    }
    if (settings->heads &&
        sscanf(settings->heads, "%9d:%9d%c", &problem->n_heads, &problem->n_kv_heads, &tail) != 2)
        return cli_usage("--heads %s: write 16:8 for 16 query heads and 8 KV heads",
                         settings->heads);
    if (settings->opts.problem.head_dim) problem->head_dim = settings->opts.problem.head_dim;
    problem->n_context = n_context ? n_context : DEFAULT_CONTEXT;
    if (n_context > max_context)
        return cli_usage("--context %d: the model goes to %d", n_context, max_context);
    if (problem->n_context > max_context) problem->n_context = max_context;
    return WHET_OK;
}

/* An option that is a key of the configuration, too: what was given goes over what the file says.
 */
static whet_status override(whet_ctx *ctx, const cli_args *args, const char *option,
                            const char *key, const char *value, whet_evolve_config *config) {
    char origin[48];
    if (!cli_is_given(&cli_evolve, args, option)) return WHET_OK;
    snprintf(origin, sizeof origin, "--%s", option);
    return whet_evolve_config_set(ctx, config, key, value, origin);
}

static whet_status configure(whet_ctx *ctx, const cli_args *args, whet_evolve_config *config) {
    const evolve_opts *o = args->opts;
    char minutes[32], seed[32], programs[16], children[16], context[16], threads[16], head_dim[16];
    char questions[16];
    snprintf(minutes, sizeof minutes, "%.17g", o->minutes);
    snprintf(seed, sizeof seed, "%" PRIu64, o->seed);
    snprintf(programs, sizeof programs, "%d", o->max_programs);
    snprintf(children, sizeof children, "%d", o->n_children);
    snprintf(questions, sizeof questions, "%d", o->n_questions);
    snprintf(context, sizeof context, "%d", o->n_context ? o->n_context : DEFAULT_CONTEXT);
    snprintf(threads, sizeof threads, "%d", o->n_threads);
    snprintf(head_dim, sizeof head_dim, "%d", o->head_dim);
    const struct {
        const char *option, *key, *value;
    } rows[] = {
        { "model", "model", o->model },
        { "heads", "heads", o->heads },
        { "head-dim", "head_dim", head_dim },
        { "minutes", "minutes", minutes },
        { "seed", "random_seed", seed },
        { "programs", "max_iterations", programs },
        { "children", "evaluator.parallel_evaluations", children },
        { "context", "context", context },
        { "threads", "threads", threads },
        { "proposer", "proposer", o->proposer },
        { "rehearsal", "rehearsal", "true" },
        { "questions", "llm.parallel_questions", questions },
    };
    whet_status st = o->config ? whet_evolve_config_read(ctx, config, o->config) : WHET_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && st == WHET_OK; i++)
        st = override(ctx, args, rows[i].option, rows[i].key, rows[i].value, config);
    whet_buf warnings = { 0 };
    if (st == WHET_OK) st = whet_evolve_config_warnings(ctx, config, &warnings);
    for (const char *line = warnings.text; st == WHET_OK && line && *line;) {
        const size_t n = strcspn(line, "\n");
        fprintf(stderr, "whet: %s: %.*s\n", o->config, (int)n, line);
        line += n + (line[n] == '\n');
    }
    whet_buf_fini(ctx, &warnings);
    return st;
}

/* ---- running ---- */

/* runs/2026-01-31-120000.sqlite in the data folder. */
static whet_status choose_run_file(whet_ctx *ctx, const evolve_opts *o, const char *folder,
                                   whet_buf *path) {
    if (o->resumed) return whet_buf_puts(ctx, path, o->resumed);
    if (o->run_file) return whet_buf_puts(ctx, path, o->run_file);
    const time_t now = time(NULL);
    struct tm t;
    char date[32];
    localtime_r(&now, &t);
    strftime(date, sizeof date, "%Y-%m-%d-%H%M%S", &t);
    whet_status st = whet_buf_printf(ctx, path, "%s/runs", folder);
    if (st == WHET_OK) st = whet_buf_printf(ctx, path, "/%s.sqlite", date);
    return st;
}

/* The prompt of the first question goes to stdout, its size to stderr. */
static whet_status print_prompt(whet_ctx *ctx, const whet_evolve_opts *opts) {
    whet_buf prompt = { 0 };
    const whet_status st = whet_evolve_first_prompt(ctx, opts, &prompt);
    if (st == WHET_OK) fputs(prompt.text, stdout);
    if (st == WHET_OK)
        fprintf(stderr, "%zu bytes, some %zu tokens; nobody was asked\n", prompt.len,
                prompt.len / 4);
    whet_buf_fini(ctx, &prompt);
    return st;
}

/* The text jobs, and decoding as the context grows, with the engine's own kernel and with what came
 * of the run. */
static whet_status compare_in_model(whet_ctx *ctx, const evolve_opts *o,
                                    const whet_evolve_settings *settings,
                                    const whet_evolve_result *result) {
    if (!*result->hash || *result->suite.rival == '\0') return WHET_OK;
    const cli_bench_opts bench = {
        .model = settings->model,
        .baseline = result->suite.engine,
        .candidate = o->program_file,
        .threads = settings->opts.n_threads,
        .repetitions = 1,
    };
    printf("\n");
    return cli_bench_scenarios(ctx, &bench);
}

static void tell_stopped(const evolve_opts *o, const whet_evolve_result *result,
                         const char *run_file) {
    FILE *out = o->is_json ? stderr : stdout;
    if (result->has_run)
        fprintf(out,
                "stopped: nothing was installed; whet evolve --resume %s goes on, with --end to "
                "the finals\n",
                run_file);
    else
        fprintf(out, "stopped before the run began: there is nothing to go on with\n");
}

static whet_status evolve(whet_ctx *ctx, const evolve_opts *o, const whet_evolve_settings *settings,
                          const char *folder, const char *run_file, whet_buf *key) {
    char program[PATH_MAX];
    if (o->has_scenarios && !(o->program_file && settings->model))
        return cli_usage("--scenarios needs --model, and --out for the program that is compared");
    cli_evolve_view view = cli_evolve_view_open();
    whet_profile profile;
    whet_evolve_opts opts = settings->opts;
    if (!opts.proposer && opts.llm.n_models) opts.proposer = "openai";
    opts.prompts = o->prompts;
    if (!opts.seed) opts.seed = 1;
    opts.run_file = run_file;
    opts.program_file = o->program_file;
    opts.is_resumed = o->resumed != NULL;
    opts.is_ending = o->is_ending;
    opts.answers = o->answers;
    opts.winners = o->is_not_installed ? NULL : folder;
    opts.worker = program;
    opts.cc = o->cc;
    opts.sample_ns = o->sample_ms * 1e6;
    opts.tests_judge = !o->is_untested;
    opts.on_event = cli_evolve_view_show;
    opts.event_data = &view;
    whet_status st = cli_find_self(program);
    if (st == WHET_OK) st = cli_profile_find(ctx, &profile);
    if (st == WHET_OK) opts.measured_attention = profile.attention;
    if (st == WHET_OK && !is_of_another_run(o)) st = choose_problem(ctx, settings, &opts.problem);
    /* A command that is asked may need the variable itself. */
    const bool is_command = opts.proposer && strncmp(opts.proposer, "command:", 8) == 0;
    if (st == WHET_OK)
        st = cli_read_key(ctx, o->key_fd, settings->api_key ? settings->api_key : "OPENAI_API_KEY",
                          !is_command, key);
    if (st != WHET_OK) return st;
    opts.llm.api_key = key->text;
    cli_cancel_on_signal(ctx);
    if (o->is_dry_run) return print_prompt(ctx, &opts);
    whet_evolve_result result;
    st = whet_evolve(ctx, &opts, &result);
    cli_progress_end();
    if (st == WHET_E_CANCELLED) tell_stopped(o, &result, run_file);
    if (st != WHET_OK) return st;
    if (o->is_json) return cli_evolve_print_json(ctx, &result, run_file);
    cli_evolve_print(&result, run_file, folder);
    return o->has_scenarios ? compare_in_model(ctx, o, settings, &result) : WHET_OK;
}

static whet_status print_config(whet_ctx *ctx, const whet_evolve_config *config) {
    whet_buf text = { 0 };
    const whet_status st = whet_evolve_config_print(ctx, config, &text);
    if (st == WHET_OK) fputs(text.text, stdout);
    whet_buf_fini(ctx, &text);
    return st;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const evolve_opts *o = args->opts;
    whet_buf folder = { 0 }, run_file = { 0 }, key = { 0 };
    whet_evolve_config *config = NULL;
    whet_status st = check(args);
    if (st == WHET_OK) st = whet_evolve_config_open(ctx, &config);
    if (st == WHET_OK) st = configure(ctx, args, config);
    if (st == WHET_OK && o->is_config_printed) {
        st = print_config(ctx, config);
    } else {
        if (st == WHET_OK) st = cli_data_folder(ctx, &folder);
        if (st == WHET_OK) st = choose_run_file(ctx, o, folder.text, &run_file);
        if (st == WHET_OK)
            st = evolve(ctx, o, whet_evolve_config_settings(config), folder.text, run_file.text,
                        &key);
    }
    whet_evolve_config_close(ctx, config);
    cli_forget_key(ctx, &key);
    whet_buf_fini(ctx, &folder);
    whet_buf_fini(ctx, &run_file);
    return st;
}

#define OPT(field) offsetof(evolve_opts, field)
static const cli_option options[] = {
    { "model", CLI_STRING, OPT(model), "DIR",
      "the model whose attention is sharpened; default: the shape of Qwen3-0.6B", NULL },
    { "heads", CLI_STRING, OPT(heads), "H:K", "query and KV heads instead of a model's", NULL },
    { "head-dim", CLI_INT, OPT(head_dim), "N", "elements of a head, with --heads", NULL },
    { "minutes", CLI_DOUBLE, OPT(minutes), "N", "time for search and finals", "1" },
    { "programs", CLI_INT, OPT(max_programs), "N", "end the search after N programs", NULL },
    { "children", CLI_INT, OPT(n_children), "N",
      "of a generation, side by side; default: one a core", NULL },
    { "context", CLI_INT, OPT(n_context), "N", "context that is timed; default 2048", NULL },
    { "threads", CLI_INT, OPT(n_threads), "N", "workers; default: one a core", NULL },
    { "seed", CLI_U64, OPT(seed), "N", "of all choices and inputs", "1" },
    { "db", CLI_STRING, OPT(run_file), "FILE", "the run file; default: in the data folder", NULL },
    { "resume", CLI_STRING, OPT(resumed), "FILE", "go on with the run of that run file", NULL },
    { "end", CLI_FLAG, OPT(is_ending), NULL,
      "with --resume: no more programs, but the finals of those there are", NULL },
    { "answers", CLI_STRING, OPT(answers), "FILE",
      "take that run anew with its verdicts and timings; nothing is judged", NULL },
    { "proposer", CLI_STRING, OPT(proposer), "WHO",
      "asked for children of every generation: command:CMD, manual:FOLDER or openai", NULL },
    { "questions", CLI_INT, OPT(n_questions), "N",
      "that it is asked side by side in a generation; default 1", NULL },
    { "prompts", CLI_STRING, OPT(prompts), "DIR", "templates of prompts instead of ours", NULL },
    { "key-fd", CLI_INT, OPT(key_fd), "N",
      "read the server's key from file descriptor N; default: $OPENAI_API_KEY", NULL },
    { "dry-run", CLI_FLAG, OPT(is_dry_run), NULL, "print the first prompt; nobody is asked", NULL },
    { "config", CLI_STRING, OPT(config), "FILE.yaml", "settings; options given here go over them",
      NULL },
    { "print-config", CLI_FLAG, OPT(is_config_printed), NULL,
      "print every effective value with its origin, and end", NULL },
    { "out", CLI_STRING, OPT(program_file), "FILE.c", "the best program as C, for --kernel", NULL },
    { "scenarios", CLI_FLAG, OPT(has_scenarios), NULL,
      "then whet bench of the model, --out's program against the engine's kernel", NULL },
    { "cc", CLI_STRING, OPT(cc), "CC", "the C compiler", "cc" },
    { "sample", CLI_DOUBLE, OPT(sample_ms), "MS",
      "least length of a timed sample, milliseconds; default 10, of a rehearsal 0.05", NULL },
    { "no-self-test", CLI_FLAG, OPT(is_untested), NULL,
      "do not test the judge before (whet judge --self-test --quick)", NULL },
    { "rehearsal", CLI_FLAG, OPT(is_rehearsal), NULL,
      "try a setup out: all steps, speeds looked at roughly, nothing installed", NULL },
    { "no-install", CLI_FLAG, OPT(is_not_installed), NULL, "leave the winners alone", NULL },
    { "json", CLI_FLAG, OPT(is_json), NULL, "the result as one line of JSON", NULL },
    { 0 },
};

const cli_command cli_evolve = {
    .name = "evolve",
    .summary = "search for a faster attention program, prove it, install it",
    .usage = "[options]",
    .options = options,
    .opts_bytes = sizeof(evolve_opts),
    .run = run,
};
