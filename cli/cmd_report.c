/* SPDX-License-Identifier: MIT */
/* whet report: a run as one static page. */
#include <whet/report.h>

#include "cli.h"

typedef struct report_opts {
    const char *out;
} report_opts;

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const report_opts *o = args->opts;
    whet_report *report;
    whet_buf text = { 0 };
    whet_status st = whet_report_open(ctx, args->words[0], &report);
    if (st != WHET_OK) return st;
    st = whet_report_html(ctx, report, &text);
    if (st == WHET_OK && o->out) st = whet_file_write(ctx, o->out, text.text, text.len);
    if (st == WHET_OK && !o->out) fwrite(text.text, 1, text.len, stdout);
    whet_buf_fini(ctx, &text);
    whet_report_close(ctx, report);
    return st;
}

static const cli_option options[] = {
    { "out", CLI_STRING, offsetof(report_opts, out), "FILE.html", "where it goes; default: stdout",
      NULL, 'o' },
    { 0 },
};

const cli_command cli_report = {
    .name = "report",
    .summary = "a run as one static page of HTML",
    .usage = "FILE -o FILE.html",
    .options = options,
    .opts_bytes = sizeof(report_opts),
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
