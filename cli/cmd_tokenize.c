/* SPDX-License-Identifier: MIT */
/* whet tokenize: text to ids and back. */
#include <string.h>
#include <unistd.h>

#include "cli.h"

#include <whet/chat.h>
#include <whet/tokenizer.h>

enum { MAX_INPUT_BYTES = 1 << 30 };

typedef struct tokenize_opts {
    const char *model;
    bool is_decode;
    bool is_jsonl;
    bool is_chat;
} tokenize_opts;

static whet_status write_ids(whet_ctx *ctx, const whet_tokenizer *t, const whet_buf *in) {
    whet_ids ids = { 0 };
    const whet_status st = whet_tokenizer_encode(ctx, t, in->text, in->len, &ids);
    if (st == WHET_OK) {
        for (size_t i = 0; i < ids.n; i++)
            printf("%s%d", i ? " " : "", ids.ids[i]);
        printf("\n");
    }
    whet_ids_fini(ctx, &ids);
    return st;
}

/* One id of digits at text[*at]; skips the white space around it. */
static bool read_id(const whet_buf *in, size_t *at, int32_t *id) {
    int64_t n = 0;
    const size_t first = *at;
    for (; *at < in->len && in->text[*at] >= '0' && in->text[*at] <= '9'; ++*at)
        if ((n = n * 10 + (in->text[*at] - '0')) > INT32_MAX) return false;
    const bool has_digits = *at > first;
    const size_t end = *at;
    while (*at < in->len && strchr(" \t\r\n", in->text[*at]) && in->text[*at])
        ++*at;
    *id = (int32_t)n;
    return has_digits && (*at > end || *at == in->len);
}

static whet_status write_text(whet_ctx *ctx, const whet_tokenizer *t, const whet_buf *in) {
    whet_decoder decoder;
    whet_decoder_init(&decoder, t);
    whet_buf text = { 0 };
    whet_status st = WHET_OK;
    size_t at = 0;
    while (at < in->len && strchr(" \t\r\n", in->text[at]) && in->text[at])
        at++;
    while (at < in->len && st == WHET_OK) {
        int32_t id;
        const size_t first = at;
        if (!read_id(in, &at, &id))
            st = cli_usage("tokenize: stdin holds something at byte %zu that is not an id", first);
        else
            st = whet_decoder_push(ctx, &decoder, id, &text);
    }
    if (st == WHET_OK) st = whet_decoder_flush(ctx, &decoder, &text);
    if (st == WHET_OK && text.len) fwrite(text.text, 1, text.len, stdout);
    whet_buf_fini(ctx, &text);
    return st;
}

/* False at the end of the file. The newline is not kept. */
static bool read_line(whet_ctx *ctx, whet_buf *line, whet_status *st) {
    whet_buf_clear(line);
    int c = EOF;
    while (*st == WHET_OK && (c = getc(stdin)) != EOF && c != '\n') {
        if (line->len == MAX_INPUT_BYTES)
            *st = cli_usage("tokenize: a line of more than %d bytes", MAX_INPUT_BYTES);
        else
            *st = whet_buf_putc(ctx, line, (char)c);
    }
    return *st == WHET_OK && (c == '\n' || line->len > 0);
}

/* What lines are answered with. */
typedef struct answerer {
    const whet_tokenizer *tokenizer;
    whet_chat_template chat;
    whet_status (*answer)(whet_ctx *ctx, const struct answerer *by, const char *json, size_t bytes,
                          whet_buf *out);
} answerer;

static whet_status encode(whet_ctx *ctx, const answerer *by, const char *json, size_t bytes,
                          whet_buf *out) {
    return whet_tokenizer_encode_json(ctx, by->tokenizer, json, bytes, out);
}

static whet_status decode(whet_ctx *ctx, const answerer *by, const char *json, size_t bytes,
                          whet_buf *out) {
    return whet_tokenizer_decode_json(ctx, by->tokenizer, json, bytes, out);
}

static whet_status render_chat(whet_ctx *ctx, const answerer *by, const char *json, size_t bytes,
                               whet_buf *out) {
    whet_buf prompt = { 0 };
    whet_status st = whet_chat_render_json(ctx, by->chat, json, bytes, &prompt);
    if (st == WHET_OK) st = whet_json_quote(ctx, out, prompt.text, prompt.len);
    whet_buf_fini(ctx, &prompt);
    return st;
}

