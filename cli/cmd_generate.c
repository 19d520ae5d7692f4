/* SPDX-License-Identifier: MIT */
/* whet generate: a prompt in, text out as it is made. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "engine.h"

enum { MAX_PROMPT_BYTES = 1 << 28 };

static const char ruler[] = "==========";

typedef struct generate_opts {
    cli_engine_opts engine;
    cli_sampling_opts sampling;
    const char *prompt, *ids, *system_prompt;
    int max_tokens;
    bool ignore_chat_template, no_thinking, ignore_eos, is_verbose, json;
} generate_opts;

extern const cli_command cli_generate;

/* What is printed while tokens come. */
typedef struct printer {
    bool is_json;
    bool owes_ruler; /* which stands before the first output, and not before a fault */
    whet_buf text;   /* everything so far, for the last line of --json */
} printer;

static void print_ruler(printer *p) {
    if (p->owes_ruler) printf("%s\n", ruler);
    p->owes_ruler = false;
}

static whet_status print_piece(void *data, whet_ctx *ctx, int32_t id, const char *text,
                               size_t bytes) {
    printer *p = data;
    print_ruler(p);
    if (!p->is_json) {
        fwrite(text, 1, bytes, stdout);
    } else if (id >= 0) {
        whet_buf line = { 0 };
        whet_status st = whet_buf_printf(ctx, &line, "{\"type\":\"token\",\"id\":%d,\"text\":", id);
        if (st == WHET_OK) st = whet_json_quote(ctx, &line, text, bytes);
        if (st == WHET_OK) printf("%s}\n", line.text);
        whet_buf_fini(ctx, &line);
        if (st != WHET_OK) return st;
    }
    if (fflush(stdout) != 0) return cli_usage("stdout: %s", strerror(errno));
    return p->is_json ? whet_buf_append(ctx, &p->text, text, bytes) : WHET_OK;
}

static double per_second(size_t n, double ns) {
    return ns > 0 ? (double)n / ns * 1e9 : 0;
}

/* Generation speed counts the steps that were run: the first token came with the prompt. */
static double generation_speed(const whet_generated *g) {
    return g->n_tokens > 1 ? per_second(g->n_tokens - 1, g->generation_ns) : 0;
}

static void print_summary(const cli_engine *e, const whet_generated *g) {
    printf("%s\n", ruler);
    printf("Prompt: %zu tokens, %.3f tokens-per-sec\n", g->n_prompt,
           per_second(g->n_prompt, g->prompt_ns));
    printf("Generation: %zu tokens, %.3f tokens-per-sec\n", g->n_tokens, generation_speed(g));
    printf("Peak memory: %.3f GB\n", (double)cli_peak_rss_bytes() * 1e-9);
    cli_engine_print_kernel(e, stdout);
}

static whet_status print_json_summary(whet_ctx *ctx, const cli_engine *e, const printer *p,
                                      const whet_ids *tokens, const whet_generated *g) {
    static const char *const stops[] = { "length", "eos", "context", "cancelled" };
    whet_buf line = { 0 };
    whet_status st = whet_buf_puts(ctx, &line, "{\"type\":\"summary\",\"tokens\":[");
    for (size_t i = 0; i < tokens->n && st == WHET_OK; i++)
        st = whet_buf_printf(ctx, &line, "%s%d", i ? "," : "", tokens->ids[i]);
    if (st == WHET_OK) st = whet_buf_puts(ctx, &line, "],\"text\":");
    if (st == WHET_OK)
        st = e->tokenizer
                 ? whet_json_quote(ctx, &line, p->text.text ? p->text.text : "", p->text.len)
                 : whet_buf_puts(ctx, &line, "null");
    if (st == WHET_OK)
        st = whet_buf_printf(ctx, &line,
                             ",\"prompt_tokens\":%zu,\"prompt_tps\":%.3f,\"generation_tps\":%.3f,"
                             "\"peak_rss_bytes\":%llu,\"kernel\":",
                             g->n_prompt, per_second(g->n_prompt, g->prompt_ns),
                             generation_speed(g), (unsigned long long)cli_peak_rss_bytes());
    const char *file = cli_engine_kernel_file(e);
    const char *kernel = file ? file : whet_session_kernel(e->session)->name;
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, kernel, strlen(kernel));
    if (st == WHET_OK)
        st = whet_buf_printf(ctx, &line, ",\"kernel_calls\":%llu,\"is_winner\":%s,\"stop\":\"%s\"}",
                             (unsigned long long)whet_session_kernel_calls(e->session),
                             cli_engine_uses_winner(e) ? "true" : "false", stops[g->stop]);
    if (st == WHET_OK) printf("%s\n", line.text);
    whet_buf_fini(ctx, &line);
    return st;
}

