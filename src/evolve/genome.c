/* SPDX-License-Identifier: MIT */
/* Taking a program apart, line by line. */
#include "evolve/genome.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char block_start[] = "EVOLVE-BLOCK-START", block_end[] = "EVOLVE-BLOCK-END";
static const char segment_start[] = "SEGMENT-START", segment_end[] = "SEGMENT-END";

typedef struct reader {
    whet_ctx *ctx;
    whet_genome *genome;
    size_t line_begin, line_end; /* without the newline */
    int line;                    /* from 1 */
    bool is_in_block, has_block;
    whet_segment *open; /* the segment that we are in */
} reader;

static whet_status complain(const reader *r, const char *what) {
    return whet_fail(r->ctx, WHET_E_FORMAT, "line %d: %s", r->line, what);
}

/* The words of the line after "//", if it is "// word [word]" and `word` is the given one; the rest
 * without blanks around it. */
static bool is_mark(const reader *r, const char *word, char rest[WHET_MAX_NAME]) {
    const char *p = r->genome->text + r->line_begin, *end = r->genome->text + r->line_end;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (end - p < 3 || memcmp(p, "// ", 3) != 0) return false;
    p += 3;
    const size_t n = strlen(word);
    if ((size_t)(end - p) < n || memcmp(p, word, n) != 0) return false;
    p += n;
    while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    if (p < end && *p != ' ') return false;
    while (p < end && *p == ' ')
        p++;
    snprintf(rest, WHET_MAX_NAME, "%.*s", (int)(end - p), p);
    return end - p < WHET_MAX_NAME;
}

static bool line_has(const reader *r, const char *word) {
    return memmem(r->genome->text + r->line_begin, r->line_end - r->line_begin, word,
                  strlen(word)) != NULL;
}

static bool is_name(const char *s) {
    if (!*s) return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '_' && *s != '-') return false;
    return true;
}

static whet_status read_block_mark(reader *r) {
    char rest[WHET_MAX_NAME];
    whet_genome *g = r->genome;
    const size_t after = r->line_end < g->n_bytes ? r->line_end + 1 : r->line_end;
    if (is_mark(r, block_start, rest) && !*rest) {
        if (r->has_block) return complain(r, "a second EVOLVE-BLOCK-START");
        r->has_block = r->is_in_block = true;
        g->block.begin = after;
        return WHET_OK;
    }
    if (is_mark(r, block_end, rest) && !*rest) {
        if (!r->is_in_block) return complain(r, "EVOLVE-BLOCK-END without a start");
        if (r->open) return complain(r, "EVOLVE-BLOCK-END inside a segment");
        r->is_in_block = false;
        g->block.end = r->line_begin;
        return WHET_OK;
    }
    return complain(r, "an EVOLVE-BLOCK mark is not alone on its line");
}

static whet_status open_segment(reader *r, const char *name) {
    whet_genome *g = r->genome;
    if (!r->is_in_block) return complain(r, "a segment outside the EVOLVE-BLOCK");
    if (r->open) return complain(r, "a segment inside a segment");
    if (!is_name(name)) return complain(r, "a segment's name has letters, digits, - and _");
    if (whet_genome_segment(g, name)) return complain(r, "a second segment of that name");
    if (g->n_segments == WHET_MAX_SEGMENTS) return complain(r, "too many segments");
    r->open = &g->segments[g->n_segments++];
    snprintf(r->open->name, sizeof r->open->name, "%s", name);
    r->open->body.begin = r->line_end < g->n_bytes ? r->line_end + 1 : r->line_end;
    return WHET_OK;
}

static whet_status read_segment_mark(reader *r) {
    char name[WHET_MAX_NAME];
    if (is_mark(r, segment_start, name)) return open_segment(r, name);
    if (!is_mark(r, segment_end, name))
        return complain(r, "a SEGMENT mark is not alone on its line");
    if (!r->open || strcmp(r->open->name, name) != 0)
        return complain(r, "SEGMENT-END of a segment that is not open");
    r->open->body.end = r->line_begin;
    r->open = NULL;
    return WHET_OK;
}

