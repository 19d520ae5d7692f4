/* SPDX-License-Identifier: MIT */
/* Reading tokenizer.json. Everything in it is checked: it comes from strangers. */
#include "model/tokenizer_int.h"

#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "model/byte_level.h"
#include "model/nfc.h"
#include "model/tokenizer_file.h"
#include "model/vocab.h"

enum {
    MAX_FILE_BYTES = 64 << 20,
    MAX_IDS = 1 << 22,
    MAX_ADDED_BYTES = 4096, /* of one added token: bounds the time of a search at one place */
    SHOWN_BYTES = 60,       /* of a token, in messages */
};

typedef struct token {
    whet_text_ref text; /* borrowed from the file */
    int32_t id;
    bool is_normalized; /* of an added token: looked for in normalized text */
} token;

/* A growing list. */
typedef struct token_list {
    token *items; /* owned */
    size_t n;
    size_t cap;
} token_list;

/* What the loading functions share. */
typedef struct loader {
    whet_ctx *ctx;
    whet_tokenizer *t;
    const char *path;
    whet_tokenizer_file file;
    token_list tokens; /* of the vocab */
    token_list added;
    whet_vocab vocab;
} loader;

/* For "%.*s". */
static int shown(size_t len) {
    return len < SHOWN_BYTES ? (int)len : SHOWN_BYTES;
}

static whet_status list_push(whet_ctx *ctx, token_list *list, token item) {
    if (list->n == list->cap) {
        const size_t cap = list->cap ? list->cap * 2 : 1024;
        token *items = whet_realloc(ctx, list->items, cap * sizeof *items);
        if (!items) return WHET_E_NOMEM;
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] = item;
    return WHET_OK;
}

static whet_status check_id(const loader *l, whet_text_ref text, int64_t id) {
    if (id >= 0 && id < MAX_IDS) return WHET_OK;
    return whet_fail(l->ctx, WHET_E_FORMAT, "%s: the id of token \"%.*s\" is %lld, outside 0 .. %d",
                     l->path, shown(text.len), text.text, (long long)id, MAX_IDS - 1);
}

static whet_status read_tokens(loader *l) {
    whet_json_reader *r = &l->file.vocab;
    bool has_item;
    WHET_TRY(whet_json_reader_enter(l->ctx, r, '{', &has_item));
    while (has_item) {
        token item = { 0 };
        int64_t id = 0;
        WHET_TRY(whet_json_reader_key(l->ctx, r, &item.text.text, &item.text.len));
        WHET_TRY(whet_json_reader_integer(l->ctx, r, &id));
        WHET_TRY(check_id(l, item.text, id));
        item.id = (int32_t)id;
        WHET_TRY(list_push(l->ctx, &l->tokens, item));
        WHET_TRY(whet_json_reader_next(l->ctx, r, '}', &has_item));
    }
    return WHET_OK;
}

/* A member that is true, false or not there. */
static whet_status read_flag(const loader *l, const whet_json *v, const char *key, bool *is_set) {
    const whet_json *flag = whet_json_get(v, key);
    *is_set = false;
    if (!flag || whet_json_bool(flag, is_set)) return WHET_OK;
    return whet_fail(l->ctx, WHET_E_FORMAT, "%s: %s of an added token is neither true nor false",
                     l->path, key);
}

static whet_status read_added_token(const loader *l, const whet_json *v, token *item) {
    whet_text_ref *text = &item->text;
    text->text = whet_json_string(whet_json_get(v, "content"), &text->len);
    if (!text->text || text->len == 0 || text->len > MAX_ADDED_BYTES)
        return whet_fail(l->ctx, WHET_E_FORMAT,
                         "%s: the content of an added token is not a text of 1 to %d bytes",
                         l->path, MAX_ADDED_BYTES);
    static const char *const flags[] = { "single_word", "lstrip", "rstrip" };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        bool is_set;
        WHET_TRY(read_flag(l, v, flags[i], &is_set));
        if (is_set)
            return whet_fail(l->ctx, WHET_E_UNSUPPORTED,
                             "%s: the added token \"%.*s\" has %s, which is not supported", l->path,
                             shown(text->len), text->text, flags[i]);
    }
    WHET_TRY(read_flag(l, v, "normalized", &item->is_normalized));
    int64_t id;
    if (!whet_json_integer(whet_json_get(v, "id"), &id))
        return whet_fail(l->ctx, WHET_E_FORMAT, "%s: the id of token \"%.*s\" is not an integer",
                         l->path, shown(text->len), text->text);
    WHET_TRY(check_id(l, *text, id));
    item->id = (int32_t)id;
    return WHET_OK;
}

static whet_status read_added(loader *l) {
    const whet_json *added = whet_json_get(l->file.root, "added_tokens");
    if (!added || whet_json_is(added, WHET_JSON_NULL)) return WHET_OK;
    if (!whet_json_is(added, WHET_JSON_ARRAY))
        return whet_fail(l->ctx, WHET_E_FORMAT, "%s: the added_tokens are not an array", l->path);
    for (size_t i = 0; i < whet_json_len(added); i++) {
        token item = { 0 };
        WHET_TRY(read_added_token(l, whet_json_at(added, i), &item));
        WHET_TRY(list_push(l->ctx, &l->added, item));
    }
    return WHET_OK;
}

