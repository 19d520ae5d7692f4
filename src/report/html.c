/* SPDX-License-Identifier: MIT */
/* A run as one page: no script, no network. Every text of the run file is escaped. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/plot.h"
#include "report/report_int.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n<meta name=\"viewport\" content=\"width=device-width\">"
    "<title>whet: a run</title>\n<style>"
    "body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fafaf8;max-width:62em;"
    "margin:2.5em auto;padding:0 1em}"
    "h1{font-size:1.7em;margin:0}h2{font-size:1.15em;margin:2.4em 0 .4em}"
    "p{margin:.3em 0 .8em}.quiet{color:#777}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(12em,1fr));gap:.8em;"
    "margin:1.2em 0}.card{background:#fff;border:1px solid #e4e2dc;border-radius:8px;padding:.7em "
    "1em}.card div{font-size:1.5em;font-weight:600}.card span{color:#777;font-size:.85em}"
    "svg{display:block;width:100%;background:#fff;border:1px solid #e4e2dc;border-radius:8px}"
    "svg text{font-size:11px;fill:#666}svg .name{fill:#444;font-size:12px}svg .note{fill:#222}"
    "svg .grid{stroke:#eee;fill:none}svg .axis{stroke:#888;fill:none}svg circle{fill-opacity:.75}"
    ".legend{font-size:.85em;color:#555}.legend i{display:inline-block;width:.75em;height:.75em;"
    "border-radius:50%;margin:0 .35em 0 1em}"
    "table{border-collapse:collapse;background:#fff;border:1px solid #e4e2dc;width:100%}"
    "th,td{text-align:left;padding:.3em .8em;border-bottom:1px solid #eee;vertical-align:top}"
    "th{color:#777;font-weight:500;font-size:.85em}.n{text-align:right;font-variant-numeric:"
    "tabular-nums;white-space:nowrap}.bar{background:#d1495b;height:.8em;border-radius:3px}"
    "code,pre{font:12.5px/1.45 ui-monospace,monospace}pre{background:#fff;border:1px solid "
    "#e4e2dc;border-radius:8px;padding:1em;overflow:auto;max-height:40em}"
    ".add{background:#e6f4ea}.drop{background:#fbe9eb}.hunk{color:#3266ad}"
    "summary{cursor:pointer;color:#3266ad}</style></head><body>\n";

static whet_status put_h2(whet_ctx *ctx, whet_buf *out, const char *title, const char *what) {
    return whet_buf_printf(ctx, out, "<h2>%s</h2>\n<p class=\"quiet\">%s</p>\n", title, what);
}

/* ---- the top ---- */

static whet_status put_card(whet_ctx *ctx, whet_buf *out, const char *value, const char *what) {
    WHET_TRY(whet_buf_puts(ctx, out, "<div class=\"card\"><div>"));
    WHET_TRY(whet_html_put(ctx, out, value));
    WHET_TRY(whet_buf_puts(ctx, out, "</div><span>"));
    WHET_TRY(whet_html_put(ctx, out, what));
    return whet_buf_puts(ctx, out, "</span></div>\n");
}

/* The finals of the winner in decode, else its looks. */
static whet_status put_speed_cards(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    const bool is_won = r->told.winner >= 0;
    for (int i = 0, n = 0; i < r->told.n_duels && n < 3; i++) {
        const whet_told_duel *d = &r->told.duels[i];
        char value[64], what[128];
        if (d->program != r->best || (is_won && strcmp(d->kind, "final") != 0)) continue;
        if (strncmp(d->shape, "decode", 6) != 0 || !(d->ratio > 0 && d->ratio < 1e6)) continue;
        snprintf(value, sizeof value, "%.2fx", d->ratio);
        snprintf(what, sizeof what, "over %.16s in %.24s, 95 %%: %.2f to %.2f", d->rival, d->shape,
                 fmin(d->low, 1e6), fmin(d->high, 1e6));
        WHET_TRY(put_card(ctx, out, value, what));
        n++;
    }
    return WHET_OK;
}

