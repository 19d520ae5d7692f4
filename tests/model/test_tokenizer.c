/* SPDX-License-Identifier: MIT */
/* The tokenizer against the reference's vectors, and what they do not reach. */
#include "tests/test.h"

#include <whet/tokenizer.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"

#define GOLDEN TEST_DATA_DIR "/golden/tokenizer/"

static whet_ctx *ctx;
static whet_tokenizer *qwen3, *small;

/* Lines of a file of JSON values, parsed one by one. */
typedef struct lines {
    whet_buf text;
    size_t at;
    whet_json *v; /* the last one */
} lines;

static bool next_line(lines *l, const char *path) {
    whet_json_close(l->v);
    l->v = NULL;
    if (!l->text.text && whet_file_read(ctx, path, 1 << 26, &l->text) != WHET_OK) {
        TEST_FAIL("%s", whet_ctx_message(ctx));
        return false;
    }
    if (l->at == l->text.len) {
        whet_buf_fini(ctx, &l->text);
        return false;
    }
    const char *line = l->text.text + l->at, *end = memchr(line, '\n', l->text.len - l->at);
    const size_t bytes = end ? (size_t)(end - line) : l->text.len - l->at;
    l->at += bytes + (end != NULL);
    if (whet_json_parse(ctx, path, line, bytes, true, &l->v) == WHET_OK) return true;
    TEST_FAIL("%s", whet_ctx_message(ctx));
    whet_buf_fini(ctx, &l->text);
    return false;
}

/* The ids of a JSON array; false when something else is in it. */
static bool read_ids(const whet_json *v, whet_ids *ids) {
    ids->n = 0;
    for (size_t i = 0; i < whet_json_len(v); i++) {
        int64_t id;
        if (!whet_json_integer(whet_json_at(v, i), &id)) return false;
        const int32_t narrow = (int32_t)id;
        if (whet_ids_append(ctx, ids, &narrow, 1) != WHET_OK) return false;
    }
    return true;
}

static bool same_ids(const whet_ids *a, const whet_ids *b) {
    return a->n == b->n && (a->n == 0 || memcmp(a->ids, b->ids, a->n * sizeof *a->ids) == 0);
}

static bool is_text(const whet_buf *got, const whet_json *want) {
    size_t len;
    const char *text = whet_json_string(want, &len);
    return text && got->len == len && (len == 0 || memcmp(got->text, text, len) == 0);
}

static void check_vectors(const whet_tokenizer *t, const char *path, int n_lines) {
    lines l = { 0 };
    whet_ids want = { 0 }, got = { 0 };
    whet_buf back = { 0 };
    int n = 0;
    for (; next_line(&l, path); n++) {
        size_t bytes;
        const char *text = whet_json_string(whet_json_get(l.v, "text"), &bytes);
        const char *kind = whet_json_string(whet_json_get(l.v, "kind"), NULL);
        got.n = 0;
        whet_buf_clear(&back);
        CHECK(read_ids(whet_json_get(l.v, "ids"), &want));
        CHECK_STATUS(ctx, whet_tokenizer_encode(ctx, t, text, bytes, &got), WHET_OK);
        if (!same_ids(&got, &want)) TEST_FAIL("line %d (%s): other ids", n + 1, kind);
        CHECK_STATUS(ctx, whet_tokenizer_decode(ctx, t, want.ids, want.n, &back), WHET_OK);
        if (!is_text(&back, whet_json_get(l.v, "decoded")))
            TEST_FAIL("line %d (%s): other text", n + 1, kind);
    }
    CHECK_INT(n, n_lines);
    whet_ids_fini(ctx, &want);
    whet_ids_fini(ctx, &got);
    whet_buf_fini(ctx, &back);
}

static void qwen3_vectors(void) {
    check_vectors(qwen3, GOLDEN "qwen3.jsonl", 2525);
}

static void small_vectors(void) {
    check_vectors(small, GOLDEN "small-strings.jsonl", 405);
}

