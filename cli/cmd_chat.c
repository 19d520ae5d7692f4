/* SPDX-License-Identifier: MIT */
/* whet chat: a conversation in the terminal, which keeps its KV cache between turns. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "engine.h"
#include "lines.h"

typedef struct chat_opts {
    cli_engine_opts engine;
    cli_sampling_opts sampling;
    const char *system_prompt;
    int max_tokens, max_kv_size;
    bool no_thinking, ignore_chat_template, stats;
} chat_opts;

extern const cli_command cli_chat;

typedef struct turn {
    const char *role; /* a literal */
    whet_buf text;
} turn;

typedef struct chat {
    const chat_opts *opts;
    cli_engine engine;
    whet_sampler_opts sampling;
    whet_chat_template template_id; /* NONE: the turns are one text */
    turn *turns;
    size_t n_turns, cap_turns;
    whet_ids held; /* the ids in the session's cache */
    cli_lines lines;
    bool is_terminal;
} chat;

/* ---- turns ---- */

static whet_status no_memory(const chat *c) {
    cli_usage("out of memory for %zu turns", c->n_turns + 1);
    return WHET_E_NOMEM;
}

/* Puts an empty turn at the end. */
static whet_status add_turn(chat *c, const char *role, turn **added) {
    if (c->n_turns == c->cap_turns) {
        const size_t cap = c->cap_turns ? 2 * c->cap_turns : 16;
        turn *turns = realloc(c->turns, cap * sizeof *turns);
        if (!turns) return no_memory(c);
        c->turns = turns;
        c->cap_turns = cap;
    }
    *added = &c->turns[c->n_turns++];
    **added = (turn){ .role = role };
    return WHET_OK;
}

static void drop_turns(whet_ctx *ctx, chat *c, size_t n_left) {
    while (c->n_turns > n_left)
        whet_buf_fini(ctx, &c->turns[--c->n_turns].text);
}

static whet_status begin(whet_ctx *ctx, chat *c) {
    drop_turns(ctx, c, 0);
    if (!c->opts->system_prompt) return WHET_OK;
    turn *t;
    const whet_status st = add_turn(c, "system", &t);
    return st == WHET_OK ? whet_buf_puts(ctx, &t->text, c->opts->system_prompt) : st;
}

/* ---- the prompt ---- */

/* Without a template: the turns' texts, a line each. */
static whet_status join_turns(whet_ctx *ctx, const chat *c, whet_buf *out) {
    whet_status st = WHET_OK;
    for (size_t i = 0; i < c->n_turns && st == WHET_OK; i++) {
        const turn *t = &c->turns[i];
        if (i && strcmp(t->role, "assistant") != 0) st = whet_buf_putc(ctx, out, '\n');
        if (st == WHET_OK) st = whet_buf_append(ctx, out, t->text.text, t->text.len);
    }
    return st;
}

static whet_status render_turns(whet_ctx *ctx, chat *c, whet_buf *out) {
    if (c->template_id == WHET_CHAT_NONE) return join_turns(ctx, c, out);
    whet_chat_message *messages = calloc(c->n_turns, sizeof *messages);
    if (!messages) return no_memory(c);
    for (size_t i = 0; i < c->n_turns; i++) {
        const whet_buf *text = &c->turns[i].text;
        messages[i] =
            (whet_chat_message){ c->turns[i].role, text->len ? text->text : "", text->len };
    }
    const whet_chat_opts opts = {
        .template_id = c->template_id,
        .thinking = c->opts->no_thinking ? WHET_THINKING_OFF : WHET_THINKING_DEFAULT,
        .add_generation_prompt = true,
    };
    const whet_status st = whet_chat_render(ctx, &opts, messages, c->n_turns, out);
    free(messages);
    return st;
}

static whet_status encode_turns(whet_ctx *ctx, chat *c, whet_ids *ids) {
    whet_buf text = { 0 };
    whet_status st = render_turns(ctx, c, &text);
    if (st == WHET_OK)
        st = whet_tokenizer_encode(ctx, c->engine.tokenizer, text.text, text.len, ids);
    whet_buf_fini(ctx, &text);
    const size_t room = whet_session_capacity(c->engine.session);
    if (st != WHET_OK || ids->n < room) return st;
    return cli_usage(
        "the context is full: the conversation has %zu tokens with this turn, there is "
        "room for %zu",
        ids->n, room - 1);
}

