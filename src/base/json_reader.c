/* SPDX-License-Identifier: MIT */
/* RFC 8259, read forwards. */
#include "base/json_reader.h"

#include <string.h>

#include "base/utf8.h"

static whet_status fail(whet_ctx *ctx, const whet_json_reader *r, const char *expected) {
    if (r->at >= r->bytes)
        return whet_fail(ctx, WHET_E_FORMAT, "%s: not JSON: it ends at byte %zu where %s should be",
                         r->name, r->bytes, expected);
    return whet_fail(ctx, WHET_E_FORMAT, "%s: not as expected at byte %zu, where %s should be",
                     r->name, r->at, expected);
}

char whet_json_reader_peek(whet_json_reader *r) {
    for (; r->at < r->bytes; r->at++) {
        const char c = r->text[r->at];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return c;
    }
    return 0;
}

whet_status whet_json_reader_enter(whet_ctx *ctx, whet_json_reader *r, char open, bool *has_item) {
    if (whet_json_reader_peek(r) != open) return fail(ctx, r, open == '{' ? "'{'" : "'['");
    r->at++;
    *has_item = whet_json_reader_peek(r) != (open == '{' ? '}' : ']');
    if (!*has_item) r->at++;
    return WHET_OK;
}

whet_status whet_json_reader_next(whet_ctx *ctx, whet_json_reader *r, char close, bool *has_item) {
    const char c = whet_json_reader_peek(r);
    *has_item = c == ',';
    if (c != ',' && c != close) return fail(ctx, r, close == '}' ? "',' or '}'" : "',' or ']'");
    r->at++;
    return WHET_OK;
}

/* Four hexadecimal digits at r->at. */
static bool read_hex(const whet_json_reader *r, uint32_t *out) {
    *out = 0;
    for (size_t i = r->at; i < r->at + 4; i++) {
        const char c = i < r->bytes ? r->text[i] : 0;
        const char lower = (char)(c | 0x20);
        const bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && (lower < 'a' || lower > 'f')) return false;
        *out = *out << 4 | (uint32_t)(is_digit ? c - '0' : lower - 'a' + 10);
    }
    return true;
}

/* Behind "\u": one code point, of two escapes if it is a surrogate pair. */
static bool read_code_point(whet_json_reader *r, uint32_t *c) {
    uint32_t low;
    if (!read_hex(r, c)) return false;
    r->at += 4;
    if (*c < 0xD800 || *c > 0xDFFF) return true;
    if (*c > 0xDBFF || r->bytes - r->at < 6 || memcmp(r->text + r->at, "\\u", 2) != 0) return false;
    r->at += 2;
    if (!read_hex(r, &low) || low < 0xDC00 || low > 0xDFFF) return false;
    r->at += 4;
    *c = 0x10000 + ((*c - 0xD800) << 10 | (low - 0xDC00));
    return true;
}

/* At a backslash: the character it stands for is written to `to`. */
static whet_status unescape(whet_ctx *ctx, whet_json_reader *r, char *to, size_t *n) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char letter = ++r->at < r->bytes ? r->text[r->at] : 0;
    const char *known = letter ? strchr(letters, letter) : NULL;
    if (known) {
        r->at++;
        *to = meanings[known - letters];
        *n = 1;
        return WHET_OK;
    }
    uint32_t c;
    if (letter != 'u') return fail(ctx, r, "an escape");
    r->at++;
    if (!read_code_point(r, &c)) return fail(ctx, r, "an escaped character");
    *n = whet_utf8_encode(c, to);
    return WHET_OK;
}

whet_status whet_json_reader_string(whet_ctx *ctx, whet_json_reader *r, const char **string,
                                    size_t *len) {
    if (whet_json_reader_peek(r) != '"') return fail(ctx, r, "a string");
    char *to = r->text + ++r->at; /* never ahead of r->at: escapes are longer than what they say */
    *string = to;
    for (;;) {
        const unsigned char c = r->at < r->bytes ? (unsigned char)r->text[r->at] : 0;
        size_t n = 1;
        if (c == '"') break;
        if (c == '\\') {
            WHET_TRY(unescape(ctx, r, to, &n));
        } else if (c < 0x20 ||
                   (c >= 0x80 && !whet_utf8_decode(r->text + r->at, r->bytes - r->at, NULL, &n))) {
            return fail(ctx, r, "a character of a string");
        } else {
            if (to != r->text + r->at) memmove(to, r->text + r->at, n);
            r->at += n;
        }
        to += n;
    }
    *len = (size_t)(to - *string);
    r->at++;
    return WHET_OK;
}

