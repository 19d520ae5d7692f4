/* SPDX-License-Identifier: MIT */
/* A run as one page: no script, no network. Every text of the run file is escaped. */
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "report/report_int.h"

enum { WIDTH = 860, HEIGHT = 260, MARGIN = 50, N_COLOURS = 10 };

static const char *const colours[N_COLOURS] = { "#1f77b4", "#d62728", "#2ca02c", "#ff7f0e",
                                                "#9467bd", "#8c564b", "#e377c2", "#7f7f7f",
                                                "#bcbd22", "#17becf" };

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n<title>whet: a run</title>\n<style>body{font:15px sans-serif;max-width:"
    "60em;margin:2em auto}pre{background:#f4f4f4;padding:1em;overflow:auto}</style></head><body>\n"
    "<h1>A run of whet</h1>\n";

/* Text between tags. */
static whet_status put(whet_ctx *ctx, whet_buf *out, const char *text) {
    whet_buf printable = { 0 };
    whet_status st = whet_report_put(ctx, &printable, text);
    for (size_t i = 0; st == WHET_OK && i < printable.len; i++) {
        const char c = printable.text[i];
        const char *name = c == '<'   ? "&lt;"
                           : c == '>' ? "&gt;"
                           : c == '&' ? "&amp;"
                           : c == '"' ? "&quot;"
                                      : NULL;
        st = name ? whet_buf_puts(ctx, out, name) : whet_buf_putc(ctx, out, c);
    }
    whet_buf_fini(ctx, &printable);
    return st;
}

static whet_status put_block(whet_ctx *ctx, whet_buf *out, const char *title,
                             const whet_buf *text) {
    WHET_TRY(whet_buf_printf(ctx, out, "<h2>%s</h2>\n<pre>", title));
    WHET_TRY(put(ctx, out, text->text ? text->text : ""));
    return whet_buf_puts(ctx, out, "</pre>\n");
}

/* What is plotted of a look: its ratio, or gigabytes of K and V read in a second. */
static double value_of(const whet_told_duel *d, bool is_rate) {
    const double v = is_rate ? d->kv_bytes / d->ns : d->ratio;
    return d->low > 0 && v > 0 && v < 1e6 ? v : 0;
}

static int operator_of(const whet_tally *tally, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(tally[i].name, name) == 0) return i;
    return 0;
}

static whet_status put_legend(whet_ctx *ctx, whet_buf *out, const whet_tally *tally, int n) {
    WHET_TRY(whet_buf_puts(ctx, out, "<p>"));
    for (int i = 0; i < n; i++) {
        WHET_TRY(whet_buf_printf(ctx, out, "<span style=\"color:%s\">&#9679;</span> ",
                                 colours[i % N_COLOURS]));
        WHET_TRY(put(ctx, out, tally[i].name));
        WHET_TRY(whet_buf_puts(ctx, out, " &nbsp; "));
    }
    return whet_buf_puts(ctx, out, "</p>\n");
}

/* One dot for every program that was timed, over the order of programs. */
static whet_status put_plot(whet_ctx *ctx, const whet_report *r, bool is_rate, whet_buf *out) {
    whet_tally tally[WHET_MAX_TALLY];
    const int n_operators = whet_report_operators(r, tally), n = r->told.n_programs;
    double top = 0;
    for (int i = 0; i < n; i++) {
        const whet_told_duel *d = whet_report_look(r, i);
        if (d && value_of(d, is_rate) > top) top = value_of(d, is_rate);
    }
    if (!(top > 0)) return whet_buf_puts(ctx, out, "<p>Nothing was timed.</p>\n");
    WHET_TRY(whet_buf_printf(ctx, out,
                             "<svg viewBox=\"0 0 %d %d\" width=\"100%%\">"
                             "<path d=\"M%d 10V%dH%d\" fill=\"none\" stroke=\"#444\"/>",
                             WIDTH, HEIGHT, MARGIN, HEIGHT - 20, WIDTH));
    for (int i = 0; i <= 4; i++)
        WHET_TRY(whet_buf_printf(ctx, out, "<text x=\"0\" y=\"%d\" font-size=\"12\">%.2f</text>",
                                 HEIGHT - 20 - i * (HEIGHT - 40) / 4, top * i / 4));
    for (int i = 0; i < n; i++) {
        const whet_told_duel *d = whet_report_look(r, i);
        const double v = d ? value_of(d, is_rate) : 0;
        const int colour = operator_of(tally, n_operators, r->told.programs[i].operator_name);
        if (v > 0)
            WHET_TRY(whet_buf_printf(
                ctx, out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>",
                MARGIN + 8 + (WIDTH - MARGIN - 16.0) * i / n, HEIGHT - 20 - v / top * (HEIGHT - 40),
                colours[colour % N_COLOURS]));
    }
    WHET_TRY(whet_buf_puts(ctx, out, "</svg>\n"));
    return put_legend(ctx, out, tally, n_operators);
}

static whet_status put_program(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    const whet_told_program *best = &r->told.programs[r->best], *seed = &r->told.programs[0];
    whet_buf diff = { 0 }, source = { 0 };
    whet_status st = whet_diff_text(ctx, seed->hash, seed->source, best->hash, best->source, &diff);
    if (st == WHET_OK) st = put_block(ctx, out, "The best program, against the seed", &diff);
    if (st == WHET_OK) st = whet_buf_puts(ctx, &source, best->source);
    if (st == WHET_OK) st = put_block(ctx, out, "Its source", &source);
    whet_buf_fini(ctx, &diff);
    whet_buf_fini(ctx, &source);
    return st;
}

whet_status whet_report_html(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    whet_buf summary = { 0 };
    WHET_TRY(whet_buf_puts(ctx, out, head));
    whet_status st = whet_report_summary(ctx, r, false, &summary);
    if (st == WHET_OK) st = put_block(ctx, out, "What came of it", &summary);
    whet_buf_fini(ctx, &summary);
    WHET_TRY(st);
    WHET_TRY(whet_buf_puts(ctx, out,
                           "<h2>Speed by program and operator</h2>\n<p>Times the rival's "
                           "speed, in each one's first look, on "));
    WHET_TRY(put(ctx, out, r->shape));
    WHET_TRY(whet_buf_puts(ctx, out, "</p>\n"));
    WHET_TRY(put_plot(ctx, r, false, out));
    WHET_TRY(whet_buf_puts(ctx, out, "<h2>K and V read, GB/s</h2>\n"));
    WHET_TRY(put_plot(ctx, r, true, out));
    if (r->best >= 0) WHET_TRY(put_program(ctx, r, out));
    WHET_TRY(whet_buf_puts(ctx, out, "<h2>Again</h2>\n<pre>whet replay "));
    WHET_TRY(put(ctx, out, r->path));
    WHET_TRY(whet_buf_printf(ctx, out, "\nwhet evolve --seed %" PRIu64 "\n\nThe run's options:\n",
                             r->told.seed));
    WHET_TRY(put(ctx, out, r->told.options));
    return whet_buf_puts(ctx, out, "</pre>\n</body></html>\n");
}
