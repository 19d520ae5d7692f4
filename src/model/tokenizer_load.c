/* SPDX-License-Identifier: MIT */
/* Reading tokenizer.json. Everything in it is checked: it comes from strangers. */
#include "model/tokenizer_int.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "model/byte_level.h"
#include "model/nfc.h"
#include "model/pretokenize.h"
#include "model/vocab.h"

enum {
    MAX_FILE_BYTES = 64 << 20,
    MAX_IDS = 1 << 22,
    MAX_ADDED_BYTES = 4096, /* of one added token: bounds the time of a search at one place */
    SHOWN_BYTES = 60,       /* of a token, in messages */
};

/* What the loading functions share. */
typedef struct loader {
    whet_ctx *ctx;
    whet_tokenizer *t;
    const char *path;
    const whet_json *root;
    whet_vocab vocab;
} loader;

/* For "%.*s". */
static int shown(size_t len) {
    return len < SHOWN_BYTES ? (int)len : SHOWN_BYTES;
}

static whet_text_ref text_of(const whet_json *v) {
    whet_text_ref ref = { 0 };
    ref.text = whet_json_string(v, &ref.len);
    return ref;
}

static bool is_text(const whet_json *v, const char *text) {
    const whet_text_ref ref = text_of(v);
    return ref.text && ref.len == strlen(text) && memcmp(ref.text, text, ref.len) == 0;
}

static bool is_absent(const whet_json *v) {
    return !v || whet_json_is(v, WHET_JSON_NULL);
}

static bool is_false(const whet_json *v) {
    return is_absent(v) || whet_json_is(v, WHET_JSON_FALSE);
}

static whet_status unsupported(const loader *l, const char *what) {
    return whet_fail(l->ctx, WHET_E_UNSUPPORTED, "%s: %s", l->path, what);
}

static whet_status check_pre_tokenizer(const loader *l) {
    const whet_json *v = whet_json_get(l->root, "pre_tokenizer");
    const whet_json *list = whet_json_get(v, "pretokenizers");
    const whet_json *split = whet_json_at(list, 0), *bytes = whet_json_at(list, 1);
    if (!is_text(whet_json_get(v, "type"), "Sequence") || whet_json_len(list) != 2 ||
        !is_text(whet_json_get(split, "type"), "Split") ||
        !is_text(whet_json_get(bytes, "type"), "ByteLevel"))
        return unsupported(l, "the pre_tokenizer is not Split, then ByteLevel, the only one "
                              "supported");
    if (!is_text(whet_json_get(whet_json_get(split, "pattern"), "Regex"), whet_word_pattern))
        return unsupported(l, "the pre_tokenizer's pattern is not the one of Qwen2 and Qwen3, the "
                              "only one supported");
    if (!is_text(whet_json_get(split, "behavior"), "Isolated") ||
        !is_false(whet_json_get(split, "invert")))
        return unsupported(l, "the pre_tokenizer's Split must be Isolated and not inverted");
    if (!whet_json_is(whet_json_get(bytes, "add_prefix_space"), WHET_JSON_FALSE) ||
        !whet_json_is(whet_json_get(bytes, "use_regex"), WHET_JSON_FALSE))
        return unsupported(l, "the pre_tokenizer's ByteLevel must have add_prefix_space and "
                              "use_regex false");
    return WHET_OK;
}

static bool is_empty_text(const whet_json *v) {
    return is_absent(v) || is_text(v, "");
}

/* The post_processor is not looked at: it can only add tokens that encode() does not ask for. */
static whet_status check_settings(const loader *l) {
    const whet_json *model = whet_json_get(l->root, "model");
    if (!is_text(whet_json_get(whet_json_get(l->root, "normalizer"), "type"), "NFC"))
        return unsupported(l, "the normalizer is not NFC, the only one supported");
    WHET_TRY(check_pre_tokenizer(l));
    if (!is_text(whet_json_get(whet_json_get(l->root, "decoder"), "type"), "ByteLevel"))
        return unsupported(l, "the decoder is not ByteLevel, the only one supported");
    if (!is_text(whet_json_get(model, "type"), "BPE"))
        return unsupported(l, "the model is not BPE, the only one supported");
    if (!is_absent(whet_json_get(model, "dropout")))
        return unsupported(l, "the model's dropout must be null");
    if (!is_absent(whet_json_get(model, "unk_token")))
        return unsupported(l, "the model's unk_token must be null");
    if (!is_empty_text(whet_json_get(model, "continuing_subword_prefix")) ||
        !is_empty_text(whet_json_get(model, "end_of_word_suffix")))
        return unsupported(l, "the model's continuing_subword_prefix and end_of_word_suffix must "
                              "be empty");
    if (!is_false(whet_json_get(model, "byte_fallback")) ||
        !is_false(whet_json_get(model, "ignore_merges")))
        return unsupported(l, "the model's byte_fallback and ignore_merges must be false");
    return WHET_OK;
}

