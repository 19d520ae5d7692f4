/* SPDX-License-Identifier: MIT */
/* Any bytes as tokenizer.json (a tokenizer or one sentence), or as text to encode and as ids. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "model/byte_level.h"
#include "model/tokenizer_int.h"

/* A small tokenizer, with the tokens of all bytes to be put in. */
static const char before_bytes[] =
    "{\"added_tokens\":[{\"id\":259,\"content\":\"<a>\"},{\"id\":260,\"content\":\"<a><a>\"},"
    "{\"id\":261,\"content\":\"c!\",\"normalized\":true}],\"normalizer\":{\"type\":\"NFC\"},"
    "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":"
    "{\"Regex\":\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| "
    "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},"
    "\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":"
    "false,"
    "\"use_regex\":false}]},\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\","
    "\"vocab\":{";
static const char after_bytes[] = "\"ab\":256,\"abc\":257,\"\xC3\x83\xC2\xA9\":258},"
                                  "\"merges\":[\"a b\",[\"ab\",\"c\"],\"\xC3\x83 \xC2\xA9\"]}}";

static whet_status write_small(whet_ctx *ctx, whet_buf *json) {
    WHET_TRY(whet_buf_puts(ctx, json, before_bytes));
    for (uint32_t c = 0; c < 0x144; c++) {
        char text[4];
        const int byte = whet_byte_level_byte(c);
        if (byte < 0) continue;
        WHET_TRY(whet_json_quote(ctx, json, text, whet_utf8_encode(c, text)));
        WHET_TRY(whet_buf_printf(ctx, json, ":%d,", byte));
    }
    return whet_buf_puts(ctx, json, after_bytes);
}

static whet_tokenizer *parse(whet_ctx *ctx, const void *json, size_t bytes) {
    whet_buf text = { 0 };
    whet_tokenizer *t = NULL;
    if (whet_buf_append(ctx, &text, json, bytes) != WHET_OK) return NULL;
    const whet_status st = whet_tokenizer_parse(ctx, "tokenizer.json", &text, &t);
    assert((st == WHET_OK) == (t != NULL) && !text.text);
    if (!t) assert(strstr(whet_ctx_message(ctx), "tokenizer.json: "));
    return t;
}

static void check_utf8(const whet_buf *text) {
    for (size_t i = 0, n; i < text->len; i += n) {
        const bool is_valid = whet_utf8_decode(text->text + i, text->len - i, NULL, &n);
        assert(is_valid);
        (void)is_valid;
    }
}

/* The pieces of the stream, put together, are the text of all ids; both are valid. */
static void decode(whet_ctx *ctx, const whet_tokenizer *t, const int32_t *ids, size_t n,
                   whet_buf *whole) {
    whet_buf pieces = { 0 };
    whet_decoder d;
    whet_decoder_init(&d, t);
    whet_status st = whet_tokenizer_decode(ctx, t, ids, n, whole);
    for (size_t i = 0; i < n && st == WHET_OK; i++) {
        st = whet_decoder_push(ctx, &d, ids[i], &pieces);
        check_utf8(&pieces);
    }
    if (st == WHET_OK) st = whet_decoder_flush(ctx, &d, &pieces);
    check_utf8(whole);
    assert(st == WHET_OK && pieces.len == whole->len);
    assert(whole->len == 0 || memcmp(pieces.text, whole->text, whole->len) == 0);
    whet_buf_fini(ctx, &pieces);
}

/* Text comes back normalized; with the small tokenizer it then has the same ids. (With others the
 * text of an added token may be decoded to other bytes.) */
static void encode(whet_ctx *ctx, const whet_tokenizer *t, const char *text, size_t bytes,
                   bool is_small) {
    whet_ids ids = { 0 }, again = { 0 };
    whet_buf back = { 0 };
    whet_status st = whet_tokenizer_encode(ctx, t, text, bytes, &ids);
    if (st == WHET_OK) {
        decode(ctx, t, ids.ids, ids.n, &back);
        st = whet_tokenizer_encode(ctx, t, back.text, back.len, &again);
        if (is_small) {
            assert(st == WHET_OK && again.n == ids.n);
            assert(ids.n == 0 || memcmp(again.ids, ids.ids, ids.n * sizeof *ids.ids) == 0);
        }
    } else {
        assert(ids.n == 0 && *whet_ctx_message(ctx));
    }
    for (size_t i = 0; i < ids.n; i++)
        assert(whet_tokenizer_has(t, ids.ids[i]));
    whet_ids_fini(ctx, &ids);
    whet_ids_fini(ctx, &again);
    whet_buf_fini(ctx, &back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    whet_ctx *ctx = whet_ctx_open(NULL);
    assert(ctx);
    const bool is_json = data[0] == '{';
    whet_buf small = { 0 };
    if (!is_json && write_small(ctx, &small) != WHET_OK) return 0;
    whet_tokenizer *t = is_json ? parse(ctx, data, size) : parse(ctx, small.text, small.len);
    whet_buf_fini(ctx, &small);
    assert(t || is_json);
    if (t) {
        encode(ctx, t, (const char *)data, size, !is_json);
        int32_t ids[64] = { 0 };
        const size_t n = size / 4 < 64 ? size / 4 : 64;
        memcpy(ids, data, n * 4);
        for (size_t i = 0; i < n; i++)
            if (i % 4) ids[i] &= 0x1FF;
        whet_buf text = { 0 };
        decode(ctx, t, ids, n, &text);
        whet_buf_fini(ctx, &text);
    }
    whet_tokenizer_close(t);
    whet_ctx_close(ctx);
    return 0;
}
