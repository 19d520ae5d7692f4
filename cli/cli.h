/* SPDX-License-Identifier: MIT */
/* Commands as rows of tables: the table that parses is the table that --help prints. */
#ifndef WHET_CLI_CLI_H
#define WHET_CLI_CLI_H

#include <stdio.h>

#include <whet/text.h>

typedef enum cli_kind {
    CLI_FLAG,   /* bool, true when given */
    CLI_BOOL,   /* bool: T, True, F, False; true when given without a value */
    CLI_STRING, /* const char *, borrowed from argv */
    CLI_INT,    /* int */
    CLI_U64,    /* uint64_t */
    CLI_DOUBLE, /* double */
    CLI_ISA,    /* bounds the process by whet_isa_limit; no field */
} cli_kind;

/* One option: where its value goes in the command's options struct. */
typedef struct cli_option {
    const char *name; /* without the dashes */
    cli_kind kind;
    size_t offset;    /* offsetof(command's struct, field) */
    const char *meta; /* "N", "DIR"; NULL for a flag */
    const char *help;
    const char *fallback; /* the default as text, parsed like a given value; NULL = zero */
    char letter;          /* short form of an option with a value: 'p' for -p; 0 = none */
} cli_option;

/* The row of every command that runs kernels. */
#define CLI_ISA_OPTION                                                                             \
    {                                                                                              \
        "isa", CLI_ISA, 0, "NAME", "use no instruction set beyond NAME; whet doctor lists them",   \
            NULL                                                                                   \
    }

enum { CLI_MAX_ARGS = 64 };

/* What a command gets: its filled options struct and the words that are not options. */
typedef struct cli_args {
    void *opts;
    const char *words[CLI_MAX_ARGS];
    int n_words;
    uint64_t given; /* bit i: option i of the table was on the command line */
    int *exit_code; /* of a command that worked; 0 unless it says otherwise */
} cli_args;

typedef struct cli_command {
    const char *name;
    const char *summary;       /* one line */
    const char *usage;         /* after "whet NAME": "[options] DIR" */
    const cli_option *options; /* ends with a NULL name; at most 64 */
    size_t opts_bytes;         /* sizeof the options struct, at most CLI_MAX_OPTS_BYTES */
    int min_words, max_words;
    whet_status (*run)(whet_ctx *ctx, const cli_args *args);
} cli_command;

enum { CLI_MAX_OPTS_BYTES = 1024 };

/* The commands of commands.def. */
#define COMMAND(name) extern const cli_command cli_##name;
#include "commands.def"
#undef COMMAND

/* True when the option of that name was given. */
bool cli_is_given(const cli_command *command, const cli_args *args, const char *name);

/* Prints a sentence about wrong usage to stderr as the program's message and gives WHET_E_ARG. */
whet_status cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the context's sentence about a fault, unless cli_usage has told of it. */
void cli_tell_fault(const whet_ctx *ctx);

/* Prints ctx's log lines to stderr. */
void cli_log(void *data, whet_log_level level, const char *module, const char *text);

/* A progress bar on stderr when it is a terminal; data is not used. */
void cli_progress(void *data, const char *what, const char *unit, double done, double total);

/* A text instead of a bar, in the same place. */
void cli_progress_line(const char *text);

/* -q and -v were given. */
bool cli_is_quiet(void);
bool cli_is_verbose(void);

/* Ends the line of the progress bar, if one is shown. */
void cli_progress_end(void);

/* Finds the folder of --model: a folder, or a name in the Hugging Face cache (whet_model_find with
 * the variables of the environment). */
whet_status cli_find_model(whet_ctx *ctx, const char *model, whet_buf *dir);

/* Whether the file of an option can be written: told before the work, not when its result is there.
 */
whet_status cli_check_out(const char *option, const char *path);

/* Cancels ctx on SIGINT and SIGTERM. */
void cli_cancel_on_signal(whet_ctx *ctx);

#endif
