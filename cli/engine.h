/* SPDX-License-Identifier: MIT */
/* What every command that runs a model opens: folder, model, tokenizer, team, session. */
#ifndef WHET_CLI_ENGINE_H
#define WHET_CLI_ENGINE_H

#include <whet/chat.h>
#include <whet/generate.h>

#include "cli.h"

/* The options that these commands share; CLI_ENGINE_OPTIONS are their rows. */
typedef struct cli_engine_opts {
    const char *model, *kernel;
    int threads, chunk;
    bool is_precise;
    bool no_winner;
} cli_engine_opts;

#define CLI_ENGINE_OPTIONS(type, field)                                                                \
    { "model",                                                                                         \
      CLI_STRING,                                                                                      \
      offsetof(type, field.model),                                                                     \
      "DIR",                                                                                           \
      "folder of a checkpoint, or its name in the Hugging Face cache",                                 \
      NULL },                                                                                          \
        { "kernel",                                                                                    \
          CLI_STRING,                                                                                  \
          offsetof(type, field.kernel),                                                                \
          "NAME|FILE.c",                                                                               \
          "attention kernel; a file is compiled and trusted",                                          \
          NULL },                                                                                      \
        { "no-winner",                                                                                 \
          CLI_FLAG,                                                                                    \
          offsetof(type, field.no_winner),                                                             \
          NULL,                                                                                        \
          "do not use a winner of whet evolve",                                                        \
          NULL },                                                                                      \
        { "threads", CLI_INT, offsetof(type, field.threads), "N", "0 = what suits the machine", "0" }, \
        { "chunk", CLI_INT, offsetof(type, field.chunk), "N", "prompt tokens a step; 0 = 512", "0" },  \
    {                                                                                                  \
        "precise", CLI_FLAG, offsetof(type, field.is_precise), NULL,                                   \
            "f32 activations, K and V throughout, portable code: for checking", NULL                   \
    }

typedef enum cli_tokenizer_need {
    CLI_TOKENIZER_NONE,
    CLI_TOKENIZER_IF_THERE,
    CLI_TOKENIZER,
} cli_tokenizer_need;

typedef struct cli_engine {
    whet_buf dir; /* the checkpoint's folder */
    whet_model *model;
    whet_tokenizer *tokenizer; /* NULL = there is none */
    whet_team *team;
    whet_session *session;
} cli_engine;

/* Opens all but the session. A zeroed engine goes in; close it whatever comes back. */
whet_status cli_engine_open(whet_ctx *ctx, cli_engine *e, const cli_engine_opts *opts,
                            cli_tokenizer_need need);

/* Opens the session: --kernel, else the winner for this machine, else the best built-in kernel. */
whet_status cli_engine_open_session(whet_ctx *ctx, cli_engine *e, const cli_engine_opts *opts,
                                    size_t capacity_tokens);
void cli_engine_close(whet_ctx *ctx, cli_engine *e);

/* Whether the session's kernel is the winner. */
bool cli_engine_uses_winner(const cli_engine *e);

/* One line about the kernel that ran, on the given file, with the count of the dispatch. */
void cli_engine_print_kernel(const cli_engine *e, FILE *f);

/* Token ids from text: numbers apart by spaces or commas. */
whet_status cli_parse_ids(whet_ctx *ctx, const char *text, whet_ids *ids);

/* The most memory this process has had, in bytes. */
uint64_t cli_peak_rss_bytes(void);

#endif
