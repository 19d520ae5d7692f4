/* SPDX-License-Identifier: MIT */
/* Who is asked: a command, a queue of files, or the models behind a server. */
#ifndef WHET_EVOLVE_PROPOSERS_H
#define WHET_EVOLVE_PROPOSERS_H

#include <whet/evolve.h>

#include "store/run.h"

/* Whether the name is that of a proposer, with all it needs: WHET_E_ARG says what is missing. */
whet_status whet_proposer_check(whet_ctx *ctx, const whet_evolve_opts *opts);

/* Sends the prompt of question number `id` and waits for the reply. "No reply, because" is a reply,
 * too: then `got->why` says it and the reply is empty. */
whet_status whet_proposer_ask(whet_ctx *ctx, const whet_evolve_opts *opts, int64_t id, int model,
                              const char *prompt, whet_buf *reply, whet_store_reply *got);

#endif