/* A bad line is answered with its fault, and makes the whole end with its status. */
static whet_status answer_lines(whet_ctx *ctx, const answerer *by) {
    whet_buf line = { 0 }, out = { 0 };
    whet_status st = WHET_OK, worst = WHET_OK;
    while (st == WHET_OK && read_line(ctx, &line, &st)) {
        whet_buf_clear(&out);
        const whet_status bad = by->answer(ctx, by, line.text, line.len, &out);
        if (bad != WHET_OK) {
            worst = bad;
            const char *why = whet_ctx_message(ctx);
            whet_buf_clear(&out);
            st = whet_buf_puts(ctx, &out, "{\"error\": ");
            if (st == WHET_OK) st = whet_json_quote(ctx, &out, why, strlen(why));
            if (st == WHET_OK) st = whet_buf_putc(ctx, &out, '}');
        }
        if (st == WHET_OK) st = whet_buf_putc(ctx, &out, '\n');
        if (st == WHET_OK) fwrite(out.text, 1, out.len, stdout);
        fflush(stdout);
    }
    whet_buf_fini(ctx, &line);
    whet_buf_fini(ctx, &out);
    return st == WHET_OK ? worst : st;
}

static whet_status answer_stdin(whet_ctx *ctx, const whet_tokenizer *t, bool is_decode) {
    whet_buf in = { 0 };
    whet_status st = whet_fd_read(ctx, STDIN_FILENO, "stdin", MAX_INPUT_BYTES, &in);
    if (st == WHET_OK) st = is_decode ? write_text(ctx, t, &in) : write_ids(ctx, t, &in);
    whet_buf_fini(ctx, &in);
    return st;
}

/* Needs no tokenizer; a checkpoint without a template gets Qwen3's own. */
static whet_status run_chat(whet_ctx *ctx, const char *dir) {
    answerer by = { .answer = render_chat };
    const whet_status st = whet_chat_detect(ctx, dir, &by.chat);
    if (st != WHET_OK) return st;
    if (by.chat == WHET_CHAT_NONE) by.chat = WHET_CHAT_QWEN3;
    return answer_lines(ctx, &by);
}

static whet_status run_tokenizer(whet_ctx *ctx, const char *dir, const tokenize_opts *o) {
    whet_tokenizer *t;
    whet_status st = whet_tokenizer_open(ctx, dir, &t);
    if (st != WHET_OK) return st;
    if (o->is_jsonl)
        st = answer_lines(ctx, &(answerer){ t, WHET_CHAT_NONE, o->is_decode ? decode : encode });
    else
        st = answer_stdin(ctx, t, o->is_decode);
    whet_tokenizer_close(t);
    return st;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const tokenize_opts *o = args->opts;
    if (!o->model) return cli_usage("tokenize: --model is missing; see whet tokenize --help");
    if (o->is_chat && (!o->is_jsonl || o->is_decode))
        return cli_usage("tokenize: --chat goes with --jsonl and without --decode");
    whet_buf dir = { 0 };
    whet_status st = cli_find_model(ctx, o->model, &dir);
    if (st == WHET_OK) st = o->is_chat ? run_chat(ctx, dir.text) : run_tokenizer(ctx, dir.text, o);
    whet_buf_fini(ctx, &dir);
    return st;
}

static const cli_option options[] = {
    { "model", CLI_STRING, offsetof(tokenize_opts, model), "DIR",
      "folder with tokenizer.json, or the name of a cached model", NULL },
    { "decode", CLI_FLAG, offsetof(tokenize_opts, is_decode), NULL, "ids to text", NULL },
    { "jsonl", CLI_FLAG, offsetof(tokenize_opts, is_jsonl), NULL,
      "a line each: a JSON string to an array of ids, or back", NULL },
    { "chat", CLI_FLAG, offsetof(tokenize_opts, is_chat), NULL,
      "with --jsonl: an object with messages to its prompt, by the chat template", NULL },
    { 0 },
};

const cli_command cli_tokenize = {
    .name = "tokenize",
    .summary = "turn the text on stdin into token ids, or ids into text",
    .usage = "--model DIR [--decode] [--jsonl [--chat]] < TEXT",
    .options = options,
    .opts_bytes = sizeof(tokenize_opts),
    .run = run,
};
