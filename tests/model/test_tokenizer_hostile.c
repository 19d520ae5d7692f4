/* SPDX-License-Identifier: MIT */
/* tokenizer.json from strangers: each fault is one sentence, and nothing breaks. */
#include "tests/test.h"

#include "base/file.h"
#include "base/rng.h"
#include "model/tokenizer_int.h"
#include "tests/fuzz/fuzz.h"

#define SMALL TEST_DATA_DIR "/golden/tokenizer/small-strings/tokenizer.json"

static whet_ctx *ctx;

#define PATTERN                                                                                    \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| "              \
    "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"

static const char base[] =
    "{\"version\":\"1.0\",\"added_tokens\":[{\"id\":7,\"content\":\"<x>\",\"single_word\":false,"
    "\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true}],"
    "\"normalizer\":{\"type\":\"NFC\"},"
    "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
    "\"pattern\":{\"Regex\":\"" PATTERN "\"},\"behavior\":\"Isolated\",\"invert\":false},"
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]},"
    "\"decoder\":{\"type\":\"ByteLevel\"},"
    "\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,"
    "\"continuing_subword_prefix\":\"\",\"end_of_word_suffix\":null,\"byte_fallback\":false,"
    "\"ignore_merges\":false,\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"ab\":3,\"abc\":5},"
    "\"merges\":[\"a b\",[\"ab\",\"c\"]]}}";

static whet_status parse_bytes(const char *json, size_t bytes, whet_tokenizer **t) {
    whet_buf text = { 0 };
    whet_status st = whet_buf_append(ctx, &text, json, bytes);
    if (st == WHET_OK) st = whet_tokenizer_parse(ctx, "DIR/tokenizer.json", &text, t);
    return st;
}

/* The base text with its first `old` replaced. */
static whet_status parse_changed(const char *old, const char *new, whet_tokenizer **t) {
    const char *at = strstr(base, old);
    whet_buf text = { 0 };
    *t = NULL;
    if (!at) TEST_FAIL("\"%s\" is not in the base text", old);
    if (!at) return WHET_E_INTERNAL;
    const char *rest = at + strlen(old);
    whet_status st = whet_buf_append(ctx, &text, base, (size_t)(at - base));
    if (st == WHET_OK) st = whet_buf_puts(ctx, &text, new);
    if (st == WHET_OK) st = whet_buf_puts(ctx, &text, rest);
    if (st == WHET_OK) st = whet_tokenizer_parse(ctx, "DIR/tokenizer.json", &text, t);
    whet_buf_fini(ctx, &text);
    return st;
}

static void check_ids(const whet_tokenizer *t, const char *text, const char *want) {
    whet_ids ids = { 0 };
    whet_buf got = { 0 };
    CHECK_STATUS(ctx, whet_tokenizer_encode(ctx, t, text, strlen(text), &ids), WHET_OK);
    for (size_t i = 0; i < ids.n; i++)
        CHECK_STATUS(ctx, whet_buf_printf(ctx, &got, "%s%d", i ? " " : "", ids.ids[i]), WHET_OK);
    CHECK_STR(got.text, want);
    whet_ids_fini(ctx, &ids);
    whet_buf_fini(ctx, &got);
}

static void the_base_is_good(void) {
    whet_tokenizer *t;
    REQUIRE_OK(ctx, parse_bytes(base, sizeof base - 1, &t));
    CHECK_INT(whet_tokenizer_size(t), 8);
    CHECK(!whet_tokenizer_has(t, 4) && !whet_tokenizer_has(t, 6) && whet_tokenizer_has(t, 5));
    check_ids(t, "abcab<x>cb", "5 3 7 2 1");
    whet_ids ids = { 0 };
    CHECK_STATUS(ctx, whet_tokenizer_encode(ctx, t, "az", 2, &ids), WHET_E_UNSUPPORTED);
    CHECK_STR(whet_ctx_message(ctx),
              "DIR/tokenizer.json: no token for byte 0x7A, which is in the text");
    whet_ids_fini(ctx, &ids);
    whet_tokenizer_close(t);
}

