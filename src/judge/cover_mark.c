/* SPDX-License-Identifier: MIT */
/* Marks in the compiler's assembly text: behind every conditional jump one for each way it goes,
 * and one where a jump leads to. A mark is a store of one byte, which changes no register and no
 * flag; `.loc` says which line it belongs to. x86-64 only. */
#include "judge/cover.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILES = 256, MAX_WORD = 64 };

#ifdef __x86_64__
enum { IS_READ = 1 };
#else
enum { IS_READ = 0 }; /* jumps of other processors are not known: there are no marks */
#endif

typedef struct marker {
    const char *source;
    size_t n_source;
    whet_cover *cover;
    whet_buf *out;
    bool is_ours[MAX_FILES]; /* numbers of .file that stand for kernel.c */
    int32_t line, column;    /* of the last .loc; line 0: another file */
    bool is_code;            /* in .text */
    bool is_label;           /* a label was passed, and no instruction yet */
    int64_t compared;        /* the constant of the last comparison; 0 = none */
} marker;

/* A jump by its condition; `is_odd` is the other one of a pair. */
typedef struct condition {
    const char *name;
    int pair;
    bool is_odd;
} condition;

static const condition conditions[] = {
    { "e", 0, false }, { "ne", 0, true }, { "a", 1, false }, { "be", 1, true },
    { "b", 2, false }, { "ae", 2, true }, { "c", 2, false }, { "nc", 2, true },
    { "g", 3, false }, { "le", 3, true }, { "l", 4, false }, { "ge", 4, true },
    { "s", 5, false }, { "ns", 5, true }, { "o", 6, false }, { "no", 6, true },
};

/* Jumps by parity tell that a number is none: no line of the source asks for them. */
static const condition *condition_of(const char *word) {
    if (word[0] != 'j') return NULL;
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        if (strcmp(word + 1, conditions[i].name) == 0) return &conditions[i];
    return NULL;
}

/* Whether a switch stands at the current place: its comparisons are the compiler's. */
static bool is_switch(const marker *m) {
    static const char word[] = "switch";
    size_t at = 0;
    for (int32_t line = 1; line < m->line && at < m->n_source; at++)
        line += m->source[at] == '\n';
    at += m->column > 0 ? (size_t)m->column - 1 : 0;
    return at + sizeof word - 1 <= m->n_source &&
           memcmp(m->source + at, word, sizeof word - 1) == 0;
}

/* Copies of one place are one point: it is taken where one of them is. */
static whet_status put_point(whet_ctx *ctx, marker *m, whet_point point, size_t *index) {
    whet_cover *c = m->cover;
    for (*index = 0; *index < c->n_points; ++*index) {
        const whet_point *p = &c->points[*index];
        if (p->line == point.line && p->column == point.column && p->branch == point.branch &&
            p->constant == point.constant && p->is_odd == point.is_odd)
            return WHET_OK;
    }
    whet_point *more = whet_realloc(ctx, c->points, (c->n_points + 1) * sizeof *more);
    if (!more) return WHET_E_NOMEM;
    c->points = more;
    more[c->n_points++] = point;
    return WHET_OK;
}

static whet_status put_mark(whet_ctx *ctx, marker *m, whet_point point) {
    if (!m->line) return WHET_OK;
    size_t index = 0;
    point.line = m->line;
    point.column = m->column;
    WHET_TRY(put_point(ctx, m, point, &index));
    return whet_buf_printf(ctx, m->out, "\tmovb\t$1, .Lwhet_cover+%zu(%%rip)\n", index);
}

/* "jne .L5" with a mark for either way. */
static whet_status put_jump(whet_ctx *ctx, marker *m, const char *text, size_t n,
                            const condition *how, const char *to) {
    const bool is_of_switch = is_switch(m);
    if (!m->line || (is_of_switch && how->pair != 0)) {
        WHET_TRY(whet_buf_append(ctx, m->out, text, n));
        return whet_buf_puts(ctx, m->out, "\n");
    }
    const int label = m->cover->n_jumps++, to_n = (int)(n - (size_t)(to - text));
    const whet_point taken = { .branch = 1 + how->pair,
                               .constant = m->compared,
                               .is_odd = how->is_odd };
    whet_point passed = taken;
    passed.is_odd = !taken.is_odd;
    WHET_TRY(whet_buf_printf(ctx, m->out, "\tj%s\t.Lwhet_taken%d\n", how->name, label));
    /* the cases of a switch must all be taken; that none of them is, need not be */
    if (!is_of_switch || !passed.is_odd) WHET_TRY(put_mark(ctx, m, passed));
    WHET_TRY(
        whet_buf_printf(ctx, m->out, "\tjmp\t.Lwhet_passed%d\n.Lwhet_taken%d:\n", label, label));
    if (!is_of_switch || !taken.is_odd) WHET_TRY(put_mark(ctx, m, taken));
    return whet_buf_printf(ctx, m->out, "\tjmp\t%.*s\n.Lwhet_passed%d:\n", to_n, to, label);
}

