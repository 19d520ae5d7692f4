/* SPDX-License-Identifier: MIT */
/* The tokenizer's parts: merges against the plain rule, words, normalization, added tokens. */
#include "tests/test.h"

#include "base/rng.h"
#include "base/utf8.h"
#include "model/added_tokens.h"
#include "model/bpe.h"
#include "model/byte_level.h"
#include "model/nfc.h"
#include "model/pretokenize.h"
#include "model/unicode_data.h"

static whet_ctx *ctx;

enum { N_LETTERS = 4, N_MERGES = 60, MAX_WORD = 400 };

/* The rule itself: while any pair has a merge, do the one of lowest rank, leftmost. */
static size_t merge_plainly(const whet_merge *merges, size_t n_merges, int32_t *ids, size_t n) {
    for (;;) {
        size_t best = n_merges, at = 0;
        for (size_t i = 0; i + 1 < n; i++)
            for (size_t m = 0; m < best; m++)
                if (merges[m].left == ids[i] && merges[m].right == ids[i + 1]) {
                    best = m;
                    at = i;
                }
        if (best == n_merges) return n;
        ids[at] = merges[best].joined;
        memmove(ids + at + 1, ids + at + 2, (n - at - 2) * sizeof *ids);
        n--;
    }
}

static bool has_pair(const whet_merge *merges, size_t n, int32_t left, int32_t right) {
    for (size_t i = 0; i < n; i++)
        if (merges[i].left == left && merges[i].right == right) return true;
    return false;
}

static void merges_follow_the_rule(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int round = 0; round < 40; round++) {
        whet_merge merges[N_MERGES];
        whet_bpe bpe = { 0 };
        for (int32_t i = 0; i < N_MERGES;) {
            const uint64_t n_tokens = (uint64_t)(N_LETTERS + i);
            const int32_t left = (int32_t)whet_rng_below(&rng, n_tokens);
            const int32_t right = (int32_t)whet_rng_below(&rng, n_tokens);
            if (has_pair(merges, (size_t)i, left, right)) continue;
            merges[i] = (whet_merge){ left, right, N_LETTERS + i, i };
            REQUIRE_OK(ctx, whet_bpe_add(ctx, &bpe, merges[i]));
            i++;
        }
        for (int k = 0; k < 50; k++) {
            int32_t want[MAX_WORD], got[MAX_WORD];
            size_t n = (size_t)whet_rng_below(&rng, k % 2 ? 80 : MAX_WORD + 1), n_want;
            for (size_t i = 0; i < n; i++)
                want[i] = got[i] = (int32_t)whet_rng_below(&rng, k % 3 ? N_LETTERS : 1);
            n_want = merge_plainly(merges, N_MERGES, want, n);
            REQUIRE_OK(ctx, whet_bpe_merge(ctx, &bpe, got, &n));
            CHECK_INT(n, n_want);
            CHECK(n != n_want || memcmp(got, want, n * sizeof *got) == 0);
        }
        whet_bpe_fini(ctx, &bpe);
    }
}

static void the_last_of_equal_merges_counts(void) {
    whet_bpe bpe = { 0 };
    int32_t ids[] = { 0, 1, 2 };
    size_t n = 3;
    REQUIRE_OK(ctx, whet_bpe_merge(ctx, &bpe, ids, &n));
    CHECK_INT(n, 3);
    REQUIRE_OK(ctx, whet_bpe_add(ctx, &bpe, (whet_merge){ 0, 1, 3, 0 }));
    REQUIRE_OK(ctx, whet_bpe_add(ctx, &bpe, (whet_merge){ 1, 2, 4, 1 }));
    REQUIRE_OK(ctx, whet_bpe_add(ctx, &bpe, (whet_merge){ 0, 1, 3, 2 }));
    REQUIRE_OK(ctx, whet_bpe_merge(ctx, &bpe, ids, &n));
    CHECK_INT(n, 2);
    CHECK_INT(ids[0], 0);
    CHECK_INT(ids[1], 4);
    whet_bpe_fini(ctx, &bpe);
}

/* Words of `text`, with '|' between them. */
static void check_words(const char *text, const char *want) {
    char got[200];
    size_t n = 0;
    const size_t bytes = strlen(text);
    for (size_t at = 0, end; at < bytes; at = end) {
        end = whet_word_end(text, bytes, at);
        REQUIRE(end > at && end <= bytes);
        if (at > 0) got[n++] = '|';
        memcpy(got + n, text + at, end - at);
        n += end - at;
    }
    got[n] = '\0';
    CHECK_STR(got, want);
}

static void words_are_cut(void) {
    check_words("Hello world", "Hello| world");
    check_words("don't we'LL x'reX 'sabc\n'sabc", "don|'t| we|'LL| x|'re|X| '|sabc|\n|'s|abc");
    check_words("I'\xC5\xBFo '\xC5\xBF", "I|'\xC5\xBF|o| '|\xC5\xBF");
    check_words("'r 'l 'v'", "'r| '|l| '|v|'");
    check_words("a1 23", "a|1| |2|3");
    check_words("a  b   \n c \n\n  ", "a| | b|   \n| c| \n\n|  ");
    check_words("!!\n\nx (a)\r\n", "!!\n\n|x| (|a|)\r\n");
    check_words("\tif(x){\n\t\treturn;", "\tif|(x|){\n|\t|\treturn|;");
    check_words("\n\nb", "\n\n|b");
    check_words("\xC2\xA0\xC2\xA0z", "\xC2\xA0|\xC2\xA0z");
}