typedef struct change {
    const char *old, *new;
    whet_status status;
    const char *sentence; /* a part of it */
} change;

/* clang-format off */
static const change changes[] = {
    { "{\"version\"", "[{\"version\"", WHET_E_FORMAT, "'{' should be" },
    { "{\"version\"", "\xEF\xBB\xBF{\"version\"", WHET_E_FORMAT, "'{' should be" },
    { "\"version\":\"1.0\"", "\"version\":\"\xFF\"", WHET_E_FORMAT, "not JSON" },
    { "\"version\":\"1.0\"", "\"version\":NaN", WHET_E_FORMAT, "not JSON" },
    { "\"version\":\"1.0\"", "\"version\":1e999", WHET_E_FORMAT, "not JSON" },
    { "\"model\":", "\"mod\":", WHET_E_FORMAT, "no object model.vocab" },
    { "\"version\":\"1.0\"", "\"model\":1", WHET_E_FORMAT, "not JSON" }, /* twice */
    { "]]}}", "]]},\"model\":3}", WHET_E_FORMAT, "no object model.vocab" },
    { "]]}}", "]],\"vocab\":{\"a\":0}}}", WHET_E_FORMAT, "not JSON" }, /* twice */
    { "]]}}", "]]}", WHET_E_FORMAT, "ends at byte" },
    { "]]}}", "]]}}}", WHET_E_FORMAT, "not JSON" },
    { "]]}}", "]]}} \n", WHET_OK, NULL },
    { "\"type\":\"NFC\"", "\"type\":\"NFKC\"", WHET_E_UNSUPPORTED, "normalizer is not NFC" },
    { "{\"type\":\"NFC\"}", "null", WHET_E_UNSUPPORTED, "normalizer is not NFC" },
    { "\"normalizer\":{", "\"normalizer\":[{}],\"x\":{", WHET_E_UNSUPPORTED, "normalizer is not NFC" },
    { "\"type\":\"Split\"", "\"type\":\"Digits\"", WHET_E_UNSUPPORTED, "not Split, then ByteLevel" },
    { "\"pretokenizers\":[", "\"pretokenizers\":[1,", WHET_E_UNSUPPORTED, "not Split, then ByteLevel" },
    { "|'d)", "|'d|'x)", WHET_E_UNSUPPORTED, "pattern is not the one of Qwen2" },
    { "\"Isolated\"", "\"Removed\"", WHET_E_UNSUPPORTED, "Isolated" },
    { "\"invert\":false", "\"invert\":true", WHET_E_UNSUPPORTED, "Isolated" },
    { "\"use_regex\":false", "\"use_regex\":true", WHET_E_UNSUPPORTED, "use_regex" },
    { "\"add_prefix_space\":false", "\"add_prefix_space\":true", WHET_E_UNSUPPORTED, "add_prefix_space" },
    { "\"decoder\":{\"type\":\"ByteLevel\"}", "\"decoder\":{\"type\":\"Fuse\"}", WHET_E_UNSUPPORTED, "decoder is not" },
    { "\"type\":\"BPE\"", "\"type\":\"Unigram\"", WHET_E_UNSUPPORTED, "model is not BPE" },
    { "\"dropout\":null", "\"dropout\":0.5", WHET_E_UNSUPPORTED, "dropout" },
    { "\"unk_token\":null", "\"unk_token\":\"a\"", WHET_E_UNSUPPORTED, "unk_token" },
    { "\"continuing_subword_prefix\":\"\"", "\"continuing_subword_prefix\":\"##\"", WHET_E_UNSUPPORTED, "continuing_subword_prefix" },
    { "\"end_of_word_suffix\":null", "\"end_of_word_suffix\":\"</w>\"", WHET_E_UNSUPPORTED, "end_of_word_suffix" },
    { "\"byte_fallback\":false", "\"byte_fallback\":true", WHET_E_UNSUPPORTED, "byte_fallback" },
    { "\"ignore_merges\":false", "\"ignore_merges\":1", WHET_E_UNSUPPORTED, "ignore_merges" },
    { "{\"a\":0,", "[1],\"x\":{\"a\":0,", WHET_E_FORMAT, "no object model.vocab" },
    { "{\"a\":0,\"b\":1,\"c\":2,\"ab\":3,\"abc\":5}", "{}", WHET_E_FORMAT, "merge 0, \"a\" and \"b\"" },
    { "\"b\":1", "\"b\":-1", WHET_E_FORMAT, "the id of token \"b\" is -1, outside 0 .. 4194303" },
    { "\"b\":1", "\"b\":4194304", WHET_E_FORMAT, "is 4194304, outside" },
    { "\"b\":1", "\"b\":99999999999999999999", WHET_E_FORMAT, "an integer should be" },
    { "\"b\":1", "\"b\":1.0", WHET_E_FORMAT, "an integer should be" },
    { "\"b\":1", "\"b\":\"1\"", WHET_E_FORMAT, "an integer should be" },
    { "\"b\":1", "\"b\":[[[[", WHET_E_FORMAT, "ends at byte" },
    { "\"b\":1", "\"b\":0", WHET_E_FORMAT, "both \"a\" and \"b\" have id 0" },
    { "\"b\":1", "\"b\":1,\"b\":6", WHET_E_FORMAT, "token \"b\" is in the vocab twice" },
    { "\"b\":1", "\"b\":1 \"d\":6", WHET_E_FORMAT, "',' or '}' should be" },
    { "\"b\":1", "\"\xC3\":6,\"b\":1", WHET_E_FORMAT, "a character of a string should be" },
    { "\"b\":1", "\"\\ud800\":6,\"b\":1", WHET_E_FORMAT, "an escaped character should be" },
    { "\"b\":1", "\"\\u0062\":1,\"\":6", WHET_OK, NULL },
    { "\"b\":1", "\"b\":1,\"\\u0000\":6,\"\xE6\x97\xA5\":4194303", WHET_OK, NULL },
    { "[\"a b\",", "[", WHET_OK, NULL },
    { "\"merges\":[", "\"merges\":{\"a\":1},\"x\":[", WHET_E_FORMAT, "no array model.merges" },
    { "\"a b\"", "\"a z\"", WHET_E_FORMAT, "merge 0, \"a\" and \"z\", names a token" },
    { "\"a b\"", "\"b a\"", WHET_E_FORMAT, "merge 0, \"b\" and \"a\", names a token" },
    { "\"a b\"", "\"ab\"", WHET_E_FORMAT, "merge 0 is neither" },
    { "\"a b\"", "\"a  b\"", WHET_E_FORMAT, "merge 0 is neither" },
    { "\"a b\"", "\" ab\"", WHET_E_FORMAT, "merge 0, \"\" and \"ab\"" },
    { "\"a b\"", "[\"a\"]", WHET_E_FORMAT, "merge 0 is neither" },
    { "\"a b\"", "[\"a\",\"b\",\"c\"]", WHET_E_FORMAT, "merge 0 is neither" },
    { "\"a b\"", "[]", WHET_E_FORMAT, "should be" },
    { "\"a b\"", "[1,2]", WHET_E_FORMAT, "a string should be" },
    { "\"a b\"", "null", WHET_E_FORMAT, "a string should be" },
    { "\"a b\"", "\"a b\",\"a b\"", WHET_OK, NULL },
    { "\"added_tokens\":[", "\"added_tokens\":{},\"x\":[", WHET_E_FORMAT, "added_tokens are not an array" },
    { "\"added_tokens\":[", "\"added_tokens\":[7,", WHET_E_FORMAT, "the content of an added token" },
    { "\"added_tokens\":[", "\"x\":[", WHET_OK, NULL },
    { "\"id\":7", "\"id\":-7", WHET_E_FORMAT, "is -7, outside" },
    { "\"id\":7", "\"id\":7.5", WHET_E_FORMAT, "the id of token \"<x>\" is not an integer" },
    { "\"id\":7", "\"x\":7", WHET_E_FORMAT, "the id of token \"<x>\" is not an integer" },
    { "\"id\":7", "\"id\":5", WHET_E_FORMAT, "\"<x>\" has id 5, which is that of \"abc\"" },
    { "\"content\":\"<x>\"", "\"content\":\"\"", WHET_E_FORMAT, "1 to 4096 bytes" },
    { "\"content\":\"<x>\"", "\"content\":\"abc\"", WHET_E_FORMAT, "\"abc\" has id 7, but 5 in the vocab" },
    { "\"id\":7,\"content\":\"<x>\"", "\"id\":5,\"content\":\"abc\"", WHET_OK, NULL },
    { "[{\"id\":7", "[{\"id\":8,\"content\":\"<x>\"},{\"id\":7", WHET_E_FORMAT, "\"<x>\" is there twice" },
    { "[{\"id\":7", "[{\"id\":7,\"content\":\"<y>\"},{\"id\":7", WHET_E_FORMAT, "\"<x>\" has id 7, which is that of" },
    { "\"lstrip\":false", "\"lstrip\":true", WHET_E_UNSUPPORTED, "\"<x>\" has lstrip" },
    { "\"rstrip\":false", "\"rstrip\":true", WHET_E_UNSUPPORTED, "\"<x>\" has rstrip" },
    { "\"single_word\":false", "\"single_word\":true", WHET_E_UNSUPPORTED, "\"<x>\" has single_word" },
    { "\"normalized\":false", "\"normalized\":\"no\"", WHET_E_FORMAT, "normalized of an added token" },
};
/* clang-format on */

