/* SPDX-License-Identifier: MIT */
/* Each alternative of the pattern is one function that says where its match ends, in order. */
#include "model/pretokenize.h"

#include "base/utf8.h"
#include "model/unicode_data.h"

const char whet_word_pattern[] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
                                 "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
                                 "|\\p{N}"
                                 "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                                 "|\\s*[\\r\\n]+"
                                 "|\\s+(?!\\S)"
                                 "|\\s+";

enum { END = -1 }; /* class of the end of the text */

/* A place in the text: the class of the character there and where it ends. */
typedef struct cursor {
    const char *text;
    size_t bytes;
    size_t at;
    size_t next; /* at itself at the end */
    int class;
} cursor;

static inline void look(cursor *c, size_t at) {
    c->at = c->next = at;
    c->class = END;
    if (at == c->bytes) return;
    uint32_t code_point = (unsigned char)c->text[at];
    size_t n = 1;
    if (code_point >= 0x80) whet_utf8_decode(c->text + at, c->bytes - at, &code_point, &n);
    c->next = at + n;
    c->class = whet_unicode_row_of(code_point)->class;
}

static inline void skip_class(cursor *c, int class) {
    while (c->class == class)
        look(c, c->next);
}

static bool is_newline(const cursor *c) {
    return c->class == WHET_UNICODE_SPACE && (c->text[c->at] == '\n' || c->text[c->at] == '\r');
}

/* The letter at text[at] in lower case, 0 at the end. Of all that folds to ASCII letters only the
 * long s (U+017F) stands in a contraction. */
static char fold(const char *text, size_t bytes, size_t at, size_t *n) {
    *n = 1;
    if (at >= bytes) return 0;
    const char c = text[at];
    if (c == '\xC5' && bytes - at > 1 && text[at + 1] == '\xBF') {
        *n = 2;
        return 's';
    }
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d); at itself when none. */
static size_t contraction_end(const char *text, size_t bytes, size_t at) {
    if (text[at] != '\'') return at;
    size_t n, n_second;
    const char first = fold(text, bytes, at + 1, &n);
    const char second = fold(text, bytes, at + 1 + n, &n_second);
    switch (first) {
    case 's':
    case 't':
    case 'm':
    case 'd': return at + 1 + n;
    case 'r':
    case 'v': return second == 'e' ? at + 3 : at;
    case 'l': return second == 'l' ? at + 3 : at;
    }
    return at;
}

/* White space from c on: to its last newline; else all of it at the end of the text; else all but
 * its last character, which the next match may want; else the one there is. */
static size_t space_end(cursor c) {
    size_t newline_end = 0, last = c.at;
    const size_t first = c.at;
    for (; c.class == WHET_UNICODE_SPACE; look(&c, c.next)) {
        last = c.at;
        if (is_newline(&c)) newline_end = c.next;
    }
    if (newline_end) return newline_end;
    return c.class == END || last == first ? c.at : last;
}

size_t whet_word_end(const char *text, size_t bytes, size_t at) {
    const size_t contraction = contraction_end(text, bytes, at);
    if (contraction != at) return contraction;

    cursor c = { .text = text, .bytes = bytes };
    look(&c, at);
    if (c.class == WHET_UNICODE_NUMBER) return c.next;
    if (c.class == WHET_UNICODE_LETTER) {
        skip_class(&c, WHET_UNICODE_LETTER);
        return c.at;
    }
    cursor second = c;
    look(&second, c.next);
    if (second.class == WHET_UNICODE_LETTER && !is_newline(&c)) {
        skip_class(&second, WHET_UNICODE_LETTER);
        return second.at;
    }
    cursor marks = text[at] == ' ' ? second : c;
    if (marks.class == WHET_UNICODE_OTHER) {
        skip_class(&marks, WHET_UNICODE_OTHER);
        while (is_newline(&marks))
            look(&marks, marks.next);
        return marks.at;
    }
    return space_end(c);
}
