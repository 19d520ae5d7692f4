/* SPDX-License-Identifier: MIT */
/* whet bench --model: text jobs and the length of the context, two kernels in turns. */
#include <string.h>

#include "bench.h"

enum { MAX_TASKS = 2 * CLI_BENCH_MAX_LIST + 8 };

/* The longer side first: with 2 sides the baseline, then the candidate. */
static const int print_order[] = { WHET_BENCH_BASELINE, WHET_BENCH_CANDIDATE };
static const char *const side_names[] = { "candidate", "baseline" };
static const char *const kind_names[] = { "prefill", "decode" };

/* One job with its name; a long one is filled up to n_context with synthetic tokens. */
typedef struct task {
    char name[32];
    const whet_scenario *scenario; /* NULL: only the length of the context is looked at */
    size_t n_context;
} task;

typedef struct suite {
    const cli_bench_opts *o;
    cli_rig b;
    int n_sides;
    task tasks[MAX_TASKS];
    int n_tasks;
    bool is_doubtful;
} suite;

/* ---- what to do ---- */

static task *add_task(suite *s, const whet_scenario *scenario, size_t n_context) {
    task *t = &s->tasks[s->n_tasks++];
    *t = (task){ .scenario = scenario, .n_context = n_context };
    if (scenario && n_context)
        snprintf(t->name, sizeof t->name, "%s@%zu", scenario->name, n_context);
    else if (scenario)
        snprintf(t->name, sizeof t->name, "%s", scenario->name);
    else
        snprintf(t->name, sizeof t->name, "context %zu", n_context);
    return t;
}

/* The words of --scenario, apart by commas. */
static whet_status add_named(suite *s, const char *names) {
    for (const char *p = names;; p++) {
        const size_t len = strcspn(p, ",");
        const whet_scenario *scenario = whet_scenario_find(p, len);
        if (!scenario)
            return cli_usage("--scenario takes primary, short, medium, long and code, not \"%.*s\"",
                             (int)(len < 40 ? len : 40), p);
        if (s->n_tasks == CLI_BENCH_MAX_LIST)
            return cli_usage("--scenario takes at most %d words", CLI_BENCH_MAX_LIST);
        add_task(s, scenario, 0);
        p += len;
        if (!*p) return WHET_OK;
    }
}

whet_status cli_check_scenarios(const char *names) {
    suite s = { 0 };
    return add_named(&s, names);
}

/* Named scenarios alone; else all of them, and how decoding goes as the context grows. */
static whet_status list_tasks(suite *s) {
    const cli_bench_opts *o = s->o;
    static const size_t long_contexts[] = { 2048, 8192, 32768 };
    const bool is_long = o->suite && strcmp(o->suite, "long") == 0;
    if (o->suite && !is_long && strcmp(o->suite, "short") != 0)
        return cli_usage("--suite takes short or long, not \"%.40s\"", o->suite);
    cli_sizes contexts = { .n = 0 };
    whet_status st = WHET_OK;
    if (o->scenarios)
        st = add_named(s, o->scenarios);
    else if (!o->contexts || is_long)
        for (const whet_scenario *c = whet_scenarios; c->name; c++)
            add_task(s, c, 0);
    for (int i = 0; is_long && i < 3; i++)
        add_task(s, whet_scenario_find("long", 4), long_contexts[i]);
    if (st == WHET_OK && (o->contexts || !o->scenarios))
        st = cli_parse_sizes("context", o->contexts ? o->contexts : "128,512,2k,8k,32k", &contexts);
    for (int i = 0; i < contexts.n && st == WHET_OK; i++)
        add_task(s, NULL, contexts.sizes[i]);
    return st;
}

static whet_status make_job(whet_ctx *ctx, const suite *s, const task *t, whet_ids *ids,
                            whet_bench_job *job) {
    whet_status st = WHET_OK;
    if (t->scenario)
        st = whet_scenario_job(ctx, s->b.engine.tokenizer, t->scenario, t->n_context, ids, job);
    else
        *job = whet_context_job(t->n_context);
    job->n_pairs = s->o->repetitions;
    return st;
}

/* ---- telling ---- */

static const char *limit_of(const whet_bench_figure *f) {
    return f->is_reading ? "P" : "F";
}

