/* SPDX-License-Identifier: MIT */
/* Asking somebody outside for a child: a prompt goes out, a reply comes in, both are kept. */
#ifndef WHET_EVOLVE_ASK_H
#define WHET_EVOLVE_ASK_H

#include "evolve/prompt.h"
#include "evolve/reply.h"
#include "evolve/search.h"

/* One question and what came of it. */
typedef struct whet_proposal {
    whet_question question;
    int model; /* of opts.llm */
    whet_buf prompt, reply;
    whet_store_reply got; /* its costs, and why it did not come */
    whet_reply read;
    char child[WHET_SHA256_HEX]; /* "" = no program came out */
} whet_proposal;

void whet_proposal_fini(whet_ctx *ctx, whet_proposal *p);

/* Asks the run's proposer the questions of a generation side by side, or takes the replies that the
 * answers have: at most WHET_MAX_QUESTIONS, into unused `asked`, and none whose price a budget may
 * not have. All are drawn before the first is asked; the i-th is of the i-th island behind the
 * generation's. Replies are read in the questions' order, whichever came first: each program that
 * is new becomes the next one of `bred`. Whatever comes, or does not, is an outcome and no failure.
 */
whet_status whet_search_ask(whet_ctx *ctx, whet_search *s, whet_member *bred, int *n_bred,
                            whet_proposal *asked, int *n_asked);

/* The first prompt of a run, for a person to see. */
whet_status whet_search_first_prompt(whet_ctx *ctx, const whet_search *s, whet_buf *prompt);

/* Into the run file, within a step. */
whet_status whet_record_proposal(whet_ctx *ctx, whet_search *s, const whet_proposal *p);

#endif
