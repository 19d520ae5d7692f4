/* SPDX-License-Identifier: MIT */
/* The plots of a run: speed over its steps, the roofline, how decode goes as the context grows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/shape.h"
#include "report/plot.h"
#include "report/report_int.h"

enum { N_COLOURS = 12, MAX_LINES = 8, MAX_POINTS = 16 };

static const char *const colours[N_COLOURS] = { "#3266ad", "#d1495b", "#2a9d8f", "#e9a03b",
                                                "#7b5ea7", "#8a6d5b", "#d883b7", "#6c7a89",
                                                "#a3b18a", "#33b5c9", "#b5651d", "#4f772d" };
static const char winner_colour[] = "#111", quiet_colour[] = "#999";

const char *whet_report_colour(int i) {
    return colours[i % N_COLOURS];
}

static int operator_of(const whet_tally *tally, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(tally[i].name, name) == 0) return i;
    return 0;
}

static void widen(whet_axis *a, double v) {
    if (!(a->high > 0) || v > a->high) a->high = v;
    if (!(a->low > 0) || v < a->low) a->low = v;
}

static whet_status put_none(whet_ctx *ctx, whet_buf *out) {
    return whet_buf_puts(ctx, out, "<p class=\"quiet\">Nothing was timed.</p>\n");
}

/* ---- speed over steps ---- */

static void title_of(const whet_report *r, int program, double value, const char *unit, char *title,
                     size_t n) {
    const whet_told_program *p = &r->told.programs[program];
    snprintf(title, n, "%.10s  %.3g%s  %.24s: %.120s", p->hash, value, unit, p->operator_name,
             p->change);
}

/* What a program did at its first look; 0 = it was not timed. */
static double speed_of(const whet_report *r, int program) {
    const whet_told_duel *d = whet_report_look(r, program);
    return d && d->ratio > 0 && d->ratio < 1e6 ? d->ratio : 0;
}

/* A staircase along the best program so far. */
static whet_status put_record(whet_ctx *ctx, const whet_report *r, const whet_plot *p) {
    const int n = r->told.n_programs;
    double *x = whet_alloc(ctx, (4 * (size_t)n + 4) * sizeof *x);
    if (!x) return WHET_E_NOMEM;
    double *y = x + 2 * n + 2, best = 0;
    int n_points = 0;
    for (int i = 0; i < n; i++) {
        const whet_told_duel *d = whet_report_look(r, i);
        if (!d || strcmp(d->code, "PASS") != 0 || speed_of(r, i) <= best) continue;
        if (n_points) x[n_points] = i + 1, y[n_points++] = best;
        best = speed_of(r, i);
        x[n_points] = i + 1, y[n_points++] = best;
    }
    if (n_points) x[n_points] = n, y[n_points++] = best;
    const whet_status st =
        whet_plot_line(p, x, y, n_points, winner_colour, "stroke-width:1.5;opacity:.5");
    whet_free(ctx, x);
    return st;
}

whet_status whet_report_plot_speed(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    whet_tally tally[WHET_MAX_TALLY];
    const int n_operators = whet_report_operators(r, tally), n = r->told.n_programs;
    whet_plot p = {
        ctx, out, { "program", 0, n + 1, false }, { "times the rival's speed", 0, 0, false }
    };
    for (int i = 0; i < n; i++)
        p.y.high = fmax(p.y.high, 1.08 * speed_of(r, i));
    if (!(p.y.high > 0)) return put_none(ctx, out);
    const double ends[] = { 0, n + 1 }, one[] = { 1, 1 };
    WHET_TRY(whet_plot_begin(&p));
    if (p.y.high > 1)
        WHET_TRY(whet_plot_line(&p, ends, one, 2, quiet_colour, "stroke-dasharray:5 4"));
    WHET_TRY(put_record(ctx, r, &p));
    for (int i = 0; i < n; i++) {
        char title[256];
        const double v = speed_of(r, i);
        const int colour = operator_of(tally, n_operators, r->told.programs[i].operator_name);
        title_of(r, i, v, "x", title, sizeof title);
        if (v > 0)
            WHET_TRY(whet_plot_dot(&p, i + 1, v,
                                   i == r->told.winner ? winner_colour : whet_report_colour(colour),
                                   i == r->told.winner ? 7 : 4.5, title));
    }
    return whet_plot_end(&p);
}

/* ---- the roofline ---- */

static double number(const whet_json *from, const char *key) {
    double v;
    return whet_json_number(whet_json_get(from, key), &v) && v > 0 && v < 1e18 ? v : 0;
}

