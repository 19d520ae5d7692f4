/* SPDX-License-Identifier: MIT */
/* whet show: a run, or one of its programs, or its trace. */
#include <whet/report.h>

#include "cli.h"

typedef struct show_opts {
    bool is_json;
    bool is_trace;
} show_opts;

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const show_opts *o = args->opts;
    const char *program = args->n_words > 1 ? args->words[1] : NULL;
    if (program && o->is_trace) return cli_usage("--trace is of a run, not of a program");
    whet_report *report;
    whet_buf text = { 0 };
    whet_status st = whet_report_open(ctx, args->words[0], &report);
    if (st != WHET_OK) return st;
    if (o->is_trace)
        st = whet_report_trace(ctx, report, &text);
    else if (program)
        st = whet_report_program(ctx, report, program, o->is_json, &text);
    else
        st = whet_report_summary(ctx, report, o->is_json, &text);
    if (st == WHET_OK && text.len) fwrite(text.text, 1, text.len, stdout);
    whet_buf_fini(ctx, &text);
    whet_report_close(ctx, report);
    return st;
}

static const cli_option options[] = {
    { "json", CLI_FLAG, offsetof(show_opts, is_json), NULL, "one line of JSON", NULL },
    { "trace", CLI_FLAG, offsetof(show_opts, is_trace), NULL,
      "JSON Lines: parent, child, edit, metrics and verdict of every step", NULL },
    { 0 },
};

const cli_command cli_show = {
    .name = "show",
    .summary = "show a run, one of its programs, or its trace",
    .usage = "[--json] [--trace] FILE [PROGRAM]",
    .options = options,
    .opts_bytes = sizeof(show_opts),
    .min_words = 1,
    .max_words = 2,
    .run = run,
};