static whet_status set_bytes(const loader *l, int32_t id, whet_text_ref text) {
    whet_buf *bytes = &l->t->bytes;
    const size_t at = bytes->len;
    WHET_TRY(whet_byte_level_append(l->ctx, text.text, text.len, bytes));
    const size_t len = bytes->len - at;
    l->t->spans[id] = (whet_token_span){ .at = (uint32_t)at, .len = (uint32_t)len };
    if (len > l->t->longest) l->t->longest = len;
    return WHET_OK;
}

static void note_single_byte(const loader *l, int32_t id, whet_text_ref text) {
    uint32_t c;
    size_t n;
    if (!whet_utf8_decode(text.text, text.len, &c, &n) || n != text.len) return;
    const int byte = whet_byte_level_byte(c);
    if (byte >= 0) l->t->byte_ids[byte] = id;
}

static whet_status load_vocab(loader *l) {
    WHET_TRY(whet_vocab_init(l->ctx, &l->vocab, l->tokens.n, l->t->n_ids));
    for (size_t i = 0; i < l->tokens.n; i++) {
        const whet_text_ref text = l->tokens.items[i].text;
        const int32_t id = l->tokens.items[i].id;
        const whet_text_ref other = l->vocab.texts[id];
        if (other.text)
            return whet_fail(l->ctx, WHET_E_FORMAT, "%s: both \"%.*s\" and \"%.*s\" have id %d",
                             l->path, shown(other.len), other.text, shown(text.len), text.text, id);
        if (!whet_vocab_add(&l->vocab, text, id))
            return whet_fail(l->ctx, WHET_E_FORMAT, "%s: token \"%.*s\" is in the vocab twice",
                             l->path, shown(text.len), text.text);
        WHET_TRY(set_bytes(l, id, text));
        note_single_byte(l, id, text);
    }
    return WHET_OK;
}

/* "a b" or ["a", "b"]. */
static whet_status read_merge(const loader *l, whet_json_reader *r, size_t i, whet_text_ref *left,
                              whet_text_ref *right) {
    bool has_item, is_good;
    if (whet_json_reader_peek(r) == '[') {
        WHET_TRY(whet_json_reader_enter(l->ctx, r, '[', &has_item));
        WHET_TRY(whet_json_reader_string(l->ctx, r, &left->text, &left->len));
        WHET_TRY(whet_json_reader_next(l->ctx, r, ']', &has_item));
        if (has_item) WHET_TRY(whet_json_reader_string(l->ctx, r, &right->text, &right->len));
        is_good = has_item;
        if (has_item) WHET_TRY(whet_json_reader_next(l->ctx, r, ']', &has_item));
        is_good &= !has_item;
    } else {
        WHET_TRY(whet_json_reader_string(l->ctx, r, &left->text, &right->len));
        const char *space = memchr(left->text, ' ', right->len);
        is_good = space && !memchr(space + 1, ' ', right->len - (size_t)(space + 1 - left->text));
        left->len = is_good ? (size_t)(space - left->text) : 0;
        right->text = left->text + left->len + 1;
        right->len -= is_good ? left->len + 1 : 0;
    }
    if (is_good) return WHET_OK;
    return whet_fail(l->ctx, WHET_E_FORMAT, "%s: merge %zu is neither \"a b\" nor [\"a\", \"b\"]",
                     l->path, i);
}

static whet_status load_merges(loader *l) {
    whet_json_reader *r = &l->file.merges;
    bool has_item;
    WHET_TRY(whet_json_reader_enter(l->ctx, r, '[', &has_item));
    for (size_t i = 0; has_item; i++) {
        whet_text_ref left, right;
        WHET_TRY(read_merge(l, r, i, &left, &right));
        const whet_merge merge = {
            .left = whet_vocab_find(&l->vocab, left, (whet_text_ref){ 0 }),
            .right = whet_vocab_find(&l->vocab, right, (whet_text_ref){ 0 }),
            .joined = whet_vocab_find(&l->vocab, left, right),
            .rank = (int32_t)i,
        };
        if (merge.left < 0 || merge.right < 0 || merge.joined < 0)
            return whet_fail(l->ctx, WHET_E_FORMAT,
                             "%s: merge %zu, \"%.*s\" and \"%.*s\", names a token that is not in "
                             "the vocab",
                             l->path, i, shown(left.len), left.text, shown(right.len), right.text);
        WHET_TRY(whet_bpe_add(l->ctx, &l->t->bpe, merge));
        WHET_TRY(whet_json_reader_next(l->ctx, r, ']', &has_item));
    }
    return WHET_OK;
}