static whet_status put_top(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    const whet_told *t = &r->told;
    char problem[96], value[64], what[160];
    double bytes, flop;
    whet_report_problem(ctx, t->problem, problem, sizeof problem);
    whet_report_limits(ctx, r, &bytes, &flop);
    WHET_TRY(whet_buf_puts(ctx, out, "<h1>A run of whet</h1>\n<p class=\"quiet\">"));
    WHET_TRY(whet_html_put(ctx, out, r->path));
    WHET_TRY(whet_buf_puts(ctx, out, " &middot; heads "));
    WHET_TRY(whet_html_put(ctx, out, problem));
    WHET_TRY(whet_buf_puts(ctx, out, " &middot; began "));
    WHET_TRY(whet_html_put(ctx, out, t->started));
    WHET_TRY(whet_buf_puts(ctx, out, "</p>\n<div class=\"cards\">\n"));
    WHET_TRY(put_speed_cards(ctx, r, out));
    snprintf(value, sizeof value, "%d", t->n_programs);
    snprintf(what, sizeof what, "programs in %.0f s, %d questions to models",
             t->n_events ? fmin(t->events[t->n_events - 1].seconds, 1e9) : 0, t->n_proposals);
    WHET_TRY(put_card(ctx, out, value, what));
    if (bytes > 0) {
        snprintf(value, sizeof value, "%.1f GB/s", bytes * 1e-9);
        snprintf(what, sizeof what, "P, the memory's limit; F is %.0f GFLOP/s", flop * 1e-9);
        WHET_TRY(put_card(ctx, out, value, what));
    }
    snprintf(what, sizeof what, "%s",
             t->winner < 0      ? "no winner"
             : *t->installed_in ? "the winner is installed"
                                : "the winner is not installed");
    WHET_TRY(put_card(ctx, out, *t->outcome ? t->outcome : "unfinished", what));
    return whet_buf_puts(ctx, out, "</div>\n");
}

/* ---- tables ---- */

static whet_status put_legend(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    whet_tally tally[WHET_MAX_TALLY];
    const int n = whet_report_operators(r, tally);
    WHET_TRY(
        whet_buf_puts(ctx, out, "<p class=\"legend\"><i style=\"background:#111\"></i>the winner"));
    for (int i = 0; i < n; i++) {
        WHET_TRY(
            whet_buf_printf(ctx, out, "<i style=\"background:%s\"></i>", whet_report_colour(i)));
        WHET_TRY(whet_html_put(ctx, out, tally[i].name));
    }
    return whet_buf_puts(ctx, out, "</p>\n");
}

static whet_status put_gates(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    whet_tally tally[WHET_MAX_TALLY];
    const int n = whet_report_verdicts(r, tally);
    WHET_TRY(put_h2(ctx, out, "Gates", "What the judge said, and at which gate."));
    WHET_TRY(whet_buf_puts(ctx, out, "<table>\n"));
    for (int i = 0; i < n; i++) {
        WHET_TRY(whet_buf_puts(ctx, out, "<tr><td>"));
        WHET_TRY(whet_html_put(ctx, out, tally[i].name));
        if (tally[i].gate >= 0) WHET_TRY(whet_buf_printf(ctx, out, ", gate %d", tally[i].gate));
        WHET_TRY(whet_buf_printf(ctx, out,
                                 "</td><td class=\"n\">%d</td><td style=\"width:60%%\"><div "
                                 "class=\"bar\" style=\"width:%d%%%s\"></div></td></tr>\n",
                                 tally[i].n, 100 * tally[i].n / (tally[0].n ? tally[0].n : 1),
                                 tally[i].gate < 0 ? ";background:#2a9d8f" : ""));
    }
    return whet_buf_puts(ctx, out, "</table>\n");
}

static whet_status put_operators(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    whet_tally tally[WHET_MAX_TALLY];
    const int n = whet_report_operators(r, tally);
    WHET_TRY(put_h2(ctx, out, "Operators",
                    "How many programs each made, how many of them were faster than their parent, "
                    "and by how much the best."));
    WHET_TRY(whet_buf_puts(ctx, out,
                           "<table><tr><th>operator</th><th class=\"n\">programs</th><th "
                           "class=\"n\">faster</th><th class=\"n\">most</th></tr>\n"));
    for (int i = 0; i < n; i++) {
        WHET_TRY(whet_buf_puts(ctx, out, "<tr><td>"));
        WHET_TRY(whet_html_put(ctx, out, tally[i].name));
        WHET_TRY(whet_buf_printf(ctx, out,
                                 "</td><td class=\"n\">%d</td><td class=\"n\">%d</td><td "
                                 "class=\"n\">%.2fx</td></tr>\n",
                                 tally[i].n, tally[i].n_gained, fmin(tally[i].best, 1e6)));
    }
    return whet_buf_puts(ctx, out, "</table>\n");
}

