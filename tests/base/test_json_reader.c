/* SPDX-License-Identifier: MIT */
/* Tests of the JSON reader: against the parser, and by hand. */
#include "tests/test.h"

#include "base/json.h"
#include "base/json_reader.h"
#include "base/rng.h"

static whet_ctx *ctx;

/* A reader at the start of a copy of text. */
static whet_json_reader reader_of(whet_buf *copy, const char *text, size_t bytes) {
    whet_buf_clear(copy);
    if (whet_buf_append(ctx, copy, text, bytes) != WHET_OK) exit(1);
    return (whet_json_reader){ .name = "x.json", .text = copy->text, .bytes = bytes };
}

/* Walks a value whose containers may hold anything; counts its strings and integers. */
static whet_status walk(whet_json_reader *r, int depth, int *n_strings, int64_t *sum) {
    const char first = whet_json_reader_peek(r);
    if (first == '"') {
        const char *s;
        size_t len;
        ++*n_strings;
        return whet_json_reader_string(ctx, r, &s, &len);
    }
    if ((first != '[' && first != '{') || depth == 0) {
        int64_t n = 0;
        const whet_status st = whet_json_reader_integer(ctx, r, &n);
        *sum += n;
        return st;
    }
    bool has_item;
    whet_status st = whet_json_reader_enter(ctx, r, first, &has_item);
    while (st == WHET_OK && has_item) {
        const char *key;
        size_t len;
        if (first == '{') st = whet_json_reader_key(ctx, r, &key, &len);
        if (st == WHET_OK) st = walk(r, depth - 1, n_strings, sum);
        if (st == WHET_OK) st = whet_json_reader_next(ctx, r, first == '{' ? '}' : ']', &has_item);
    }
    return st;
}

static whet_status walk_text(const char *text, size_t bytes, int *n_strings, int64_t *sum) {
    whet_buf copy = { 0 };
    whet_json_reader r = reader_of(&copy, text, bytes);
    *n_strings = 0;
    *sum = 0;
    const whet_status st = walk(&r, 10, n_strings, sum);
    whet_buf_fini(ctx, &copy);
    return st;
}

static void a_document_is_walked(void) {
    static const char text[] =
        " { \"a\" : [ 1 , -2 , [ ] , { } ] ,\n\t\"b\":{\"c\":\"d\",\"e\":3}}";
    int n_strings;
    int64_t sum;
    REQUIRE_OK(ctx, walk_text(text, strlen(text), &n_strings, &sum));
    CHECK_INT(n_strings, 1);
    CHECK_INT(sum, 2);
}

static void strings_are_unescaped(void) {
    static const struct {
        const char *json, *text;
        size_t bytes;
    } cases[] = {
        { "\"\"", "", 0 },
        { "\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz", 10 },
        { "\"\\u0041\\u00e9\\u20AC\\ud83D\\uDE00!\"", "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80!",
          11 },
        { "\"x\\u0000y\"", "x\0y", 3 },
        { "\"\xC4\xA0t\"", "\xC4\xA0t", 3 },
    };
    whet_buf copy = { 0 };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        whet_json_reader r = reader_of(&copy, cases[i].json, strlen(cases[i].json));
        const char *s = NULL;
        size_t len = 0;
        CHECK_STATUS(ctx, whet_json_reader_string(ctx, &r, &s, &len), WHET_OK);
        CHECK_INT(len, cases[i].bytes);
        CHECK(s && len == cases[i].bytes && memcmp(s, cases[i].text, len) == 0);
        CHECK_INT(r.at, r.bytes);
    }
    whet_buf_fini(ctx, &copy);
}

