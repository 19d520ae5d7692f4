/* SPDX-License-Identifier: MIT */
/* Reading a C text. */
#include "judge/token.h"

#include <ctype.h>
#include <string.h>

typedef struct reader {
    const char *text;
    size_t n, at;
    int line;
    bool is_line_start, is_directive;
    whet_token *tokens;
    size_t n_tokens;
} reader;

static const char *const signs[] = { "<<=", ">>=", "...", "->", "++", "--", "<<", ">>",
                                     "<=",  ">=",  "==",  "!=", "&&", "||", "+=", "-=",
                                     "*=",  "/=",  "%=",  "&=", "^=", "|=", "##" };

static char look(const reader *r, size_t ahead) {
    return r->at + ahead < r->n ? r->text[r->at + ahead] : '\0';
}

/* Room for the tokens is made before: no text has more than its bytes and two a line. */
static void put(reader *r, whet_token_kind kind, size_t n_bytes) {
    r->tokens[r->n_tokens++] = (whet_token){ r->at, r->at + n_bytes, r->line, kind };
    r->at += n_bytes;
}

static bool is_in_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

static size_t word_bytes(const reader *r) {
    size_t n = 0;
    while (is_in_word(look(r, n)))
        n++;
    return n;
}

static size_t number_bytes(const reader *r) {
    size_t n = 0;
    while (is_in_word(look(r, n)) || look(r, n) == '.' ||
           ((look(r, n) == '+' || look(r, n) == '-') && n && strchr("eEpP", look(r, n - 1)) &&
            !(look(r, 1) == 'x' && strchr("eE", look(r, n - 1)))))
        n++;
    return n;
}

static size_t literal_bytes(const reader *r) {
    const char quote = look(r, 0);
    size_t n = 1;
    while (look(r, n) && look(r, n) != quote && look(r, n) != '\n')
        n += look(r, n) == '\\' && look(r, n + 1) ? 2 : 1;
    return n + (look(r, n) == quote);
}

static size_t sign_bytes(const reader *r) {
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (r->n - r->at >= strlen(signs[i]) &&
            memcmp(r->text + r->at, signs[i], strlen(signs[i])) == 0)
            return strlen(signs[i]);
    return 1;
}

/* Moves on, and counts the lines that are passed. */
static void pass(reader *r, size_t n_bytes) {
    for (; n_bytes && r->at < r->n; n_bytes--)
        r->line += r->text[r->at++] == '\n';
}

static void end_line(reader *r) {
    if (r->is_directive) put(r, WHET_TOKEN_BREAK, 0);
    r->is_directive = false;
    pass(r, 1);
    r->is_line_start = true;
}

/* Blanks, comments, spliced lines; true when there was something to pass. */
static bool pass_blank(reader *r) {
    const char c = look(r, 0), next = look(r, 1);
    if (c == '\\' && next == '\n') {
        pass(r, 2);
    } else if (c == '/' && next == '/') {
        while (r->at < r->n && look(r, 0) != '\n')
            r->at++;
    } else if (c == '/' && next == '*') {
        const char *end = memmem(r->text + r->at + 2, r->n - r->at - 2, "*/", 2);
        pass(r, end ? (size_t)(end + 2 - r->text) - r->at : r->n - r->at);
    } else if (c == '\n') {
        end_line(r);
    } else if (isspace((unsigned char)c) || c == '\0') {
        r->at++;
    } else {
        return false;
    }
    return true;
}

static void pass_line_blanks(reader *r) {
    while (look(r, 0) == ' ' || look(r, 0) == '\t')
        r->at++;
}

/* Behind '#': passes a definition's name and parameters, or the whole of another directive. */
static void begin_directive(reader *r) {
    put(r, WHET_TOKEN_BREAK, 0);
    r->is_directive = true;
    pass(r, 1);
    pass_line_blanks(r);
    const bool is_define = word_bytes(r) == 6 && memcmp(r->text + r->at, "define", 6) == 0;
    pass(r, word_bytes(r));
    if (is_define) {
        pass_line_blanks(r);
        pass(r, word_bytes(r));
        const char *end = memchr(r->text + r->at, ')', r->n - r->at);
        if (look(r, 0) == '(' && end) pass(r, (size_t)(end + 1 - r->text) - r->at);
        return;
    }
    while (r->at < r->n && look(r, 0) != '\n')
        pass(r, look(r, 0) == '\\' && look(r, 1) == '\n' ? 2 : 1);
}

static void read_all(reader *r) {
    while (r->at < r->n) {
        if (pass_blank(r)) continue;
        const char c = look(r, 0);
        const bool is_first = r->is_line_start;
        r->is_line_start = false;
        if (c == '#' && is_first && !r->is_directive)
            begin_directive(r);
        else if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)look(r, 1))))
            put(r, WHET_TOKEN_NUMBER, number_bytes(r));
        else if (is_in_word(c))
            put(r, WHET_TOKEN_WORD, word_bytes(r));
        else if (c == '"' || c == '\'')
            put(r, WHET_TOKEN_LITERAL, literal_bytes(r));
        else
            put(r, WHET_TOKEN_SIGN, sign_bytes(r));
    }
    if (r->is_directive) put(r, WHET_TOKEN_BREAK, 0);
}

whet_status whet_tokens_read(whet_ctx *ctx, const char *text, size_t n_bytes, whet_token **tokens,
                             size_t *n_tokens) {
    reader r = { .text = text, .n = n_bytes, .line = 1, .is_line_start = true };
    *tokens = NULL;
    *n_tokens = 0;
    r.tokens = whet_alloc(ctx, (2 * n_bytes + 2) * sizeof *r.tokens);
    if (!r.tokens) return WHET_E_NOMEM;
    read_all(&r);
    *tokens = r.tokens;
    *n_tokens = r.n_tokens;
    return WHET_OK;
}