whet_status whet_json_reader_key(whet_ctx *ctx, whet_json_reader *r, const char **key,
                                 size_t *len) {
    WHET_TRY(whet_json_reader_string(ctx, r, key, len));
    if (whet_json_reader_peek(r) != ':') return fail(ctx, r, "':'");
    r->at++;
    return WHET_OK;
}

whet_status whet_json_reader_integer(whet_ctx *ctx, whet_json_reader *r, int64_t *n) {
    const bool is_negative = whet_json_reader_peek(r) == '-';
    const size_t first = r->at + is_negative;
    size_t at = first;
    int64_t value = 0;
    bool ok = true;
    for (; ok && at < r->bytes && r->text[at] >= '0' && r->text[at] <= '9'; at++) {
        const int digit = r->text[at] - '0';
        ok = !__builtin_mul_overflow(value, 10, &value) &&
             !__builtin_add_overflow(value, is_negative ? -digit : digit, &value);
    }
    const char behind = at < r->bytes ? r->text[at] : 0;
    const bool has_leading_zero = at > first + 1 && r->text[first] == '0';
    if (!ok || at == first || has_leading_zero || behind == '.' || (behind | 0x20) == 'e')
        return fail(ctx, r, "an integer");
    r->at = at;
    *n = value;
    return WHET_OK;
}

static void skip_string(whet_json_reader *r) {
    for (r->at++; r->at < r->bytes && r->text[r->at] != '"'; r->at++)
        if (r->text[r->at] == '\\') r->at++;
    r->at++;
}

whet_status whet_json_reader_skip(whet_ctx *ctx, whet_json_reader *r) {
    const char first = whet_json_reader_peek(r);
    if (first == ',' || first == ':' || first == '}' || first == ']' || first == 0)
        return fail(ctx, r, "a value");
    size_t depth = 0;
    while (r->at < r->bytes) {
        switch (r->text[r->at]) {
        case '"': skip_string(r); break;
        case '{':
        case '[':
            depth++;
            r->at++;
            break;
        case '}':
        case ']':
            if (depth == 0) return WHET_OK;
            depth--;
            r->at++;
            if (depth == 0) return WHET_OK;
            break;
        case ',':
            if (depth == 0) return WHET_OK;
            r->at++;
            break;
        default: r->at++;
        }
    }
    if (depth == 0 && r->at == r->bytes) return WHET_OK;
    r->at = r->bytes;
    return fail(ctx, r, "the rest of a value");
}

/* The key at [at, at + len), with its quotes. */
static void note_member(const whet_json_reader *r, size_t at, size_t len, size_t value_at,
                        whet_json_member *members, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (len == strlen(members[i].key) + 2 &&
            memcmp(r->text + at + 1, members[i].key, len - 2) == 0) {
            members[i].at = value_at;
            members[i].end = r->at;
        }
}

whet_status whet_json_reader_find(whet_ctx *ctx, whet_json_reader *r, whet_json_member *members,
                                  size_t n) {
    bool has_item;
    WHET_TRY(whet_json_reader_enter(ctx, r, '{', &has_item));
    while (has_item) {
        if (whet_json_reader_peek(r) != '"') return fail(ctx, r, "a key");
        const size_t key_at = r->at;
        skip_string(r);
        const size_t key_len = r->at - key_at;
        if (whet_json_reader_peek(r) != ':') return fail(ctx, r, "':'");
        r->at++;
        whet_json_reader_peek(r);
        const size_t value_at = r->at;
        WHET_TRY(whet_json_reader_skip(ctx, r));
        note_member(r, key_at, key_len, value_at, members, n);
        WHET_TRY(whet_json_reader_next(ctx, r, '}', &has_item));
    }
    return WHET_OK;
}
