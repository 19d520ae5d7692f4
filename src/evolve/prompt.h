/* SPDX-License-Identifier: MIT */
/* What a model is told when it is asked for a child of a program. */
#ifndef WHET_EVOLVE_PROMPT_H
#define WHET_EVOLVE_PROMPT_H

#include "evolve/search.h"

/* Grows with every change of what prompts say. A run file keeps it: a replay compares prompts of
 * its own version, and takes those of another as the log has them. */
enum { WHET_PROMPT_VERSION = 5 };

/* What is asked for. */
typedef struct whet_question {
    whet_ask ask;
    int parent; /* member */
    int other;  /* the second parent; -1 = none */
    int focus;  /* 0; else the how-manieth of its generation that repeats an earlier question: what
                   to  begin with, so that no two prompts are the same */
} whet_question;

/* The operator's template with its {{PLACES}} filled: the task, the machine, the header, the parent
 * without its comments, its measured speed or why it was rejected, parts with their measured
 * effects, what was tried, failures with their reasons, the best programs and different ones, as
 * long as there is room (max_prompt_bytes). A function of the run's log alone, so that a replay
 * makes the same text. Replaces `prompt`. */
whet_status whet_prompt_write(whet_ctx *ctx, const whet_search *s, const whet_question *question,
                              whet_buf *prompt);

/* Whether all places of a template are known; `name` (a file) is for the message. */
whet_status whet_prompt_check(whet_ctx *ctx, const char *name, const char *text);

#endif
