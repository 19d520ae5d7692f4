/* SPDX-License-Identifier: MIT */
/* Text to token ids and back, as tokenizer.json says (byte-level BPE in the form of Qwen2 and
 * Qwen3: NFC, one pre-tokenizer pattern, merges). Ids are those of the tokenizers library 0.23. */
#ifndef WHET_TOKENIZER_H
#define WHET_TOKENIZER_H

#include <whet/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Immutable once open: several threads may use it, each with its own ctx. */
typedef struct whet_tokenizer whet_tokenizer;

/* Token ids. Zero-initialised is empty; owned by whoever holds it. */
typedef struct whet_ids {
    int32_t *ids;
    size_t n;
    size_t cap;
} whet_ids;

/* WHET_OK or WHET_E_NOMEM. */
WHET_API whet_status whet_ids_append(whet_ctx *ctx, whet_ids *ids, const int32_t *more, size_t n);
WHET_API void whet_ids_fini(whet_ctx *ctx, whet_ids *ids);

/* Reads tokenizer.json, given as a file or as the folder that holds it; nothing else is read.
 * Added tokens are those of tokenizer.json. *out is owned (whet_tokenizer_close), and ctx must
 * outlive it. WHET_E_NOT_FOUND, WHET_E_IO, WHET_E_FORMAT when the file contradicts itself,
 * WHET_E_UNSUPPORTED when it asks for what is not implemented here: the sentence names the file
 * and what. */
WHET_API whet_status whet_tokenizer_open(whet_ctx *ctx, const char *folder_or_file,
                                         whet_tokenizer **out);
WHET_API void whet_tokenizer_close(whet_tokenizer *tokenizer); /* NULL is fine */

/* All ids that have text are below this; there may be gaps. A model's vocabulary may be larger. */
WHET_API size_t whet_tokenizer_size(const whet_tokenizer *tokenizer);

/* Any id may be asked for. */
WHET_API bool whet_tokenizer_has(const whet_tokenizer *tokenizer, int32_t id);

/* The bytes of a token, which need not be whole characters; NULL and 0 for an id without text.
 * Borrowed from the tokenizer. */
WHET_API const char *whet_tokenizer_bytes(const whet_tokenizer *tokenizer, int32_t id, size_t *len);

/* The id of an added token ("<|im_end|>"), -1 if there is none of that text. */
WHET_API int32_t whet_tokenizer_id(const whet_tokenizer *tokenizer, const char *added_token);

/* Appends the ids of a text, which may contain NUL and the texts of added tokens (they become
 * these tokens). Nothing is added at the beginning or the end. WHET_E_FORMAT: not UTF-8;
 * WHET_E_UNSUPPORTED: no token for a byte of it; WHET_E_CANCELLED. */
WHET_API whet_status whet_tokenizer_encode(whet_ctx *ctx, const whet_tokenizer *tokenizer,
                                           const char *text, size_t bytes, whet_ids *ids);

/* Appends the text of the ids: their bytes, what is not UTF-8 replaced by U+FFFD (one for each
 * maximal subpart: Unicode 16.0, section 3.9). Ids without text give nothing. */
WHET_API whet_status whet_tokenizer_decode(whet_ctx *ctx, const whet_tokenizer *tokenizer,
                                           const int32_t *ids, size_t n, whet_buf *text);

/* Decoding one id at a time: each piece is valid UTF-8 and all text that no later id can change.
 * Pieces put together are what whet_tokenizer_decode gives. Plain data: a copy goes on from here.
 */
typedef struct whet_decoder {
    const whet_tokenizer *tokenizer; /* borrowed */
    char held[4];                    /* the beginning of a character */
    size_t n_held;
} whet_decoder;

WHET_API void whet_decoder_init(whet_decoder *decoder, const whet_tokenizer *tokenizer);

/* Appends the piece that id completes, often "". WHET_OK or WHET_E_NOMEM. */
WHET_API whet_status whet_decoder_push(whet_ctx *ctx, whet_decoder *decoder, int32_t id,
                                       whet_buf *text);

/* At the end: a character that is still not complete becomes U+FFFD. */
WHET_API whet_status whet_decoder_flush(whet_ctx *ctx, whet_decoder *decoder, whet_buf *text);

/* Makes room in text for any one piece: pushes to a cleared buffer then need no heap. */
WHET_API whet_status whet_decoder_reserve(whet_ctx *ctx, const whet_decoder *decoder,
                                          whet_buf *text);

/* The same with JSON: from a JSON string, appends an array of ids ("[1, 2]"); from an array of ids,
 * a JSON string. WHET_E_FORMAT when json is something else. */
WHET_API whet_status whet_tokenizer_encode_json(whet_ctx *ctx, const whet_tokenizer *tokenizer,
                                                const char *json, size_t bytes, whet_buf *out);
WHET_API whet_status whet_tokenizer_decode_json(whet_ctx *ctx, const whet_tokenizer *tokenizer,
                                                const char *json, size_t bytes, whet_buf *out);

#ifdef __cplusplus
}
#endif

#endif
