/* SPDX-License-Identifier: MIT */
/* Steps of a run, and where their answers come from. */
#include "evolve/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <whet/machine.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "evolve/config.h"
#include "evolve/roof.h"

/* ---- options that a run keeps ---- */

/* What is in force, as a configuration. */
static whet_status put_config(whet_ctx *ctx, const whet_search *s, whet_buf *json) {
    const whet_evolve_settings settings = { .opts = s->opts };
    whet_buf text = { 0 };
    whet_status st = whet_settings_print(ctx, &settings, NULL, &text);
    if (st == WHET_OK) st = whet_buf_puts(ctx, json, ",\"config\":");
    if (st == WHET_OK) st = whet_json_quote(ctx, json, text.text, text.len);
    whet_buf_fini(ctx, &text);
    return st;
}

static whet_status put_options(whet_ctx *ctx, const whet_search *s, whet_buf *json) {
    WHET_TRY(whet_buf_printf(
        ctx, json, "{\"minutes\":%.17g,\"programs\":%d,\"threads\":%d,\"children\":%d",
        s->opts.minutes, s->opts.max_programs, s->opts.n_threads, s->n_wanted));
    if (s->opts.proposer) {
        WHET_TRY(whet_buf_puts(ctx, json, ",\"proposer\":"));
        WHET_TRY(whet_json_quote(ctx, json, s->opts.proposer, strlen(s->opts.proposer)));
    }
    WHET_TRY(whet_buf_puts(ctx, json, ",\"engine\":"));
    WHET_TRY(whet_json_quote(ctx, json, s->engine, strlen(s->engine)));
    WHET_TRY(put_config(ctx, s, json));
    WHET_TRY(whet_asking_put(ctx, s, json));
    WHET_TRY(whet_buf_puts(ctx, json, ",\"shapes\":["));
    for (int i = 0; i < WHET_N_ALL_SHAPES; i++)
        WHET_TRY(whet_buf_printf(ctx, json, "%s\"%s\"", i ? "," : "", s->shape_names[i]));
    return whet_buf_puts(ctx, json, "]}");
}

static whet_status put_problem(whet_ctx *ctx, const whet_problem *p, whet_buf *json) {
    return whet_buf_printf(ctx, json,
                           "{\"dtype\":%d,\"heads\":%d,\"kv_heads\":%d,\"head_dim\":%d,"
                           "\"rows\":%d,\"context\":%d}",
                           p->dtype, p->n_heads, p->n_kv_heads, p->head_dim, p->n_rows,
                           p->n_context);
}

static bool get_int(const whet_json *from, const char *key, int32_t *out) {
    int64_t n;
    if (!whet_json_integer(whet_json_get(from, key), &n) || n < INT32_MIN || n > INT32_MAX)
        return false;
    *out = (int32_t)n;
    return true;
}

static bool read_problem(const whet_json *from, whet_problem *p) {
    return get_int(from, "dtype", &p->dtype) && get_int(from, "heads", &p->n_heads) &&
           get_int(from, "kv_heads", &p->n_kv_heads) && get_int(from, "head_dim", &p->head_dim) &&
           get_int(from, "rows", &p->n_rows) && get_int(from, "context", &p->n_context);
}

static whet_status read_proposer(whet_ctx *ctx, const whet_json *from, whet_search *s) {
    const char *proposer = whet_json_string(whet_json_get(from, "proposer"), NULL);
    s->opts.proposer = NULL;
    if (!proposer) return WHET_OK;
    WHET_TRY(whet_buf_puts(ctx, &s->proposer, proposer));
    s->opts.proposer = s->proposer.text;
    return WHET_OK;
}

/* The population, the models and the prompts of the run; the key of a server is the caller's. */
static whet_status read_config(whet_ctx *ctx, const whet_json *from, whet_search *s) {
    size_t n;
    const char *text = whet_json_string(whet_json_get(from, "config"), &n);
    if (!text) return WHET_OK;
    WHET_TRY(whet_evolve_config_open(ctx, &s->config));
    WHET_TRY(whet_evolve_config_parse(ctx, s->config, "the run's configuration", text, n));
    const whet_evolve_opts *o = &whet_evolve_config_settings(s->config)->opts;
    const char *api_key = s->opts.llm.api_key;
    s->opts.population = o->population;
    s->opts.n_children = o->n_children;
    s->opts.is_rehearsal = o->is_rehearsal;
    s->opts.llm = o->llm;
    s->opts.llm.api_key = api_key;
    s->opts.n_top_programs = o->n_top_programs;
    s->opts.n_diverse_programs = o->n_diverse_programs;
    s->opts.is_rewriting = o->is_rewriting;
    s->opts.max_code_bytes = o->max_code_bytes;
    s->opts.max_prompt_bytes = o->max_prompt_bytes;
    return WHET_OK;
}