static whet_status check_id(const loader *l, const whet_json *v, whet_text_ref token, int32_t *id) {
    int64_t n;
    if (!whet_json_integer(v, &n))
        return whet_fail(l->ctx, WHET_E_FORMAT, "%s: the id of token \"%.*s\" is not an integer",
                         l->path, shown(token.len), token.text);
    if (n < 0 || n >= MAX_IDS)
        return whet_fail(l->ctx, WHET_E_FORMAT,
                         "%s: the id of token \"%.*s\" is %lld, outside 0 .. %d", l->path,
                         shown(token.len), token.text, (long long)n, MAX_IDS - 1);
    *id = (int32_t)n;
    return WHET_OK;
}

/* An entry of added_tokens. */
static whet_status read_added(const loader *l, const whet_json *v, whet_text_ref *token,
                              int32_t *id) {
    *token = text_of(whet_json_get(v, "content"));
    if (!token->text || token->len == 0 || token->len > MAX_ADDED_BYTES)
        return whet_fail(l->ctx, WHET_E_FORMAT,
                         "%s: the content of an added token is not a text of 1 to %d bytes",
                         l->path, MAX_ADDED_BYTES);
    static const char *const flags[] = { "single_word", "lstrip", "rstrip" };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (!is_false(whet_json_get(v, flags[i])))
            return whet_fail(l->ctx, WHET_E_UNSUPPORTED,
                             "%s: the added token \"%.*s\" has %s, which is not supported", l->path,
                             shown(token->len), token->text, flags[i]);
    return check_id(l, whet_json_get(v, "id"), *token, id);
}

/* Checks all ids and finds the largest. */
static whet_status measure(const loader *l, const whet_json *tokens, const whet_json *added,
                           size_t *n_ids) {
    int32_t id;
    *n_ids = 0;
    for (void *it = whet_json_begin(tokens); it; it = whet_json_next(tokens, it)) {
        whet_text_ref token = { 0 };
        token.text = whet_json_key(it, &token.len);
        WHET_TRY(check_id(l, whet_json_value(it), token, &id));
        if ((size_t)id >= *n_ids) *n_ids = (size_t)id + 1;
    }
    for (size_t i = 0; i < whet_json_len(added); i++) {
        whet_text_ref token;
        WHET_TRY(read_added(l, whet_json_at(added, i), &token, &id));
        if ((size_t)id >= *n_ids) *n_ids = (size_t)id + 1;
    }
    return WHET_OK;
}

static whet_status set_bytes(const loader *l, int32_t id, whet_text_ref token) {
    whet_buf *bytes = &l->t->bytes;
    const size_t at = bytes->len;
    WHET_TRY(whet_byte_level_append(l->ctx, token.text, token.len, bytes));
    const size_t len = bytes->len - at;
    l->t->spans[id] = (whet_token_span){ .at = (uint32_t)at, .len = (uint32_t)len };
    if (len > l->t->longest) l->t->longest = len;
    return WHET_OK;
}

static void note_single_byte(const loader *l, int32_t id, whet_text_ref token) {
    uint32_t c;
    size_t n;
    if (!whet_utf8_decode(token.text, token.len, &c, &n) || n != token.len) return;
    const int byte = whet_byte_level_byte(c);
    if (byte >= 0) l->t->byte_ids[byte] = id;
}

