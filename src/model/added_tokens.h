/* SPDX-License-Identifier: MIT */
/* Tokens that are cut out of the text before anything else looks at it. */
#ifndef WHET_MODEL_ADDED_TOKENS_H
#define WHET_MODEL_ADDED_TOKENS_H

#include "base/ctx.h"

typedef struct whet_added_token {
    char *text; /* owned by the set */
    size_t len; /* at least 1 */
    int32_t id;
} whet_added_token;

/* Zero-initialised is empty. Immutable once sorted. */
typedef struct whet_added_set {
    whet_added_token *items; /* owned */
    size_t n;
    size_t cap;
    uint32_t first[257]; /* items[first[c] .. first[c + 1]) begin with byte c */
} whet_added_set;

void whet_added_fini(whet_ctx *ctx, whet_added_set *set);

/* Copies text, which is not empty. */
whet_status whet_added_push(whet_ctx *ctx, whet_added_set *set, const char *text, size_t len,
                            int32_t id);

/* After the last push, before the first match. Gives a token whose text another one has too, which
 * makes the set unfit for use, or NULL. */
const whet_added_token *whet_added_sort(whet_added_set *set);

/* The leftmost token in text from *at on, the longest of those that begin there; *at is where.
 * NULL: there is none, and *at is bytes. */
const whet_added_token *whet_added_match(const whet_added_set *set, const char *text, size_t bytes,
                                         size_t *at);

/* The token with exactly this text, or NULL. */
const whet_added_token *whet_added_find(const whet_added_set *set, const char *text, size_t bytes);

#endif
