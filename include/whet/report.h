/* SPDX-License-Identifier: MIT */
/* What a run file tells a person. It is only read; texts from it are made printable. */
#ifndef WHET_REPORT_H
#define WHET_REPORT_H

#include <whet/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A run file as it was at one moment; a run that goes on may go on writing it. */
typedef struct whet_report whet_report;

/* WHET_E_NOT_FOUND: no such file, or no run in it; WHET_E_FORMAT: no run file, or one of another
 * version; WHET_E_STORE: damaged. */
WHET_API whet_status whet_report_open(whet_ctx *ctx, const char *run_file, whet_report **report);
WHET_API void whet_report_close(whet_ctx *ctx, whet_report *report); /* NULL is fine */

/* All of these append to `text`. Programs are named by the first digits of their hashes:
 * WHET_E_NOT_FOUND when there is none, WHET_E_ARG when there are several. JSON is one line. */

/* The run: verdicts, operators, the best with intervals, its lineage. */
WHET_API whet_status whet_report_summary(whet_ctx *ctx, const whet_report *report, bool is_json,
                                         whet_buf *text);

/* One program: parents, operator, verdict, measurements, source. */
WHET_API whet_status whet_report_program(whet_ctx *ctx, const whet_report *report, const char *hash,
                                         bool is_json, whet_buf *text);

/* Unified diff of two programs' sources, with three lines of context (Myers, "An O(ND) difference
 * algorithm", 1986). Nothing when they are equal. */
WHET_API whet_status whet_report_diff(whet_ctx *ctx, const whet_report *report, const char *from,
                                      const char *to, whet_buf *text);

/* JSON Lines: one for each step that made a program or got a reply: parent, child, edit, metrics,
 * verdict. */
WHET_API whet_status whet_report_trace(whet_ctx *ctx, const whet_report *report, whet_buf *text);

/* A page that needs nothing but itself: no script, no network. */
WHET_API whet_status whet_report_html(whet_ctx *ctx, const whet_report *report, whet_buf *text);

/* One line about a run file, for a list. Texts are printable. */
typedef struct whet_report_brief {
    char started[24], state[24], problem[48], shape[48], rival[24];
    int64_t n_programs, n_steps;
    double ratio, low, high; /* the winner's over rival, else of the fastest race; 0 = none */
} whet_report_brief;

WHET_API whet_status whet_report_read_brief(whet_ctx *ctx, const char *run_file,
                                            whet_report_brief *brief);

#ifdef __cplusplus
}
#endif

#endif
