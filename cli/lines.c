/* SPDX-License-Identifier: MIT */
/* Lines of standard input: one read at a time, behind a wait that Ctrl-C ends. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#include "lines.h"

/* False when it was interrupted. SIGINT arrives only while this waits, so that none slips in
 * between the look at what was cancelled and the wait. */
static bool wait_for_input(whet_ctx *ctx) {
    sigset_t sigint, before;
    sigemptyset(&sigint);
    sigaddset(&sigint, SIGINT);
    sigprocmask(SIG_BLOCK, &sigint, &before);
    bool is_interrupted = true; /* also by signals that cancel nothing */
    while (is_interrupted && !whet_ctx_is_cancelled(ctx)) {
        fd_set inputs;
        FD_ZERO(&inputs);
        FD_SET(STDIN_FILENO, &inputs);
        const int n = pselect(STDIN_FILENO + 1, &inputs, NULL, NULL, NULL, &before);
        is_interrupted = n < 0 && errno == EINTR;
    }
    const bool is_cancelled = whet_ctx_is_cancelled(ctx);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return !is_cancelled;
}

static whet_status read_more(whet_ctx *ctx, cli_lines *lines) {
    char bytes[4096];
    const ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n > 0) return whet_buf_append(ctx, &lines->input, bytes, (size_t)n);
    lines->is_at_end = n == 0 || errno != EINTR;
    return WHET_OK;
}

/* False if the input so far has no whole line; its last line needs no end. */
static bool take(cli_lines *lines, cli_line *line) {
    const size_t n = lines->input.len - lines->n_taken;
    if (n == 0) return false;
    const char *text = lines->input.text + lines->n_taken;
    const char *end = memchr(text, '\n', n);
    if (!end && !lines->is_at_end) return false;
    *line = (cli_line){ CLI_LINE, text, end ? (size_t)(end - text) : n };
    lines->n_taken += line->bytes + (end != NULL);
    return true;
}

/* Makes room for more: what was given out is not needed any more. */
static void drop_taken(cli_lines *lines) {
    whet_buf *input = &lines->input;
    if (lines->n_taken)
        memmove(input->text, input->text + lines->n_taken, input->len - lines->n_taken);
    input->len -= lines->n_taken;
    lines->n_taken = 0;
}

whet_status cli_lines_next(whet_ctx *ctx, cli_lines *lines, cli_line *line) {
    whet_status st = WHET_OK;
    while (st == WHET_OK && !take(lines, line)) {
        *line = (cli_line){ .kind = CLI_LINE_END };
        if (lines->is_at_end) break;
        drop_taken(lines);
        if (!wait_for_input(ctx)) {
            whet_buf_clear(&lines->input);
            line->kind = CLI_LINE_INTERRUPTED;
            break;
        }
        st = read_more(ctx, lines);
    }
    return st;
}

void cli_lines_fini(whet_ctx *ctx, cli_lines *lines) {
    whet_buf_fini(ctx, &lines->input);
}
