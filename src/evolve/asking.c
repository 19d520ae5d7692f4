/* SPDX-License-Identifier: MIT */
/* Templates, options and budgets of asking, as a run keeps them. */
#include "evolve/asking.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "evolve/prompt.h"
#include "evolve/search.h"

enum { MAX_TEMPLATE_BYTES = 256 << 10, DEFAULT_MAX_TOKENS = 4096, LEAST_BYTES_OF_A_TOKEN = 2 };

const char *whet_ask_name(whet_ask ask) {
#define WHET_X(code, name) name,
    static const char *const names[] = { WHET_ASK_LIST(WHET_X) };
#undef WHET_X
    return names[ask];
}

static const char *template_name(int i) {
    static const char *const shared[] = { "task", "facts" };
    return i < WHET_N_ASKS ? whet_ask_name((whet_ask)i) : shared[i - WHET_N_ASKS];
}

whet_status whet_asking_load(whet_ctx *ctx, whet_search *s) {
    int n = 0;
    if (!s->answers) s->asking.prompt_version = WHET_PROMPT_VERSION;
    if (!s->opts.prompts || s->answers) return WHET_OK;
    for (int i = 0; i < WHET_N_TEMPLATES; i++) {
        whet_buf path = { 0 };
        whet_buf *text = &s->asking.templates[i];
        whet_status st =
            whet_buf_printf(ctx, &path, "%s/%s.txt", s->opts.prompts, template_name(i));
        if (st == WHET_OK && whet_path_is_file(path.text)) {
            n++;
            st = whet_file_read(ctx, path.text, MAX_TEMPLATE_BYTES, text);
            if (st == WHET_OK) st = whet_prompt_check(ctx, path.text, text->text);
        }
        whet_buf_fini(ctx, &path);
        WHET_TRY(st);
    }
    if (n) return WHET_OK;
    return whet_fail(ctx, WHET_E_FORMAT,
                     "%s has none of task.txt, facts.txt, diff.txt, rewrite.txt, crossover.txt "
                     "and repair.txt",
                     s->opts.prompts);
}

/* ---- options that a run keeps ---- */

whet_status whet_asking_put(whet_ctx *ctx, const whet_search *s, whet_buf *json) {
    const char *separator = "";
    WHET_TRY(whet_buf_printf(ctx, json, ",\"prompt_version\":%d,\"templates\":{",
                             (int)s->asking.prompt_version));
    for (int i = 0; i < WHET_N_TEMPLATES; i++) {
        const whet_buf *text = &s->asking.templates[i];
        if (!text->len) continue;
        WHET_TRY(whet_buf_printf(ctx, json, "%s\"%s\":", separator, template_name(i)));
        WHET_TRY(whet_json_quote(ctx, json, text->text, text->len));
        separator = ",";
    }
    return whet_buf_putc(ctx, json, '}');
}

whet_status whet_asking_read(whet_ctx *ctx, whet_search *s, const whet_json *options) {
    const whet_json *from = whet_json_get(options, "templates");
    int64_t version = 1;
    whet_json_integer(whet_json_get(options, "prompt_version"), &version);
    s->asking.prompt_version = (int32_t)version;
    for (int i = 0; i < WHET_N_TEMPLATES; i++) {
        const char *text = whet_json_string(whet_json_get(from, template_name(i)), NULL);
        if (text) WHET_TRY(whet_buf_puts(ctx, &s->asking.templates[i], text));
    }
    return WHET_OK;
}

/* ---- budgets ---- */

double whet_asking_price(const whet_search *s, int64_t prompt_tokens, int64_t reply_tokens) {
    return 1e-6 * (s->opts.llm.prompt_price * (double)prompt_tokens +
                   s->opts.llm.reply_price * (double)reply_tokens);
}

int whet_asking_n_questions(const whet_search *s) {
    const int n = s->opts.llm.n_questions, n_left = s->opts.max_programs - s->n_members;
    const int most = n_left > 0 && n_left < WHET_MAX_QUESTIONS ? n_left : WHET_MAX_QUESTIONS;
    return n < 1 ? 1 : n < most ? n : most;
}

bool whet_asking_is_spent(const whet_search *s, int n_questions, size_t prompt_bytes) {
    const whet_llm_opts *llm = &s->opts.llm;
    const int64_t prompt_tokens = (int64_t)prompt_bytes / LEAST_BYTES_OF_A_TOKEN;
    const int64_t longest = llm->max_tokens ? llm->max_tokens : DEFAULT_MAX_TOKENS;
    const int64_t reply_tokens = n_questions * longest;
    return (llm->budget_tokens > 0 &&
            (uint64_t)(s->asking.n_tokens + prompt_tokens + reply_tokens) > llm->budget_tokens) ||
           (llm->budget_money > 0 &&
            s->asking.money + whet_asking_price(s, prompt_tokens, reply_tokens) >
                llm->budget_money) ||
           (llm->budget_seconds > 0 && s->asking.seconds >= llm->budget_seconds);
}

void whet_asking_fini(whet_ctx *ctx, whet_search *s) {
    for (int i = 0; i < WHET_N_TEMPLATES; i++)
        whet_buf_fini(ctx, &s->asking.templates[i]);
}