static whet_status load_vocab(loader *l, const whet_json *tokens) {
    for (void *it = whet_json_begin(tokens); it; it = whet_json_next(tokens, it)) {
        whet_text_ref token = { 0 };
        token.text = whet_json_key(it, &token.len);
        int32_t id = WHET_NO_TOKEN;
        WHET_TRY(check_id(l, whet_json_value(it), token, &id));
        const whet_text_ref other = l->vocab.texts[id];
        if (other.text)
            return whet_fail(l->ctx, WHET_E_FORMAT, "%s: both \"%.*s\" and \"%.*s\" have id %d",
                             l->path, shown(other.len), other.text, shown(token.len), token.text,
                             id);
        whet_vocab_add(&l->vocab, token, id);
        WHET_TRY(set_bytes(l, id, token));
        note_single_byte(l, id, token);
    }
    return WHET_OK;
}

/* "a b" or ["a", "b"]. */
static bool split_merge(const whet_json *v, whet_text_ref *left, whet_text_ref *right) {
    *left = text_of(whet_json_at(v, 0));
    *right = text_of(whet_json_at(v, 1));
    if (left->text && right->text) return whet_json_len(v) == 2;
    const whet_text_ref both = text_of(v);
    const char *space = both.text ? memchr(both.text, ' ', both.len) : NULL;
    if (!space) return false;
    *left = (whet_text_ref){ both.text, (size_t)(space - both.text) };
    *right = (whet_text_ref){ space + 1, both.len - left->len - 1 };
    return !memchr(right->text, ' ', right->len);
}

static whet_status load_merges(loader *l, const whet_json *merges) {
    const size_t n = whet_json_len(merges);
    const whet_text_ref nothing = { 0 };
    WHET_TRY(whet_bpe_init(l->ctx, &l->t->bpe, n));
    for (size_t i = 0; i < n; i++) {
        whet_text_ref left, right;
        if (!split_merge(whet_json_at(merges, i), &left, &right))
            return whet_fail(l->ctx, WHET_E_FORMAT,
                             "%s: merge %zu is neither \"a b\" nor [\"a\", \"b\"]", l->path, i);
        const whet_merge merge = {
            .left = whet_vocab_find(&l->vocab, left, nothing),
            .right = whet_vocab_find(&l->vocab, right, nothing),
            .joined = whet_vocab_find(&l->vocab, left, right),
            .rank = (int32_t)i,
        };
        if (merge.left < 0 || merge.right < 0 || merge.joined < 0)
            return whet_fail(l->ctx, WHET_E_FORMAT,
                             "%s: merge %zu, \"%.*s\" and \"%.*s\", names a token that is not in "
                             "the vocab",
                             l->path, i, shown(left.len), left.text, shown(right.len), right.text);
        whet_bpe_add(&l->t->bpe, merge);
    }
    return WHET_OK;
}

/* The vocab may name the token too, but then with the same id and text. */
static whet_status check_against_vocab(const loader *l, whet_text_ref token, int32_t id) {
    const whet_text_ref other = l->vocab.texts[id];
    const int32_t other_id = whet_vocab_find(&l->vocab, token, (whet_text_ref){ 0 });
    if (other_id != WHET_NO_TOKEN && other_id != id)
        return whet_fail(l->ctx, WHET_E_FORMAT,
                         "%s: the added token \"%.*s\" has id %d, but %d in the vocab", l->path,
                         shown(token.len), token.text, id, other_id);
    if (other_id == WHET_NO_TOKEN && l->t->spans[id].len != WHET_NO_TEXT)
        return whet_fail(l->ctx, WHET_E_FORMAT,
                         "%s: the added token \"%.*s\" has id %d, which is that of \"%.*s\"",
                         l->path, shown(token.len), token.text, id, shown(other.len),
                         other.text ? other.text : "another");
    return WHET_OK;
}

static whet_status push_added(const loader *l, whet_text_ref token, int32_t id, bool is_later) {
    if (!is_later) return whet_added_push(l->ctx, &l->t->added, token.text, token.len, id);
    whet_buf normal = { 0 };
    whet_status st = whet_nfc_append(l->ctx, token.text, token.len, &normal);
    if (st == WHET_OK)
        st = whet_added_push(l->ctx, &l->t->added_later, normal.text, normal.len, id);
    whet_buf_fini(l->ctx, &normal);
    return st;
}