/* "82 / 91 P": shares of the limit; "?" behind one that cannot be. */
static void shares(suite *s, const whet_bench_figure *figures, char text[48]) {
    int n = 0;
    text[0] = '\0';
    if (!cli_rig_is_cold(&s->b)) return;
    for (int i = 0; i < 2; i++) {
        const int side = print_order[i];
        if (side >= s->n_sides) continue;
        const bool is_doubtful = figures[side].share_of_limit > WHET_BENCH_CREDIBLE;
        s->is_doubtful |= is_doubtful;
        n += snprintf(text + n, 48 - (size_t)n, "%s%.0f%s", n ? " / " : "",
                      100 * figures[side].share_of_limit, is_doubtful ? "?" : "");
    }
    snprintf(text + n, 48 - (size_t)n, " %s", limit_of(&figures[0]));
}

static void print_row(suite *s, const char *name, whet_bench_kind kind, size_t n_tokens,
                      const whet_bench_figure *figures, const whet_ratio *ratio) {
    char text[48];
    printf("%-14s %-8s %6zu", name, kind_names[kind], n_tokens);
    for (int i = 0; i < 2; i++)
        if (print_order[i] < s->n_sides) printf(" %10.2f", figures[print_order[i]].median);
    if (s->n_sides == 2) printf("   %5.3f (%.3f .. %.3f)", ratio->ratio, ratio->low, ratio->high);
    shares(s, figures, text);
    printf("  %12s %6.1f %6.0f\n", text, figures[0].peaks.bytes_per_second * 1e-9,
           figures[0].peaks.flop_per_second * 1e-9);
}

static void print_memory(const suite *s, const task *t, const whet_bench_result *r) {
    printf("%-14s memory", "");
    for (int i = 0; i < 2; i++)
        if (print_order[i] < s->n_sides)
            printf("%s%.0f MiB", i && s->n_sides == 2 ? ", " : "   ",
                   (double)r->rss_bytes[print_order[i]] / (1 << 20));
    if (s->n_sides == 2 && t->scenario)
        printf("; both drew the same %zu of %zu tokens", r->n_same, t->scenario->n_tokens);
    printf("\n");
}

static whet_status put_figure(whet_ctx *ctx, whet_buf *line, const char *name,
                              const whet_bench_figure *f) {
    return whet_buf_printf(ctx, line,
                           "\"%s\":{\"samples\":%d,\"mean\":%.6g,\"sd\":%.6g,\"median\":%.6g,"
                           "\"bytes_per_second\":%.6g,\"flop_per_second\":%.6g,\"limit\":\"%s\","
                           "\"share_of_limit\":%.4f}",
                           name, f->n_samples, f->mean, f->sd, f->median, f->peaks.bytes_per_second,
                           f->peaks.flop_per_second, limit_of(f), f->share_of_limit);
}

static whet_status put_kind(whet_ctx *ctx, const suite *s, whet_buf *line, whet_bench_kind kind,
                            const whet_bench_figure *figures, const whet_ratio *ratio) {
    whet_status st = whet_buf_printf(ctx, line, ",\"%s\":{", kind_names[kind]);
    for (int i = 0; i < s->n_sides && st == WHET_OK; i++) {
        if (i) st = whet_buf_putc(ctx, line, ',');
        if (st == WHET_OK) st = put_figure(ctx, line, side_names[i], &figures[i]);
    }
    if (st == WHET_OK && s->n_sides == 2)
        st = whet_buf_printf(ctx, line, ",\"ratio\":%.6g,\"low\":%.6g,\"high\":%.6g", ratio->ratio,
                             ratio->low, ratio->high);
    return st == WHET_OK ? whet_buf_putc(ctx, line, '}') : st;
}

static void print_samples(const task *t, const whet_bench_result *r) {
    for (size_t i = 0; i < r->n_samples; i++) {
        const whet_bench_sample *a = &r->samples[i];
        printf("{\"type\":\"sample\",\"name\":\"%s\",\"phase\":\"%s\",\"side\":\"%s\",\"pair\":%d,"
               "\"block\":%d,\"order\":%d,\"n_context\":%zu,\"n_tokens\":%zu,\"ns\":%.0f,"
               "\"bytes_per_second\":%.6g,\"flop_per_second\":%.6g}\n",
               t->name, kind_names[a->kind], side_names[a->time.is_rival], (int)a->time.pair,
               (int)a->time.block, (int)a->time.order, a->n_context, a->n_tokens, a->time.ns,
               a->peaks.bytes_per_second, a->peaks.flop_per_second);
    }
}