static void read_loc(marker *m, const char *at) {
    char *end;
    const long file = strtol(at, &end, 10);
    const long line = strtol(end, &end, 10);
    const bool is_here = file >= 0 && file < MAX_FILES && m->is_ours[file];
    m->line = is_here ? (int32_t)line : 0;
    m->column = (int32_t)strtol(end, NULL, 10);
}

/* .file 1 "kernel.c", with a folder before the name or without. */
static void read_file(marker *m, const char *at, size_t n) {
    static const char name[] = "kernel.c\"";
    char *end;
    const long file = strtol(at, &end, 10);
    if (end == at || file < 0 || file >= MAX_FILES) return;
    while (n > 0 && at[n - 1] != '"')
        n--;
    m->is_ours[file] =
        n > sizeof name && memcmp(at + n - (sizeof name - 1), name, sizeof name - 1) == 0;
}

/* The first word behind the tab, and where its operands begin. */
static const char *take_word(const char *at, const char *end, char word[MAX_WORD]) {
    size_t n = 0;
    for (; at < end && !isspace((unsigned char)*at); at++)
        if (n + 1 < MAX_WORD) word[n++] = *at;
    word[n] = '\0';
    while (at < end && isspace((unsigned char)*at))
        at++;
    return at;
}

static void read_comparison(marker *m, const char *word, const char *operands) {
    const bool is_compare = strncmp(word, "cmp", 3) == 0 || strncmp(word, "test", 4) == 0;
    if (!is_compare) return;
    m->compared = *operands == '$' ? strtoll(operands + 1, NULL, 0) : 0;
}

static whet_status take_line(whet_ctx *ctx, marker *m, const char *text, size_t n) {
    char word[MAX_WORD];
    const char *end = text + n;
    if (n > 0 && text[0] != '\t') {
        m->is_label |= n > 3 && memcmp(text, ".L", 2) == 0 && isdigit((unsigned char)text[2]);
    } else if (n > 0) {
        const char *operands = take_word(text + 1, end, word);
        if (strcmp(word, ".loc") == 0) read_loc(m, operands);
        if (strcmp(word, ".file") == 0) read_file(m, operands, (size_t)(end - operands));
        if (strcmp(word, ".text") == 0) m->is_code = true;
        if (strcmp(word, ".section") == 0)
            m->is_code = end - operands > 5 && memcmp(operands, ".text", 5) == 0;
        if (word[0] != '.' && m->is_code) {
            if (m->is_label) WHET_TRY(put_mark(ctx, m, (whet_point){ 0 }));
            m->is_label = false;
            read_comparison(m, word, operands);
            const condition *how = condition_of(word);
            if (how) return put_jump(ctx, m, text, n, how, operands);
        }
    }
    WHET_TRY(whet_buf_append(ctx, m->out, text, n));
    return whet_buf_puts(ctx, m->out, "\n");
}

whet_status whet_cover_mark(whet_ctx *ctx, const char *source, size_t n_source,
                            const whet_buf *text, whet_cover *cover, whet_buf *marked) {
    marker m = { .source = source, .n_source = n_source, .cover = cover, .out = marked };
    for (size_t at = 0; IS_READ && at < text->len;) {
        const char *end = memchr(text->text + at, '\n', text->len - at);
        const size_t n = end ? (size_t)(end - text->text) - at : text->len - at;
        WHET_TRY(take_line(ctx, &m, text->text + at, n));
        at += n + 1;
    }
    /* pages of its own: the worker has its children share them */
    return whet_buf_printf(ctx, marked,
                           "\t.bss\n\t.balign\t4096\n\t.globl\twhet_cover\n"
                           "\t.type\twhet_cover, @object\nwhet_cover:\n.Lwhet_cover:\n"
                           "\t.zero\t%zu\n\t.balign\t4096\n\t.globl\twhet_cover_end\n"
                           "\t.type\twhet_cover_end, @object\nwhet_cover_end:\n\t.zero\t1\n",
                           cover->n_points + 1);
}
