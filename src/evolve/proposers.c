/* SPDX-License-Identifier: MIT */
/* The three proposers. Questions wait side by side, in threads; nothing is timed meanwhile. */
#include "evolve/proposers.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/http.h"
#include "base/utf8.h"
#include "evolve/openai.h"
#include "evolve/reply.h"

enum { BYTES_OF_A_TOKEN = 4, NAP_US = 50000 };

static const double command_seconds = 600;
static const char command_prefix[] = "command:", manual_prefix[] = "manual:";

static bool begins_with(const char *text, const char *word) {
    return strncmp(text, word, strlen(word)) == 0;
}

whet_status whet_proposer_check(whet_ctx *ctx, const whet_evolve_opts *opts) {
    const char *name = opts->proposer;
    if (!name) return WHET_OK;
    if (begins_with(name, command_prefix) && name[strlen(command_prefix)]) return WHET_OK;
    if (begins_with(name, manual_prefix) && name[strlen(manual_prefix)]) return WHET_OK;
    if (strcmp(name, "openai") != 0)
        return whet_fail(ctx, WHET_E_ARG,
                         "the proposer \"%.60s\" is not openai, command: and a command, or manual: "
                         "and a folder",
                         name);
    if (opts->llm.n_models < 1)
        return whet_fail(ctx, WHET_E_ARG, "the proposer openai needs the name of a model");
    if (opts->llm.budget_money > 0 && !(opts->llm.prompt_price > 0 || opts->llm.reply_price > 0))
        return whet_fail(ctx, WHET_E_ARG, "a budget of money needs the prices of tokens");
    return whet_http_check(ctx);
}

/* ---- a command ---- */

/* Why no reply came, in `why`; "" when one came. */
static void explain(const whet_child_result *r, const whet_buf *err, char *why, size_t n) {
    const char *words = err->text ? err->text : "";
    const int len = (int)strcspn(words, "\n");
    *why = '\0';
    if (r->how == WHET_CHILD_TIMED_OUT)
        snprintf(why, n, "no reply came within %.0f s", command_seconds);
    else if (r->how == WHET_CHILD_SIGNALLED)
        snprintf(why, n, "the proposer was ended by signal %d", r->signal);
    else if (r->exit_code)
        snprintf(why, n, "the proposer ended with status %d: %.*s", r->exit_code,
                 len < 300 ? len : 300, words);
    whet_utf8_make_printable(why);
}

static whet_status ask_command(whet_ctx *ctx, const char *command, const char *prompt,
                               whet_buf *reply, whet_store_reply *got) {
    const char *const argv[] = { "/bin/sh", "-c", command, NULL };
    const whet_child_opts opts = {
        .wall_seconds = command_seconds,
        .max_output_bytes = WHET_MAX_REPLY_BYTES + 1,
        .input = prompt,
        .input_bytes = strlen(prompt),
    };
    whet_child_result result;
    whet_buf err = { 0 };
    const whet_status st = whet_child_run(ctx, argv, &opts, reply, &err, &result);
    if (st == WHET_OK) explain(&result, &err, got->why, sizeof got->why);
    whet_buf_fini(ctx, &err);
    return st;
}

/* ---- a person, or a script, with a folder between ---- */

/* Waits for the answer's file; only a request to stop ends that. An answer is renamed to its name
 * when it is whole. */
static whet_status await(whet_ctx *ctx, const char *path) {
    while (!whet_path_is_file(path)) {
        WHET_TRY(whet_check_cancelled(ctx));
        usleep(NAP_US);
    }
    return WHET_OK;
}

static whet_status ask_folder(whet_ctx *ctx, const char *folder, int64_t id, const char *prompt,
                              whet_buf *reply, whet_store_reply *got) {
    whet_buf question = { 0 }, answer = { 0 };
    whet_status st = whet_dir_make(ctx, folder);
    if (st == WHET_OK)
        st = whet_buf_printf(ctx, &question, "%s/%04lld.prompt.txt", folder, (long long)id);
    if (st == WHET_OK)
        st = whet_buf_printf(ctx, &answer, "%s/%04lld.answer.txt", folder, (long long)id);
    if (st == WHET_OK) st = whet_file_write(ctx, question.text, prompt, strlen(prompt));
    if (st == WHET_OK)
        whet_log(ctx, WHET_LOG_INFO, "evolve", "%s waits for %s", question.text, answer.text);
    if (st == WHET_OK) st = await(ctx, answer.text);
    if (st == WHET_OK &&
        whet_file_read(ctx, answer.text, 2 * WHET_MAX_REPLY_BYTES, reply) != WHET_OK)
        snprintf(got->why, sizeof got->why, "%.500s", whet_ctx_message(ctx));
    whet_buf_fini(ctx, &question);
    whet_buf_fini(ctx, &answer);
    return st;
}

/* ---- a server ---- */

static whet_status ask_server(whet_ctx *ctx, const whet_llm_opts *llm, int model,
                              const char *prompt, whet_buf *reply, whet_store_reply *got) {
    whet_openai_answer a;
    WHET_TRY(whet_openai_ask(ctx, llm, model, prompt, &a));
    whet_buf_fini(ctx, reply);
    *reply = a.reply;
    memcpy(got->why, a.why, sizeof got->why);
    got->prompt_tokens = a.prompt_tokens;
    got->reply_tokens = a.reply_tokens;
    return WHET_OK;
}

whet_status whet_proposer_ask(whet_ctx *ctx, const whet_evolve_opts *opts, int64_t id, int model,
                              const char *prompt, whet_buf *reply, whet_store_reply *got) {
    const char *name = opts->proposer;
    const double start_ns = whet_clock_ns();
    whet_status st;
    *got = (whet_store_reply){ 0 };
    if (begins_with(name, command_prefix))
        st = ask_command(ctx, name + strlen(command_prefix), prompt, reply, got);
    else if (begins_with(name, manual_prefix))
        st = ask_folder(ctx, name + strlen(manual_prefix), id, prompt, reply, got);
    else
        st = ask_server(ctx, &opts->llm, model, prompt, reply, got);
    got->wall_ns = whet_clock_ns() - start_ns;
    if (*got->why) whet_buf_clear(reply);
    if (got->prompt_tokens == 0) got->prompt_tokens = (int64_t)(strlen(prompt) / BYTES_OF_A_TOKEN);
    if (got->reply_tokens == 0) got->reply_tokens = (int64_t)(reply->len / BYTES_OF_A_TOKEN);
    return st;
}