/* The next word from *at on, in the line; false at its end. */
static bool next_word(const reader *r, size_t *at, whet_extent *word) {
    const char *text = r->genome->text;
    while (*at < r->line_end && isspace((unsigned char)text[*at]))
        ++*at;
    word->begin = *at;
    while (*at < r->line_end && !isspace((unsigned char)text[*at]))
        ++*at;
    word->end = *at;
    return word->end > word->begin;
}

static bool copy_word(const reader *r, whet_extent word, char out[WHET_MAX_NAME]) {
    const size_t n = word.end - word.begin;
    if (n >= WHET_MAX_NAME) return false;
    memcpy(out, r->genome->text + word.begin, n);
    out[n] = '\0';
    return true;
}

static whet_status read_choices(reader *r, size_t at, const char *value, whet_knob *knob) {
    whet_extent word;
    knob->chosen = -1;
    while (next_word(r, &at, &word)) {
        if (knob->n_choices == WHET_MAX_CHOICES) return complain(r, "a knob with too many choices");
        char *choice = knob->choices[knob->n_choices];
        if (!copy_word(r, word, choice)) return complain(r, "a choice that is too long");
        for (int i = 0; i < knob->n_choices; i++)
            if (strcmp(knob->choices[i], choice) == 0)
                return complain(r, "a knob with the same choice twice");
        if (strcmp(choice, value) == 0) knob->chosen = knob->n_choices;
        knob->n_choices++;
    }
    if (knob->chosen < 0) return complain(r, "a knob whose value is not among its choices");
    return WHET_OK;
}

/* "#define NAME value // tag ...": the words of such a line, and where the rest begins. */
typedef struct define_line {
    whet_extent name, value;
    size_t rest;
} define_line;

static bool read_define(const reader *r, const char *tag, define_line *d) {
    const char *text = r->genome->text;
    whet_extent define, slashes, word;
    d->rest = r->line_begin;
    return next_word(r, &d->rest, &define) && define.end - define.begin == 7 &&
           memcmp(text + define.begin, "#define", 7) == 0 && next_word(r, &d->rest, &d->name) &&
           next_word(r, &d->rest, &d->value) && next_word(r, &d->rest, &slashes) &&
           slashes.end - slashes.begin == 2 && memcmp(text + slashes.begin, "//", 2) == 0 &&
           next_word(r, &d->rest, &word) && word.end - word.begin == strlen(tag) &&
           memcmp(text + word.begin, tag, strlen(tag)) == 0;
}

static whet_status read_knob(reader *r) {
    whet_genome *g = r->genome;
    define_line d;
    char value[WHET_MAX_NAME];
    if (!read_define(r, "knob:", &d))
        return complain(r, "a knob is: #define NAME value // knob: choice choice ...");
    if (!r->is_in_block) return complain(r, "a knob outside the EVOLVE-BLOCK");
    if (g->n_knobs == WHET_MAX_KNOBS) return complain(r, "too many knobs");
    whet_knob *knob = &g->knobs[g->n_knobs];
    *knob = (whet_knob){ .value = d.value };
    if (!copy_word(r, d.name, knob->name) || !is_name(knob->name) || !copy_word(r, d.value, value))
        return complain(r, "a knob's name or value is too long");
    if (whet_genome_knob(g, knob->name)) return complain(r, "a second knob of that name");
    WHET_TRY(read_choices(r, d.rest, value, knob));
    g->n_knobs++;
    return WHET_OK;
}

