/* SPDX-License-Identifier: MIT */
/* What the texts of a report share. */
#ifndef WHET_REPORT_REPORT_INT_H
#define WHET_REPORT_REPORT_INT_H

#include <whet/report.h>

#include "base/buf.h"
#include "store/read.h"

struct whet_report {
    whet_told told;
    char *path;            /* printable */
    int *looks;            /* by program: its first race or duel on the first shape; -1 = none */
    int best;              /* the winner, else the fastest by its look; -1 = none */
    const char *shape;     /* the first that was timed; "" = none */
    int n_heads, head_dim; /* of the problem; 0 = not readable */
};

/* The verdict that counts: of the first gate that rejected, else of the check. */
const whet_told_verdict *whet_report_verdict(const whet_told_program *program);

/* The look of a program; NULL = it was not timed. */
const whet_told_duel *whet_report_look(const whet_report *report, int program);

/* By how many times a program is faster than its parent, by their looks at one rival; 0 = unknown.
 */
double whet_report_gain(const whet_report *report, int program);

/* Appends text for a terminal: control characters but line ends and tabs, and what is not UTF-8,
 * become question marks. */
whet_status whet_report_put(whet_ctx *ctx, whet_buf *out, const char *text);

/* "heads 16:8 x 128, context 2048" out of the problem's JSON; "not readable" else. */
void whet_report_problem(whet_ctx *ctx, const char *problem, char *out, size_t n);

/* A table of counts by a text, the most frequent first. */
enum { WHET_MAX_TALLY = 32 };

typedef struct whet_tally {
    const char *name;
    int gate, n, n_gained;
    double best; /* gain over a parent */
} whet_tally;

int whet_report_verdicts(const whet_report *report, whet_tally tally[WHET_MAX_TALLY]);
int whet_report_operators(const whet_report *report, whet_tally tally[WHET_MAX_TALLY]);

/* P and F, the most that the run saw; 0 = not known. */
void whet_report_limits(whet_ctx *ctx, const whet_report *report, double *bytes, double *flop);

/* The least time for a timing's work, by the roofline, over its own; 0 = not known. */
double whet_report_limit_share(const whet_report *report, const whet_told_duel *duel, double bytes,
                               double flop);

/* The plots; each says where there is nothing. Operators have colours by their place in the tally.
 */
whet_status whet_report_plot_speed(whet_ctx *ctx, const whet_report *report, whet_buf *out);
whet_status whet_report_plot_roofline(whet_ctx *ctx, const whet_report *report, whet_buf *out);
whet_status whet_report_plot_context(whet_ctx *ctx, const whet_report *report, whet_buf *out);
const char *whet_report_colour(int i);

/* The unified diff of two texts. */
whet_status whet_diff_text(whet_ctx *ctx, const char *from_name, const char *from,
                           const char *to_name, const char *to, whet_buf *out);

#endif
