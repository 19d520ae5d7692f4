/* SPDX-License-Identifier: MIT */
/* The engine's side of gate 10: texts by the candidate and by its spoiled copy, then speeds. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "bench/champion_int.h"
#include "kernels/attention.h"

enum { CHUNK = 512, DEFAULT_PAIRS = 5 };

static const size_t contexts[WHET_CHAMPION_CONTEXTS] = { 128, 512, 2048, 8192 };

/* ---- the stage ---- */

whet_status whet_stage_open(whet_ctx *ctx, const whet_champion_opts *opts, whet_stage *stage) {
    *stage = (whet_stage){ .opts = opts };
    WHET_TRY(whet_checkpoint_read_facts(ctx, opts->model, &stage->facts));
    WHET_TRY(whet_model_open(ctx, opts->model, &stage->model));
    if (stage->facts.has_tokenizer)
        WHET_TRY(whet_tokenizer_open(ctx, opts->model, &stage->tokenizer));
    return whet_team_open(ctx, opts->n_threads, &stage->team);
}

void whet_stage_close(whet_stage *stage) {
    whet_team_close(stage->team);
    whet_tokenizer_close(stage->tokenizer);
    whet_model_close(stage->model);
    *stage = (whet_stage){ 0 };
}

/* The i-th scenario that was asked for. */
static whet_status pick(whet_ctx *ctx, const char *names, int i, const whet_scenario **scenario) {
    *scenario = NULL;
    if (!names) {
        for (const whet_scenario *s = whet_scenarios; s->name && !*scenario; s++)
            if (i-- == 0) *scenario = s;
        return WHET_OK;
    }
    for (const char *p = names;; p++) {
        const size_t len = strcspn(p, ",");
        const whet_scenario *s = whet_scenario_find(p, len);
        if (!s)
            return whet_fail(ctx, WHET_E_ARG, "no scenario \"%.*s\"", (int)(len < 40 ? len : 40),
                             p);
        if (i-- == 0) {
            *scenario = s;
            return WHET_OK;
        }
        p += len;
        if (!*p) return WHET_OK;
    }
}

static whet_status make_prompt(whet_ctx *ctx, const whet_stage *stage, const whet_scenario *s,
                               whet_ids *prompt) {
    whet_bench_job job;
    whet_rng rng;
    prompt->n = 0;
    WHET_TRY(whet_scenario_job(ctx, stage->tokenizer, s, 0, prompt, &job));
    whet_rng_init(&rng, stage->opts->seed);
    while (prompt->n < job.n_prompt) {
        const int32_t id = (int32_t)whet_rng_below(&rng, (uint64_t)stage->facts.config.vocab_size);
        WHET_TRY(whet_ids_append(ctx, prompt, &id, 1));
    }
    return WHET_OK;
}

whet_status whet_stage_text(whet_ctx *ctx, const whet_stage *stage, int i, whet_ids *prompt,
                            const whet_scenario **scenario) {
    const size_t limit = (size_t)stage->facts.config.max_position_embeddings;
    for (int n = 0;; n++) {
        WHET_TRY(pick(ctx, stage->opts->scenarios, n, scenario));
        if (!*scenario) return WHET_OK;
        WHET_TRY(make_prompt(ctx, stage, *scenario, prompt));
        if (prompt->n + (*scenario)->n_tokens > limit) continue;
        if (i-- == 0) return WHET_OK;
    }
}

/* ---- drawing ---- */

/* The largest logit's id; what is between it and the second, and between the ends. */
static int32_t look(const float *logits, int32_t n, double *margin, double *range) {
    int32_t best = 0;
    float second = -3.4e38f, least = logits[0];
    for (int32_t i = 1; i < n; i++) {
        if (logits[i] > logits[best]) {
            second = logits[best];
            best = i;
        } else if (logits[i] > second) {
            second = logits[i];
        }
        if (logits[i] < least) least = logits[i];
    }
    *margin = (double)logits[best] - (double)second;
    *range = (double)logits[best] - (double)least;
    return best;
}