static bool read_options(const whet_json *from, whet_search *s) {
    int32_t n_threads, n_wanted, max_programs;
    const whet_json *shapes = whet_json_get(from, "shapes");
    if (!whet_json_number(whet_json_get(from, "minutes"), &s->opts.minutes) ||
        !get_int(from, "programs", &max_programs) || !get_int(from, "threads", &n_threads) ||
        !get_int(from, "children", &n_wanted) || n_wanted < 1 || n_wanted > WHET_MAX_BREED / 2)
        return false;
    for (int i = 0; i < WHET_N_ALL_SHAPES; i++) {
        const char *name = whet_json_string(whet_json_at(shapes, (size_t)i), NULL);
        if (!name) return false;
        snprintf(s->shape_names[i], sizeof s->shape_names[i], "%s", name);
    }
    const char *engine = whet_json_string(whet_json_get(from, "engine"), NULL);
    if (engine) snprintf(s->engine, sizeof s->engine, "%s", engine);
    s->opts.max_programs = max_programs;
    s->opts.n_threads = n_threads;
    s->n_wanted = n_wanted;
    return true;
}

/* Seed, problem and options of the run that the answers are of. */
static whet_status take_over(whet_ctx *ctx, whet_search *s) {
    const char *name = s->opts.answers ? s->opts.answers : s->opts.run_file;
    whet_json *problem = NULL, *options = NULL;
    WHET_TRY(whet_store_get_run(ctx, s->answers, &s->run));
    whet_status st =
        whet_json_parse(ctx, name, s->run.problem.text, s->run.problem.len, true, &problem);
    if (st == WHET_OK)
        st = whet_json_parse(ctx, name, s->run.options.text, s->run.options.len, true, &options);
    if (st == WHET_OK && (!read_problem(problem, &s->opts.problem) || !read_options(options, s)))
        st = whet_fail(ctx, WHET_E_FORMAT, "%s: problem or options of the run are not readable",
                       name);
    if (st == WHET_OK) st = read_proposer(ctx, options, s);
    if (st == WHET_OK) st = read_config(ctx, options, s);
    if (st == WHET_OK) st = whet_asking_read(ctx, s, options);
    if (st == WHET_OK)
        st = whet_buf_append(ctx, &s->machine, s->run.machine.text, s->run.machine.len);
    if (st == WHET_OK) st = whet_limits_read(ctx, &s->machine, &s->limits);
    whet_json_close(problem);
    whet_json_close(options);
    s->opts.seed = s->run.seed;
    return st;
}

/* ---- opening ---- */

static whet_status make_folder_of(whet_ctx *ctx, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path) return WHET_OK;
    char *folder = whet_strndup(ctx, path, (size_t)(slash - path));
    if (!folder) return WHET_E_NOMEM;
    const whet_status st = whet_dir_make(ctx, folder);
    whet_free(ctx, folder);
    return st;
}

whet_status whet_journal_open(whet_ctx *ctx, whet_search *s) {
    const bool is_old = s->opts.is_resumed || s->is_replay;
    if (!is_old) WHET_TRY(make_folder_of(ctx, s->opts.run_file));
    WHET_TRY(s->is_replay ? whet_store_open_to_read(ctx, s->opts.run_file, &s->store)
                          : whet_store_open(ctx, s->opts.run_file, !is_old, &s->store));
    if (!is_old) WHET_TRY(whet_store_check_free(ctx, s->store)); /* before anything is judged */
    if (s->opts.answers) {
        WHET_TRY(whet_store_open_to_read(ctx, s->opts.answers, &s->answers));
        s->is_other = true;
    } else if (is_old) {
        s->answers = s->store;
    }
    if (s->answers) WHET_TRY(take_over(ctx, s));
    WHET_TRY(whet_asking_load(ctx, s));
    if (is_old) WHET_TRY(whet_store_follow(ctx, s->store, !s->is_replay));
    return WHET_OK;
}

