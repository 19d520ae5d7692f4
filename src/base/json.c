/* SPDX-License-Identifier: MIT */
/* The one place that knows jansson. */
#include "base/json.h"

#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/utf8.h"

whet_status whet_json_parse(whet_ctx *ctx, const char *name, const void *text, size_t bytes,
                            bool is_strict, whet_json **root) {
    json_error_t why;
    const size_t flags =
        JSON_ALLOW_NUL | JSON_DECODE_ANY | (is_strict ? JSON_REJECT_DUPLICATES : 0);
    *root = json_loadb(text, bytes, flags, &why);
    if (*root) return WHET_OK;
    whet_utf8_make_printable(why.text); /* it quotes what it stumbled over, raw and cut */
    return whet_fail(ctx, WHET_E_FORMAT, "%s: not JSON at line %d, column %d: %s", name, why.line,
                     why.column, why.text);
}

whet_status whet_json_read(whet_ctx *ctx, const char *path, size_t max_bytes, whet_json **root) {
    *root = NULL;
    whet_buf text = { 0 };
    whet_status st = whet_file_read(ctx, path, max_bytes, &text);
    if (st == WHET_OK) st = whet_json_parse(ctx, path, text.text, text.len, true, root);
    whet_buf_fini(ctx, &text);
    return st;
}

void whet_json_close(whet_json *root) {
    json_decref(root);
}

whet_json_type whet_json_type_of(const whet_json *v) {
    switch (json_typeof(v)) {
    case JSON_OBJECT: return WHET_JSON_OBJECT;
    case JSON_ARRAY: return WHET_JSON_ARRAY;
    case JSON_STRING: return WHET_JSON_STRING;
    case JSON_INTEGER: return WHET_JSON_INTEGER;
    case JSON_REAL: return WHET_JSON_REAL;
    case JSON_TRUE: return WHET_JSON_TRUE;
    case JSON_FALSE: return WHET_JSON_FALSE;
    case JSON_NULL: break;
    }
    return WHET_JSON_NULL;
}

const whet_json *whet_json_get(const whet_json *v, const char *key) {
    return json_object_get(v, key);
}

const whet_json *whet_json_at(const whet_json *v, size_t i) {
    return json_array_get(v, i);
}

size_t whet_json_len(const whet_json *v) {
    return json_is_object(v) ? json_object_size(v) : json_array_size(v);
}

const char *whet_json_string(const whet_json *v, size_t *len) {
    if (len) *len = json_string_length(v);
    return json_string_value(v);
}

bool whet_json_is(const whet_json *v, whet_json_type type) {
    return v && whet_json_type_of(v) == type;
}

bool whet_json_integer(const whet_json *v, int64_t *out) {
    if (!json_is_integer(v)) return false;
    *out = json_integer_value(v);
    return true;
}

bool whet_json_number(const whet_json *v, double *out) {
    if (!json_is_number(v)) return false;
    *out = json_number_value(v);
    return true;
}

bool whet_json_bool(const whet_json *v, bool *out) {
    if (!json_is_boolean(v)) return false;
    *out = json_is_true(v);
    return true;
}

/* jansson iterates over a mutable object; nothing here changes it. */
static json_t *mutable(const whet_json *v) {
    return (json_t *)(uintptr_t)v;
}

void *whet_json_begin(const whet_json *v) {
    return json_object_iter(mutable(v));
}
void *whet_json_next(const whet_json *v, void *it) {
    return json_object_iter_next(mutable(v), it);
}

const char *whet_json_key(void *it, size_t *len) {
    if (len) *len = json_object_iter_key_len(it);
    return json_object_iter_key(it);
}

const whet_json *whet_json_value(void *it) {
    return json_object_iter_value(it);
}

static whet_status quote_control(whet_ctx *ctx, whet_buf *buf, unsigned char c) {
    static const char shorts[] = "btn?fr"; /* 8 .. 13; 11 has no short form */
    if (c >= 8 && c <= 13 && c != 11) return whet_buf_printf(ctx, buf, "\\%c", shorts[c - 8]);
    return whet_buf_printf(ctx, buf, "\\u%04x", c);
}

whet_status whet_json_quote(whet_ctx *ctx, whet_buf *buf, const char *text, size_t bytes) {
    WHET_TRY(whet_buf_putc(ctx, buf, '"'));
    for (size_t i = 0; i < bytes;) {
        const unsigned char c = (unsigned char)text[i];
        size_t n = 1;
        whet_status st;
        if (c == '"' || c == '\\') {
            st = whet_buf_printf(ctx, buf, "\\%c", c);
        } else if (c < 0x20) {
            st = quote_control(ctx, buf, c);
        } else if (whet_utf8_decode(text + i, bytes - i, NULL, &n)) {
            st = whet_buf_append(ctx, buf, text + i, n);
        } else {
            st = whet_buf_puts(ctx, buf, "\xEF\xBF\xBD");
        }
        WHET_TRY(st);
        i += n;
    }
    return whet_buf_putc(ctx, buf, '"');
}
