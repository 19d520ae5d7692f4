/* SPDX-License-Identifier: MIT */
/* Lines of standard input, from a pipe or a person, with a Ctrl-C that is never missed. */
#ifndef WHET_CLI_LINES_H
#define WHET_CLI_LINES_H

#include <stdbool.h>

#include <whet/text.h>

/* Zero it before use. */
typedef struct cli_lines {
    whet_buf input;
    size_t n_taken; /* bytes of the input that were given out */
    bool is_at_end;
} cli_lines;

typedef enum cli_line_kind { CLI_LINE, CLI_LINE_END, CLI_LINE_INTERRUPTED } cli_line_kind;

typedef struct cli_line {
    cli_line_kind kind;
    const char *text; /* without the line's end, not NUL-terminated; valid until the next call */
    size_t bytes;
} cli_line;

/* Waits for the next line. Needs SIGINT to cancel ctx (cli_cancel_on_signal): ctx cancelled while
 * this waits, or just before, is CLI_LINE_INTERRUPTED, and what was typed of the line is dropped.
 * WHET_E_NOMEM, or WHET_OK. */
whet_status cli_lines_next(whet_ctx *ctx, cli_lines *lines, cli_line *line);

void cli_lines_fini(whet_ctx *ctx, cli_lines *lines);

#endif
