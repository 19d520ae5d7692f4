/* SPDX-License-Identifier: MIT */
/* JSON values, read-only, over jansson: limits, and sentences that name the file and the place. */
#ifndef WHET_BASE_JSON_H
#define WHET_BASE_JSON_H

#include "base/buf.h"

typedef struct json_t whet_json; /* a value; borrowed from its document's root */

typedef enum whet_json_type {
    WHET_JSON_OBJECT,
    WHET_JSON_ARRAY,
    WHET_JSON_STRING,
    WHET_JSON_INTEGER,
    WHET_JSON_REAL,
    WHET_JSON_TRUE,
    WHET_JSON_FALSE,
    WHET_JSON_NULL,
} whet_json_type;

/* Parses one JSON text of any top-level type; `name` (a file) is for the message. Strings may hold
 * NUL. Refused with WHET_E_FORMAT: what is not JSON, invalid UTF-8, NaN, integers past 64 bits,
 * nesting past jansson's 2048. is_strict also refuses an object with the same key twice (else the
 * last one counts). *root is owned: whet_json_close. */
whet_status whet_json_parse(whet_ctx *ctx, const char *name, const void *text, size_t bytes,
                            bool is_strict, whet_json **root);

/* Reads and parses a file of at most max_bytes. */
whet_status whet_json_read(whet_ctx *ctx, const char *path, size_t max_bytes, whet_json **root);

void whet_json_close(whet_json *root); /* NULL is fine */

whet_json_type whet_json_type_of(const whet_json *v);

/* NULL when v is NULL, not an object, or has no such key. */
const whet_json *whet_json_get(const whet_json *v, const char *key);
const whet_json *whet_json_at(const whet_json *v, size_t i); /* NULL when not an array or past it */
size_t whet_json_len(const whet_json *v);                    /* of an array or an object, else 0 */

/* Bytes of a string, NUL-terminated, UTF-8; NULL when v is NULL or not a string. len may be NULL.
 */
const char *whet_json_string(const whet_json *v, size_t *len);

/* False when v is NULL or not of that type. A number is an integer or a real. */
bool whet_json_is(const whet_json *v, whet_json_type type);
bool whet_json_integer(const whet_json *v, int64_t *out);
bool whet_json_number(const whet_json *v, double *out);
bool whet_json_bool(const whet_json *v, bool *out);

/* Members in the order of the file: for (void *it = begin(v); it; it = next(v, it)). */
void *whet_json_begin(const whet_json *v); /* NULL when not an object, or empty */
void *whet_json_next(const whet_json *v, void *it);
const char *whet_json_key(void *it, size_t *len);
const whet_json *whet_json_value(void *it);

#endif
