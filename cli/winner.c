/* SPDX-License-Identifier: MIT */
/* The folder of winners and profiles, and the way from it to the engine. */
#include "winner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <whet/machine.h>

#include "cli.h"

whet_status cli_data_folder(whet_ctx *ctx, whet_buf *folder) {
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    whet_buf_clear(folder);
    if (data && *data == '/') return whet_buf_printf(ctx, folder, "%s/whet", data);
    return whet_buf_printf(ctx, folder, "%s/.local/share/whet", home ? home : "");
}

whet_status cli_winner_id(const char *word, int64_t *id) {
    char *end;
    errno = 0;
    *id = strtoll(word, &end, 10);
    if (*word >= '0' && *word <= '9' && !*end && errno == 0) return WHET_OK;
    return cli_usage("\"%s\" is no id of a winner; whet winners lists them", word);
}

const whet_attention_kernel *cli_winner_find(void *data, const whet_problem *problem) {
    cli_winner *w = data;
    whet_buf folder = { 0 };
    whet_machine machine;
    if (w->winner) return whet_winner_kernel(w->winner); /* one model, one problem */
    whet_status st = whet_machine_read(w->ctx, &machine);
    if (st == WHET_OK) st = cli_data_folder(w->ctx, &folder);
    if (st == WHET_OK)
        st = whet_winner_find(w->ctx, folder.text, problem, machine.fingerprint, &w->winner);
    whet_buf_fini(w->ctx, &folder);
    if (st == WHET_OK) return whet_winner_kernel(w->winner);
    if (st != WHET_E_NOT_FOUND)
        fprintf(stderr, "whet: the winner is not used: %s\n", whet_ctx_message(w->ctx));
    return NULL;
}

void cli_winner_close(cli_winner *w) {
    whet_winner_close(w->ctx, w->winner);
    w->winner = NULL;
}

whet_status cli_profile_find(whet_ctx *ctx, whet_profile *profile) {
    whet_buf folder = { 0 };
    whet_profile kept;
    whet_status st = whet_profile_static(ctx, profile);
    if (st == WHET_OK) st = cli_data_folder(ctx, &folder);
    if (st != WHET_OK) return st;
    st = whet_profile_read(ctx, folder.text, profile->fingerprint, &kept);
    whet_buf_fini(ctx, &folder);
    if (st == WHET_OK)
        *profile = kept;
    else if (st != WHET_E_NOT_FOUND)
        fprintf(stderr, "whet: the profile is not used: %s\n", whet_ctx_message(ctx));
    return st == WHET_E_NOMEM ? st : WHET_OK;
}

whet_status cli_profile_keep(whet_ctx *ctx, const whet_profile *profile) {
    whet_buf folder = { 0 };
    whet_status st = cli_data_folder(ctx, &folder);
    if (st == WHET_OK) st = whet_profile_write(ctx, folder.text, profile);
    whet_buf_fini(ctx, &folder);
    return st;
}
