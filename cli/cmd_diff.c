/* SPDX-License-Identifier: MIT */
/* whet diff: where two programs of a run differ. */
#include <whet/report.h>

#include "cli.h"

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    whet_report *report;
    whet_buf text = { 0 };
    whet_status st = whet_report_open(ctx, args->words[0], &report);
    if (st != WHET_OK) return st;
    st = whet_report_diff(ctx, report, args->words[1], args->words[2], &text);
    if (st == WHET_OK && text.len) fwrite(text.text, 1, text.len, stdout);
    whet_buf_fini(ctx, &text);
    whet_report_close(ctx, report);
    return st;
}

static const cli_option options[] = { { 0 } };

const cli_command cli_diff = {
    .name = "diff",
    .summary = "unified diff of two programs of a run",
    .usage = "FILE PROGRAM PROGRAM",
    .options = options,
    .min_words = 3,
    .max_words = 3,
    .run = run,
};