static whet_status read_constant(reader *r) {
    whet_genome *g = r->genome;
    define_line d;
    whet_extent field;
    if (!read_define(r, "problem:", &d) || !next_word(r, &d.rest, &field))
        return complain(r, "a constant is: #define NAME value // problem: field");
    if (!r->is_in_block) return complain(r, "a constant of the problem outside the EVOLVE-BLOCK");
    if (g->n_constants == WHET_MAX_CONSTANTS)
        return complain(r, "too many constants of the problem");
    whet_constant *c = &g->constants[g->n_constants++];
    c->value = d.value;
    return copy_word(r, field, c->field) ? WHET_OK : complain(r, "a field that is too long");
}

static whet_status read_line(reader *r) {
    if (r->line_end - r->line_begin > WHET_MAX_LINE_BYTES)
        return complain(r, "a line of more than 4096 bytes");
    if (line_has(r, "EVOLVE-BLOCK")) return read_block_mark(r);
    if (line_has(r, segment_start) || line_has(r, segment_end)) return read_segment_mark(r);
    if (line_has(r, "// knob:")) return read_knob(r);
    if (line_has(r, "// problem:")) return read_constant(r);
    return WHET_OK;
}

whet_status whet_genome_parse(whet_ctx *ctx, const char *text, size_t n_bytes,
                              whet_genome *genome) {
    *genome = (whet_genome){ .text = text, .n_bytes = n_bytes };
    if (n_bytes > WHET_MAX_SOURCE_BYTES)
        return whet_fail(ctx, WHET_E_FORMAT, "the source has %zu bytes, at most %d are allowed",
                         n_bytes, WHET_MAX_SOURCE_BYTES);
    if (n_bytes && memchr(text, '\0', n_bytes))
        return whet_fail(ctx, WHET_E_FORMAT, "the source holds a NUL byte");
    reader r = { .ctx = ctx, .genome = genome };
    for (size_t at = 0; at < n_bytes; at = r.line_end + 1) {
        const char *newline = memchr(text + at, '\n', n_bytes - at);
        r.line_begin = at;
        r.line_end = newline ? (size_t)(newline - text) : n_bytes;
        r.line++;
        WHET_TRY(read_line(&r));
    }
    if (!r.has_block) return whet_fail(ctx, WHET_E_FORMAT, "there is no EVOLVE-BLOCK-START");
    if (r.is_in_block) return whet_fail(ctx, WHET_E_FORMAT, "there is no EVOLVE-BLOCK-END");
    return WHET_OK;
}

const whet_segment *whet_genome_segment(const whet_genome *genome, const char *name) {
    for (int i = 0; i < genome->n_segments; i++)
        if (strcmp(genome->segments[i].name, name) == 0) return &genome->segments[i];
    return NULL;
}

const whet_knob *whet_genome_knob(const whet_genome *genome, const char *name) {
    for (int i = 0; i < genome->n_knobs; i++)
        if (strcmp(genome->knobs[i].name, name) == 0) return &genome->knobs[i];
    return NULL;
}

whet_status whet_genome_apply(whet_ctx *ctx, const whet_genome *genome, const whet_edit *edits,
                              int n_edits, whet_buf *out) {
    size_t at = 0;
    whet_buf_clear(out);
    for (int i = 0; i < n_edits; i++) {
        const whet_edit *e = &edits[i];
        if (e->where.begin < at || e->where.end < e->where.begin ||
            e->where.begin < genome->block.begin || e->where.end > genome->block.end)
            return whet_fail(ctx, WHET_E_INTERNAL, "an edit that is not in order, or outside");
        WHET_TRY(whet_buf_append(ctx, out, genome->text + at, e->where.begin - at));
        WHET_TRY(whet_buf_append(ctx, out, e->text, e->n_bytes));
        at = e->where.end;
    }
    return whet_buf_append(ctx, out, genome->text + at, genome->n_bytes - at);
}

static bool field_of(const whet_problem *p, const char *field, int32_t *value) {
    const struct {
        const char *name;
        int32_t value;
    } fields[] = { { "dtype", p->dtype },
                   { "head_dim", p->head_dim },
                   { "n_heads", p->n_heads },
                   { "n_kv_heads", p->n_kv_heads } };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i].name, field) == 0) {
            *value = fields[i].value;
            return true;
        }
    return false;
}