static whet_status draw_all(whet_ctx *ctx, whet_session *session, const whet_draw *draw,
                            int32_t vocab_size, whet_drawn *drawn) {
    WHET_TRY(whet_session_feed(ctx, session, draw->prompt->ids, draw->prompt->n));
    for (size_t i = 0; i < draw->n_tokens; i++) {
        if (i) WHET_TRY(whet_session_feed(ctx, session, &drawn->ids[i - 1], 1));
        drawn->ids[i] =
            look(whet_session_logits(session), vocab_size, &drawn->margins[i], &drawn->ranges[i]);
    }
    return WHET_OK;
}

whet_status whet_stage_draw(whet_ctx *ctx, const whet_stage *stage, const whet_draw *draw,
                            whet_drawn *drawn) {
    const size_t n_prompt = draw->prompt->n;
    whet_session *session;
    const whet_session_opts opts = {
        .attention = draw->kernel,
        .capacity_tokens = (int32_t)(n_prompt + draw->n_tokens),
        .chunk_tokens = CHUNK,
    };
    WHET_TRY(whet_session_open(ctx, stage->model, stage->team, &opts, &session));
    whet_session_tap(session, draw->tap, draw->tap_data);
    whet_status st = draw_all(ctx, session, draw, stage->facts.config.vocab_size, drawn);
    const uint64_t n_layers = (uint64_t)stage->facts.config.n_layers;
    const uint64_t n = ((n_prompt + CHUNK - 1) / CHUNK + draw->n_tokens - 1) * n_layers;
    if (st == WHET_OK &&
        (whet_session_kernel(session) != draw->kernel || whet_session_kernel_calls(session) != n))
        st = whet_fail(
            ctx, WHET_E_INTERNAL, "the dispatch counted %llu calls of kernel %s, not %llu of %s",
            (unsigned long long)whet_session_kernel_calls(session),
            whet_session_kernel(session)->name, (unsigned long long)n, draw->kernel->name);
    whet_session_close(session);
    return st;
}

/* ---- the engine's process ---- */

typedef struct engine {
    whet_stage stage;
    whet_attention_library *candidate, *spoiled;
    whet_bench *bench;
} engine;

static whet_status load(whet_ctx *ctx, const char *folder, engine *e) {
    char path[512];
    snprintf(path, sizeof path, "%s/candidate.so", folder);
    WHET_TRY(whet_attention_load(ctx, path, &e->candidate));
    snprintf(path, sizeof path, "%s/spoiled.so", folder);
    if (whet_path_is_file(path)) WHET_TRY(whet_attention_load(ctx, path, &e->spoiled));
    const whet_attention_kernel *candidate = whet_attention_library_kernel(e->candidate);
    const whet_champion_opts *o = e->stage.opts;
    const whet_bench_opts opts = {
        .sides = { { .attention = candidate, .chunk_tokens = CHUNK },
                   { .kernel = o->baseline, .chunk_tokens = CHUNK } },
        .n_sides = 2,
        .seed = o->seed,
        .cache_bytes = o->cache_bytes,
    };
    return whet_bench_open(ctx, e->stage.model, &e->stage.facts, e->stage.team, &opts, &e->bench);
}

static whet_status draw_texts(whet_ctx *ctx, const engine *e, const whet_ids *prompt,
                              whet_champion_text *t) {
    whet_drawn drawn;
    whet_draw draw = { .kernel = whet_attention_library_kernel(e->candidate),
                       .prompt = prompt,
                       .n_tokens = (size_t)t->n_tokens };
    WHET_TRY(whet_stage_draw(ctx, &e->stage, &draw, &drawn));
    memcpy(t->ids, drawn.ids, sizeof t->ids);
    if (!e->spoiled) return WHET_OK;
    draw.kernel = whet_attention_library_kernel(e->spoiled);
    WHET_TRY(whet_stage_draw(ctx, &e->stage, &draw, &drawn));
    memcpy(t->spoiled, drawn.ids, sizeof t->spoiled);
    t->has_spoiled = 1;
    return WHET_OK;
}

static whet_status sum_up(whet_ctx *ctx, const engine *e, const whet_bench_result *r,
                          whet_bench_kind kind, whet_champion_speed *speed) {
    for (int i = 0; i < WHET_BENCH_MAX_SIDES; i++) {
        whet_bench_figure figure;
        WHET_TRY(whet_bench_summarise(ctx, e->bench, r, kind, i, &figure));
        speed->tokens_per_second[i] = figure.median;
    }
    return whet_bench_compare(ctx, e->bench, r, kind, &speed->ratio);
}

