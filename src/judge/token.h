/* SPDX-License-Identifier: MIT */
/* A C text as tokens that know where they stand. */
#ifndef WHET_JUDGE_TOKEN_H
#define WHET_JUDGE_TOKEN_H

#include "base/ctx.h"

typedef enum whet_token_kind {
    WHET_TOKEN_WORD,
    WHET_TOKEN_NUMBER,
    WHET_TOKEN_SIGN,    /* an operator or a bracket, the longest that C knows */
    WHET_TOKEN_LITERAL, /* a string or a character */
    WHET_TOKEN_BREAK,   /* of no length: the beginning and the end of a directive */
} whet_token_kind;

typedef struct whet_token {
    size_t begin, end; /* bytes of the text */
    int line;          /* from 1 */
    whet_token_kind kind;
} whet_token;

/* The tokens of a text; of directives only what a #define puts in the place of its name. Comments
 * are left out. *tokens is the caller's (whet_free). */
whet_status whet_tokens_read(whet_ctx *ctx, const char *text, size_t n_bytes, whet_token **tokens,
                             size_t *n_tokens);

#endif
