/* SPDX-License-Identifier: MIT */
/* whet bench -p -n -d: the speed of a model alone, in the rows and words of llama-bench. */
#include <math.h>
#include <string.h>

#include "bench.h"

typedef enum format { MARKDOWN, CSV, JSON, JSON_LINES } format;

static const char *const format_names[] = { "md", "csv", "json", "jsonl" };

/* pp512, tg128, or with " @ d2048" behind it. */
typedef struct test {
    size_t n_prompt, n_tokens, depth;
} test;

typedef struct speed {
    const cli_bench_opts *o;
    cli_rig b;
    format format;
    test tests[2 * CLI_BENCH_MAX_LIST * CLI_BENCH_MAX_LIST];
    int n_tests;
    bool is_doubtful; /* a figure above its limit was printed */
} speed;

static const char *name_of(const test *t, char name[64]) {
    const int n = snprintf(name, 64, t->n_prompt ? "pp%zu" : "tg%zu",
                           t->n_prompt ? t->n_prompt : t->n_tokens);
    if (t->depth) snprintf(name + n, 64 - (size_t)n, " @ d%zu", t->depth);
    return name;
}

/* Every depth with every prompt, then with every number of tokens; 0 leaves out. */
static whet_status list_tests(speed *s) {
    cli_sizes prompts, tokens, depths;
    whet_status st = cli_parse_sizes("n-prompt", s->o->prompts ? s->o->prompts : "512", &prompts);
    if (st == WHET_OK) st = cli_parse_sizes("n-gen", s->o->tokens ? s->o->tokens : "128", &tokens);
    if (st == WHET_OK) st = cli_parse_sizes("n-depth", s->o->depths ? s->o->depths : "0", &depths);
    if (st != WHET_OK) return st;
    for (int d = 0; d < depths.n; d++) {
        for (int i = 0; i < prompts.n; i++)
            if (prompts.sizes[i])
                s->tests[s->n_tests++] = (test){ prompts.sizes[i], 0, depths.sizes[d] };
        for (int i = 0; i < tokens.n; i++)
            if (tokens.sizes[i])
                s->tests[s->n_tests++] = (test){ 0, tokens.sizes[i], depths.sizes[d] };
    }
    return s->n_tests ? WHET_OK : cli_usage("-p and -n are both 0: nothing to measure");
}

static whet_status choose_format(speed *s) {
    const char *name = s->o->output ? s->o->output : s->o->is_json ? "jsonl" : "md";
    for (int i = 0; i <= JSON_LINES; i++)
        if (strcmp(name, format_names[i]) == 0) {
            s->format = (format)i;
            return WHET_OK;
        }
    return cli_usage("-o takes md, csv, json or jsonl, not \"%.40s\"", name);
}

/* Everything is known to fit before the first row is printed. */
static whet_status check(whet_ctx *ctx, const speed *s) {
    whet_status st = WHET_OK;
    for (int i = 0; i < s->n_tests && st == WHET_OK; i++) {
        const test *t = &s->tests[i];
        st = whet_bench_fits(ctx, s->b.bench, t->depth + t->n_prompt + t->n_tokens);
    }
    return st;
}

static const char *limit_of(const whet_bench_figure *f) {
    return f->is_reading ? "P" : "F";
}

static void print_markdown(speed *s, const test *t, const whet_bench_figure *f) {
    char name[64], kernel[CLI_KERNEL_NAME], share[32] = "-";
    const bool is_doubtful = f->share_of_limit > WHET_BENCH_CREDIBLE;
    if (cli_rig_is_cold(&s->b)) {
        snprintf(share, sizeof share, "%.0f %s%s", 100 * f->share_of_limit, limit_of(f),
                 is_doubtful ? " ?" : "");
        s->is_doubtful |= is_doubtful;
    }
    printf("| %s | %.2f GiB | %.2f M | %s | %d | %s | %.2f ± %.2f | %.1f | %.0f | %s |\n",
           cli_last_part(s->o->model), (double)s->b.facts.weight_bytes / (1 << 30),
           (double)s->b.facts.n_parameters * 1e-6, cli_rig_kernel_name(&s->b, 0, kernel),
           whet_team_size(s->b.engine.team), name_of(t, name), f->mean, f->sd,
           f->peaks.bytes_per_second * 1e-9, f->peaks.flop_per_second * 1e-9, share);
}