static int n_pairs(const engine *e) {
    return e->stage.opts->n_pairs > 0 ? e->stage.opts->n_pairs : DEFAULT_PAIRS;
}

static whet_status time_text(whet_ctx *ctx, const engine *e, const whet_scenario *scenario,
                             whet_champion_text *t) {
    whet_ids ids = { 0 };
    whet_bench_job job;
    whet_bench_result r = { 0 };
    whet_status st = whet_scenario_job(ctx, e->stage.tokenizer, scenario, 0, &ids, &job);
    job.n_pairs = n_pairs(e);
    if (st == WHET_OK) st = whet_bench_run(ctx, e->bench, &job, &r);
    if (st == WHET_OK) st = sum_up(ctx, e, &r, WHET_BENCH_PROMPT, &t->prefill);
    if (st == WHET_OK) st = sum_up(ctx, e, &r, WHET_BENCH_TOKENS, &t->decode);
    memcpy(t->n_calls, r.n_calls, sizeof t->n_calls);
    memcpy(t->rss_bytes, r.rss_bytes, sizeof t->rss_bytes);
    whet_bench_result_fini(ctx, &r);
    whet_ids_fini(ctx, &ids);
    return st;
}

static whet_status time_context(whet_ctx *ctx, const engine *e, size_t n_context,
                                whet_champion_context *c) {
    whet_bench_job job = whet_context_job(n_context);
    whet_bench_result r = { 0 };
    job.n_pairs = n_pairs(e);
    *c = (whet_champion_context){ .n_context = (int32_t)n_context };
    WHET_TRY(whet_bench_run(ctx, e->bench, &job, &r));
    const whet_status st = sum_up(ctx, e, &r, WHET_BENCH_TOKENS, &c->decode);
    memcpy(c->rss_bytes, r.rss_bytes, sizeof c->rss_bytes);
    whet_bench_result_fini(ctx, &r);
    return st;
}

static whet_status run_all(whet_ctx *ctx, const engine *e, whet_champion *champion) {
    const whet_scenario *scenario;
    whet_ids prompt = { 0 };
    whet_status st;
    while ((st = whet_stage_text(ctx, &e->stage, champion->n_texts, &prompt, &scenario)) ==
               WHET_OK &&
           scenario && champion->n_texts < WHET_CHAMPION_TEXTS) {
        whet_champion_text *t = &champion->texts[champion->n_texts++];
        snprintf(t->name, sizeof t->name, "%s", scenario->name);
        t->n_prompt = (int32_t)prompt.n;
        t->n_tokens = (int32_t)scenario->n_tokens;
        st = draw_texts(ctx, e, &prompt, t);
        if (st == WHET_OK) st = time_text(ctx, e, scenario, t);
        if (st != WHET_OK) break;
    }
    whet_ids_fini(ctx, &prompt);
    for (int i = 0; i < WHET_CHAMPION_CONTEXTS && st == WHET_OK && !e->stage.opts->scenarios; i++) {
        if (whet_bench_fits(ctx, e->bench, contexts[i] + whet_context_job(0).n_tokens) != WHET_OK)
            break;
        st = time_context(ctx, e, contexts[i], &champion->contexts[champion->n_contexts++]);
    }
    return st;
}

whet_status whet_champion_serve(whet_ctx *ctx, const whet_champion_opts *opts, const char *folder,
                                whet_champion *champion) {
    engine e = { 0 };
    *champion = (whet_champion){ 0 };
    whet_status st = whet_stage_open(ctx, opts, &e.stage);
    if (st == WHET_OK) st = load(ctx, folder, &e);
    if (st == WHET_OK) {
        snprintf(champion->baseline, sizeof champion->baseline, "%s",
                 whet_bench_kernel(e.bench, WHET_BENCH_BASELINE)->name);
        st = run_all(ctx, &e, champion);
    }
    whet_bench_close(e.bench);
    whet_stage_close(&e.stage);
    whet_attention_unload(e.spoiled);
    whet_attention_unload(e.candidate);
    return st;
}
