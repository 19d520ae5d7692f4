/* SPDX-License-Identifier: MIT */
/* The insides of a tokenizer, for the files that fill and use it. */
#ifndef WHET_MODEL_TOKENIZER_INT_H
#define WHET_MODEL_TOKENIZER_INT_H

#include "base/buf.h"
#include "model/added_tokens.h"
#include "model/bpe.h"

#include <whet/tokenizer.h>

/* Where a token's bytes lie. */
typedef struct whet_token_span {
    uint32_t at;
    uint32_t len; /* WHET_NO_TEXT: the id has none */
} whet_token_span;

#define WHET_NO_TEXT UINT32_MAX

struct whet_tokenizer {
    whet_ctx *ctx;          /* borrowed; owner of the memory */
    whet_buf path;          /* of tokenizer.json, for messages */
    whet_buf bytes;         /* of all tokens */
    whet_token_span *spans; /* [n_ids] */
    size_t n_ids;
    size_t longest; /* bytes of the longest token */
    whet_bpe bpe;
    int32_t byte_ids[256];      /* tokens of single bytes, WHET_NO_TOKEN where missing */
    whet_added_set added;       /* cut out of the raw text */
    whet_added_set added_later; /* cut out of the normalized text ("normalized": true) */
};

/* whet_tokenizer_open from the text of tokenizer.json, which is taken over and left empty. `path`
 * is for messages. */
whet_status whet_tokenizer_parse(whet_ctx *ctx, const char *path, whet_buf *text,
                                 whet_tokenizer **out);

#endif
