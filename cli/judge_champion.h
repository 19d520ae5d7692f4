/* SPDX-License-Identifier: MIT */
/* Gate 10 as whet judge --model shows it. */
#ifndef WHET_CLI_JUDGE_CHAMPION_H
#define WHET_CLI_JUDGE_CHAMPION_H

#include <whet/champion.h>

#include "cli.h"

/* A table: what each text came to, and how decoding goes with the length of the context. */
void judge_champion_print(const whet_champion *champion);

/* Appends ,"end_to_end":{...}. */
whet_status judge_champion_put(whet_ctx *ctx, const whet_champion *champion, whet_buf *line);

/* What every one of n sittings claims; nothing for one. */
void judge_champion_print_claims(const whet_champion *sittings, int n);

/* Appends ,"sittings":N,"claims":[...]. */
whet_status judge_champion_put_claims(whet_ctx *ctx, const whet_champion *sittings, int n,
                                      whet_buf *line);

#endif
