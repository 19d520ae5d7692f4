/* SPDX-License-Identifier: MIT */
/* whet export: a winner as one C file that needs nothing of whet. */
#include "cli.h"
#include "winner.h"

typedef struct export_opts {
    const char *out;
} export_opts;

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const export_opts *o = args->opts;
    int64_t id = 0;
    if (!o->out) return cli_usage("export: -o FILE.c is missing");
    whet_status st = cli_winner_id(args->words[0], &id);
    whet_buf folder = { 0 };
    if (st == WHET_OK) st = cli_data_folder(ctx, &folder);
    if (st == WHET_OK) st = whet_winner_export(ctx, folder.text, id, o->out);
    if (st == WHET_OK)
        printf("%s holds winner %lld; try it: cc -O3 -march=native -DWHET_EXAMPLE %s -lm;\n"
               "judge and time it anywhere: whet verify %s\n",
               o->out, (long long)id, o->out, o->out);
    whet_buf_fini(ctx, &folder);
    return st;
}

static const cli_option options[] = {
    { "out", CLI_STRING, offsetof(export_opts, out), "FILE.c", "the file to write", NULL, 'o' },
    { 0 },
};

const cli_command cli_export = {
    .name = "export",
    .summary = "write a winner as one C file that needs nothing of whet",
    .usage = "ID -o FILE.c",
    .options = options,
    .opts_bytes = sizeof(export_opts),
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