static void every_fault_has_its_sentence(void) {
    for (size_t i = 0; i < TEST_COUNT(changes); i++) {
        const change *c = &changes[i];
        whet_tokenizer *t;
        const whet_status st = parse_changed(c->old, c->new, &t);
        if (st != c->status)
            TEST_FAIL("%s: %s (%s)", c->new, whet_status_name(st), whet_ctx_message(ctx));
        if (st != WHET_OK) {
            CHECK(strncmp(whet_ctx_message(ctx), "DIR/tokenizer.json: ", 20) == 0);
            CHECK_CONTAINS(whet_ctx_message(ctx), c->sentence);
        }
        CHECK((st == WHET_OK) == (t != NULL));
        whet_tokenizer_close(t);
    }
}

/* Cut anywhere it is one sentence. */
static void every_truncation_is_refused(void) {
    for (size_t n = 0; n < sizeof base - 1; n++) {
        whet_tokenizer *t;
        CHECK_STATUS(ctx, parse_bytes(base, n, &t), WHET_E_FORMAT);
        CHECK(strncmp(whet_ctx_message(ctx), "DIR/tokenizer.json: ", 20) == 0);
        CHECK(!t);
    }
}

/* n times `unit` in place of the version. */
static void check_nested(const char *unit, size_t n) {
    whet_buf deep = { 0 };
    whet_tokenizer *t;
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &deep, "\"version\":"));
    for (size_t i = 0; i < n; i++)
        REQUIRE_OK(ctx, whet_buf_puts(ctx, &deep, unit));
    CHECK_STATUS(ctx, parse_changed("\"version\":\"1.0\"", deep.text, &t), WHET_E_FORMAT);
    whet_buf_fini(ctx, &deep);
}

