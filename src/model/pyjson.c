/* SPDX-License-Identifier: MIT */
/* Python's notations for JSON values. */
#include "model/pyjson.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { MAX_DIGITS = 17 }; /* always enough for a double */

/* digits[0 .. n) times 10^exponent reads back as x. No decimal point: its sign is the locale's. */
static bool reads_back(const char *digits, int n, int exponent, double x) {
    char text[MAX_DIGITS + 8];
    snprintf(text, sizeof text, "%.*se%d", n, digits, exponent);
    return strtod(text, NULL) == x;
}

/* Adds one to the last digit; false when that makes a digit more. */
static bool count_up(char *digits, int n) {
    for (int i = n - 1; i >= 0; i--) {
        if (digits[i] != '9') {
            digits[i]++;
            return true;
        }
        digits[i] = '0';
    }
    return false;
}

/* The fewest digits of a positive x that read back, the nearest of them; x is about
 * 0.DIGITS * 10^point. */
static int shortest_digits(double x, char digits[MAX_DIGITS + 1], int *point) {
    for (int n = 1;; n++) {
        char text[MAX_DIGITS + 16];
        snprintf(text, sizeof text, "%.*e", n - 1, x);
        const char *e = strchr(text, 'e');
        int n_digits = 0;
        for (const char *c = text; c < e; c++)
            if (*c >= '0' && *c <= '9' && n_digits < n) digits[n_digits++] = *c;
        digits[n] = '\0';
        *point = atoi(e + 1) + 1;
        if (n == MAX_DIGITS || reads_back(digits, n, *point - n, x)) return n;
        /* At a power of two the gap above x is twice the one below: the nearest n digits may lie
         * below and miss while the next ones above still read back (2^-44). */
        if (count_up(digits, n) && reads_back(digits, n, *point - n, x)) return n;
    }
}

/* 0.DIGITS * 10^point without an exponent, -4 < point <= 16. */
static void print_fixed(const char *digits, int n, int point, char *text) {
    char *t = text;
    if (point <= 0) {
        t = stpcpy(t, "0.");
        for (int i = point; i < 0; i++)
            *t++ = '0';
        strcpy(t, digits);
        return;
    }
    for (int i = 0; i < point; i++)
        *t++ = i < n ? digits[i] : '0';
    *t++ = '.';
    strcpy(t, point < n ? digits + point : "0");
}

void whet_pyjson_float(double x, char text[WHET_PYFLOAT_BYTES]) {
    char *t = text;
    if (signbit(x)) *t++ = '-';
    if (x == 0) {
        strcpy(t, "0.0");
        return;
    }
    char digits[MAX_DIGITS + 1];
    int point;
    const int n = shortest_digits(fabs(x), digits, &point);
    if (point > -4 && point <= 16) {
        print_fixed(digits, n, point, t);
        return;
    }
    *t++ = digits[0];
    if (n > 1) {
        *t++ = '.';
        t = stpcpy(t, digits + 1);
    }
    snprintf(t, (size_t)(text + WHET_PYFLOAT_BYTES - t), "e%+03d", point - 1);
}

static whet_status put_integer(whet_ctx *ctx, const whet_json *v, whet_buf *out) {
    int64_t i = 0;
    whet_json_integer(v, &i);
    return whet_buf_printf(ctx, out, "%" PRId64, i);
}

static whet_status put_float(whet_ctx *ctx, const whet_json *v, whet_buf *out) {
    double x = 0;
    whet_json_number(v, &x);
    char text[WHET_PYFLOAT_BYTES];
    whet_pyjson_float(x, text);
    return whet_buf_puts(ctx, out, text);
}

/* Code points that str.isprintable refuses, first and last of each range: the categories Cc, Cf,
 * Co, Zs (but for the space), Zl and Zp of Unicode 16, and the noncharacters. */
static const uint32_t not_printable[][2] = {
    { 0x00, 0x1f },       { 0x7f, 0xa0 },       { 0xad, 0xad },        { 0x600, 0x605 },
    { 0x61c, 0x61c },     { 0x6dd, 0x6dd },     { 0x70f, 0x70f },      { 0x890, 0x891 },
    { 0x8e2, 0x8e2 },     { 0x1680, 0x1680 },   { 0x180e, 0x180e },    { 0x2000, 0x200f },
    { 0x2028, 0x202f },   { 0x205f, 0x206f },   { 0x3000, 0x3000 },    { 0xe000, 0xf8ff },
    { 0xfdd0, 0xfdef },   { 0xfeff, 0xfeff },   { 0xfff9, 0xfffb },    { 0x110bd, 0x110bd },
    { 0x110cd, 0x110cd }, { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 },  { 0x1d173, 0x1d17a },
    { 0xe0001, 0xe0001 }, { 0xe0020, 0xe007f }, { 0xf0000, 0x10ffff },
};

static bool is_printable(uint32_t code_point) {
    if ((code_point & 0xfffe) == 0xfffe) return false;
    for (size_t i = 0; i < sizeof not_printable / sizeof not_printable[0]; i++)
        if (code_point >= not_printable[i][0] && code_point <= not_printable[i][1]) return false;
    return true;
}