/* "1.2345 3 share: grouped over none" */
static whet_status put_gains(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    bool is_any = false;
    for (int i = 0; i < r->told.n_events; i++) {
        int times, used = 0;
        double gain;
        const whet_told_event *e = &r->told.events[i];
        if (strcmp(e->what, "gain") != 0) continue;
        if (sscanf(e->detail, "%lf %d %n", &gain, &times, &used) != 2 || !(gain < 1e6)) continue;
        if (!is_any) {
            WHET_TRY(put_h2(ctx, out, "Ideas that paid",
                            "One part of a program over another in its place, wherever two "
                            "programs differ in nothing else. Every name but \"own\" is an idea "
                            "of the library, written by people."));
            WHET_TRY(whet_buf_puts(ctx, out,
                                   "<table><tr><th>part</th><th class=\"n\">gain</th><th "
                                   "class=\"n\">measured</th></tr>\n"));
        }
        is_any = true;
        WHET_TRY(whet_buf_puts(ctx, out, "<tr><td>"));
        WHET_TRY(whet_html_put(ctx, out, e->detail + used));
        WHET_TRY(whet_buf_printf(ctx, out,
                                 "</td><td class=\"n\">%.2fx</td><td class=\"n\">%d</td></tr>\n",
                                 gain, times));
    }
    return is_any ? whet_buf_puts(ctx, out, "</table>\n") : WHET_OK;
}

static whet_status put_lineage(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    WHET_TRY(put_h2(ctx, out, "Lineage",
                    "From the best program back to the seed; the speed is of each one's first "
                    "look."));
    WHET_TRY(whet_buf_puts(ctx, out,
                           "<table><tr><th>program</th><th class=\"n\">speed</th><th>operator</th>"
                           "<th>what it changed</th></tr>\n"));
    for (int i = r->best; i >= 0; i = r->told.programs[i].parent) {
        const whet_told_program *p = &r->told.programs[i];
        const whet_told_duel *look = whet_report_look(r, i);
        char hash[16];
        snprintf(hash, sizeof hash, "%.12s", p->hash);
        WHET_TRY(whet_buf_puts(ctx, out, "<tr><td><code>"));
        WHET_TRY(whet_html_put(ctx, out, hash));
        WHET_TRY(whet_buf_printf(ctx, out, "</code></td><td class=\"n\">%.2fx</td><td>",
                                 look ? fmin(look->ratio, 1e6) : 0));
        WHET_TRY(whet_html_put(ctx, out, p->operator_name));
        WHET_TRY(whet_buf_puts(ctx, out, "</td><td>"));
        WHET_TRY(whet_html_put(ctx, out, p->change));
        WHET_TRY(whet_buf_puts(ctx, out, "</td></tr>\n"));
    }
    return whet_buf_puts(ctx, out, "</table>\n");
}

/* The finals and the suite of the winner. */
static whet_status put_finals(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    double bytes, flop;
    if (r->told.winner < 0) return WHET_OK;
    whet_report_limits(ctx, r, &bytes, &flop);
    WHET_TRY(put_h2(ctx, out, "The winner's measurements",
                    "Interleaved pairs over fresh processes; a ratio is the rival's time over its "
                    "own."));
    WHET_TRY(whet_buf_puts(ctx, out,
                           "<table><tr><th>shape</th><th>over</th><th class=\"n\">ratio</th><th "
                           "class=\"n\">95 % interval</th><th class=\"n\">ms a call</th><th "
                           "class=\"n\">of the limit</th></tr>\n"));
    for (int i = 0; i < r->told.n_duels; i++) {
        const whet_told_duel *d = &r->told.duels[i];
        const bool is_final = strcmp(d->kind, "final") == 0 || strcmp(d->kind, "duel") == 0;
        if (d->program != r->told.winner || !is_final || !(d->ns > 0 && d->ratio < 1e6)) continue;
        WHET_TRY(whet_buf_puts(ctx, out, "<tr><td>"));
        WHET_TRY(whet_html_put(ctx, out, d->shape));
        WHET_TRY(whet_buf_puts(ctx, out, "</td><td>"));
        WHET_TRY(whet_html_put(ctx, out, d->rival));
        WHET_TRY(whet_buf_printf(ctx, out,
                                 "</td><td class=\"n\">%.2f</td><td class=\"n\">%.2f to %.2f</td>"
                                 "<td class=\"n\">%.3f</td><td class=\"n\">%.0f %%</td></tr>\n",
                                 d->ratio, fmin(d->low, 1e6), fmin(d->high, 1e6),
                                 fmin(d->ns, 1e15) * 1e-6,
                                 100 * whet_report_limit_share(r, d, bytes, flop)));
    }
    return whet_buf_puts(ctx, out, "</table>\n");
}

/* ---- the program ---- */