static void what_is_not_json_is_refused(void) {
    static const char *const cases[] = {
        "",
        "\"",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\\ud800\\",
        "\"\n\"",
        "\"\xFF\"",
        "\"\xC3\"",
        "\"\xED\xA0\x80\"",
        "[1",
        "[1,",
        "[1,]",
        "[1 2]",
        "[,1]",
        "[1}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "1.5",
        "1e3",
        "01",
        "-",
        "--1",
        "9223372036854775808",
        "-9223372036854775809",
        "true",
        "null",
        "nope",
        "]",
        "{\"a\" 1}",
        "\"\\u12g4\"",
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        int n_strings;
        int64_t sum;
        if (walk_text(cases[i], strlen(cases[i]), &n_strings, &sum) != WHET_E_FORMAT)
            TEST_FAIL("case %zu, %s, is taken", i, cases[i]);
        CHECK_CONTAINS(whet_ctx_message(ctx), "x.json: ");
    }
}

static void integers_to_the_limits(void) {
    int n_strings;
    int64_t sum;
    REQUIRE_OK(ctx, walk_text("9223372036854775807", 19, &n_strings, &sum));
    CHECK_INT(sum, INT64_MAX);
    REQUIRE_OK(ctx, walk_text("-9223372036854775808", 20, &n_strings, &sum));
    CHECK_INT(sum, INT64_MIN);
    REQUIRE_OK(ctx, walk_text("[-0,0]", 6, &n_strings, &sum));
}

static void members_are_found(void) {
    static const char text[] =
        "{\"x\": \"}\\\"{\", \"a\" : [1,{\"a\":2}], \"b\":null,\"a\": {\"\":0} }";
    whet_buf copy = { 0 };
    whet_json_reader r = reader_of(&copy, text, strlen(text));
    whet_json_member m[] = { { .key = "a" }, { .key = "b" }, { .key = "c" } };
    REQUIRE_OK(ctx, whet_json_reader_find(ctx, &r, m, 3));
    CHECK(strncmp(text + m[0].at, "{\"\":0}", m[0].end - m[0].at) == 0);
    CHECK(strncmp(text + m[1].at, "null", m[1].end - m[1].at) == 0);
    CHECK_INT(m[2].end, 0);
    for (size_t n = 0; n < strlen(text); n++) {
        r = reader_of(&copy, text, n);
        CHECK_STATUS(ctx, whet_json_reader_find(ctx, &r, m, 3), WHET_E_FORMAT);
    }
    r = reader_of(&copy, "{\"a\":[[[[", 9);
    CHECK_STATUS(ctx, whet_json_reader_find(ctx, &r, m, 3), WHET_E_FORMAT);
    whet_buf_fini(ctx, &copy);
}

/* Whatever the walk takes of changed documents without true, false, null and fractions, the parser
 * takes too, once what follows the value is cut off. */
static void the_parser_agrees(void) {
    static const char base[] =
        "{\"k\": [1, -20, \"a\\u00e9\\n\", {\"\": []}], \"m\": {\"n\":\"\xC3\xA9\"}}";
    static const char bytes[] = "{}[]\",:\\u0019 e\n\xC3\xA9";
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    int n_taken = 0;
    for (int i = 0; i < 20000; i++) {
        char text[sizeof base];
        memcpy(text, base, sizeof base);
        for (uint64_t k = whet_rng_below(&rng, 3); k > 0; k--)
            text[whet_rng_below(&rng, sizeof base - 1)] =
                bytes[whet_rng_below(&rng, sizeof bytes - 1)];
        int n_strings = 0;
        int64_t sum = 0;
        whet_buf copy = { 0 };
        whet_json_reader r = reader_of(&copy, text, sizeof base - 1);
        if (walk(&r, 10, &n_strings, &sum) == WHET_OK) {
            whet_json *v = NULL;
            n_taken++;
            if (whet_json_parse(ctx, "x", text, r.at, false, &v) != WHET_OK)
                TEST_FAIL("%.*s is taken, but %s", (int)r.at, text, whet_ctx_message(ctx));
            whet_json_close(v);
        }
        whet_buf_fini(ctx, &copy);
    }
    CHECK(n_taken > 1000);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "a document is walked", a_document_is_walked },
        { "strings are unescaped", strings_are_unescaped },
        { "what is not JSON is refused", what_is_not_json_is_refused },
        { "integers to the limits", integers_to_the_limits },
        { "members are found", members_are_found },
        { "the parser agrees", the_parser_agrees },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
