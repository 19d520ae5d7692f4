/* SPDX-License-Identifier: MIT */
/* Encoding: added tokens are cut out, the rest is normalized, cut into words, merged. */
#include "model/tokenizer_int.h"

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "model/nfc.h"
#include "model/pretokenize.h"

static whet_status ids_reserve(whet_ctx *ctx, whet_ids *ids, size_t more) {
    if (more > SIZE_MAX / 8 - ids->n) return whet_fail_nomem(ctx, more);
    if (ids->n + more <= ids->cap) return WHET_OK;
    size_t cap = ids->cap ? ids->cap * 2 : 64;
    if (cap < ids->n + more) cap = ids->n + more;
    int32_t *p = whet_realloc(ctx, ids->ids, cap * sizeof *p);
    if (!p) return WHET_E_NOMEM;
    ids->ids = p;
    ids->cap = cap;
    return WHET_OK;
}

whet_status whet_ids_append(whet_ctx *ctx, whet_ids *ids, const int32_t *more, size_t n) {
    WHET_TRY(ids_reserve(ctx, ids, n));
    if (n) memcpy(ids->ids + ids->n, more, n * sizeof *more);
    ids->n += n;
    return WHET_OK;
}

void whet_ids_fini(whet_ctx *ctx, whet_ids *ids) {
    whet_free(ctx, ids->ids);
    *ids = (whet_ids){ 0 };
}

size_t whet_tokenizer_size(const whet_tokenizer *t) {
    return t->n_ids;
}

bool whet_tokenizer_has(const whet_tokenizer *t, int32_t id) {
    return id >= 0 && (size_t)id < t->n_ids && t->spans[id].len != WHET_NO_TEXT;
}

const char *whet_tokenizer_bytes(const whet_tokenizer *t, int32_t id, size_t *len) {
    const bool has = whet_tokenizer_has(t, id);
    *len = has ? t->spans[id].len : 0;
    return has ? t->bytes.text + t->spans[id].at : NULL;
}

int32_t whet_tokenizer_id(const whet_tokenizer *t, const char *added_token) {
    const size_t len = strlen(added_token);
    const whet_added_token *found = whet_added_find(&t->added, added_token, len);
    if (!found) found = whet_added_find(&t->added_later, added_token, len);
    return found ? found->id : WHET_NO_TOKEN;
}

static whet_status encode_word(whet_ctx *ctx, const whet_tokenizer *t, const char *word,
                               size_t bytes, whet_ids *ids) {
    WHET_TRY(ids_reserve(ctx, ids, bytes));
    int32_t *own = ids->ids + ids->n;
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char byte = (unsigned char)word[i];
        own[i] = t->byte_ids[byte];
        if (own[i] == WHET_NO_TOKEN)
            return whet_fail(ctx, WHET_E_UNSUPPORTED,
                             "%s: no token for byte 0x%02X, which is in the text", t->path.text,
                             byte);
    }
    WHET_TRY(whet_bpe_merge(ctx, &t->bpe, own, &bytes));
    ids->n += bytes;
    return WHET_OK;
}

/* Text without added tokens. */
static whet_status encode_words(whet_ctx *ctx, const whet_tokenizer *t, const char *text,
                                size_t bytes, whet_ids *ids) {
    for (size_t at = 0, end; at < bytes; at = end) {
        end = whet_word_end(text, bytes, at);
        WHET_TRY(encode_word(ctx, t, text + at, end - at, ids));
        WHET_TRY(whet_check_cancelled(ctx));
    }
    return WHET_OK;
}

typedef whet_status (*encode_fn)(whet_ctx *ctx, const whet_tokenizer *t, const char *text,
                                 size_t bytes, whet_ids *ids);

/* Cuts the tokens of `added` out of the text; `rest` encodes what is between them. */
static whet_status encode_around(whet_ctx *ctx, const whet_tokenizer *t,
                                 const whet_added_set *added, encode_fn rest, const char *text,
                                 size_t bytes, whet_ids *ids) {
    for (size_t at = 0; at < bytes;) {
        size_t end = at;
        const whet_added_token *token = whet_added_match(added, text, bytes, &end);
        if (end > at) WHET_TRY(rest(ctx, t, text + at, end - at, ids));
        if (token) WHET_TRY(whet_ids_append(ctx, ids, &token->id, 1));
        at = end + (token ? token->len : 0);
    }
    return WHET_OK;
}

/* Text without the added tokens that are looked for before normalization. */
static whet_status encode_raw(whet_ctx *ctx, const whet_tokenizer *t, const char *text,
                              size_t bytes, whet_ids *ids) {
    if (whet_nfc_prefix(text, bytes) == bytes)
        return encode_around(ctx, t, &t->added_later, encode_words, text, bytes, ids);
    whet_buf normal = { 0 };
    whet_status st = whet_nfc_append(ctx, text, bytes, &normal);
    if (st == WHET_OK)
        st = encode_around(ctx, t, &t->added_later, encode_words, normal.text, normal.len, ids);
    whet_buf_fini(ctx, &normal);
    return st;
}

static whet_status check_utf8(whet_ctx *ctx, const char *text, size_t bytes) {
    for (size_t i = 0, n; i < bytes; i += n) {
        n = 1;
        if ((unsigned char)text[i] >= 0x80 && !whet_utf8_decode(text + i, bytes - i, NULL, &n))
            return whet_fail(ctx, WHET_E_FORMAT, "the text is not UTF-8 at byte %zu (0x%02X)", i,
                             (unsigned char)text[i]);
    }
    return WHET_OK;
}

whet_status whet_tokenizer_encode(whet_ctx *ctx, const whet_tokenizer *t, const char *text,
                                  size_t bytes, whet_ids *ids) {
    WHET_TRY(check_utf8(ctx, text, bytes));
    const size_t n_before = ids->n;
    const whet_status st = encode_around(ctx, t, &t->added, encode_raw, text, bytes, ids);
    if (st != WHET_OK) ids->n = n_before;
    return st;
}

whet_status whet_tokenizer_encode_json(whet_ctx *ctx, const whet_tokenizer *t, const char *json,
                                       size_t bytes, whet_buf *out) {
    whet_json *root;
    WHET_TRY(whet_json_parse(ctx, "text", json, bytes, true, &root));
    whet_ids ids = { 0 };
    size_t len;
    const char *text = whet_json_string(root, &len);
    whet_status st = text ? whet_tokenizer_encode(ctx, t, text, len, &ids)
                          : whet_fail(ctx, WHET_E_FORMAT, "the text is not a JSON string");
    if (st == WHET_OK) st = whet_buf_putc(ctx, out, '[');
    for (size_t i = 0; i < ids.n && st == WHET_OK; i++)
        st = whet_buf_printf(ctx, out, "%s%d", i ? ", " : "", ids.ids[i]);
    if (st == WHET_OK) st = whet_buf_putc(ctx, out, ']');
    whet_ids_fini(ctx, &ids);
    whet_json_close(root);
    return st;
}