static void deep_nesting_is_refused(void) {
    check_nested("[", 1 << 20);
    check_nested("{\"a\":", 1 << 20);
    whet_buf deep = { 0 };
    whet_tokenizer *t;
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &deep, "\"version\":"));
    for (size_t i = 0; i < 1 << 16; i++)
        REQUIRE_OK(ctx, whet_buf_putc(ctx, &deep, '['));
    for (size_t i = 0; i < 1 << 16; i++)
        REQUIRE_OK(ctx, whet_buf_putc(ctx, &deep, ']'));
    CHECK_STATUS(ctx, parse_changed("\"version\":\"1.0\"", deep.text, &t), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "depth");
    whet_buf_fini(ctx, &deep);
}

static void places_that_are_not_files(void) {
    whet_tokenizer *t;
    CHECK_STATUS(ctx, whet_tokenizer_open(ctx, "/nowhere/at/all", &t), WHET_E_NOT_FOUND);
    CHECK_CONTAINS(whet_ctx_message(ctx), "/nowhere/at/all");
    CHECK_STATUS(ctx, whet_tokenizer_open(ctx, "/", &t), WHET_E_NOT_FOUND);
    CHECK_CONTAINS(whet_ctx_message(ctx), "//tokenizer.json");
    CHECK_STATUS(ctx, whet_tokenizer_open(ctx, "/dev/zero", &t), WHET_E_IO);
    CHECK(!t);
}