static whet_status put_end(whet_ctx *ctx, const suite *s, whet_buf *line,
                           const whet_bench_result *r) {
    whet_status st = WHET_OK;
    for (int i = 0; i < s->n_sides && st == WHET_OK; i++)
        st = whet_buf_printf(ctx, line, ",\"%s_rss_bytes\":%llu,\"%s_kernel_calls\":%llu",
                             side_names[i], (unsigned long long)r->rss_bytes[i], side_names[i],
                             (unsigned long long)r->n_calls[i]);
    if (st == WHET_OK && s->n_sides == 2)
        st = whet_buf_printf(ctx, line, ",\"same_tokens\":%zu", r->n_same);
    return st == WHET_OK ? whet_buf_putc(ctx, line, '}') : st;
}

/* ---- doing ---- */

typedef struct findings {
    bool has;
    whet_bench_figure figures[WHET_BENCH_MAX_SIDES];
    whet_ratio ratio;
} findings;

static whet_status find(whet_ctx *ctx, const suite *s, const whet_bench_result *r,
                        whet_bench_kind kind, findings *f) {
    whet_status st = WHET_OK;
    for (int i = 0; i < s->n_sides && st == WHET_OK; i++)
        st = whet_bench_summarise(ctx, s->b.bench, r, kind, i, &f->figures[i]);
    f->has = f->figures[0].n_samples > 0;
    if (st == WHET_OK && f->has && s->n_sides == 2)
        st = whet_bench_compare(ctx, s->b.bench, r, kind, &f->ratio);
    return st;
}

static whet_status tell(whet_ctx *ctx, suite *s, const task *t, const whet_bench_job *job,
                        const whet_bench_result *r) {
    findings f[2] = { 0 };
    whet_buf line = { 0 };
    whet_status st = find(ctx, s, r, WHET_BENCH_PROMPT, &f[WHET_BENCH_PROMPT]);
    if (st == WHET_OK) st = find(ctx, s, r, WHET_BENCH_TOKENS, &f[WHET_BENCH_TOKENS]);
    if (st == WHET_OK && s->o->is_json)
        st = whet_buf_printf(ctx, &line,
                             "{\"type\":\"scenario\",\"name\":\"%s\",\"n_filled\":%zu,"
                             "\"n_prompt\":%zu,\"n_tokens\":%zu",
                             t->name, job->n_filled, job->n_prompt, job->n_tokens);
    cli_progress_end();
    for (int kind = 0; kind < 2 && st == WHET_OK; kind++) {
        if (!f[kind].has) continue;
        if (s->o->is_json)
            st = put_kind(ctx, s, &line, (whet_bench_kind)kind, f[kind].figures, &f[kind].ratio);
        else
            print_row(s, kind && f[0].has ? "" : t->name, (whet_bench_kind)kind,
                      kind ? job->n_tokens - job->is_drawn : job->n_prompt, f[kind].figures,
                      &f[kind].ratio);
    }
    if (st == WHET_OK && s->o->is_json) {
        print_samples(t, r);
        st = put_end(ctx, s, &line, r);
        if (st == WHET_OK) printf("%s\n", line.text);
    } else if (st == WHET_OK) {
        print_memory(s, t, r);
    }
    fflush(stdout);
    whet_buf_fini(ctx, &line);
    return st;
}

static whet_status print_head(whet_ctx *ctx, const suite *s) {
    char names[2][CLI_KERNEL_NAME] = { "", "" };
    for (int i = 0; i < s->n_sides; i++)
        cli_rig_kernel_name(&s->b, i, names[i]);
    if (!s->o->is_json) {
        printf("%s, %d:%d heads of %d; %s, %d threads; %d pair%s\n", cli_last_part(s->o->model),
               s->b.facts.config.n_heads, s->b.facts.config.n_kv_heads, s->b.facts.config.head_dim,
               s->b.machine.cpu, whet_team_size(s->b.engine.team), s->o->repetitions,
               s->o->repetitions == 1 ? "" : "s");
        if (s->n_sides == 2)
            printf("baseline %s, candidate %s: ratio above 1 = the candidate is faster\n", names[1],
                   names[0]);
        else
            printf("the engine's own kernel, %s\n", names[0]);
        printf("\n%-14s %-8s %6s", "", "", "tokens");
        if (s->n_sides == 2) printf(" %10s", "baseline");
        printf(" %10s", s->n_sides == 2 ? "candidate" : "tokens/s");
        if (s->n_sides == 2) printf("   %-23s", "ratio (95 % interval)");
        printf("  %12s %6s %6s\n", "% of limit", "P GB/s", "GFLOP");
        return WHET_OK;
    }
    whet_buf line = { 0 };
    const char *model = cli_last_part(s->o->model);
    whet_status st = whet_buf_puts(ctx, &line, "{\"type\":\"bench\",\"model\":");
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, model, strlen(model));
    for (int i = 0; i < s->n_sides && st == WHET_OK; i++) {
        st = whet_buf_printf(ctx, &line, ",\"%s\":", side_names[i]);
        if (st == WHET_OK) st = whet_json_quote(ctx, &line, names[i], strlen(names[i]));
    }
    if (st == WHET_OK)
        st = whet_buf_printf(ctx, &line, ",\"threads\":%d,\"pairs\":%d,\"seed\":%llu,\"cpu\":",
                             whet_team_size(s->b.engine.team), s->o->repetitions,
                             (unsigned long long)s->o->seed);
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, s->b.machine.cpu, strlen(s->b.machine.cpu));
    if (st == WHET_OK) printf("%s}\n", line.text);
    whet_buf_fini(ctx, &line);
    return st;
}