/* The most that was seen: at the start of the run, and around its finals. */
void whet_report_limits(whet_ctx *ctx, const whet_report *r, double *bytes, double *flop) {
    whet_json *json = NULL;
    const char *machine = r->told.machine;
    if (whet_json_parse(ctx, "machine", machine, strlen(machine), false, &json) != WHET_OK)
        json = NULL;
    *bytes = number(json, "bytes_per_second");
    *flop = number(json, "flop_per_second");
    whet_json_close(json);
    for (int i = 0; i < r->told.n_events; i++) {
        double b, f;
        const whet_told_event *e = &r->told.events[i];
        if (strcmp(e->what, "limit") != 0 ||
            sscanf(e->detail, "%lf B/s, %lf FLOP/s", &b, &f) != 2 || !(b < 1e18 && f < 1e18))
            continue;
        *bytes = fmax(*bytes, b);
        *flop = fmax(*flop, f);
    }
}

/* FLOP of one call; 0 = the shape is none that is known. */
static double flop_of(const whet_report *r, const whet_told_duel *d) {
    if (d->program < 0 || !(d->ns >= 1 && d->ns < 1e15 && d->kv_bytes >= 1 && d->kv_bytes < 1e15))
        return 0;
    return whet_shape_flop(d->shape, r->n_heads, r->head_dim);
}

double whet_report_limit_share(const whet_report *r, const whet_told_duel *d, double bytes,
                               double flop) {
    const double work = flop_of(r, d);
    if (!(work > 0 && bytes > 0 && flop > 0)) return 0;
    return 1e9 * fmax(d->kv_bytes / bytes, work / flop) / d->ns;
}

static whet_status put_roof(const whet_plot *p, double bytes, double flop) {
    char text[96];
    const double ridge = flop / bytes;
    const double x[] = { p->x.low, ridge, p->x.high };
    const double y[] = { p->x.low * bytes * 1e-9, flop * 1e-9, flop * 1e-9 };
    WHET_TRY(whet_plot_line(p, x, y, 3, winner_colour, "stroke-width:2"));
    snprintf(text, sizeof text, "F = %.0f GFLOP/s", flop * 1e-9);
    WHET_TRY(whet_plot_text(p, ridge * 1.1, flop * 1e-9, text));
    snprintf(text, sizeof text, "P = %.1f GB/s", bytes * 1e-9);
    return whet_plot_text(p, p->x.low * 1.05, p->x.low * 1.9 * bytes * 1e-9, text);
}

whet_status whet_report_plot_roofline(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    whet_tally tally[WHET_MAX_TALLY];
    const int n_operators = whet_report_operators(r, tally);
    double bytes, flop;
    whet_plot p = {
        ctx, out, { "FLOP for a byte of K and V", 0, 0, true }, { "GFLOP/s", 0, 0, true }
    };
    whet_report_limits(ctx, r, &bytes, &flop);
    for (int i = 0; i < r->told.n_duels; i++) {
        const whet_told_duel *d = &r->told.duels[i];
        const double work = flop_of(r, d);
        if (!(work > 0)) continue;
        widen(&p.x, work / d->kv_bytes);
        widen(&p.y, work / d->ns);
    }
    if (!(p.x.high > 0)) return put_none(ctx, out);
    if (flop > 0) widen(&p.y, flop * 1e-9);
    if (bytes > 0 && flop > 0) widen(&p.x, flop / bytes);
    p.x.low /= 2, p.x.high *= 2, p.y.low /= 1.6, p.y.high *= 1.6;
    WHET_TRY(whet_plot_begin(&p));
    if (bytes > 0 && flop > 0) WHET_TRY(put_roof(&p, bytes, flop));
    for (int i = 0; i < r->told.n_duels; i++) {
        char title[256];
        const whet_told_duel *d = &r->told.duels[i];
        const double work = flop_of(r, d);
        if (!(work > 0)) continue;
        const bool is_winner = d->program == r->told.winner;
        const int colour =
            operator_of(tally, n_operators, r->told.programs[d->program].operator_name);
        title_of(r, d->program, work / d->ns, " GFLOP/s", title, sizeof title);
        WHET_TRY(whet_plot_dot(&p, work / d->kv_bytes, work / d->ns,
                               is_winner ? winner_colour : whet_report_colour(colour),
                               is_winner ? 5 : 3.5, title));
    }
    return whet_plot_end(&p);
}

/* ---- context ---- */

/* One program's decode by context: gigabytes of K and V in a second, its own and its rival's. */
typedef struct curve {
    int program, n;
    const char *rival;
    double context[MAX_POINTS], own[MAX_POINTS], other[MAX_POINTS];
} curve;