/* Tokens that are looked for in normalized text; ids as tokenizers 0.23.3 gives them. */
static void normalized_added_tokens(void) {
    whet_tokenizer *t;
    REQUIRE_OK(ctx, parse_changed("\"<x>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                                  "\"normalized\":false",
                                  "\"e\xCC\x81\",\"normalized\":true},"
                                  "{\"id\":8,\"content\":\"a\xC3\xA9\",\"normalized\":false",
                                  &t));
    check_ids(t, "b\xC3\xA9", "1 7");
    check_ids(t, "be\xCC\x81", "1 7");
    check_ids(t, "ae\xCC\x81", "0 7"); /* the raw text has no U+00E9 */
    check_ids(t, "a\xC3\xA9", "8");
    size_t len;
    const char *bytes = whet_tokenizer_bytes(t, 7, &len);
    CHECK(len == 1 && bytes[0] == '\xE9'); /* decoded as if it were written in the alphabet */
    whet_tokenizer_close(t);
}

static void *refuse(void *data, void *p, size_t old_bytes, size_t new_bytes) {
    int *n_left = data;
    (void)old_bytes;
    if (new_bytes == 0) {
        free(p);
        return NULL;
    }
    return (*n_left)-- > 0 ? realloc(p, new_bytes) : NULL;
}

/* All that a tokenizer does, in a context of its own. */
static whet_status use(whet_ctx *own) {
    char word[200];
    memset(word, 'a', sizeof word);
    static const char marks[] = "ab<x>\xE2\x84\xAB";
    whet_buf text = { 0 }, out = { 0 };
    whet_ids ids = { 0 };
    whet_tokenizer *t = NULL;
    whet_status st = whet_buf_append(own, &text, base, sizeof base - 1);
    if (st == WHET_OK) st = whet_tokenizer_parse(own, "DIR/tokenizer.json", &text, &t);
    if (st == WHET_OK) st = whet_tokenizer_encode(own, t, word, sizeof word, &ids);
    if (st == WHET_OK) st = whet_tokenizer_decode(own, t, ids.ids, ids.n, &out);
    if (st == WHET_OK) {
        st = whet_tokenizer_encode(own, t, marks, sizeof marks - 1, &ids);
        if (st == WHET_E_UNSUPPORTED) st = WHET_OK; /* U+00C5 has no token */
    }
    if (st == WHET_OK) st = whet_tokenizer_encode_json(own, t, "\"abc\"", 5, &out);
    if (st == WHET_OK) st = whet_tokenizer_decode_json(own, t, "[0]", 3, &out);
    whet_tokenizer_close(t);
    whet_buf_fini(own, &text);
    whet_buf_fini(own, &out);
    whet_ids_fini(own, &ids);
    return st;
}

