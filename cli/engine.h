/* SPDX-License-Identifier: MIT */
/* What every command that runs a model opens: folder, model, tokenizer, team, session. */
#ifndef WHET_CLI_ENGINE_H
#define WHET_CLI_ENGINE_H

#include <whet/chat.h>
#include <whet/generate.h>

#include "cli.h"
#include "winner.h"

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
          "attention kernel; a file is compiled, by $CC or cc, and trusted",                           \
          NULL },                                                                                      \
        { "no-winners",                                                                                \
          CLI_FLAG,                                                                                    \
          offsetof(type, field.no_winner),                                                             \
          NULL,                                                                                        \
          "do not use a winner of whet evolve",                                                        \
          NULL },                                                                                      \
        { "threads", CLI_INT, offsetof(type, field.threads), "N", "0 = what suits the machine", "0" }, \
        CLI_ISA_OPTION, { "chunk",                                                                     \
                          CLI_INT,                                                                     \
                          offsetof(type, field.chunk),                                                 \
                          "N",                                                                         \
                          "prompt tokens a step; 0 = 512",                                             \
                          "0" },                                                                       \
    {                                                                                                  \
        "precise", CLI_FLAG, offsetof(type, field.is_precise), NULL,                                   \
            "f32 activations, K and V throughout, portable code: for checking", NULL                   \
    }

/* How ids are chosen; CLI_SAMPLING_OPTIONS are the rows. */
typedef struct cli_sampling_opts {
    double temperature, top_p, min_p, repetition_penalty;
    int top_k;
    uint64_t seed;
} cli_sampling_opts;

#define CLI_SAMPLING_OPTIONS(type, field)                                                             \
    {                                                                                                 \
        "temp", CLI_DOUBLE, offsetof(type, field.temperature), "T", "temperature; 0 = greedy", NULL   \
    },                                                                                                \
        { "top-p",                                                                                    \
          CLI_DOUBLE,                                                                                 \
          offsetof(type, field.top_p),                                                                \
          "P",                                                                                        \
          "keep the most probable ids up to P",                                                       \
          NULL },                                                                                     \
        { "top-k", CLI_INT, offsetof(type, field.top_k), "K", "keep the K most probable ids", NULL }, \
        { "min-p",                                                                                    \
          CLI_DOUBLE,                                                                                 \
          offsetof(type, field.min_p),                                                                \
          "P",                                                                                        \
          "keep ids of at least P times the best one",                                                \
          NULL },                                                                                     \
        { "repetition-penalty", CLI_DOUBLE, offsetof(type, field.repetition_penalty), "R",            \
          "1 = none",           NULL },                                                               \
    {                                                                                                 \
        "seed", CLI_U64, offsetof(type, field.seed), "N", "of the random choices", "0"                \
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
    cli_winner winner; /* that the session runs, if there is one */
    whet_profile profile;
    const char *kernel; /* the option's word; NULL = the engine chose */
} cli_engine;

/* Opens all but the session. A zeroed engine goes in; close it whatever comes back. */
whet_status cli_engine_open(whet_ctx *ctx, cli_engine *e, const cli_engine_opts *opts,
                            cli_tokenizer_need need);

/* Opens the session: --kernel, else the winner for this machine, else the best built-in kernel. */
whet_status cli_engine_open_session(whet_ctx *ctx, cli_engine *e, const cli_engine_opts *opts,
                                    size_t capacity_tokens);
void cli_engine_close(whet_ctx *ctx, cli_engine *e);

/* What was given on the command line counts; then what generation_config.json says; then greedy. */
whet_sampler_opts cli_sampling(const cli_command *command, const cli_args *args,
                               const cli_sampling_opts *given, const cli_engine *e);

/* Whether the session's kernel is the winner. */
bool cli_engine_uses_winner(const cli_engine *e);

/* The file that the session's kernel was compiled from; NULL for every other kernel. */
const char *cli_engine_kernel_file(const cli_engine *e);

/* One line about the kernel that ran, on the given file, with the count of the dispatch. */
void cli_engine_print_kernel(const cli_engine *e, FILE *f);

/* Token ids from text: numbers apart by spaces or commas. */
whet_status cli_parse_ids(whet_ctx *ctx, const char *text, whet_ids *ids);

/* The most memory this process has had, in bytes. */
uint64_t cli_peak_rss_bytes(void);

#endif