/* One piece for each id, the last one for the flush; without the heap after warm-up. */
static void stream_vectors(void) {
    lines l = { 0 };
    whet_ids ids = { 0 };
    whet_buf piece = { 0 };
    int n = 0;
    for (; next_line(&l, GOLDEN "qwen3-stream.jsonl"); n++) {
        const whet_json *pieces = whet_json_get(l.v, "pieces");
        whet_decoder d;
        whet_decoder_init(&d, qwen3);
        CHECK(read_ids(whet_json_get(l.v, "ids"), &ids));
        CHECK_INT(whet_json_len(pieces), ids.n + 1);
        REQUIRE_OK(ctx, whet_decoder_reserve(ctx, &d, &piece));
        const uint64_t n_allocations = whet_ctx_allocations(ctx);
        for (size_t i = 0; i <= ids.n; i++) {
            whet_buf_clear(&piece);
            CHECK_STATUS(ctx,
                         i < ids.n ? whet_decoder_push(ctx, &d, ids.ids[i], &piece)
                                   : whet_decoder_flush(ctx, &d, &piece),
                         WHET_OK);
            if (!is_text(&piece, whet_json_at(pieces, i)))
                TEST_FAIL("line %d: piece %zu is \"%s\"", n + 1, i, piece.text);
        }
        CHECK_INT(whet_ctx_allocations(ctx), n_allocations);
    }
    CHECK_INT(n, 172);
    whet_ids_fini(ctx, &ids);
    whet_buf_fini(ctx, &piece);
}

static void ids_and_bytes(void) {
    size_t len;
    CHECK_INT(whet_tokenizer_size(qwen3), 151669);
    CHECK_INT(whet_tokenizer_id(qwen3, "<|im_end|>"), 151645);
    CHECK_INT(whet_tokenizer_id(qwen3, "<|im_end"), -1);
    CHECK_INT(whet_tokenizer_id(qwen3, ""), -1);
    CHECK_STR(whet_tokenizer_bytes(qwen3, -1, &len) ? "some" : "none", "none");
    CHECK_INT(len, 0);
    CHECK(!whet_tokenizer_has(qwen3, 151669));
    CHECK(!whet_tokenizer_has(qwen3, INT32_MAX));
    CHECK(!whet_tokenizer_has(qwen3, INT32_MIN));
    const char *bytes = whet_tokenizer_bytes(qwen3, 151643, &len);
    CHECK(len == 13 && memcmp(bytes, "<|endoftext|>", len) == 0);
    /* Every token's bytes are its own. */
    size_t n_bytes = 0;
    for (int32_t id = 0; id < 256; id++) {
        whet_tokenizer_bytes(qwen3, id, &len);
        n_bytes += len;
    }
    CHECK_INT(n_bytes, 256);
}

/* n times `unit`, which is `n_ids` tokens together. */
static void check_run(const char *unit, size_t bytes, size_t n, int64_t n_ids) {
    whet_buf text = { 0 }, back = { 0 };
    whet_ids ids = { 0 };
    for (size_t i = 0; i < n; i++)
        REQUIRE_OK(ctx, whet_buf_append(ctx, &text, unit, bytes));
    REQUIRE_OK(ctx, whet_tokenizer_encode(ctx, qwen3, text.text, text.len, &ids));
    REQUIRE_OK(ctx, whet_tokenizer_decode(ctx, qwen3, ids.ids, ids.n, &back));
    if (n_ids) CHECK_INT(ids.n, n_ids);
    CHECK_INT(back.len, text.len);
    CHECK(memcmp(back.text, text.text, text.len) == 0);
    whet_buf_fini(ctx, &text);
    whet_buf_fini(ctx, &back);
    whet_ids_fini(ctx, &ids);
}

/* A megabyte of one thing: in quadratic time this would take hours. */
static void long_runs(void) {
    check_run("a", 1, 1 << 20, 131072);
    check_run("\n", 1, 1 << 20, 0);
    check_run(" ", 1, 1 << 20, 0);
    check_run(" \n", 2, 1 << 19, 0);
    check_run("7", 1, 1 << 20, 1 << 20);
    check_run("\0", 1, 1 << 20, 0);
    check_run("=", 1, 1 << 20, 0);
    check_run("<|im_end|>", 10, 1 << 17, 1 << 17);
    check_run("<|im_end|", 9, 1 << 17, 0);
}