static void check_nfc(const char *text, const char *want) {
    whet_buf out = { 0 };
    const size_t prefix = whet_nfc_prefix(text, strlen(text));
    REQUIRE_OK(ctx, whet_nfc_append(ctx, text, strlen(text), &out));
    CHECK_STR(out.text ? out.text : "", want);
    CHECK(prefix <= strlen(want) && memcmp(text, want, prefix) == 0);
    whet_buf_fini(ctx, &out);
}

static void text_is_normalized(void) {
    check_nfc("", "");
    check_nfc("plain", "plain");
    check_nfc("e\xCC\x81", "\xC3\xA9");
    check_nfc("xe\xCC\x81y", "x\xC3\xA9y");
    check_nfc("\xCC\x81", "\xCC\x81");
    check_nfc("e\xCC\x81\xCC\xA3", "\xE1\xBA\xB9\xCC\x81"); /* e U+0301 U+0323: U+1EB9 U+0301 */
    check_nfc("\xE2\x84\xAB", "\xC3\x85");                  /* the angstrom sign */
    check_nfc("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "\xED\x95\x9C"); /* Hangul L V T */
    check_nfc("\xED\x95\x98\xE1\x86\xAB", "\xED\x95\x9C");             /* LV T */
    check_nfc("\xE1\x84\x92\xE1\x86\xAB", "\xE1\x84\x92\xE1\x86\xAB"); /* L T stays */
    /* U+11935 U+11930 compose since Unicode 13, not in 9. */
    check_nfc("\xF0\x91\xA4\xB5\xF0\x91\xA4\xB0", "\xF0\x91\xA4\xB5\xF0\x91\xA4\xB0");
}

/* Normalizing is idempotent, and what the prefix promises holds, for random code points. */
static void normal_text_stays(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int i = 0; i < 20000; i++) {
        char text[64];
        size_t n = 0;
        while (n < 40) {
            const uint32_t c =
                whet_rng_below(&rng, 2)
                    ? whet_compositions[whet_rng_below(&rng, whet_n_compositions)].second
                    : (uint32_t)whet_rng_below(&rng, 0x3000);
            n += whet_utf8_encode(c, text + n);
        }
        whet_buf once = { 0 }, twice = { 0 };
        REQUIRE_OK(ctx, whet_nfc_append(ctx, text, n, &once));
        REQUIRE_OK(ctx, whet_nfc_append(ctx, once.text, once.len, &twice));
        CHECK(once.len == twice.len && memcmp(once.text, twice.text, once.len) == 0);
        const size_t prefix = whet_nfc_prefix(text, n);
        CHECK(prefix <= once.len && memcmp(text, once.text, prefix) == 0);
        whet_buf_fini(ctx, &once);
        whet_buf_fini(ctx, &twice);
    }
}

static void added_tokens_leftmost_longest(void) {
    whet_added_set set = { 0 };
    static const char *const texts[] = { "<a>", "<a><a>", "<", "b", "<ab" };
    for (size_t i = 0; i < TEST_COUNT(texts); i++)
        REQUIRE_OK(ctx, whet_added_push(ctx, &set, texts[i], strlen(texts[i]), (int32_t)i));
    CHECK(whet_added_sort(&set) == NULL);
    static const struct {
        const char *text;
        size_t at;
        int id;
    } cases[] = { { "x<a>", 1, 0 }, { "<a><a>", 0, 1 }, { "<a><b", 0, 0 }, { "<c", 0, 2 },
                  { "xxb<", 2, 3 }, { "<ab<a>", 0, 4 }, { "xyz", 3, -1 },  { "", 0, -1 } };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        size_t at = 0;
        const whet_added_token *t =
            whet_added_match(&set, cases[i].text, strlen(cases[i].text), &at);
        CHECK_INT(at, cases[i].at);
        CHECK_INT(t ? t->id : -1, cases[i].id);
    }
    CHECK_INT(whet_added_find(&set, "<a>", 3)->id, 0);
    CHECK(!whet_added_find(&set, "<a", 2));
    REQUIRE_OK(ctx, whet_added_push(ctx, &set, "b", 1, 9));
    CHECK(whet_added_sort(&set) != NULL);
    whet_added_fini(ctx, &set);
}

static void every_byte_has_one_character(void) {
    int n_of_byte[256] = { 0 };
    for (uint32_t c = 0; c < 0x1000; c++) {
        const int byte = whet_byte_level_byte(c);
        if (byte >= 0) n_of_byte[byte & 255]++;
    }
    for (int i = 0; i < 256; i++)
        CHECK_INT(n_of_byte[i], 1);
    CHECK_INT(whet_byte_level_byte(0x120), ' ');
    CHECK_INT(whet_byte_level_byte(0x10A), '\n');
    CHECK_INT(whet_byte_level_byte(0x143), 0xAD);
    CHECK_INT(whet_byte_level_byte(0x142), 0xA0);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "merges follow the rule", merges_follow_the_rule },
        { "the last of equal merges counts", the_last_of_equal_merges_counts },
        { "words are cut", words_are_cut },
        { "text is normalized", text_is_normalized },
        { "normal text stays", normal_text_stays },
        { "added tokens, leftmost longest", added_tokens_leftmost_longest },
        { "every byte has one character", every_byte_has_one_character },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