/* The prompt's text: --prompt, or stdin for "-". */
static whet_status read_prompt(whet_ctx *ctx, const generate_opts *o, whet_buf *text) {
    if (strcmp(o->prompt, "-") == 0)
        return whet_fd_read(ctx, STDIN_FILENO, "stdin", MAX_PROMPT_BYTES, text);
    return whet_buf_puts(ctx, text, o->prompt);
}

static whet_status render_chat(whet_ctx *ctx, const generate_opts *o, whet_chat_template id,
                               const whet_buf *text, whet_buf *rendered) {
    whet_chat_message messages[2];
    size_t n = 0;
    if (o->system_prompt)
        messages[n++] = (whet_chat_message){ .role = "system", .content = o->system_prompt };
    messages[n++] = (whet_chat_message){
        .role = "user",
        .content = text->text ? text->text : "",
        .content_bytes = text->len,
    };
    const whet_chat_opts opts = {
        .template_id = id,
        .thinking = o->no_thinking ? WHET_THINKING_OFF : WHET_THINKING_DEFAULT,
        .add_generation_prompt = true,
    };
    return whet_chat_render(ctx, &opts, messages, n, rendered);
}

static whet_status encode_prompt(whet_ctx *ctx, const generate_opts *o, const cli_engine *e,
                                 whet_ids *ids) {
    if (o->ids) return cli_parse_ids(ctx, o->ids, ids);
    whet_chat_template id = WHET_CHAT_NONE;
    whet_buf text = { 0 }, rendered = { 0 };
    whet_status st = read_prompt(ctx, o, &text);
    if (st == WHET_OK && !o->ignore_chat_template) st = whet_chat_detect(ctx, e->dir.text, &id);
    if (st == WHET_OK && id != WHET_CHAT_NONE) st = render_chat(ctx, o, id, &text, &rendered);
    const whet_buf *prompt = id == WHET_CHAT_NONE ? &text : &rendered;
    if (st == WHET_OK)
        st = whet_tokenizer_encode(ctx, e->tokenizer, prompt->text ? prompt->text : "", prompt->len,
                                   ids);
    whet_buf_fini(ctx, &text);
    whet_buf_fini(ctx, &rendered);
    return st;
}

/* As many tokens as the prompt and the answer need, and the model allows. */
static whet_status open_session(whet_ctx *ctx, cli_engine *e, const generate_opts *o,
                                size_t n_prompt) {
    const size_t context = (size_t)whet_model_config(e->model)->max_position_embeddings;
    if (n_prompt >= context)
        return cli_usage("the prompt has %zu tokens, the model's context is %zu", n_prompt,
                         context);
    const size_t wanted = o->max_tokens ? n_prompt + (size_t)o->max_tokens : context;
    return cli_engine_open_session(ctx, e, &o->engine, wanted < context ? wanted : context);
}

