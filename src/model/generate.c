/* SPDX-License-Identifier: MIT */
/* The loop: logits, a token, its text, and back. */
#include <whet/generate.h>

#include "base/clock.h"
#include "base/ctx.h"
#include "model/model_int.h"

/* One generation in progress. */
typedef struct generation {
    whet_session *session;
    const whet_config *config;
    const whet_generate_opts *opts;
    whet_sampler *sampler;
    whet_decoder decoder;
    whet_buf piece;
    whet_ids *tokens;
    whet_generated *result;
} generation;

whet_sampler_opts whet_sampling_of(const whet_config *config) {
    const whet_generation_defaults *g = &config->generation;
    return (whet_sampler_opts){
        .temperature = g->do_sample ? g->temperature : 0,
        .top_p = g->top_p,
        .min_p = g->min_p,
        .repetition_penalty = g->repetition_penalty,
        .top_k = g->top_k,
    };
}

static bool is_eos(const whet_config *config, int32_t id) {
    for (int32_t i = 0; i < config->n_eos; i++)
        if (config->eos[i] == id) return true;
    return false;
}

static whet_status tell(whet_ctx *ctx, generation *g, int32_t id) {
    if (!g->opts->on_token) return WHET_OK;
    whet_buf_clear(&g->piece);
    const bool is_end = id >= 0 && !g->opts->ignore_eos && is_eos(g->config, id);
    if (g->opts->sampling.tokenizer && !is_end)
        WHET_TRY(id >= 0 ? whet_decoder_push(ctx, &g->decoder, id, &g->piece)
                         : whet_decoder_flush(ctx, &g->decoder, &g->piece));
    return g->opts->on_token(g->opts->on_token_data, ctx, id, g->piece.text ? g->piece.text : "",
                             g->piece.len);
}

/* Why to stop behind the token just made; LENGTH with *is_done false: go on. */
static whet_stop reason(const generation *g, int32_t id, whet_ctx *ctx, bool *is_done) {
    *is_done = true;
    if (!g->opts->ignore_eos && is_eos(g->config, id)) return WHET_STOP_EOS;
    if (g->opts->max_tokens && g->result->n_tokens >= g->opts->max_tokens) return WHET_STOP_LENGTH;
    if (whet_session_length(g->session) == whet_session_capacity(g->session))
        return WHET_STOP_CONTEXT;
    if (whet_ctx_is_cancelled(ctx)) return WHET_STOP_CANCELLED;
    *is_done = false;
    return WHET_STOP_LENGTH;
}

static whet_status draw_tokens(whet_ctx *ctx, generation *g) {
    for (;;) {
        int32_t id;
        WHET_TRY(whet_sampler_next(ctx, g->sampler, whet_session_logits(g->session), &id));
        whet_sampler_accept(g->sampler, id);
        g->result->n_tokens++;
        if (g->tokens) WHET_TRY(whet_ids_append(ctx, g->tokens, &id, 1));
        WHET_TRY(tell(ctx, g, id));
        bool is_done;
        g->result->stop = reason(g, id, ctx, &is_done);
        if (is_done) return WHET_OK;
        WHET_TRY(whet_session_feed(ctx, g->session, &id, 1));
    }
}

static whet_status open_sampler(whet_ctx *ctx, generation *g, const int32_t *prompt, size_t n) {
    WHET_TRY(
        whet_sampler_open(ctx, &g->opts->sampling, (size_t)g->config->vocab_size, &g->sampler));
    for (size_t i = 0; i < g->opts->n_held; i++)
        whet_sampler_accept(g->sampler, g->opts->held[i]);
    for (size_t i = 0; i < n; i++)
        whet_sampler_accept(g->sampler, prompt[i]);
    if (!g->opts->sampling.tokenizer) return WHET_OK;
    whet_decoder_init(&g->decoder, g->opts->sampling.tokenizer);
    return whet_decoder_reserve(ctx, &g->decoder, &g->piece);
}

/* A request to stop is no failure: the caller gets what there is. */
static whet_status run(whet_ctx *ctx, generation *g, const int32_t *prompt, size_t n_prompt) {
    const double start = whet_clock_ns();
    whet_status st = whet_session_feed(ctx, g->session, prompt, n_prompt);
    const double middle = whet_clock_ns();
    g->result->prompt_ns = middle - start;
    if (st == WHET_OK && whet_ctx_is_cancelled(ctx)) st = WHET_E_CANCELLED;
    if (st == WHET_OK) st = draw_tokens(ctx, g);
    if (st == WHET_E_CANCELLED) {
        g->result->stop = WHET_STOP_CANCELLED;
        st = WHET_OK;
    }
    g->result->generation_ns = whet_clock_ns() - middle;
    if (st == WHET_OK) st = tell(ctx, g, -1);
    return st;
}

whet_status whet_generate(whet_ctx *ctx, whet_session *session, const int32_t *prompt,
                          size_t n_prompt, const whet_generate_opts *opts, whet_ids *tokens,
                          whet_generated *result) {
    *result = (whet_generated){ .n_prompt = n_prompt };
    if (n_prompt == 0) return whet_fail(ctx, WHET_E_ARG, "the prompt holds no tokens");
    generation g = {
        .session = session,
        .config = whet_session_config(session),
        .opts = opts,
        .tokens = tokens,
        .result = result,
    };
    whet_status st = open_sampler(ctx, &g, prompt, n_prompt);
    if (st == WHET_OK) st = run(ctx, &g, prompt, n_prompt);
    whet_sampler_close(g.sampler);
    whet_buf_fini(ctx, &g.piece);
    return st;
}
