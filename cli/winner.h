/* SPDX-License-Identifier: MIT */
/* Where the user's winners and profiles lie, and how a command lets the engine use them. */
#ifndef WHET_CLI_WINNER_H
#define WHET_CLI_WINNER_H

#include <whet/evolve.h>
#include <whet/profile.h>
#include <whet/text.h>

/* $XDG_DATA_HOME/whet, else $HOME/.local/share/whet. Replaces the content of *folder. */
whet_status cli_data_folder(whet_ctx *ctx, whet_buf *folder);

/* The number that `whet winners` shows; else a sentence. */
whet_status cli_winner_id(const char *word, int64_t *id);

/* Looks winners up for the engine. Zero-initialise; close when the model is closed. */
typedef struct cli_winner {
    whet_ctx *ctx;
    whet_winner *winner; /* the loaded one; NULL = none was found */
} cli_winner;

/* A whet_kernel_finder; `data` is a cli_winner. A winner that cannot be used is named on stderr. */
const whet_attention_kernel *cli_winner_find(void *data, const whet_problem *problem);
void cli_winner_close(cli_winner *w);

/* The profile of this machine, or else what the static order takes (no date). A profile that cannot
 * be used is named on stderr. */
whet_status cli_profile_find(whet_ctx *ctx, whet_profile *profile);

/* Puts it beside the winners. */
whet_status cli_profile_keep(whet_ctx *ctx, const whet_profile *profile);

#endif