static whet_status put_diff(whet_ctx *ctx, const whet_buf *diff, whet_buf *out) {
    const char *text = diff->text ? diff->text : "";
    WHET_TRY(whet_buf_puts(ctx, out, "<pre>"));
    for (const char *line = text; *line;) {
        const size_t n = strcspn(line, "\n");
        const char *kind = *line == '+'   ? "add"
                           : *line == '-' ? "drop"
                           : *line == '@' ? "hunk"
                                          : NULL;
        char *copy = whet_strndup(ctx, line, n);
        if (!copy) return WHET_E_NOMEM;
        whet_status st = WHET_OK;
        if (kind) st = whet_buf_printf(ctx, out, "<span class=\"%s\">", kind);
        if (st == WHET_OK) st = whet_html_put(ctx, out, copy);
        whet_free(ctx, copy);
        if (st == WHET_OK && kind) st = whet_buf_puts(ctx, out, "</span>");
        WHET_TRY(st);
        WHET_TRY(whet_buf_putc(ctx, out, '\n'));
        line += n + (line[n] == '\n');
    }
    return whet_buf_puts(ctx, out, "</pre>\n");
}

static whet_status put_program(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    const whet_told_program *best = &r->told.programs[r->best], *seed = &r->told.programs[0];
    whet_buf diff = { 0 };
    WHET_TRY(put_h2(ctx, out, "The best program, against the seed", "As a unified diff."));
    whet_status st = whet_diff_text(ctx, seed->hash, seed->source, best->hash, best->source, &diff);
    if (st == WHET_OK) st = put_diff(ctx, &diff, out);
    whet_buf_fini(ctx, &diff);
    WHET_TRY(st);
    WHET_TRY(whet_buf_puts(ctx, out, "<details><summary>Its source</summary>\n<pre>"));
    WHET_TRY(whet_html_put(ctx, out, best->source));
    return whet_buf_puts(ctx, out, "</pre></details>\n");
}

static whet_status put_again(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    const char *const names[] = { "machine", "fingerprint", "compiler", "whet", "options" };
    const char *const texts[] = { r->told.machine, r->told.fingerprint, r->told.compiler,
                                  r->told.version, r->told.options };
    WHET_TRY(put_h2(ctx, out, "Again",
                    "Replaying recomputes every choice of the log, with no judge and no network; a "
                    "new run with the same seed has timings of its own."));
    WHET_TRY(whet_buf_puts(ctx, out, "<pre>whet replay "));
    WHET_TRY(whet_html_put(ctx, out, r->path));
    WHET_TRY(whet_buf_printf(ctx, out, "\nwhet evolve --seed %" PRIu64 "\n", r->told.seed));
    for (int i = 0; i < 5; i++) {
        WHET_TRY(whet_buf_printf(ctx, out, "\n%-12s ", names[i]));
        WHET_TRY(whet_html_put(ctx, out, texts[i]));
    }
    return whet_buf_puts(ctx, out, "\n</pre>\n");
}

/* ---- the page ---- */

static whet_status put_plots(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    WHET_TRY(whet_buf_puts(ctx, out,
                           "<h2>Speed, program by program</h2>\n<p class=\"quiet\">Times the "
                           "rival's speed in each one's first look, on "));
    WHET_TRY(whet_html_put(ctx, out, r->shape));
    WHET_TRY(whet_buf_puts(ctx, out, "; the line is the best so far.</p>\n"));
    WHET_TRY(whet_report_plot_speed(ctx, r, out));
    WHET_TRY(put_legend(ctx, r, out));
    WHET_TRY(put_h2(ctx, out, "Roofline",
                    "Every timing of every program under what the machine can do (Williams, "
                    "Waterman, Patterson, 2009): decode on the left, prefill on the right."));
    WHET_TRY(whet_report_plot_roofline(ctx, r, out));
    WHET_TRY(put_h2(ctx, out, "Decode as the context grows",
                    "The finalists over the suite, and the kernel that they were timed against "
                    "(dotted)."));
    return whet_report_plot_context(ctx, r, out);
}

whet_status whet_report_html(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    WHET_TRY(whet_buf_puts(ctx, out, head));
    WHET_TRY(put_top(ctx, r, out));
    WHET_TRY(put_plots(ctx, r, out));
    WHET_TRY(put_finals(ctx, r, out));
    WHET_TRY(put_gates(ctx, r, out));
    WHET_TRY(put_operators(ctx, r, out));
    WHET_TRY(put_gains(ctx, r, out));
    if (r->best >= 0) WHET_TRY(put_lineage(ctx, r, out));
    if (r->best >= 0) WHET_TRY(put_program(ctx, r, out));
    WHET_TRY(put_again(ctx, r, out));
    return whet_buf_puts(ctx, out, "</body></html>\n");
}
