/* SPDX-License-Identifier: MIT */
/* Walking through a large JSON text without building values: nothing is allocated. */
#ifndef WHET_BASE_JSON_READER_H
#define WHET_BASE_JSON_READER_H

#include "base/ctx.h"

/* A place in a JSON text. Plain data: a copy is a second reader that goes on from here. Each
 * function reads what its name says from `at`, after white space; if that is not what stands there,
 * WHET_E_FORMAT with a sentence that names the file and the byte. */
typedef struct whet_json_reader {
    const char *name; /* of the file, for messages; borrowed */
    char *text;       /* borrowed; strings are unescaped in place */
    size_t bytes;
    size_t at;
} whet_json_reader;

/* The next byte that is not white space, without taking it; 0 at the end of the text. */
char whet_json_reader_peek(whet_json_reader *r);

/* Takes the '{' or '[' that opens a value; *has_item: it is not empty. */
whet_status whet_json_reader_enter(whet_ctx *ctx, whet_json_reader *r, char open, bool *has_item);

/* After an item or member: takes ',' (*has_item: another one follows) or the closing `close`. */
whet_status whet_json_reader_next(whet_ctx *ctx, whet_json_reader *r, char close, bool *has_item);

/* A string: any UTF-8, NUL too. *string lies in r->text. It is read once: the escaped form is gone.
 */
whet_status whet_json_reader_string(whet_ctx *ctx, whet_json_reader *r, const char **string,
                                    size_t *len);

/* A member's key and the ':' behind it. */
whet_status whet_json_reader_key(whet_ctx *ctx, whet_json_reader *r, const char **key, size_t *len);

/* A number without fraction and exponent, within 64 bits. */
whet_status whet_json_reader_integer(whet_ctx *ctx, whet_json_reader *r, int64_t *n);

/* Passes over one value (or key) of any kind. Only strings and the balance of brackets are looked
 * at: what is passed over is not known to be JSON. */
whet_status whet_json_reader_skip(whet_ctx *ctx, whet_json_reader *r);

/* Where a member's value lies in the text: [at, end). */
typedef struct whet_json_member {
    const char *key; /* as it is written in the text, without escapes; set by the caller */
    size_t at;
    size_t end; /* 0: there is no such member */
} whet_json_member;

/* Passes over an object and finds n members of it; of several with the same key the last. */
whet_status whet_json_reader_find(whet_ctx *ctx, whet_json_reader *r, whet_json_member *members,
                                  size_t n);

#endif