static whet_status put_escape(whet_ctx *ctx, whet_buf *out, uint32_t c) {
    if (c == '\n') return whet_buf_puts(ctx, out, "\\n");
    if (c == '\r') return whet_buf_puts(ctx, out, "\\r");
    if (c == '\t') return whet_buf_puts(ctx, out, "\\t");
    if (c < 0x100) return whet_buf_printf(ctx, out, "\\x%02" PRIx32, c);
    if (c < 0x10000) return whet_buf_printf(ctx, out, "\\u%04" PRIx32, c);
    return whet_buf_printf(ctx, out, "\\U%08" PRIx32, c);
}

/* repr() of a string: single quotes unless only those occur in it. */
static whet_status put_quoted(whet_ctx *ctx, const char *text, size_t bytes, whet_buf *out) {
    const bool has_single = memchr(text, '\'', bytes) != NULL;
    const char quote = has_single && !memchr(text, '"', bytes) ? '"' : '\'';
    WHET_TRY(whet_buf_putc(ctx, out, quote));
    for (size_t i = 0, n; i < bytes; i += n) {
        uint32_t c;
        if (!whet_utf8_decode(text + i, bytes - i, &c, &n))
            return whet_fail(ctx, WHET_E_INTERNAL, "a JSON string that is not UTF-8");
        if (c == (unsigned char)quote || c == '\\') WHET_TRY(whet_buf_putc(ctx, out, '\\'));
        if (is_printable(c))
            WHET_TRY(whet_buf_append(ctx, out, text + i, n));
        else
            WHET_TRY(put_escape(ctx, out, c));
    }
    return whet_buf_putc(ctx, out, quote);
}

/* The words in which the two notations differ. */
typedef struct notation {
    const char *none, *is_true, *is_false;
    whet_status (*put_string)(whet_ctx *ctx, const char *text, size_t bytes, whet_buf *out);
} notation;

static whet_status put_json_string(whet_ctx *ctx, const char *text, size_t bytes, whet_buf *out) {
    return whet_json_quote(ctx, out, text, bytes);
}

static const notation json_notation = { "null", "true", "false", put_json_string };
static const notation python_notation = { "None", "True", "False", put_quoted };

static whet_status put_value(whet_ctx *ctx, const notation *as, const whet_json *v, whet_buf *out);

static whet_status put_array(whet_ctx *ctx, const notation *as, const whet_json *v, whet_buf *out) {
    WHET_TRY(whet_buf_putc(ctx, out, '['));
    const size_t n = whet_json_len(v);
    for (size_t i = 0; i < n; i++) {
        if (i) WHET_TRY(whet_buf_puts(ctx, out, ", "));
        WHET_TRY(put_value(ctx, as, whet_json_at(v, i), out));
    }
    return whet_buf_putc(ctx, out, ']');
}

static whet_status put_object(whet_ctx *ctx, const notation *as, const whet_json *v,
                              whet_buf *out) {
    const char *separator = "{";
    for (void *it = whet_json_begin(v); it; it = whet_json_next(v, it)) {
        size_t len;
        const char *key = whet_json_key(it, &len);
        WHET_TRY(whet_buf_puts(ctx, out, separator));
        WHET_TRY(as->put_string(ctx, key, len, out));
        WHET_TRY(whet_buf_puts(ctx, out, ": "));
        WHET_TRY(put_value(ctx, as, whet_json_value(it), out));
        separator = ", ";
    }
    return whet_buf_puts(ctx, out, separator[0] == '{' ? "{}" : "}");
}

static whet_status put_value(whet_ctx *ctx, const notation *as, const whet_json *v, whet_buf *out) {
    size_t len;
    const char *text;
    switch (whet_json_type_of(v)) {
    case WHET_JSON_OBJECT: return put_object(ctx, as, v, out);
    case WHET_JSON_ARRAY: return put_array(ctx, as, v, out);
    case WHET_JSON_STRING:
        text = whet_json_string(v, &len);
        return as->put_string(ctx, text, len, out);
    case WHET_JSON_INTEGER: return put_integer(ctx, v, out);
    case WHET_JSON_REAL: return put_float(ctx, v, out);
    case WHET_JSON_TRUE: return whet_buf_puts(ctx, out, as->is_true);
    case WHET_JSON_FALSE: return whet_buf_puts(ctx, out, as->is_false);
    case WHET_JSON_NULL: break;
    }
    return whet_buf_puts(ctx, out, as->none);
}

whet_status whet_pyjson_dump(whet_ctx *ctx, const whet_json *v, whet_buf *out) {
    return put_value(ctx, &json_notation, v, out);
}

whet_status whet_pyjson_str(whet_ctx *ctx, const whet_json *v, whet_buf *out) {
    size_t len;
    const char *text = whet_json_string(v, &len);
    return text ? whet_buf_append(ctx, out, text, len) : put_value(ctx, &python_notation, v, out);
}