static whet_status generate(whet_ctx *ctx, const cli_args *args, cli_engine *e,
                            const whet_ids *prompt) {
    const generate_opts *o = args->opts;
    printer p = { .is_json = o->json, .owes_ruler = !o->json && o->is_verbose };
    whet_ids tokens = { 0 };
    whet_generated g;
    const whet_generate_opts opts = {
        .sampling = cli_sampling(&cli_generate, args, &o->sampling, e),
        .max_tokens = (size_t)o->max_tokens,
        .ignore_eos = o->ignore_eos,
        .on_token = print_piece,
        .on_token_data = &p,
    };
    whet_status st = whet_generate(ctx, e->session, prompt->ids, prompt->n, &opts, &tokens, &g);
    cli_progress_end();
    if (st == WHET_OK) print_ruler(&p);
    if (st == WHET_OK && o->json) st = print_json_summary(ctx, e, &p, &tokens, &g);
    if (st == WHET_OK && !o->json && !e->tokenizer)
        for (size_t i = 0; i < tokens.n; i++)
            printf("%s%d", i ? " " : "", tokens.ids[i]);
    if (st == WHET_OK && !o->json) printf("\n");
    if (st == WHET_OK && !o->json && o->is_verbose) print_summary(e, &g);
    whet_ids_fini(ctx, &tokens);
    whet_buf_fini(ctx, &p.text);
    return st;
}

static whet_status check(const generate_opts *o) {
    if (!o->engine.model)
        return cli_usage("generate: --model is missing; see whet generate --help");
    if (!o->prompt == !o->ids) return cli_usage("generate: one of --prompt and --ids is needed");
    if (o->max_tokens < 0) return cli_usage("--max-tokens is %d, not 0 or more", o->max_tokens);
    return WHET_OK;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const generate_opts *o = args->opts;
    whet_status st = check(o);
    if (st != WHET_OK) return st;
    cli_cancel_on_signal(ctx);
    cli_engine e = { 0 };
    whet_ids prompt = { 0 };
    st = cli_engine_open(ctx, &e, &o->engine, o->ids ? CLI_TOKENIZER_IF_THERE : CLI_TOKENIZER);
    if (st == WHET_OK) st = encode_prompt(ctx, o, &e, &prompt);
    if (st == WHET_OK) st = open_session(ctx, &e, o, prompt.n);
    if (st == WHET_OK) st = generate(ctx, args, &e, &prompt);
    whet_ids_fini(ctx, &prompt);
    cli_engine_close(ctx, &e);
    return st;
}

#define AT(field) offsetof(generate_opts, field)
static const cli_option options[] = {
    CLI_ENGINE_OPTIONS(generate_opts, engine),
    { "prompt", CLI_STRING, AT(prompt), "TEXT", "what to continue or answer; - reads stdin", NULL },
    { "ids", CLI_STRING, AT(ids), "\"1 2 3\"", "the prompt as token ids", NULL },
    { "system-prompt", CLI_STRING, AT(system_prompt), "TEXT", "system message of the chat", NULL },
    { "max-tokens", CLI_INT, AT(max_tokens), "N", "stop after N tokens; 0 = never", "100" },
    CLI_SAMPLING_OPTIONS(generate_opts, sampling),
    { "ignore-chat-template", CLI_FLAG, AT(ignore_chat_template), NULL, "prompt as it is", NULL },
    { "no-thinking", CLI_FLAG, AT(no_thinking), NULL, "enable_thinking false", NULL },
    { "ignore-eos", CLI_FLAG, AT(ignore_eos), NULL, "go on behind end-of-sequence ids", NULL },
    { "verbose", CLI_BOOL, AT(is_verbose), "T|F", "end with speeds, memory and the kernel", "T" },
    { "json", CLI_FLAG, AT(json), NULL, "JSON Lines: tokens, then a summary", NULL },
    { 0 },
};

const cli_command cli_generate = {
    .name = "generate",
    .summary = "write text: a prompt in, an answer out",
    .usage = "--model DIR --prompt TEXT [options]",
    .options = options,
    .opts_bytes = sizeof(generate_opts),
    .run = run,
};