static void every_allocation_may_fail(void) {
    whet_status st = WHET_E_NOMEM;
    int n = 1;
    for (; st != WHET_OK && n < 1000; n++) {
        int n_left = n;
        whet_ctx *own = whet_ctx_open(&(whet_ctx_opts){ .alloc = refuse, .alloc_data = &n_left });
        REQUIRE(own);
        st = use(own);
        if (st != WHET_OK) CHECK_STATUS(own, st, WHET_E_NOMEM);
        whet_ctx_close(own);
    }
    CHECK(n > 20 && n < 1000);
}

/* Overwrites a few bytes behind the first, or cuts the data short. */
static void mutate(whet_rng *rng, whet_buf *data, const char *bytes, size_t n_bytes) {
    for (uint64_t n = 1 + whet_rng_below(rng, 4); n > 0 && data->len > 1; n--) {
        const size_t at = 1 + (size_t)whet_rng_below(rng, data->len - 1);
        if (whet_rng_below(rng, 20) == 0)
            data->len = at;
        else
            data->text[at] = bytes[whet_rng_below(rng, n_bytes)];
    }
}

/* The fuzz target asserts what must hold. */
static void broken_files(void) {
    static const char bytes[] = "{}[]\",:0123456789-.eE\\u \n\xC3\xA9\xFF";
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    whet_buf file = { 0 }, data = { 0 };
    REQUIRE_OK(ctx, whet_file_read(ctx, SMALL, 1 << 20, &file));
    for (int i = 0; i < 2000; i++) {
        whet_buf_clear(&data);
        if (i % 10 == 0)
            REQUIRE_OK(ctx, whet_buf_append(ctx, &data, file.text, file.len));
        else
            REQUIRE_OK(ctx, whet_buf_append(ctx, &data, base, sizeof base - 1));
        mutate(&rng, &data, bytes, sizeof bytes);
        LLVMFuzzerTestOneInput((const uint8_t *)data.text, data.len);
    }
    whet_buf_fini(ctx, &file);
    whet_buf_fini(ctx, &data);
}

/* Half of the texts are UTF-8. */
static void strange_texts(void) {
    static const char *const parts[] = {
        "a",
        "b",
        "c",
        "!",
        "'s",
        " ",
        "\n",
        "<a>",
        "<a",
        "7",
        "e",
        "\xC3\xA9",
        "\xCC\x81",
        "\xCC\xA3",
        "\xE2\x84\xAB",
        "\xE1\x84\x92",
        "\xE1\x85\xA1",
        "\xC5\xBF",
    };
    static const char bytes[] = "a<\xC3\xCC\x81\xE1\xF0\xFF";
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    whet_buf data = { 0 };
    for (int i = 0; i < 2000; i++) {
        whet_buf_clear(&data);
        for (uint64_t n = whet_rng_below(&rng, 100); n > 0; n--)
            REQUIRE_OK(ctx,
                       whet_buf_puts(ctx, &data, parts[whet_rng_below(&rng, TEST_COUNT(parts))]));
        if (i % 2) mutate(&rng, &data, bytes, sizeof bytes);
        LLVMFuzzerTestOneInput((const uint8_t *)data.text, data.len);
    }
    whet_buf_fini(ctx, &data);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "the base is good", the_base_is_good },
        { "every fault has its sentence", every_fault_has_its_sentence },
        { "every truncation is refused", every_truncation_is_refused },
        { "deep nesting is refused", deep_nesting_is_refused },
        { "places that are not files", places_that_are_not_files },
        { "normalized added tokens", normalized_added_tokens },
        { "every allocation may fail", every_allocation_may_fail },
        { "broken files", broken_files },
        { "strange texts", strange_texts },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
