/* SPDX-License-Identifier: MIT */
/* Axes, dots and lines as inline SVG. */
#ifndef WHET_REPORT_PLOT_H
#define WHET_REPORT_PLOT_H

#include "base/buf.h"

/* One axis: its range in the data's own numbers, which must not be empty, and above 0 where it is
 * logarithmic. */
typedef struct whet_axis {
    const char *name;
    double low, high;
    bool is_log;
} whet_axis;

typedef struct whet_plot {
    whet_ctx *ctx;
    whet_buf *out;
    whet_axis x, y;
} whet_plot;

/* The frame, the ticks with their grid, the names of the axes. */
whet_status whet_plot_begin(const whet_plot *plot);
whet_status whet_plot_end(const whet_plot *plot);

/* A dot with a text that stands under the pointer; `title` is escaped. What is out of range is left
 * out. */
whet_status whet_plot_dot(const whet_plot *plot, double x, double y, const char *colour,
                          double radius, const char *title);

/* A line over n points, cut to the frame by its ends; `style` is of SVG: "stroke-dasharray:4 3". */
whet_status whet_plot_line(const whet_plot *plot, const double *x, const double *y, int n,
                           const char *colour, const char *style);

/* A text whose left end is there. */
whet_status whet_plot_text(const whet_plot *plot, double x, double y, const char *text);

/* Text between tags or in an attribute: markup and what is not printable is no more. */
whet_status whet_html_put(whet_ctx *ctx, whet_buf *out, const char *text);

#endif
