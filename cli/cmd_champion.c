/* SPDX-License-Identifier: MIT */
/* whet _champion: the engine's process of gate 10; never typed by a person. */
#include <whet/champion.h>

#include "cli.h"

typedef struct champion_opts {
    whet_champion_opts opts;
    const char *folder;
} champion_opts;

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const champion_opts *o = args->opts;
    whet_champion champion;
    if (!o->opts.model || !o->folder || !o->opts.baseline)
        return cli_usage("_champion is started by whet judge --model");
    const whet_status st = whet_champion_serve(ctx, &o->opts, o->folder, &champion);
    if (st == WHET_OK) fwrite(&champion, sizeof champion, 1, stdout);
    return st;
}

#define OPT(field) offsetof(champion_opts, field)
static const cli_option options[] = {
    { "model", CLI_STRING, OPT(opts.model), "DIR", "the checkpoint", NULL },
    { "folder", CLI_STRING, OPT(folder), "DIR", "where the objects lie", NULL },
    { "baseline", CLI_STRING, OPT(opts.baseline), "NAME", "a built-in kernel", NULL },
    { "scenario", CLI_STRING, OPT(opts.scenarios), "LIST", "texts", NULL },
    { "seed", CLI_U64, OPT(opts.seed), "N", "of orders", NULL },
    { "threads", CLI_INT, OPT(opts.n_threads), "N", "of the team", NULL },
    { "pairs", CLI_INT, OPT(opts.n_pairs), "N", "of sessions", NULL },
    { 0 },
};

const cli_command cli_champion = {
    .name = "_champion",
    .summary = "run a model with a kernel for the judge that started this process",
    .usage = "",
    .options = options,
    .opts_bytes = sizeof(champion_opts),
    .run = run,
};