static void print_foot(const suite *s) {
    if (s->o->is_json) return;
    printf("\n%% of limit: P = read bandwidth, F = arithmetic peak, probed around every sample; "
           "medians.\n");
    if (!cli_rig_is_cold(&s->b))
        printf("The weights fit this machine's caches: its memory is no limit, no share is "
               "given.\n");
    if (s->is_doubtful)
        printf("?: above its limit, so the probes were disturbed: measure again.\n");
}

static void leave_out(whet_ctx *ctx, const suite *s, const task *t) {
    if (!s->o->is_json)
        printf("%-14s left out: %s\n", t->name, whet_ctx_message(ctx));
    else
        printf("{\"type\":\"left_out\",\"name\":\"%s\"}\n", t->name);
}

/* What nobody asked for by name is left out where model or memory are too small. */
static whet_status run_task(whet_ctx *ctx, suite *s, const task *t) {
    whet_ids ids = { 0 };
    whet_bench_job job;
    whet_bench_result result = { 0 };
    whet_status st = make_job(ctx, s, t, &ids, &job);
    const size_t n = job.n_filled + job.n_prompt + job.n_tokens;
    const whet_status fit = st == WHET_OK ? whet_bench_fits(ctx, s->b.bench, n) : st;
    if (st == WHET_OK && fit != WHET_OK) {
        leave_out(ctx, s, t);
    } else if (st == WHET_OK) {
        st = whet_bench_run(ctx, s->b.bench, &job, &result);
        if (st == WHET_OK) st = tell(ctx, s, t, &job, &result);
    }
    whet_bench_result_fini(ctx, &result);
    whet_ids_fini(ctx, &ids);
    return st;
}

/* What was asked for by name has to fit, and that is known before anything is printed. */
static whet_status check_asked(whet_ctx *ctx, const suite *s) {
    whet_status st = WHET_OK;
    for (int i = 0; i < s->n_tasks && st == WHET_OK; i++) {
        const task *t = &s->tasks[i];
        if (!t->scenario && s->o->contexts)
            st = whet_bench_fits(ctx, s->b.bench,
                                 t->n_context + whet_context_job(t->n_context).n_tokens);
    }
    return st;
}

/* Without --baseline and --candidate there is nothing to compare where the engine takes the
 * baseline itself. */
static whet_status open_sides(whet_ctx *ctx, suite *s) {
    const cli_bench_opts *o = s->o;
    const char *names[] = { o->candidate, o->baseline ? o->baseline : "fused" };
    s->n_sides = 2;
    whet_status st = cli_rig_set_kernels(ctx, &s->b, o, names, 2);
    if (st != WHET_OK || o->candidate || o->baseline) return st;
    if (whet_bench_kernel(s->b.bench, 0) != whet_bench_kernel(s->b.bench, 1)) return st;
    s->n_sides = 1;
    return cli_rig_set_kernels(ctx, &s->b, o, names, 1);
}

whet_status cli_bench_scenarios(whet_ctx *ctx, const cli_bench_opts *o) {
    suite s = { .o = o };
    whet_status st = list_tasks(&s);
    if (st == WHET_OK) st = cli_rig_open(ctx, &s.b, o, CLI_TOKENIZER_IF_THERE);
    if (st == WHET_OK) st = open_sides(ctx, &s);
    if (st == WHET_OK) st = check_asked(ctx, &s);
    if (st == WHET_OK) st = print_head(ctx, &s);
    for (int i = 0; i < s.n_tasks && st == WHET_OK; i++)
        st = run_task(ctx, &s, &s.tasks[i]);
    if (st == WHET_OK) print_foot(&s);
    cli_rig_close(ctx, &s.b);
    return st;
}
