/* SPDX-License-Identifier: MIT */
/* What a person sees of a run that goes on: lines for what happened, one that moves below them. */
#ifndef WHET_CLI_EVOLVE_VIEW_H
#define WHET_CLI_EVOLVE_VIEW_H

#include <whet/evolve.h>

typedef struct cli_evolve_view {
    bool is_shown; /* stderr is a terminal, or somebody asked for lines */
    bool is_live;  /* it is a terminal */
} cli_evolve_view;

cli_evolve_view cli_evolve_view_open(void);

/* A whet_evolve_fn; `data` is a cli_evolve_view. */
void cli_evolve_view_show(void *data, const whet_evolve_event *event);

/* The moving line as text: time, generation, islands, best, verdicts by gate, tokens and money. At
 * most `width` - 1 characters; what comes last is left out first. */
void cli_evolve_view_line(const whet_evolve_event *event, size_t width, char *text, size_t n);

#endif