/* ---- the answer ---- */

/* Goes to the terminal and into the turn. */
static whet_status take_piece(void *data, whet_ctx *ctx, int32_t id, const char *text,
                              size_t bytes) {
    (void)id;
    fwrite(text, 1, bytes, stdout);
    fflush(stdout);
    return whet_buf_append(ctx, data, text, bytes);
}

/* How many ids of the prompt the cache holds already; at least one is left to be read, which gives
 * the logits. */
static size_t count_held(const chat *c, const whet_ids *prompt) {
    size_t n = 0;
    while (n < c->held.n && n + 1 < prompt->n && c->held.ids[n] == prompt->ids[n])
        n++;
    return n;
}

/* What the cache holds now: all of the prompt and the answer, but for what was not read any more.
 */
static whet_status note_held(whet_ctx *ctx, chat *c, const whet_ids *prompt,
                             const whet_ids *answer) {
    c->held.n = 0;
    whet_status st = whet_ids_append(ctx, &c->held, prompt->ids, prompt->n);
    if (st == WHET_OK && answer->n) st = whet_ids_append(ctx, &c->held, answer->ids, answer->n);
    const size_t n = whet_session_length(c->engine.session);
    if (c->held.n > n) c->held.n = n;
    if (st != WHET_OK) {
        c->held.n = 0;
        whet_session_truncate(c->engine.session, 0);
    }
    return st;
}

static void tell_end(const chat *c, const whet_generated *g, size_t n_held) {
    printf("\n");
    fflush(stdout);
    if (g->stop == WHET_STOP_CONTEXT)
        fprintf(stderr, "whet: the context of %zu tokens is full; /clear begins anew\n",
                whet_session_capacity(c->engine.session));
    if (c->opts->stats)
        fprintf(stderr, "Tokens: %zu kept, %zu read, %zu written\n", n_held, g->n_prompt,
                g->n_tokens);
}

static whet_status generate(whet_ctx *ctx, chat *c, const whet_ids *prompt, whet_buf *text) {
    const size_t n_held = count_held(c, prompt);
    whet_session_truncate(c->engine.session, n_held);
    whet_ids answer = { 0 };
    whet_generated g;
    const whet_generate_opts opts = {
        .sampling = c->sampling,
        .held = prompt->ids,
        .n_held = n_held,
        .max_tokens = (size_t)c->opts->max_tokens,
        .on_token = take_piece,
        .on_token_data = text,
    };
    c->sampling.seed++; /* another answer to the same words may be another */
    whet_status st = whet_generate(ctx, c->engine.session, prompt->ids + n_held, prompt->n - n_held,
                                   &opts, &answer, &g);
    whet_ctx_resume(ctx);
    cli_progress_end();
    if (st == WHET_OK) tell_end(c, &g, n_held);
    const whet_status noted = note_held(ctx, c, prompt, &answer);
    whet_ids_fini(ctx, &answer);
    return st == WHET_OK ? noted : st;
}

/* The user's line and the answer to it; neither stays in the conversation if that does not work, or
 * if it was cancelled before the answer began. */
static whet_status take_line(whet_ctx *ctx, chat *c, const cli_line *line) {
    const size_t n_before = c->n_turns;
    whet_ids prompt = { 0 };
    turn *t;
    whet_status st = add_turn(c, "user", &t);
    if (st == WHET_OK) st = whet_buf_append(ctx, &t->text, line->text, line->bytes);
    if (st == WHET_OK) st = encode_turns(ctx, c, &prompt);
    if (st == WHET_OK) st = add_turn(c, "assistant", &t);
    if (st == WHET_OK) st = generate(ctx, c, &prompt, &t->text);
    if (st != WHET_OK) drop_turns(ctx, c, n_before);
    whet_ids_fini(ctx, &prompt);
    whet_ctx_resume(ctx);
    return st == WHET_E_CANCELLED ? WHET_OK : st;
}

/* ---- lines ---- */

/* Ctrl-C asks a person anew, and ends the input of a program. */
static whet_status read_line(whet_ctx *ctx, chat *c, cli_line *line) {
    whet_status st;
    do {
        whet_ctx_resume(ctx);
        if (c->is_terminal) fputs("> ", stderr);
        st = cli_lines_next(ctx, &c->lines, line);
        if (c->is_terminal && line->kind != CLI_LINE) fputs("\n", stderr);
    } while (st == WHET_OK && line->kind == CLI_LINE_INTERRUPTED && c->is_terminal);
    return st;
}

