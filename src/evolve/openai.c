/* SPDX-License-Identifier: MIT */
/* The chat protocol: one question, one answer, whole or in pieces (server-sent events). */
#include "evolve/openai.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/http.h"
#include "base/json.h"
#include "base/utf8.h"
#include "evolve/reply.h"

enum {
    MAX_ANSWER_BYTES = 16 << 20, /* events are some fifty times their words */
    BYTES_OF_A_TOKEN = 4,
    NAP_US = 50000,
};

static const double longest_pause = 300; /* seconds */

int whet_openai_draw(const whet_llm_opts *llm, whet_rng *rng) {
    double sum = 0;
    for (int i = 0; i < llm->n_models; i++)
        sum += llm->models[i].weight > 0 ? llm->models[i].weight : 1;
    double at = whet_rng_uniform(rng) * sum;
    for (int i = 0; i < llm->n_models; i++) {
        at -= llm->models[i].weight > 0 ? llm->models[i].weight : 1;
        if (at < 0) return i;
    }
    return llm->n_models ? llm->n_models - 1 : 0;
}

/* ---- the question ---- */

static whet_status put_message(whet_ctx *ctx, whet_buf *out, const char *role, const char *text) {
    WHET_TRY(whet_buf_printf(ctx, out, "{\"role\":\"%s\",\"content\":", role));
    WHET_TRY(whet_json_quote(ctx, out, text, strlen(text)));
    return whet_buf_putc(ctx, out, '}');
}