whet_status whet_genome_specialise(whet_ctx *ctx, const whet_genome *genome,
                                   const whet_problem *problem, whet_buf *out) {
    char numbers[WHET_MAX_CONSTANTS][16];
    whet_edit edits[WHET_MAX_CONSTANTS];
    for (int i = 0; i < genome->n_constants; i++) {
        int32_t value;
        if (!field_of(problem, genome->constants[i].field, &value))
            return whet_fail(ctx, WHET_E_FORMAT, "a problem has no field \"%s\"",
                             genome->constants[i].field);
        snprintf(numbers[i], sizeof numbers[i], "%d", value);
        edits[i] = (whet_edit){ genome->constants[i].value, numbers[i], strlen(numbers[i]) };
    }
    return whet_genome_apply(ctx, genome, edits, genome->n_constants, out);
}

/* How far the scan of a C text is. */
typedef enum place { CODE, LINE_COMMENT, BLOCK_COMMENT, STRING, CHARACTER } place;

static place leave_or_stay(place now, const char *p) {
    if (now == CODE && p[0] == '/' && p[1] == '/') return LINE_COMMENT;
    if (now == CODE && p[0] == '/' && p[1] == '*') return BLOCK_COMMENT;
    if (now == CODE && p[0] == '"') return STRING;
    if (now == CODE && p[0] == '\'') return CHARACTER;
    if (now == LINE_COMMENT && p[0] == '\n') return CODE;
    if ((now == STRING && p[0] == '"') || (now == CHARACTER && p[0] == '\'')) return CODE;
    if ((now == STRING || now == CHARACTER) && p[0] == '\n') return CODE; /* not C, but an end */
    return now;
}

/* Appends one character of code; a blank only between words of a line. */
static whet_status put_code(whet_ctx *ctx, whet_buf *out, char c) {
    if (c == '\t') c = ' ';
    const char last = out->len ? out->text[out->len - 1] : '\n';
    if (c == '\n' && last == ' ') out->len--;
    const char before = out->len ? out->text[out->len - 1] : '\n';
    if (c == '\n' && before == '\n') return WHET_OK;
    if (c == ' ' && (last == ' ' || last == '\n')) return WHET_OK;
    return whet_buf_putc(ctx, out, c);
}

typedef whet_status (*put_fn)(whet_ctx *ctx, whet_buf *out, char c);

/* The text without comments, put together by `put`; the kept extents, in order, go in as they are.
 */
static whet_status strip(whet_ctx *ctx, const char *text, size_t n_bytes, const whet_extent *kept,
                         int n_kept, put_fn put, whet_buf *out) {
    place now = CODE;
    for (size_t i = 0; i < n_bytes; i++) {
        while (n_kept && kept->end <= i)
            kept++, n_kept--;
        if (n_kept && kept->begin <= i && now == CODE) {
            WHET_TRY(whet_buf_append(ctx, out, text + i, kept->end - i));
            i = kept->end - 1;
            continue;
        }
        const char two[2] = { text[i], i + 1 < n_bytes ? text[i + 1] : '\0' };
        if (now == BLOCK_COMMENT) {
            if (two[0] != '*' || two[1] != '/') continue;
            now = CODE;
            i++;
            WHET_TRY(put(ctx, out, ' '));
            continue;
        }
        const place next = leave_or_stay(now, two);
        if ((now == STRING || now == CHARACTER) && two[0] == '\\' && two[1]) {
            WHET_TRY(whet_buf_append(ctx, out, two, 2));
            i++;
            continue;
        }
        const bool is_text = now == STRING || now == CHARACTER;
        const bool is_comment = next == LINE_COMMENT || next == BLOCK_COMMENT;
        if (is_text)
            WHET_TRY(whet_buf_putc(ctx, out, two[0]));
        else if (!is_comment)
            WHET_TRY(put(ctx, out, two[0] == '\r' ? ' ' : two[0]));
        if (next == BLOCK_COMMENT && now == CODE) i++;
        now = next;
    }
    return WHET_OK;
}

