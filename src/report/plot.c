/* SPDX-License-Identifier: MIT */
/* Plots that print themselves. */
#include "report/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/report_int.h"

enum { WIDTH = 860, HEIGHT = 300, LEFT = 64, RIGHT = 14, TOP = 12, BOTTOM = 44, MAX_TICKS = 24 };

whet_status whet_html_put(whet_ctx *ctx, whet_buf *out, const char *text) {
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

/* ---- where things are ---- */

static double share(const whet_axis *a, double v) {
    return a->is_log ? log(v / a->low) / log(a->high / a->low) : (v - a->low) / (a->high - a->low);
}

static double at_x(const whet_plot *p, double x) {
    return LEFT + share(&p->x, x) * (WIDTH - LEFT - RIGHT);
}

static double at_y(const whet_plot *p, double y) {
    return HEIGHT - BOTTOM - share(&p->y, y) * (HEIGHT - TOP - BOTTOM);
}

static bool is_within(const whet_axis *a, double v) {
    return v >= a->low && v <= a->high;
}

/* ---- ticks ---- */

/* Steps of 1, 2 or 5 times a power of ten; with a logarithm all such numbers, or, where these are
 * many, the powers alone. */
static int find_ticks(const whet_axis *a, double *ticks) {
    static const double parts[] = { 1, 2, 5 };
    int n = 0;
    if (a->is_log) {
        const bool is_wide = a->high / a->low > 1e4;
        for (double power = pow(10, floor(log10(a->low))); power <= a->high; power *= 10)
            for (int i = 0; i < (is_wide ? 1 : 3) && n < MAX_TICKS; i++)
                if (is_within(a, parts[i] * power)) ticks[n++] = parts[i] * power;
        return n;
    }
    const double power = pow(10, floor(log10((a->high - a->low) / 5)));
    double step = power;
    for (int i = 0; i < 3 && (a->high - a->low) / step > 7; i++)
        step = power * (i == 0 ? 2 : i == 1 ? 5 : 10);
    for (double v = ceil(a->low / step) * step; v <= a->high && n < MAX_TICKS; v += step)
        ticks[n++] = fabs(v) < step * 1e-9 ? 0 : v;
    return n;
}

static whet_status put_ticks(const whet_plot *p) {
    double ticks[MAX_TICKS];
    for (int i = 0, n = find_ticks(&p->x, ticks); i < n; i++)
        WHET_TRY(
            whet_buf_printf(p->ctx, p->out,
                            "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" "
                            "text-anchor=\"middle\">%.6g</text>",
                            at_x(p, ticks[i]), TOP, HEIGHT - BOTTOM, at_x(p, ticks[i]),
                            HEIGHT - BOTTOM + 16, ticks[i]));
    for (int i = 0, n = find_ticks(&p->y, ticks); i < n; i++)
        WHET_TRY(whet_buf_printf(
            p->ctx, p->out,
            "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
            "text-anchor=\"end\">%.6g</text>",
            LEFT, at_y(p, ticks[i]), WIDTH - RIGHT, LEFT - 6, at_y(p, ticks[i]) + 4, ticks[i]));
    return WHET_OK;
}

whet_status whet_plot_begin(const whet_plot *p) {
    WHET_TRY(whet_buf_printf(p->ctx, p->out, "<svg viewBox=\"0 0 %d %d\">", WIDTH, HEIGHT));
    WHET_TRY(put_ticks(p));
    return whet_buf_printf(p->ctx, p->out,
                           "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>"
                           "<text class=\"name\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>"
                           "<text class=\"name\" transform=\"translate(14 %d) rotate(-90)\" "
                           "text-anchor=\"middle\">%s</text>\n",
                           LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT, (LEFT + WIDTH - RIGHT) / 2,
                           HEIGHT - 8, p->x.name, (TOP + HEIGHT - BOTTOM) / 2, p->y.name);
}

whet_status whet_plot_end(const whet_plot *p) {
    return whet_buf_puts(p->ctx, p->out, "</svg>\n");
}

/* ---- what is plotted ---- */

whet_status whet_plot_dot(const whet_plot *p, double x, double y, const char *colour, double radius,
                          const char *title) {
    if (!is_within(&p->x, x) || !is_within(&p->y, y)) return WHET_OK;
    WHET_TRY(whet_buf_printf(p->ctx, p->out,
                             "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"><title>",
                             at_x(p, x), at_y(p, y), radius, colour));
    WHET_TRY(whet_html_put(p->ctx, p->out, title));
    return whet_buf_puts(p->ctx, p->out, "</title></circle>\n");
}

static double held(const whet_axis *a, double v) {
    return v < a->low ? a->low : v > a->high ? a->high : v;
}

whet_status whet_plot_line(const whet_plot *p, const double *x, const double *y, int n,
                           const char *colour, const char *style) {
    if (n < 2) return WHET_OK;
    WHET_TRY(whet_buf_printf(p->ctx, p->out, "<path fill=\"none\" stroke=\"%s\" style=\"%s\" d=\"",
                             colour, style));
    for (int i = 0; i < n; i++)
        WHET_TRY(whet_buf_printf(p->ctx, p->out, "%s%.1f %.1f", i ? "L" : "M",
                                 at_x(p, held(&p->x, x[i])), at_y(p, held(&p->y, y[i]))));
    return whet_buf_puts(p->ctx, p->out, "\"/>\n");
}

whet_status whet_plot_text(const whet_plot *p, double x, double y, const char *text) {
    WHET_TRY(whet_buf_printf(p->ctx, p->out, "<text class=\"note\" x=\"%.1f\" y=\"%.1f\">",
                             at_x(p, held(&p->x, x)), at_y(p, held(&p->y, y)) - 5));
    WHET_TRY(whet_html_put(p->ctx, p->out, text));
    return whet_buf_puts(p->ctx, p->out, "</text>\n");
}