static whet_status put_question(whet_ctx *ctx, const whet_llm_opts *llm, int model,
                                const char *prompt, whet_buf *out) {
    const char *name = llm->models[model].name;
    WHET_TRY(whet_buf_puts(ctx, out, "{\"model\":"));
    WHET_TRY(whet_json_quote(ctx, out, name, strlen(name)));
    WHET_TRY(whet_buf_puts(ctx, out, ",\"messages\":["));
    WHET_TRY(put_message(ctx, out, "system",
                         llm->system_message ? llm->system_message
                                             : "You write very fast C for CPUs, and every word of "
                                               "your answer keeps to the form you are asked for."));
    WHET_TRY(whet_buf_putc(ctx, out, ','));
    WHET_TRY(put_message(ctx, out, "user", prompt));
    WHET_TRY(
        whet_buf_printf(ctx, out, "],\"max_tokens\":%d", llm->max_tokens ? llm->max_tokens : 4096));
    if (llm->has_temperature)
        WHET_TRY(whet_buf_printf(ctx, out, ",\"temperature\":%.6g", llm->temperature));
    if (llm->top_p > 0) WHET_TRY(whet_buf_printf(ctx, out, ",\"top_p\":%.6g", llm->top_p));
    if (llm->is_streaming)
        WHET_TRY(whet_buf_puts(ctx, out,
                               ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
    return whet_buf_putc(ctx, out, '}');
}

/* ---- the answer ---- */

static whet_status no_reply(whet_openai_answer *a, const char *before, const char *words) {
    snprintf(a->why, sizeof a->why, "%s%.400s", before, words);
    for (char *c = a->why; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
    whet_utf8_make_printable(a->why);
    return WHET_OK;
}

/* Appends what one object of the protocol says: a whole answer ("message") or a piece of one
 * ("delta"). */
static whet_status read_piece(whet_ctx *ctx, const whet_json *piece, whet_openai_answer *a) {
    const whet_json *choice = whet_json_at(whet_json_get(piece, "choices"), 0);
    const whet_json *message = whet_json_get(choice, "message");
    if (!message) message = whet_json_get(choice, "delta");
    const whet_json *usage = whet_json_get(piece, "usage");
    whet_json_integer(whet_json_get(usage, "prompt_tokens"), &a->prompt_tokens);
    whet_json_integer(whet_json_get(usage, "completion_tokens"), &a->reply_tokens);
    const char *why =
        whet_json_string(whet_json_get(whet_json_get(piece, "error"), "message"), NULL);
    if (why) return no_reply(a, "the server says: ", why);
    why = whet_json_string(whet_json_get(message, "refusal"), NULL);
    if (why) return no_reply(a, "the model refuses: ", why);
    size_t n = 0;
    const char *text = whet_json_string(whet_json_get(message, "content"), &n);
    const size_t room = WHET_MAX_REPLY_BYTES + 1 - a->reply.len;
    return whet_buf_append(ctx, &a->reply, text ? text : "", n < room ? n : room);
}

static whet_status read_json(whet_ctx *ctx, const char *text, size_t n, whet_openai_answer *a) {
    whet_json *root = NULL;
    whet_status st = whet_json_parse(ctx, "the server's answer", text, n, false, &root);
    if (st == WHET_E_FORMAT) return no_reply(a, "", whet_ctx_message(ctx));
    if (st == WHET_OK) st = read_piece(ctx, root, a);
    whet_json_close(root);
    return st;
}

/* Lines "data: {...}", until "data: [DONE]"; other lines are the stream's own business. */
static whet_status read_events(whet_ctx *ctx, const whet_buf *body, whet_openai_answer *a) {
    bool is_done = false;
    for (size_t at = 0; at < body->len && !is_done && !*a->why;) {
        const char *line = body->text + at;
        const char *newline = memchr(line, '\n', body->len - at);
        const size_t n = newline ? (size_t)(newline - line) : body->len - at;
        at += n + 1;
        if (n < 5 || memcmp(line, "data:", 5) != 0) continue;
        is_done = memmem(line, n < 16 ? n : 16, "[DONE]", 6) != NULL;
        if (!is_done) WHET_TRY(read_json(ctx, line + 5, n - 5, a));
    }
    if (!is_done && !*a->why) return no_reply(a, "", "the stream ended before its [DONE]");
    return WHET_OK;
}

static whet_status read_answer(whet_ctx *ctx, const whet_http_answer *http, whet_openai_answer *a) {
    if (*http->why) return no_reply(a, "", http->why);
    const char *text = http->body.text ? http->body.text : "";
    const size_t blanks = strspn(text, " \r\n\t");
    if (http->status == 200 && *text != '{' && memcmp(text + blanks, "{", 1) != 0)
        WHET_TRY(read_events(ctx, &http->body, a));
    else
        WHET_TRY(read_json(ctx, text, http->body.len, a));
    char before[40];
    snprintf(before, sizeof before, "status %d: ", http->status);
    char words[sizeof a->why];
    snprintf(words, sizeof words, "%s", *a->why ? a->why : "no reason given");
    if (http->status != 200) return no_reply(a, before, words);
    if (a->reply.len == 0 && !*a->why) return no_reply(a, "", "the answer has no words in it");
    return WHET_OK;
}

/* A server may tell us our own key; nobody else is to read it. */
static void redact(whet_buf *body, const char *key) {
    const size_t n = key ? strlen(key) : 0;
    for (char *at = body->text;
         n && at && (at = memmem(at, body->len - (size_t)(at - body->text), key, n));)
        memset(at, '*', n);
}

/* ---- trying ---- */

static bool may_help(const whet_http_answer *h) {
    if (h->is_late || h->is_cut) return false; /* it was paid for already */
    return h->status == 0 || (h->status == 200 && *h->why) || h->status == 408 ||
           h->status == 409 || h->status == 429 || h->status >= 500;
}

static whet_status nap(whet_ctx *ctx, double seconds) {
    const double end_ns = whet_clock_ns() + seconds * 1e9;
    do {
        WHET_TRY(whet_check_cancelled(ctx));
        const double left_us = (end_ns - whet_clock_ns()) * 1e-3;
        if (left_us > 0) usleep((useconds_t)(left_us < NAP_US ? left_us : NAP_US));
    } while (whet_clock_ns() < end_ns);
    return WHET_OK;
}

static whet_status try_once(whet_ctx *ctx, const whet_llm_opts *llm, const whet_http_opts *opts,
                            whet_openai_answer *a, double *wait_seconds, bool *is_over) {
    whet_http_answer http;
    a->n_tries++;
    *a->why = '\0';
    whet_buf_clear(&a->reply);
    WHET_TRY(whet_http_post(ctx, opts, &http));
    redact(&http.body, llm->api_key);
    whet_status st = read_answer(ctx, &http, a);
    *is_over = !*a->why || !may_help(&http);
    *wait_seconds = http.wait_seconds;
    whet_http_answer_fini(ctx, &http);
    return st;
}

static whet_status try_all(whet_ctx *ctx, const whet_llm_opts *llm, const whet_http_opts *opts,
                           whet_openai_answer *a) {
    const int n_retries = llm->has_retries ? llm->n_retries : 3;
    double delay = llm->retry_delay_seconds > 0 ? llm->retry_delay_seconds : 5;
    for (;;) {
        double wait;
        bool is_over;
        WHET_TRY(try_once(ctx, llm, opts, a, &wait, &is_over));
        if (is_over || a->n_tries > n_retries || wait > longest_pause) return WHET_OK;
        if (wait < 0) wait = fmin(delay, longest_pause);
        delay *= 2;
        whet_log(ctx, WHET_LOG_INFO, "evolve", "no reply (%s); again in %g s", a->why, wait);
        WHET_TRY(nap(ctx, wait));
    }
}

whet_status whet_openai_ask(whet_ctx *ctx, const whet_llm_opts *llm, int model, const char *prompt,
                            whet_openai_answer *a) {
    static const char tail[] = "/chat/completions";
    const char *base = llm->api_base ? llm->api_base : "https://api.openai.com/v1";
    size_t n_base = strlen(base);
    whet_buf url = { 0 }, body = { 0 };
    *a = (whet_openai_answer){ 0 };
    while (n_base && base[n_base - 1] == '/')
        n_base--;
    whet_status st = whet_buf_printf(ctx, &url, "%.*s%s", (int)n_base, base, tail);
    if (st == WHET_OK) st = put_question(ctx, llm, model, prompt, &body);
    if (st == WHET_OK) {
        const whet_http_opts opts = {
            .url = url.text,
            .bearer = llm->api_key,
            .body = body.text,
            .body_bytes = body.len,
            .timeout_seconds = llm->timeout_seconds > 0 ? llm->timeout_seconds : 60,
            .max_bytes = MAX_ANSWER_BYTES,
        };
        st = try_all(ctx, llm, &opts, a);
    }
    if (a->prompt_tokens <= 0) a->prompt_tokens = (int64_t)(body.len / BYTES_OF_A_TOKEN);
    if (a->reply_tokens <= 0) a->reply_tokens = (int64_t)(a->reply.len / BYTES_OF_A_TOKEN);
    if (*a->why) whet_buf_clear(&a->reply);
    whet_buf_fini(ctx, &url);
    whet_buf_fini(ctx, &body);
    if (st != WHET_OK) whet_buf_fini(ctx, &a->reply);
    return st;
}
