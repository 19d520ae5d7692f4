/* SPDX-License-Identifier: MIT */
/* The live view of whet evolve. */
#include "evolve_view.h"

#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

enum { BAR = 16, MAX_WIDTH = 160 };

cli_evolve_view cli_evolve_view_open(void) {
    const bool is_live = isatty(STDERR_FILENO) && !cli_is_quiet();
    return (cli_evolve_view){ .is_shown = is_live || cli_is_verbose(), .is_live = is_live };
}

/* ---- the moving line ---- */

/* A part of the line, if it has room whole. */
static void put(char *text, size_t width, const char *part) {
    const size_t len = strlen(text), more = strlen(part);
    if (len + more + 1 < width) memcpy(text + len, part, more + 1);
}

static void put_verdicts(const whet_evolve_event *e, size_t width, char *text) {
    char part[64];
    snprintf(part, sizeof part, "  %d tried", e->n_tried);
    put(text, width, part);
    for (int gate = 0; gate < WHET_N_GATES; gate++) {
        if (!e->n_rejected[gate]) continue;
        snprintf(part, sizeof part, ", %d out at %s", e->n_rejected[gate],
                 whet_gate_name((whet_gate)gate));
        put(text, width, part);
    }
}

void cli_evolve_view_line(const whet_evolve_event *e, size_t width, char *text, size_t n) {
    const double left = fmax(e->budget_seconds - e->seconds, 0);
    const double done = e->budget_seconds > 0 ? fmin(e->seconds / e->budget_seconds, 1) : 0;
    char part[96], bar[BAR + 1];
    if (width > n) width = n;
    for (int i = 0; i < BAR; i++)
        bar[i] = i < (int)(BAR * done) ? '#' : '.';
    bar[BAR] = '\0';
    *text = '\0';
    snprintf(part, sizeof part, "[%s] %.0f s left", bar, left);
    put(text, width, part);
    if (e->best.ratio > 0) {
        snprintf(part, sizeof part, "  best %.2fx [%.2f, %.2f] %s", e->best.ratio, e->best.low,
                 e->best.high, e->rival);
        put(text, width, part);
    }
    snprintf(part, sizeof part, "  generation %d", e->n_generations);
    put(text, width, part);
    if (e->n_islands > 1) {
        snprintf(part, sizeof part, " on island %d of %d", e->island + 1, e->n_islands);
        put(text, width, part);
    }
    put_verdicts(e, width, text);
    if (e->n_tokens) {
        snprintf(part, sizeof part, "  %.1fk tokens", e->n_tokens * 1e-3);
        put(text, width, part);
    }
    if (e->money > 0) {
        snprintf(part, sizeof part, ", %.2f spent", e->money);
        put(text, width, part);
    }
}

static void draw(const whet_evolve_event *e) {
    struct winsize size;
    char text[MAX_WIDTH];
    const bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
    cli_evolve_view_line(e, is_known ? size.ws_col : 80, text, sizeof text);
    cli_progress_line(text);
}

/* ---- lines that stay ---- */

static void print_program(const whet_evolve_event *e) {
    char speed[24] = "";
    if (e->speed > 0) snprintf(speed, sizeof speed, "%.2fx", e->speed);
    fprintf(stderr, "%5.0f s  %3d  %.10s  %-14s %7s  %-8s %.48s\n", e->seconds, e->n_tried, e->hash,
            whet_verdict_name(e->verdict->code), speed, e->operator_name, e->change);
}

void cli_evolve_view_show(void *data, const whet_evolve_event *e) {
    const cli_evolve_view *v = data;
    if (!v->is_shown) return;
    cli_progress_end();
    if (strcmp(e->what, "program") == 0)
        print_program(e);
    else if (strcmp(e->what, "end of search") == 0)
        fprintf(stderr, "%5.0f s  %3d programs judged; now the finals\n", e->seconds, e->n_tried);
    else if (strcmp(e->what, "resumed") == 0)
        fprintf(stderr, "%5.0f s  %3d judged before; going on\n", e->seconds, e->n_tried);
    else if (strcmp(e->what, "generation") != 0)
        fprintf(stderr, "%5.0f s  %s %.10s  %s %.2fx\n", e->seconds, e->what, e->hash,
                whet_verdict_name(e->verdict->code), e->speed);
    if (v->is_live) draw(e);
}