static void add_point(curve *c, double context, const whet_told_duel *d) {
    int at = 0;
    while (at < c->n && c->context[at] < context)
        at++;
    const bool is_there = at < c->n && c->context[at] == context;
    if (is_there || c->n == MAX_POINTS) return; /* the first look over the suite's rival stays */
    for (int i = c->n++; i > at; i--) {
        c->context[i] = c->context[i - 1];
        c->own[i] = c->own[i - 1];
        c->other[i] = c->other[i - 1];
    }
    c->context[at] = context;
    c->own[at] = d->kv_bytes / d->ns;
    c->other[at] = d->kv_bytes / d->rival_ns;
}

/* Of the suite: who came so far was a finalist. */
static int find_curves(const whet_report *r, curve *curves) {
    int n = 0;
    for (int i = 0; i < r->told.n_duels; i++) {
        int n_rows, n_context, at = 0;
        const whet_told_duel *d = &r->told.duels[i];
        if (strcmp(d->kind, "duel") != 0 || strncmp(d->shape, "decode", 6) != 0) continue;
        if (!(flop_of(r, d) > 0 && d->rival_ns >= 1) ||
            !whet_shape_parse(d->shape, &n_rows, &n_context))
            continue;
        while (at < n && curves[at].program != d->program)
            at++;
        if (at == MAX_LINES) continue;
        if (at == n) curves[n++] = (curve){ .program = d->program, .rival = d->rival };
        if (strcmp(d->rival, curves[at].rival) == 0) add_point(&curves[at], n_context, d);
    }
    return n;
}

static const char *colour_of(const whet_report *r, const curve *c, int i) {
    return c->program == r->told.winner ? winner_colour : whet_report_colour(i);
}

static whet_status put_curve(const whet_report *r, const whet_plot *p, const curve *c, int i) {
    const bool is_winner = c->program == r->told.winner;
    const char *colour = colour_of(r, c, i);
    WHET_TRY(whet_plot_line(p, c->context, c->own, c->n, colour,
                            is_winner ? "stroke-width:2.5" : "stroke-width:1.5"));
    for (int k = 0; k < c->n; k++) {
        char title[256];
        title_of(r, c->program, c->own[k], " GB/s", title, sizeof title);
        WHET_TRY(whet_plot_dot(p, c->context[k], c->own[k], colour, is_winner ? 5 : 4, title));
    }
    return WHET_OK;
}

/* Which line is whose. */
static whet_status put_names(whet_ctx *ctx, const whet_report *r, const curve *curves, int n,
                             whet_buf *out) {
    WHET_TRY(whet_buf_puts(ctx, out, "<p class=\"legend\">"));
    for (int i = 0; i < n; i++) {
        char name[32];
        const int program = curves[i].program;
        snprintf(name, sizeof name, "%.10s%s", r->told.programs[program].hash,
                 program == r->told.winner ? ", the winner" : "");
        WHET_TRY(whet_buf_printf(ctx, out, "<i style=\"background:%s\"></i>",
                                 colour_of(r, &curves[i], i)));
        WHET_TRY(whet_html_put(ctx, out, name));
    }
    return whet_buf_puts(ctx, out, "</p>\n");
}

whet_status whet_report_plot_context(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    curve curves[MAX_LINES];
    double bytes, flop;
    const int n = find_curves(r, curves);
    whet_plot p = { ctx, out, { "context, tokens", 0, 0, true }, { "K and V, GB/s", 0, 0, false } };
    whet_report_limits(ctx, r, &bytes, &flop);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < curves[i].n; k++) {
            widen(&p.x, curves[i].context[k]);
            p.y.high = fmax(p.y.high, fmax(curves[i].own[k], curves[i].other[k]));
        }
    if (!(p.y.high > 0)) return put_none(ctx, out);
    p.x.low /= 1.3, p.x.high *= 2.2, p.y.high = 1.15 * fmax(p.y.high, bytes * 1e-9);
    WHET_TRY(whet_plot_begin(&p));
    if (bytes > 0) {
        const double ends[] = { p.x.low, p.x.high }, limit[] = { bytes * 1e-9, bytes * 1e-9 };
        WHET_TRY(whet_plot_line(&p, ends, limit, 2, quiet_colour, "stroke-dasharray:5 4"));
        WHET_TRY(whet_plot_text(&p, p.x.low * 1.05, bytes * 1e-9, "P, the memory's limit"));
    }
    for (int i = 0; i < n; i++)
        WHET_TRY(put_curve(r, &p, &curves[i], i));
    for (int i = 0; i < n; i++) {
        if (curves[i].program != r->best && n > 1) continue;
        WHET_TRY(whet_plot_line(&p, curves[i].context, curves[i].other, curves[i].n, quiet_colour,
                                "stroke-width:2;stroke-dasharray:2 3"));
        WHET_TRY(whet_plot_text(&p, curves[i].context[0], curves[i].other[0], curves[i].rival));
    }
    WHET_TRY(whet_plot_end(&p));
    return put_names(ctx, r, curves, n, out);
}
