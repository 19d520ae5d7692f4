/* SPDX-License-Identifier: MIT */
/* Unified diffs of lines: Myers' greedy algorithm with its trace kept, then hunks. */
#include <string.h>

#include "report/report_int.h"

enum { CONTEXT_LINES = 3, MAX_EDITS = 4096 };

typedef struct line {
    const char *text;
    size_t len; /* with its line end */
} line;

typedef struct lines {
    line *at;
    int n;
} lines;

typedef enum edit { KEEP, DROP, ADD } edit;

typedef struct script {
    edit *edits;
    int n;
} script;

static whet_status split(whet_ctx *ctx, const char *text, lines *out) {
    int n = 1;
    for (const char *p = text; *p; p++)
        n += *p == '\n';
    *out = (lines){ whet_alloc(ctx, (size_t)n * sizeof(line)), 0 };
    if (!out->at) return WHET_E_NOMEM;
    for (const char *p = text; *p; p += out->at[out->n++].len) {
        const size_t len = strcspn(p, "\n");
        out->at[out->n] = (line){ p, len + (p[len] == '\n') };
    }
    return WHET_OK;
}

static bool is_same(const line *a, const line *b) {
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static int slide(const lines *a, const lines *b, int x, int y) {
    while (x < a->n && y < b->n && is_same(&a->at[x], &b->at[y]))
        x++, y++;
    return x;
}

/* rows[d] has the farthest x on each diagonal after d edits: 2 d + 1 numbers. */
static whet_status walk(whet_ctx *ctx, const lines *a, const lines *b, int **rows, int *n_edits) {
    for (int d = 0; d <= MAX_EDITS; d++) {
        rows[d] = whet_alloc(ctx, (2 * (size_t)d + 1) * sizeof(int));
        if (!rows[d]) return WHET_E_NOMEM;
        const int *last = d ? rows[d - 1] + (d - 1) : NULL;
        for (int k = -d; k <= d; k += 2) {
            int x = 0;
            if (d && (k == -d || (k != d && last[k - 1] < last[k + 1])))
                x = last[k + 1];
            else if (d)
                x = last[k - 1] + 1;
            x = slide(a, b, x, x - k);
            rows[d][d + k] = x;
            if (x >= a->n && x - k >= b->n) {
                *n_edits = d;
                return WHET_OK;
            }
        }
    }
    *n_edits = -1; /* too different: all of one, then all of the other */
    return WHET_OK;
}

static void read_back(const lines *a, const lines *b, int *const *rows, int n_edits, script *s) {
    int x = a->n, y = b->n, at = a->n + b->n;
    for (int d = n_edits; d > 0; d--) {
        const int *last = rows[d - 1] + (d - 1), k = x - y;
        const bool is_add = k == -d || (k != d && last[k - 1] < last[k + 1]);
        const int old_k = is_add ? k + 1 : k - 1, old_x = last[old_k];
        const int from_x = is_add ? old_x : old_x + 1;
        for (; x > from_x; x--, y--)
            s->edits[--at] = KEEP;
        s->edits[--at] = is_add ? ADD : DROP;
        x = old_x;
        y = old_x - old_k;
    }
    for (; x > 0; x--)
        s->edits[--at] = KEEP;
    s->n = a->n + b->n - at;
    memmove(s->edits, s->edits + at, (size_t)s->n * sizeof *s->edits);
}

static whet_status compare(whet_ctx *ctx, const lines *a, const lines *b, script *s) {
    int n_edits = -1;
    int **rows = whet_alloc_zero(ctx, MAX_EDITS + 1, sizeof *rows);
    s->edits = whet_alloc(ctx, ((size_t)a->n + (size_t)b->n + 1) * sizeof *s->edits);
    whet_status st = rows && s->edits ? walk(ctx, a, b, rows, &n_edits) : WHET_E_NOMEM;
    if (st == WHET_OK && n_edits >= 0) read_back(a, b, rows, n_edits, s);
    for (int i = 0; st == WHET_OK && n_edits < 0 && i < a->n + b->n; i++)
        s->edits[s->n++] = i < a->n ? DROP : ADD;
    for (int d = 0; rows && d <= MAX_EDITS; d++)
        whet_free(ctx, rows[d]);
    whet_free(ctx, rows);
    return st;
}

static whet_status put_line(whet_ctx *ctx, char mark, const line *l, whet_buf *out) {
    WHET_TRY(whet_buf_putc(ctx, out, mark));
    WHET_TRY(whet_buf_append(ctx, out, l->text, l->len));
    if (l->text[l->len - 1] == '\n') return WHET_OK;
    return whet_buf_puts(ctx, out, "\n\\ No newline at end of file\n");
}

/* The edits [from, to) as one hunk; x and y are the lines before it. */
static whet_status put_hunk(whet_ctx *ctx, const lines *a, const lines *b, const script *s,
                            int from, int to, int x, int y, whet_buf *out) {
    int n_old = 0, n_new = 0;
    for (int i = from; i < to; i++) {
        n_old += s->edits[i] != ADD;
        n_new += s->edits[i] != DROP;
    }
    WHET_TRY(whet_buf_printf(ctx, out, "@@ -%d,%d +%d,%d @@\n", x + (n_old > 0), n_old,
                             y + (n_new > 0), n_new));
    for (int i = from; i < to; i++) {
        const edit e = s->edits[i];
        WHET_TRY(put_line(ctx,
                          e == KEEP   ? ' '
                          : e == DROP ? '-'
                                      : '+',
                          e == ADD ? &b->at[y] : &a->at[x], out));
        x += e != ADD;
        y += e != DROP;
    }
    return WHET_OK;
}

/* The end of the hunk that begins with the edit at `first`: behind it come more kept lines than two
 * contexts have. */
static int end_of_hunk(const script *s, int first) {
    int last = first;
    for (int i = first; i < s->n && i - last <= 2 * CONTEXT_LINES; i++)
        if (s->edits[i] != KEEP) last = i;
    return last + 1 + CONTEXT_LINES < s->n ? last + 1 + CONTEXT_LINES : s->n;
}

static whet_status put_hunks(whet_ctx *ctx, const lines *a, const lines *b, const script *s,
                             whet_buf *out) {
    int x = 0, y = 0, done = 0;
    for (int i = 0; i < s->n; i++) {
        if (s->edits[i] == KEEP) continue;
        const int from = i - done < CONTEXT_LINES ? done : i - CONTEXT_LINES;
        const int to = end_of_hunk(s, i);
        for (int j = done; j < from; j++)
            x++, y++; /* only kept lines are between hunks */
        WHET_TRY(put_hunk(ctx, a, b, s, from, to, x, y, out));
        for (int j = from; j < to; j++) {
            x += s->edits[j] != ADD;
            y += s->edits[j] != DROP;
        }
        done = to;
        i = to - 1;
    }
    return WHET_OK;
}

whet_status whet_diff_text(whet_ctx *ctx, const char *from_name, const char *from,
                           const char *to_name, const char *to, whet_buf *out) {
    lines a = { 0 }, b = { 0 };
    script s = { 0 };
    if (strcmp(from, to) == 0) return WHET_OK;
    whet_status st = split(ctx, from, &a);
    if (st == WHET_OK) st = split(ctx, to, &b);
    if (st == WHET_OK) st = compare(ctx, &a, &b, &s);
    if (st == WHET_OK) st = whet_buf_printf(ctx, out, "--- %s\n+++ %s\n", from_name, to_name);
    if (st == WHET_OK) st = put_hunks(ctx, &a, &b, &s, out);
    whet_free(ctx, a.at);
    whet_free(ctx, b.at);
    whet_free(ctx, s.edits);
    return st;
}
