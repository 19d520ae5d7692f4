/* SPDX-License-Identifier: MIT */
/* Asking a server that speaks OpenAI's chat protocol (POST .../chat/completions). */
#ifndef WHET_EVOLVE_OPENAI_H
#define WHET_EVOLVE_OPENAI_H

#include <whet/evolve.h>

#include "base/buf.h"
#include "base/rng.h"

/* One answer, or why there is none. The key that was sent is in neither. */
typedef struct whet_openai_answer {
    whet_buf reply;                      /* owned; at most WHET_MAX_REPLY_BYTES + 1 of it */
    char why[512];                       /* "" = the reply came */
    int64_t prompt_tokens, reply_tokens; /* as the server counted, else a token for 4 bytes */
    int n_tries;
} whet_openai_answer;

/* Which of the models is asked next, by their weights; 0 when there is none to choose. */
int whet_openai_draw(const whet_llm_opts *llm, whet_rng *rng);

/* Asks, and tries again where that may help: no connection, 408, 409, 429 and 5xx, with a pause
 * that doubles, or the one that the server asks for. A status is for memory, for a request to stop,
 * and for a machine without libcurl. */
whet_status whet_openai_ask(whet_ctx *ctx, const whet_llm_opts *llm, int model, const char *prompt,
                            whet_openai_answer *answer);

#endif