void whet_journal_close(whet_ctx *ctx, whet_search *s) {
    whet_store_run_info_fini(ctx, &s->run);
    whet_buf_fini(ctx, &s->machine);
    whet_buf_fini(ctx, &s->proposer);
    whet_evolve_config_close(ctx, s->config);
    whet_asking_fini(ctx, s);
    if (s->is_other) whet_store_close(ctx, s->answers);
    whet_store_close(ctx, s->store);
}

whet_status whet_journal_put_run(whet_ctx *ctx, whet_search *s) {
    if (whet_store_is_following(s->store)) return WHET_OK;
    whet_machine machine;
    whet_buf problem = { 0 }, options = { 0 };
    whet_status st = whet_machine_read(ctx, &machine);
    if (st == WHET_OK && !s->answers)
        st = whet_limits_measure(ctx, &machine, s->opts.n_threads, whet_roof_cache_bytes(s),
                                 &s->machine);
    if (st == WHET_OK) st = whet_limits_read(ctx, &s->machine, &s->limits);
    if (st == WHET_OK) st = put_problem(ctx, &s->opts.problem, &problem);
    if (st == WHET_OK) st = put_options(ctx, s, &options);
    const whet_store_run run = {
        .seed = s->opts.seed,
        .version = WHET_VERSION,
        .problem = problem.text,
        .options = options.text,
        .machine = s->machine.text,
        .fingerprint = s->answers ? s->run.fingerprint.text : s->fingerprint,
        .compiler = s->answers ? s->run.compiler.text : s->compiler,
    };
    if (st == WHET_OK) st = whet_store_put_run(ctx, s->store, &run);
    whet_buf_fini(ctx, &problem);
    whet_buf_fini(ctx, &options);
    return st;
}

/* ---- steps ---- */

whet_status whet_journal_begin(whet_ctx *ctx, whet_search *s) {
    const bool was_following = whet_store_is_following(s->store);
    const whet_status st = whet_store_begin(ctx, s->store);
    if (st == WHET_E_NOT_FOUND) s->is_log_over = true;
    WHET_TRY(st);
    s->step++;
    if (!was_following || whet_store_is_following(s->store)) return WHET_OK;
    if (s->answers == s->store) s->answers = NULL;
    whet_search_tell(s, "resumed", NULL);
    return WHET_OK;
}

whet_status whet_journal_commit(whet_ctx *ctx, whet_search *s) {
    WHET_TRY(whet_store_commit(ctx, s->store));
    s->committed = s->step;
    return WHET_OK;
}

whet_status whet_record_event(whet_ctx *ctx, whet_search *s, const char *what, const char *detail) {
    char rng[4 * 16 + 1];
    for (int i = 0; i < 4; i++)
        snprintf(rng + 16 * i, 17, "%016" PRIx64, s->rng.s[i]);
    const whet_store_event event = {
        .step = s->step,
        .what = what,
        .detail = detail,
        .rng = rng,
        .seconds = (whet_clock_ns() - s->start_ns) * 1e-9,
    };
    return whet_store_put_event(ctx, s->store, &event);
}

whet_status whet_journal_note(whet_ctx *ctx, whet_search *s, const char *what, const char *detail) {
    WHET_TRY(whet_journal_begin(ctx, s));
    WHET_TRY(whet_record_event(ctx, s, what, detail));
    return whet_journal_commit(ctx, s);
}

whet_status whet_journal_next(whet_ctx *ctx, whet_search *s, whet_store_said *next) {
    *next = (whet_store_said){ 0 };
    if (!s->answers) return WHET_OK;
    int64_t n;
    WHET_TRY(whet_store_n_events(ctx, s->store, &n));
    WHET_TRY(whet_store_get_event(ctx, s->answers, n + 1, next));
    if (next->is_there || s->judge) return WHET_OK;
    s->is_log_over = true;
    return whet_fail(ctx, WHET_E_NOT_FOUND, "%s: the log ends here",
                     s->opts.answers ? s->opts.answers : s->opts.run_file);
}