static bool is_word(const cli_line *line, const char *word) {
    return line->bytes == strlen(word) && memcmp(line->text, word, line->bytes) == 0;
}

/* A person reads what went wrong and goes on; a program's conversation ends there. */
static whet_status converse(whet_ctx *ctx, chat *c) {
    cli_line line;
    whet_status st = begin(ctx, c);
    while (st == WHET_OK) {
        st = read_line(ctx, c, &line);
        if (st != WHET_OK || line.kind != CLI_LINE || is_word(&line, "/exit")) break;
        if (line.bytes == 0) continue;
        st = is_word(&line, "/clear") ? begin(ctx, c) : take_line(ctx, c, &line);
        if (st == WHET_OK || !c->is_terminal) continue;
        cli_tell_fault(ctx);
        st = WHET_OK;
    }
    return st;
}

static whet_status open_chat(whet_ctx *ctx, const cli_args *args, chat *c) {
    const chat_opts *o = args->opts;
    whet_status st = cli_engine_open(ctx, &c->engine, &o->engine, CLI_TOKENIZER);
    if (st == WHET_OK && !o->ignore_chat_template)
        st = whet_chat_detect(ctx, c->engine.dir.text, &c->template_id);
    if (st != WHET_OK) return st;
    const int context = whet_model_config(c->engine.model)->max_position_embeddings;
    const int size = o->max_kv_size && o->max_kv_size < context ? o->max_kv_size : context;
    c->sampling = cli_sampling(&cli_chat, args, &o->sampling, &c->engine);
    c->is_terminal = isatty(STDIN_FILENO);
    if (c->is_terminal)
        fprintf(stderr, "%s/exit or Ctrl-D ends, /clear begins anew, Ctrl-C stops an answer.\n",
                c->template_id == WHET_CHAT_NONE
                    ? "No chat template: what you and the model write is one text.\n"
                    : "");
    return cli_engine_open_session(ctx, &c->engine, &o->engine, (size_t)size);
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const chat_opts *o = args->opts;
    if (!o->engine.model) return cli_usage("chat: --model is missing; see whet chat --help");
    if (o->max_tokens < 0 || o->max_kv_size < 0)
        return cli_usage("--max-tokens and --max-kv-size take 0 or more, not %d and %d",
                         o->max_tokens, o->max_kv_size);
    cli_cancel_on_signal(ctx);
    signal(SIGTERM, SIG_DFL); /* only Ctrl-C means the answer alone */
    chat c = { .opts = o };
    whet_status st = open_chat(ctx, args, &c);
    if (st == WHET_OK) st = converse(ctx, &c);
    cli_lines_fini(ctx, &c.lines);
    drop_turns(ctx, &c, 0);
    free(c.turns);
    whet_ids_fini(ctx, &c.held);
    cli_engine_close(ctx, &c.engine);
    return st;
}

#define AT(field) offsetof(chat_opts, field)
static const cli_option options[] = {
    CLI_ENGINE_OPTIONS(chat_opts, engine),
    { "system-prompt", CLI_STRING, AT(system_prompt), "TEXT", "what every answer obeys", NULL },
    { "max-tokens", CLI_INT, AT(max_tokens), "N", "of an answer; 0 = until it ends", "0" },
    { "max-kv-size", CLI_INT, AT(max_kv_size), "N", "tokens of context; 0 = the model's", "0" },
    CLI_SAMPLING_OPTIONS(chat_opts, sampling),
    { "ignore-chat-template", CLI_FLAG, AT(ignore_chat_template), NULL, "one text instead of turns",
      NULL },
    { "no-thinking", CLI_FLAG, AT(no_thinking), NULL, "enable_thinking false", NULL },
    { "stats", CLI_FLAG, AT(stats), NULL, "tokens kept, read and written, on stderr", NULL },
    { 0 },
};

const cli_command cli_chat = {
    .name = "chat",
    .summary = "talk with a model: a line in, an answer out",
    .usage = "--model DIR [options]",
    .options = options,
    .opts_bytes = sizeof(chat_opts),
    .run = run,
};