/* The mean and the standard deviation of the samples' times. */
static void times_of(const whet_bench_result *r, double *mean, double *sd) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < r->n_samples; i++)
        sum += r->samples[i].time.ns;
    *mean = sum / (double)r->n_samples;
    for (size_t i = 0; i < r->n_samples; i++)
        squares += (r->samples[i].time.ns - *mean) * (r->samples[i].time.ns - *mean);
    *sd = r->n_samples > 1 ? sqrt(squares / (double)(r->n_samples - 1)) : 0;
}

static void print_csv(const speed *s, const test *t, const whet_bench_result *r,
                      const whet_bench_figure *f) {
    double mean, sd;
    char kernel[CLI_KERNEL_NAME];
    times_of(r, &mean, &sd);
    printf("\"%s\",%llu,%lld,\"%s\",%d,%zu,%zu,%zu,%.0f,%.0f,%.6f,%.6f,%.6g,%.6g,%s,%.4f,%llu\n",
           cli_last_part(s->o->model), (unsigned long long)s->b.facts.weight_bytes,
           (long long)s->b.facts.n_parameters, cli_rig_kernel_name(&s->b, 0, kernel),
           whet_team_size(s->b.engine.team), t->n_prompt, t->n_tokens, t->depth, mean, sd, f->mean,
           f->sd, f->peaks.bytes_per_second, f->peaks.flop_per_second, limit_of(f),
           f->share_of_limit, (unsigned long long)r->rss_bytes[0]);
}

static whet_status print_json(whet_ctx *ctx, const speed *s, const test *t,
                              const whet_bench_result *r, const whet_bench_figure *f) {
    const char *model = cli_last_part(s->o->model);
    char kernel[CLI_KERNEL_NAME];
    cli_rig_kernel_name(&s->b, 0, kernel);
    double mean, sd;
    times_of(r, &mean, &sd);
    whet_buf line = { 0 };
    whet_status st = whet_buf_puts(ctx, &line, "{\"type\":\"speed\",\"model_filename\":");
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, model, strlen(model));
    if (st == WHET_OK) st = whet_buf_puts(ctx, &line, ",\"kernel\":");
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, kernel, strlen(kernel));
    if (st == WHET_OK)
        st = whet_buf_printf(
            ctx, &line,
            ",\"model_size\":%llu,\"model_n_params\":%lld,\"n_threads\":%d,\"n_prompt\":%zu,"
            "\"n_gen\":%zu,\"n_depth\":%zu,\"avg_ns\":%.0f,\"stddev_ns\":%.0f,\"avg_ts\":%.6f,"
            "\"stddev_ts\":%.6f,\"bytes_per_second\":%.6g,\"flop_per_second\":%.6g,\"limit\":\"%"
            "s\","
            "\"share_of_limit\":%.4f,\"peak_rss_bytes\":%llu,\"kernel_calls\":%llu,\"samples\":[",
            (unsigned long long)s->b.facts.weight_bytes, (long long)s->b.facts.n_parameters,
            whet_team_size(s->b.engine.team), t->n_prompt, t->n_tokens, t->depth, mean, sd, f->mean,
            f->sd, f->peaks.bytes_per_second, f->peaks.flop_per_second, limit_of(f),
            f->share_of_limit, (unsigned long long)r->rss_bytes[0],
            (unsigned long long)r->n_calls[0]);
    for (size_t i = 0; i < r->n_samples && st == WHET_OK; i++) {
        const whet_bench_sample *a = &r->samples[i];
        st = whet_buf_printf(
            ctx, &line, "%s{\"ns\":%.0f,\"bytes_per_second\":%.6g,\"flop_per_second\":%.6g}",
            i ? "," : "", a->time.ns, a->peaks.bytes_per_second, a->peaks.flop_per_second);
    }
    if (st == WHET_OK) printf("%s]}", line.text);
    whet_buf_fini(ctx, &line);
    return st;
}