static whet_status load_added(const loader *l, const whet_json *added) {
    for (size_t i = 0; i < whet_json_len(added); i++) {
        const whet_json *v = whet_json_at(added, i);
        whet_text_ref token;
        int32_t id;
        WHET_TRY(read_added(l, v, &token, &id));
        WHET_TRY(check_against_vocab(l, token, id));
        WHET_TRY(set_bytes(l, id, token));
        WHET_TRY(push_added(l, token, id, !is_false(whet_json_get(v, "normalized"))));
    }
    const whet_added_token *twice = whet_added_sort(&l->t->added);
    if (!twice) twice = whet_added_sort(&l->t->added_later);
    if (twice)
        return whet_fail(l->ctx, WHET_E_FORMAT, "%s: the added token \"%.*s\" is there twice",
                         l->path, shown(twice->len), twice->text);
    return WHET_OK;
}

static whet_status load(loader *l) {
    const whet_json *model = whet_json_get(l->root, "model");
    const whet_json *tokens = whet_json_get(model, "vocab");
    const whet_json *merges = whet_json_get(model, "merges");
    const whet_json *added = whet_json_get(l->root, "added_tokens");
    whet_tokenizer *t = l->t;
    if (!whet_json_is(l->root, WHET_JSON_OBJECT))
        return whet_fail(l->ctx, WHET_E_FORMAT, "%s: not a JSON object", l->path);
    WHET_TRY(check_settings(l));
    if (!whet_json_is(tokens, WHET_JSON_OBJECT) || whet_json_len(tokens) == 0)
        return whet_fail(l->ctx, WHET_E_FORMAT, "%s: the vocab is not an object with tokens",
                         l->path);
    if (!whet_json_is(merges, WHET_JSON_ARRAY))
        return whet_fail(l->ctx, WHET_E_FORMAT, "%s: the merges are not an array", l->path);
    if (!is_absent(added) && !whet_json_is(added, WHET_JSON_ARRAY))
        return whet_fail(l->ctx, WHET_E_FORMAT, "%s: the added_tokens are not an array", l->path);
    WHET_TRY(measure(l, tokens, added, &t->n_ids));
    WHET_TRY(whet_vocab_init(l->ctx, &l->vocab, whet_json_len(tokens), t->n_ids));
    t->spans = whet_alloc(l->ctx, t->n_ids * sizeof *t->spans);
    if (!t->spans) return WHET_E_NOMEM;
    memset(t->spans, 0xFF, t->n_ids * sizeof *t->spans); /* WHET_NO_TEXT */
    memset(t->byte_ids, 0xFF, sizeof t->byte_ids);       /* WHET_NO_TOKEN */
    WHET_TRY(load_vocab(l, tokens));
    WHET_TRY(load_merges(l, merges));
    return load_added(l, added);
}

whet_status whet_tokenizer_open(whet_ctx *ctx, const char *folder_or_file, whet_tokenizer **out) {
    *out = NULL;
    whet_tokenizer *t = whet_alloc_zero(ctx, 1, sizeof *t);
    if (!t) return WHET_E_NOMEM;
    t->ctx = ctx;
    whet_json *root = NULL;
    whet_status st = whet_buf_printf(ctx, &t->path, "%s%s", folder_or_file,
                                     whet_path_is_dir(folder_or_file) ? "/tokenizer.json" : "");
    if (st == WHET_OK) st = whet_json_read(ctx, t->path.text, MAX_FILE_BYTES, &root);
    loader l = { .ctx = ctx, .t = t, .path = t->path.text, .root = root };
    if (st == WHET_OK) st = load(&l);
    whet_vocab_fini(ctx, &l.vocab);
    whet_json_close(root);
    if (st == WHET_OK)
        *out = t;
    else
        whet_tokenizer_close(t);
    return st;
}

void whet_tokenizer_close(whet_tokenizer *t) {
    if (!t) return;
    whet_ctx *ctx = t->ctx;
    whet_buf_fini(ctx, &t->path);
    whet_buf_fini(ctx, &t->bytes);
    whet_free(ctx, t->spans);
    whet_bpe_fini(ctx, &t->bpe);
    whet_added_fini(ctx, &t->added);
    whet_added_fini(ctx, &t->added_later);
    whet_free(ctx, t);
}
