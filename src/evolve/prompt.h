/* SPDX-License-Identifier: MIT */
/* What a model is told when it is asked for a child of a program. */
#ifndef WHET_EVOLVE_PROMPT_H
#define WHET_EVOLVE_PROMPT_H

#include "evolve/search.h"

/* The template with its {{PLACES}} filled: the task, the machine, the header, the parent without
 * its comments, its measured speed, the best programs, failures with their reasons. A function of
 * the run's log alone, so that a replay makes the same text. Replaces `prompt`. */
whet_status whet_prompt_write(whet_ctx *ctx, const whet_search *s, int parent, whet_buf *prompt);

#endif
