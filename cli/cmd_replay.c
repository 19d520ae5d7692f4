/* SPDX-License-Identifier: MIT */
/* whet replay: recompute a run from its log, and compare. */
#include <inttypes.h>

#include <whet/evolve.h>

#include "cli.h"

typedef struct replay_opts {
    bool is_json;
} replay_opts;

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const replay_opts *o = args->opts;
    whet_evolve_result r;
    int64_t n_steps;
    bool is_whole;
    const whet_status st = whet_evolve_replay(ctx, args->words[0], &r, &n_steps, &is_whole);
    if (st != WHET_OK) return st;
    if (o->is_json)
        printf("{\"type\":\"replay\",\"steps\":%" PRId64 ",\"programs\":%d,\"is_whole\":%s,"
               "\"program\":\"%s\",\"has_other_prompts\":%s}\n",
               n_steps, r.n_tried, is_whole ? "true" : "false", r.hash,
               r.has_other_prompts ? "true" : "false");
    else
        printf(
            "%" PRId64 " steps with %d programs recomputed: all as the log has them\n%s%s\n",
            n_steps, r.n_tried,
            r.has_other_prompts ? "the prompts were written by another version of whet, and were "
                                  "not compared\n"
                                : "",
            is_whole ? "the run is whole" : "the run is unfinished; whet evolve --resume goes on");
    return WHET_OK;
}

static const cli_option options[] = {
    { "json", CLI_FLAG, offsetof(replay_opts, is_json), NULL, "one line of JSON", NULL },
    { 0 },
};

const cli_command cli_replay = {
    .name = "replay",
    .summary = "recompute a run from its log alone, and compare",
    .usage = "FILE",
    .options = options,
    .opts_bytes = sizeof(replay_opts),
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