/* Marks of two classes in the wrong order, half a million in one run. */
static void long_runs_of_marks_are_ordered(void) {
    enum { N = 1 << 18 };
    whet_buf text = { 0 }, back = { 0 };
    whet_ids ids = { 0 };
    for (int i = 0; i < N; i++)
        REQUIRE_OK(ctx, whet_buf_append(ctx, &text, "\xCC\x81\xCC\xA3", 4));
    REQUIRE_OK(ctx, whet_tokenizer_encode(ctx, qwen3, text.text, text.len, &ids));
    REQUIRE_OK(ctx, whet_tokenizer_decode(ctx, qwen3, ids.ids, ids.n, &back));
    CHECK_INT(back.len, 4 * N);
    size_t n_bad = 0;
    for (size_t i = 0; i < back.len; i += 2)
        n_bad += memcmp(back.text + i, i < 2 * N ? "\xCC\xA3" : "\xCC\x81", 2) != 0;
    CHECK_INT(n_bad, 0);
    whet_buf_fini(ctx, &text);
    whet_buf_fini(ctx, &back);
    whet_ids_fini(ctx, &ids);
}

static void text_that_is_not_utf8_is_refused(void) {
    static const char *const cases[] = { "ab\xFF", "\xC3", "x\xED\xA0\x80y", "\xC0\x80",
                                         "\xF4\x90" };
    whet_ids ids = { 0 };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        CHECK_STATUS(ctx, whet_tokenizer_encode(ctx, qwen3, cases[i], strlen(cases[i]), &ids),
                     WHET_E_FORMAT);
        CHECK_CONTAINS(whet_ctx_message(ctx), "the text is not UTF-8 at byte ");
        CHECK_INT(ids.n, 0);
    }
    whet_ids_fini(ctx, &ids);
}

static void cancelled_work_stops(void) {
    whet_ids ids = { 0 };
    whet_ctx_cancel(ctx);
    CHECK_STATUS(ctx, whet_tokenizer_encode(ctx, qwen3, "a b", 3, &ids), WHET_E_CANCELLED);
    whet_ctx_resume(ctx);
    CHECK_INT(ids.n, 0);
    CHECK_STATUS(ctx, whet_tokenizer_encode(ctx, qwen3, "a b", 3, &ids), WHET_OK);
    CHECK_INT(ids.n, 2);
    whet_ids_fini(ctx, &ids);
}

static void json_both_ways(void) {
    static const char text[] = "\"a\\u0000\\n<|im_end|>\\ud83d\\ude00\"";
    whet_buf ids = { 0 }, back = { 0 };
    REQUIRE_OK(ctx, whet_tokenizer_encode_json(ctx, qwen3, text, strlen(text), &ids));
    CHECK_STR(ids.text, "[64, 188, 198, 151645, 141334]");
    REQUIRE_OK(ctx, whet_tokenizer_decode_json(ctx, qwen3, ids.text, ids.len, &back));
    CHECK_STR(back.text, "\"a\\u0000\\n<|im_end|>\xF0\x9F\x98\x80\"");
    whet_buf_clear(&ids);
    REQUIRE_OK(ctx, whet_tokenizer_encode_json(ctx, qwen3, "\"\"", 2, &ids));
    CHECK_STR(ids.text, "[]");
    static const char *const bad[] = {
        "", "{}", "[1, \"a\"]", "[-1]", "[2147483648]", "[1.0]", "1"
    };
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        whet_buf_clear(&back);
        CHECK_STATUS(ctx, whet_tokenizer_decode_json(ctx, qwen3, bad[i], strlen(bad[i]), &back),
                     WHET_E_FORMAT);
        CHECK_STATUS(ctx, whet_tokenizer_encode_json(ctx, qwen3, bad[i], strlen(bad[i]), &back),
                     WHET_E_FORMAT);
        CHECK_INT(back.len, 0);
    }
    whet_buf_fini(ctx, &ids);
    whet_buf_fini(ctx, &back);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "qwen3 vectors", qwen3_vectors },
        { "small vectors", small_vectors },
        { "stream vectors", stream_vectors },
        { "ids and bytes", ids_and_bytes },
        { "long runs", long_runs },
        { "long runs of marks are ordered", long_runs_of_marks_are_ordered },
        { "text that is not UTF-8 is refused", text_that_is_not_utf8_is_refused },
        { "cancelled work stops", cancelled_work_stops },
        { "JSON both ways", json_both_ways },
    };
    ctx = whet_ctx_open(NULL);
    if (whet_tokenizer_open(ctx, GOLDEN "qwen3", &qwen3) != WHET_OK ||
        whet_tokenizer_open(ctx, GOLDEN "small-strings/tokenizer.json", &small) != WHET_OK) {
        printf("Bail out! %s\n", whet_ctx_message(ctx));
        return 1;
    }
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_tokenizer_close(qwen3);
    whet_tokenizer_close(small);
    whet_ctx_close(ctx);
    return rc;
}