static void print_head(const speed *s) {
    if (s->format == MARKDOWN)
        printf("| model | size | params | kernel | threads | test | t/s | P GB/s | F GFLOP/s | "
               "%% of limit |\n"
               "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    if (s->format == CSV)
        printf("model_filename,model_size,model_n_params,kernel,n_threads,n_prompt,n_gen,n_depth,"
               "avg_ns,stddev_ns,avg_ts,stddev_ts,bytes_per_second,flop_per_second,limit,"
               "share_of_limit,peak_rss_bytes\n");
    if (s->format == JSON) printf("[\n");
}

static void print_foot(const speed *s) {
    if (s->format == JSON) printf("]\n");
    if (s->format != MARKDOWN) return;
    printf("\n%s, %d threads, whet %s. P: read bandwidth, F: arithmetic peak, probed around every "
           "run.\n",
           s->b.machine.cpu, whet_team_size(s->b.engine.team), WHET_VERSION);
    if (!cli_rig_is_cold(&s->b))
        printf("The weights fit this machine's caches: its memory is no limit, no share is "
               "given.\n");
    if (s->is_doubtful)
        printf("?: above its limit, so the probes were disturbed: measure again.\n");
}

static whet_status print_row(whet_ctx *ctx, speed *s, int i, const whet_bench_result *r) {
    const test *t = &s->tests[i];
    whet_bench_figure f;
    whet_status st = whet_bench_summarise(
        ctx, s->b.bench, r, t->n_prompt ? WHET_BENCH_PROMPT : WHET_BENCH_TOKENS, 0, &f);
    if (st != WHET_OK) return st;
    cli_progress_end();
    if (s->format == MARKDOWN) print_markdown(s, t, &f);
    if (s->format == CSV) print_csv(s, t, r, &f);
    if (s->format >= JSON) st = print_json(ctx, s, t, r, &f);
    if (s->format >= JSON && st == WHET_OK)
        printf("%s\n", s->format == JSON && i + 1 < s->n_tests ? "," : "");
    fflush(stdout);
    return st;
}

static whet_status measure(whet_ctx *ctx, speed *s) {
    whet_status st = check(ctx, s);
    if (st != WHET_OK) return st;
    print_head(s);
    for (int i = 0; i < s->n_tests && st == WHET_OK; i++) {
        const whet_bench_job job = {
            .n_filled = s->tests[i].depth,
            .n_prompt = s->tests[i].n_prompt,
            .n_tokens = s->tests[i].n_tokens,
            .n_rounds = s->o->repetitions,
        };
        whet_bench_result result;
        st = whet_bench_run(ctx, s->b.bench, &job, &result);
        if (st != WHET_OK) break;
        st = print_row(ctx, s, i, &result);
        whet_bench_result_fini(ctx, &result);
    }
    if (st == WHET_OK) print_foot(s);
    return st;
}

whet_status cli_bench_speed(whet_ctx *ctx, const cli_bench_opts *o) {
    static speed s; /* large, and one a process */
    s = (speed){ .o = o };
    whet_status st = choose_format(&s);
    if (st == WHET_OK) st = list_tests(&s);
    if (st == WHET_OK) st = cli_rig_open(ctx, &s.b, o, CLI_TOKENIZER_NONE);
    if (st == WHET_OK) st = cli_rig_set_kernels(ctx, &s.b, o, &o->kernel, 1);
    if (st == WHET_OK) st = measure(ctx, &s);
    cli_rig_close(ctx, &s.b);
    return st;
}
