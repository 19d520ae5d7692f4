/* SPDX-License-Identifier: MIT */
/* Vocab and merges are nearly all of the file: values built of them would cost 300 ms and 80 MB. */
#include "model/tokenizer_file.h"

#include <string.h>

#include "model/pretokenize.h"

/* Appends "{}" or "[]" for a list that is left out, and its newlines, so that a message about what
 * follows still names the right line. */
static whet_status append_emptied(whet_ctx *ctx, const char *text, size_t bytes, whet_buf *out) {
    const char brackets[] = { text[0], text[bytes - 1] };
    WHET_TRY(whet_buf_append(ctx, out, brackets, sizeof brackets));
    for (const char *p = text, *end = text + bytes; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        WHET_TRY(whet_buf_putc(ctx, out, '\n'));
    return WHET_OK;
}

/* Parses all but the lists, which stand in the order of the file. */
static whet_status parse_rest(whet_ctx *ctx, whet_tokenizer_file *file,
                              const whet_json_member *lists, size_t n) {
    whet_buf rest = { 0 };
    whet_status st = WHET_OK;
    size_t at = 0;
    for (size_t i = 0; i < n && st == WHET_OK; i++) {
        st = whet_buf_append(ctx, &rest, file->text.text + at, lists[i].at - at);
        at = lists[i].end;
        if (st == WHET_OK)
            st = append_emptied(ctx, file->text.text + lists[i].at, at - lists[i].at, &rest);
    }
    if (st == WHET_OK) st = whet_buf_append(ctx, &rest, file->text.text + at, file->text.len - at);
    if (st == WHET_OK)
        st = whet_json_parse(ctx, file->path, rest.text, rest.len, true, &file->root);
    whet_buf_fini(ctx, &rest);
    return st;
}

whet_status whet_tokenizer_file_parse(whet_ctx *ctx, whet_tokenizer_file *file) {
    const whet_json_reader start = {
        .name = file->path,
        .text = file->text.text,
        .bytes = file->text.len,
    };
    whet_json_reader r = start;
    whet_json_member model = { .key = "model" };
    whet_json_member lists[] = { { .key = "vocab" }, { .key = "merges" } };
    WHET_TRY(whet_json_reader_find(ctx, &r, &model, 1));
    r = start;
    r.at = model.at;
    if (model.end && whet_json_reader_peek(&r) == '{')
        WHET_TRY(whet_json_reader_find(ctx, &r, lists, 2));
    file->vocab = file->merges = start;
    file->vocab.at = lists[0].at;
    file->merges.at = lists[1].at;
    if (!lists[0].end || whet_json_reader_peek(&file->vocab) != '{')
        return whet_fail(ctx, WHET_E_FORMAT, "%s: there is no object model.vocab", file->path);
    if (!lists[1].end || whet_json_reader_peek(&file->merges) != '[')
        return whet_fail(ctx, WHET_E_FORMAT, "%s: there is no array model.merges", file->path);
    if (lists[0].at > lists[1].at) {
        const whet_json_member first = lists[1];
        lists[1] = lists[0];
        lists[0] = first;
    }
    return parse_rest(ctx, file, lists, 2);
}

void whet_tokenizer_file_close(whet_ctx *ctx, whet_tokenizer_file *file) {
    whet_buf_fini(ctx, &file->text);
    whet_json_close(file->root);
    *file = (whet_tokenizer_file){ 0 };
}

static bool is_text(const whet_json *v, const char *text) {
    size_t len;
    const char *own = whet_json_string(v, &len);
    return own && len == strlen(text) && memcmp(own, text, len) == 0;
}

static bool is_absent(const whet_json *v) {
    return !v || whet_json_is(v, WHET_JSON_NULL);
}

static bool is_false(const whet_json *v) {
    return is_absent(v) || whet_json_is(v, WHET_JSON_FALSE);
}

static whet_status unsupported(whet_ctx *ctx, const whet_tokenizer_file *file, const char *what) {
    return whet_fail(ctx, WHET_E_UNSUPPORTED, "%s: %s", file->path, what);
}

static whet_status check_pre_tokenizer(whet_ctx *ctx, const whet_tokenizer_file *file) {
    const whet_json *v = whet_json_get(file->root, "pre_tokenizer");
    const whet_json *list = whet_json_get(v, "pretokenizers");
    const whet_json *split = whet_json_at(list, 0), *bytes = whet_json_at(list, 1);
    if (!is_text(whet_json_get(v, "type"), "Sequence") || whet_json_len(list) != 2 ||
        !is_text(whet_json_get(split, "type"), "Split") ||
        !is_text(whet_json_get(bytes, "type"), "ByteLevel"))
        return unsupported(ctx, file,
                           "the pre_tokenizer is not Split, then ByteLevel, the only one "
                           "supported");
    if (!is_text(whet_json_get(whet_json_get(split, "pattern"), "Regex"), whet_word_pattern))
        return unsupported(ctx, file,
                           "the pre_tokenizer's pattern is not the one of Qwen2 and Qwen3, the "
                           "only one supported");
    if (!is_text(whet_json_get(split, "behavior"), "Isolated") ||
        !is_false(whet_json_get(split, "invert")))
        return unsupported(ctx, file,
                           "the pre_tokenizer's Split must be Isolated and not inverted");
    if (!whet_json_is(whet_json_get(bytes, "add_prefix_space"), WHET_JSON_FALSE) ||
        !whet_json_is(whet_json_get(bytes, "use_regex"), WHET_JSON_FALSE))
        return unsupported(ctx, file,
                           "the pre_tokenizer's ByteLevel must have add_prefix_space and "
                           "use_regex false");
    return WHET_OK;
}

static bool is_empty_text(const whet_json *v) {
    return is_absent(v) || is_text(v, "");
}

/* The post_processor is not looked at: it can only add tokens that encode does not ask for. */
whet_status whet_tokenizer_file_check(whet_ctx *ctx, const whet_tokenizer_file *file) {
    const whet_json *model = whet_json_get(file->root, "model");
    if (!is_text(whet_json_get(whet_json_get(file->root, "normalizer"), "type"), "NFC"))
        return unsupported(ctx, file, "the normalizer is not NFC, the only one supported");
    WHET_TRY(check_pre_tokenizer(ctx, file));
    if (!is_text(whet_json_get(whet_json_get(file->root, "decoder"), "type"), "ByteLevel"))
        return unsupported(ctx, file, "the decoder is not ByteLevel, the only one supported");
    if (!is_text(whet_json_get(model, "type"), "BPE"))
        return unsupported(ctx, file, "the model is not BPE, the only one supported");
    if (!is_absent(whet_json_get(model, "dropout")))
        return unsupported(ctx, file, "the model's dropout must be null");
    if (!is_absent(whet_json_get(model, "unk_token")))
        return unsupported(ctx, file, "the model's unk_token must be null");
    if (!is_empty_text(whet_json_get(model, "continuing_subword_prefix")) ||
        !is_empty_text(whet_json_get(model, "end_of_word_suffix")))
        return unsupported(ctx, file,
                           "the model's continuing_subword_prefix and end_of_word_suffix must "
                           "be empty");
    if (!is_false(whet_json_get(model, "byte_fallback")) ||
        !is_false(whet_json_get(model, "ignore_merges")))
        return unsupported(ctx, file, "the model's byte_fallback and ignore_merges must be false");
    return WHET_OK;
}
