/* SPDX-License-Identifier: MIT */
/* From a token's text to its id, while a tokenizer is loaded. */
#ifndef WHET_MODEL_VOCAB_H
#define WHET_MODEL_VOCAB_H

#include "base/ctx.h"

/* Text that somebody else owns. NULL: none. */
typedef struct whet_text_ref {
    const char *text;
    size_t len;
} whet_text_ref;

typedef struct whet_vocab {
    whet_text_ref *texts; /* owned [n_ids]; the texts are borrowed */
    size_t n_ids;
    struct whet_vocab_slot *slots; /* owned; open addressing */
    size_t mask;
    uint64_t seed;
} whet_vocab;

/* Room for n_tokens tokens with ids 0 .. n_ids - 1. A zeroed vocab is fine for fini. */
whet_status whet_vocab_init(whet_ctx *ctx, whet_vocab *vocab, size_t n_tokens, size_t n_ids);
void whet_vocab_fini(whet_ctx *ctx, whet_vocab *vocab);

/* At most n_tokens times, with an id that has no text yet. False, and nothing is done, when the
 * text has an id already. */
bool whet_vocab_add(whet_vocab *vocab, whet_text_ref text, int32_t id);

/* The id of the token whose text is left and right put together; WHET_NO_TOKEN if there is none. */
int32_t whet_vocab_find(const whet_vocab *vocab, whet_text_ref left, whet_text_ref right);

#endif
