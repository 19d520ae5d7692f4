/* SPDX-License-Identifier: MIT */
/* Decoding: bytes are given out as soon as it is sure which characters they make. */
#include "model/tokenizer_int.h"

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

enum { REPLACEMENT_BYTES = 3 };

/* What whet_utf8_decode did not take: `n` of `bytes` bytes. True when more bytes could make it a
 * character: nothing was wrong with it but its end. */
static bool is_unfinished(const char *text, size_t bytes, size_t n) {
    const unsigned char lead = (unsigned char)text[0];
    return n == bytes && lead >= 0xC2 && lead <= 0xF4;
}

/* Completes the held character with bytes of text; *used of them. */
static whet_status push_held(whet_ctx *ctx, whet_decoder *d, const char *text, size_t bytes,
                             size_t *used, whet_buf *out) {
    *used = 0;
    while (d->n_held > 0 && *used < bytes) {
        size_t n;
        d->held[d->n_held] = text[*used];
        if (whet_utf8_decode(d->held, d->n_held + 1, NULL, &n)) {
            d->n_held = 0;
            ++*used;
            return whet_buf_append(ctx, out, d->held, n);
        }
        if (!is_unfinished(d->held, d->n_held + 1, n)) {
            d->n_held = 0; /* this byte does not belong to it, and begins anew */
            return whet_buf_append(ctx, out, REPLACEMENT, REPLACEMENT_BYTES);
        }
        d->n_held++;
        ++*used;
    }
    return WHET_OK;
}

static whet_status push_bytes(whet_ctx *ctx, whet_decoder *d, const char *text, size_t bytes,
                              whet_buf *out) {
    size_t at, n;
    WHET_TRY(push_held(ctx, d, text, bytes, &at, out));
    while (at < bytes) {
        size_t end = at;
        while (end < bytes && whet_utf8_decode(text + end, bytes - end, NULL, &n))
            end += n;
        WHET_TRY(whet_buf_append(ctx, out, text + at, end - at));
        at = end;
        if (at == bytes) break;
        if (is_unfinished(text + at, bytes - at, n)) {
            memcpy(d->held, text + at, n);
            d->n_held = n;
        } else {
            WHET_TRY(whet_buf_append(ctx, out, REPLACEMENT, REPLACEMENT_BYTES));
        }
        at += n;
    }
    return WHET_OK;
}

void whet_decoder_init(whet_decoder *d, const whet_tokenizer *t) {
    *d = (whet_decoder){ .tokenizer = t };
}

whet_status whet_decoder_push(whet_ctx *ctx, whet_decoder *d, int32_t id, whet_buf *text) {
    size_t len;
    const char *bytes = whet_tokenizer_bytes(d->tokenizer, id, &len);
    return push_bytes(ctx, d, bytes, len, text);
}

whet_status whet_decoder_flush(whet_ctx *ctx, whet_decoder *d, whet_buf *text) {
    if (d->n_held == 0) return WHET_OK;
    d->n_held = 0;
    return whet_buf_append(ctx, text, REPLACEMENT, REPLACEMENT_BYTES);
}

whet_status whet_decoder_reserve(whet_ctx *ctx, const whet_decoder *d, whet_buf *text) {
    /* Every byte may become U+FFFD, and the held ones another. */
    return whet_buf_reserve(ctx, text, (d->tokenizer->longest + 1) * REPLACEMENT_BYTES);
}

whet_status whet_tokenizer_decode(whet_ctx *ctx, const whet_tokenizer *t, const int32_t *ids,
                                  size_t n, whet_buf *text) {
    whet_decoder d;
    whet_decoder_init(&d, t);
    for (size_t i = 0; i < n; i++)
        WHET_TRY(whet_decoder_push(ctx, &d, ids[i], text));
    return whet_decoder_flush(ctx, &d, text);
}

static whet_status decode_array(whet_ctx *ctx, whet_decoder *d, const whet_json *array,
                                whet_buf *text) {
    if (!whet_json_is(array, WHET_JSON_ARRAY))
        return whet_fail(ctx, WHET_E_FORMAT, "the ids are not a JSON array");
    for (size_t i = 0; i < whet_json_len(array); i++) {
        int64_t id;
        if (!whet_json_integer(whet_json_at(array, i), &id) || id < 0 || id > INT32_MAX)
            return whet_fail(ctx, WHET_E_FORMAT,
                             "the ids hold something at place %zu that is "
                             "not an integer from 0 to %d",
                             i, INT32_MAX);
        WHET_TRY(whet_decoder_push(ctx, d, (int32_t)id, text));
    }
    return whet_decoder_flush(ctx, d, text);
}

whet_status whet_tokenizer_decode_json(whet_ctx *ctx, const whet_tokenizer *t, const char *json,
                                       size_t bytes, whet_buf *out) {
    whet_json *root;
    WHET_TRY(whet_json_parse(ctx, "ids", json, bytes, true, &root));
    whet_decoder d;
    whet_decoder_init(&d, t);
    whet_buf text = { 0 };
    whet_status st = decode_array(ctx, &d, root, &text);
    if (st == WHET_OK) st = whet_json_quote(ctx, out, text.text, text.len);
    whet_buf_fini(ctx, &text);
    whet_json_close(root);
    return st;
}