/* The vocab may name the token too, but then with the same id and text. */
static whet_status check_against_vocab(const loader *l, const token *item) {
    const whet_text_ref text = item->text, other = l->vocab.texts[item->id];
    const int32_t other_id = whet_vocab_find(&l->vocab, text, (whet_text_ref){ 0 });
    if (other_id != WHET_NO_TOKEN && other_id != item->id)
        return whet_fail(l->ctx, WHET_E_FORMAT,
                         "%s: the added token \"%.*s\" has id %d, but %d in the vocab", l->path,
                         shown(text.len), text.text, item->id, other_id);
    if (other_id == WHET_NO_TOKEN && whet_tokenizer_has(l->t, item->id))
        return whet_fail(l->ctx, WHET_E_FORMAT,
                         "%s: the added token \"%.*s\" has id %d, which is that of \"%.*s\"",
                         l->path, shown(text.len), text.text, item->id, shown(other.len),
                         other.text ? other.text : "");
    return WHET_OK;
}

static whet_status push_added(const loader *l, const token *item) {
    const whet_text_ref text = item->text;
    if (!item->is_normalized) {
        WHET_TRY(set_bytes(l, item->id, text));
        return whet_added_push(l->ctx, &l->t->added, text.text, text.len, item->id);
    }
    whet_buf normal = { 0 }; /* the reference knows the token by this text only, and decodes it */
    whet_status st = whet_nfc_append(l->ctx, text.text, text.len, &normal);
    if (st == WHET_OK) st = set_bytes(l, item->id, (whet_text_ref){ normal.text, normal.len });
    if (st == WHET_OK)
        st = whet_added_push(l->ctx, &l->t->added_later, normal.text, normal.len, item->id);
    whet_buf_fini(l->ctx, &normal);
    return st;
}

static whet_status load_added(const loader *l) {
    for (size_t i = 0; i < l->added.n; i++) {
        const token *item = &l->added.items[i];
        WHET_TRY(check_against_vocab(l, item));
        WHET_TRY(push_added(l, item));
    }
    const whet_added_token *twice = whet_added_sort(&l->t->added);
    if (!twice) twice = whet_added_sort(&l->t->added_later);
    if (!twice) return WHET_OK;
    return whet_fail(l->ctx, WHET_E_FORMAT, "%s: the added token \"%.*s\" is there twice", l->path,
                     shown(twice->len), twice->text);
}

static size_t n_ids_of(const token_list *list, size_t n_ids) {
    for (size_t i = 0; i < list->n; i++)
        if ((size_t)list->items[i].id >= n_ids) n_ids = (size_t)list->items[i].id + 1;
    return n_ids;
}

static whet_status load(loader *l) {
    whet_tokenizer *t = l->t;
    WHET_TRY(whet_tokenizer_file_parse(l->ctx, &l->file));
    WHET_TRY(whet_tokenizer_file_check(l->ctx, &l->file));
    WHET_TRY(read_tokens(l));
    WHET_TRY(read_added(l));
    t->n_ids = n_ids_of(&l->added, n_ids_of(&l->tokens, 0));
    t->spans = whet_alloc(l->ctx, t->n_ids * sizeof *t->spans);
    if (!t->spans) return WHET_E_NOMEM;
    memset(t->spans, 0xFF, t->n_ids * sizeof *t->spans); /* WHET_NO_TEXT */
    memset(t->byte_ids, 0xFF, sizeof t->byte_ids);       /* WHET_NO_TOKEN */
    WHET_TRY(load_vocab(l));
    WHET_TRY(load_merges(l));
    return load_added(l);
}

whet_status whet_tokenizer_parse(whet_ctx *ctx, const char *path, whet_buf *text,
                                 whet_tokenizer **out) {
    *out = NULL;
    loader l = { .ctx = ctx, .path = path, .file = { .path = path, .text = *text } };
    *text = (whet_buf){ 0 };
    l.t = whet_alloc_zero(ctx, 1, sizeof *l.t);
    if (l.t) l.t->ctx = ctx;
    whet_status st = l.t ? whet_buf_puts(ctx, &l.t->path, path) : WHET_E_NOMEM;
    if (st == WHET_OK) st = load(&l);
    whet_tokenizer_file_close(ctx, &l.file);
    whet_free(ctx, l.tokens.items);
    whet_free(ctx, l.added.items);
    whet_vocab_fini(ctx, &l.vocab);
    if (st == WHET_OK)
        *out = l.t;
    else
        whet_tokenizer_close(l.t);
    return st;
}

whet_status whet_tokenizer_open(whet_ctx *ctx, const char *folder_or_file, whet_tokenizer **out) {
    *out = NULL;
    whet_buf path = { 0 }, text = { 0 };
    whet_status st = whet_buf_printf(ctx, &path, "%s%s", folder_or_file,
                                     whet_path_is_dir(folder_or_file) ? "/tokenizer.json" : "");
    if (st == WHET_OK) st = whet_file_read(ctx, path.text, MAX_FILE_BYTES, &text);
    if (st == WHET_OK) st = whet_tokenizer_parse(ctx, path.text, &text, out);
    whet_buf_fini(ctx, &text);
    whet_buf_fini(ctx, &path);
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
