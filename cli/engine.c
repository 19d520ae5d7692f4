/* SPDX-License-Identifier: MIT */
/* Opening and closing what runs a model. */
#include "engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static whet_status open_tokenizer(whet_ctx *ctx, cli_engine *e, cli_tokenizer_need need) {
    if (need == CLI_TOKENIZER_NONE) return WHET_OK;
    const whet_status st = whet_tokenizer_open(ctx, e->dir.text, &e->tokenizer);
    return st == WHET_E_NOT_FOUND && need == CLI_TOKENIZER_IF_THERE ? WHET_OK : st;
}

whet_status cli_engine_open(whet_ctx *ctx, cli_engine *e, const cli_engine_opts *opts,
                            cli_tokenizer_need need) {
    if (!opts->model) return cli_usage("--model is missing");
    if (opts->threads < 0 || opts->chunk < 0)
        return cli_usage("--threads and --chunk take 0 or more, not %d and %d", opts->threads,
                         opts->chunk);
    whet_status st = cli_find_model(ctx, opts->model, &e->dir);
    if (st == WHET_OK) st = whet_model_open(ctx, e->dir.text, &e->model);
    if (st == WHET_OK) st = open_tokenizer(ctx, e, need);
    if (st == WHET_OK) st = whet_team_open(ctx, opts->threads, &e->team);
    if (st == WHET_OK) st = cli_profile_find(ctx, &e->profile);
    return st;
}

whet_status cli_engine_open_session(whet_ctx *ctx, cli_engine *e, const cli_engine_opts *opts,
                                    size_t capacity_tokens) {
    e->winner.ctx = ctx;
    e->kernel = opts->kernel;
    const whet_session_opts session_opts = {
        .kernel = opts->kernel,
        .find_winner = opts->no_winner ? NULL : cli_winner_find,
        .find_winner_data = &e->winner,
        .measured_attention = e->profile.attention,
        .measured_linear = e->profile.linear,
        .compiler = getenv("CC"),
        .capacity_tokens = (int32_t)capacity_tokens,
        .chunk_tokens = opts->chunk,
        .is_precise = opts->is_precise,
    };
    return whet_session_open(ctx, e->model, e->team, &session_opts, &e->session);
}

void cli_engine_close(whet_ctx *ctx, cli_engine *e) {
    whet_session_close(e->session);
    cli_winner_close(&e->winner);
    whet_team_close(e->team);
    whet_tokenizer_close(e->tokenizer);
    whet_model_close(e->model);
    whet_buf_fini(ctx, &e->dir);
    *e = (cli_engine){ 0 };
}

whet_sampler_opts cli_sampling(const cli_command *command, const cli_args *args,
                               const cli_sampling_opts *given, const cli_engine *e) {
    whet_sampler_opts s = whet_sampling_of(whet_model_config(e->model));
    if (cli_is_given(command, args, "temp")) s.temperature = given->temperature;
    if (cli_is_given(command, args, "top-p")) s.top_p = given->top_p;
    if (cli_is_given(command, args, "top-k")) s.top_k = given->top_k;
    if (cli_is_given(command, args, "min-p")) s.min_p = given->min_p;
    if (cli_is_given(command, args, "repetition-penalty"))
        s.repetition_penalty = given->repetition_penalty;
    s.seed = given->seed;
    s.tokenizer = e->tokenizer;
    return s;
}

bool cli_engine_uses_winner(const cli_engine *e) {
    return e->winner.winner &&
           whet_session_kernel(e->session) == whet_winner_kernel(e->winner.winner);
}

/* A built-in kernel is found by its name; any other word was a file. */
const char *cli_engine_kernel_file(const cli_engine *e) {
    const bool is_name =
        !e->kernel || strcmp(e->kernel, whet_session_kernel(e->session)->name) == 0;
    return is_name ? NULL : e->kernel;
}

void cli_engine_print_kernel(const cli_engine *e, FILE *f) {
    const char *file = cli_engine_kernel_file(e);
    if (cli_engine_uses_winner(e))
        fprintf(f, "Kernel: winner %.12s", whet_winner_about(e->winner.winner)->program_hash);
    else if (file)
        fprintf(f, "Kernel: %s", file);
    else
        fprintf(f, "Kernel: %s", whet_session_kernel(e->session)->name);
    fprintf(f, ", %llu calls\n", (unsigned long long)whet_session_kernel_calls(e->session));
}

whet_status cli_parse_ids(whet_ctx *ctx, const char *text, whet_ids *ids) {
    const char *p = text + strspn(text, " ,\t\n");
    while (*p) {
        char *end;
        errno = 0;
        const long id = strtol(p, &end, 10);
        if (end == p || errno || id < 0 || id > INT32_MAX || (*end && !strchr(" ,\t\n", *end)))
            return cli_usage("--ids holds \"%.20s\", which is not a token id", p);
        const int32_t id32 = (int32_t)id;
        const whet_status st = whet_ids_append(ctx, ids, &id32, 1);
        if (st != WHET_OK) return st;
        p = end + strspn(end, " ,\t\n");
    }
    return ids->n ? WHET_OK : cli_usage("--ids holds no token id");
}

uint64_t cli_peak_rss_bytes(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024;
#endif
}