whet_status whet_genome_hash(whet_ctx *ctx, const char *text, size_t n_bytes,
                             char hex[WHET_SHA256_HEX]) {
    whet_buf plain = { 0 };
    const whet_status st = strip(ctx, text, n_bytes, NULL, 0, put_code, &plain);
    if (st == WHET_OK) whet_sha256_hex(plain.text ? plain.text : "", plain.len, hex);
    whet_buf_fini(ctx, &plain);
    return st;
}

static int by_begin(const void *a, const void *b) {
    const whet_extent *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static whet_extent line_around(const whet_genome *g, size_t at) {
    whet_extent e = { at, at };
    while (e.begin > 0 && g->text[e.begin - 1] != '\n')
        e.begin--;
    while (e.end < g->n_bytes && g->text[e.end] != '\n')
        e.end++;
    return e;
}

whet_status whet_genome_without_comments(whet_ctx *ctx, const whet_genome *g, whet_buf *out) {
    whet_extent kept[WHET_MAX_KNOBS + WHET_MAX_CONSTANTS + 2 * WHET_MAX_SEGMENTS + 2];
    int n = 0;
    for (int i = 0; i < g->n_knobs; i++)
        kept[n++] = line_around(g, g->knobs[i].value.begin);
    for (int i = 0; i < g->n_constants; i++)
        kept[n++] = line_around(g, g->constants[i].value.begin);
    for (int i = 0; i < g->n_segments; i++) {
        kept[n++] = line_around(g, g->segments[i].body.begin - 1);
        kept[n++] = line_around(g, g->segments[i].body.end);
    }
    kept[n++] = line_around(g, g->block.begin - 1);
    kept[n++] = line_around(g, g->block.end);
    qsort(kept, (size_t)n, sizeof *kept, by_begin);
    return strip(ctx, g->text, g->n_bytes, kept, n, whet_buf_putc, out);
}

whet_status whet_genome_blank_comments(whet_ctx *ctx, const char *text, size_t n_bytes,
                                       whet_buf *out) {
    place now = CODE;
    for (size_t i = 0; i < n_bytes; i++) {
        const char two[2] = { text[i], i + 1 < n_bytes ? text[i + 1] : '\0' };
        const bool is_end = now == BLOCK_COMMENT && two[0] == '*' && two[1] == '/';
        const place next = is_end ? CODE : leave_or_stay(now, two);
        const bool is_escape = (now == STRING || now == CHARACTER) && two[0] == '\\' && two[1];
        const bool is_comment =
            now == BLOCK_COMMENT || next == LINE_COMMENT || next == BLOCK_COMMENT;
        const bool is_pair = is_end || is_escape || (next == BLOCK_COMMENT && now == CODE);
        for (int k = 0; k <= is_pair; k++)
            WHET_TRY(whet_buf_putc(ctx, out, is_comment && two[k] != '\n' ? ' ' : two[k]));
        i += is_pair;
        now = is_escape ? now : next;
    }
    return WHET_OK;
}

whet_status whet_genome_knobs_json(whet_ctx *ctx, const whet_genome *genome, whet_buf *json) {
    WHET_TRY(whet_buf_putc(ctx, json, '{'));
    for (int i = 0; i < genome->n_knobs; i++) {
        const whet_knob *k = &genome->knobs[i];
        const char *value = k->choices[k->chosen];
        if (i) WHET_TRY(whet_buf_putc(ctx, json, ','));
        WHET_TRY(whet_json_quote(ctx, json, k->name, strlen(k->name)));
        WHET_TRY(whet_buf_putc(ctx, json, ':'));
        WHET_TRY(whet_json_quote(ctx, json, value, strlen(value)));
    }
    return whet_buf_putc(ctx, json, '}');
}
