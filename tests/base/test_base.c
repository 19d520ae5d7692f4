/* SPDX-License-Identifier: MIT */
/* Tests of src/base. */
#include "tests/test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/child.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/utf8.h"

static whet_ctx *ctx;

static void message_may_quote_the_old_message(void) {
    whet_fail(ctx, WHET_E_IO, "first");
    CHECK_INT(whet_fail(ctx, WHET_E_IO, "%s, then second", whet_ctx_message(ctx)), WHET_E_IO);
    CHECK_STR(whet_ctx_message(ctx), "first, then second");
}

static void every_status_has_a_name(void) {
#define NAMED(code, sentence) CHECK_STR(whet_status_name(WHET_E_##code), "WHET_E_" #code);
    WHET_STATUS_LIST(NAMED)
#undef NAMED
}

static void *refuse(void *data, void *p, size_t old_bytes, size_t new_bytes) {
    int *n_left = data;
    if (new_bytes && (*n_left)-- <= 0) return NULL;
    if (new_bytes) return realloc(p, new_bytes);
    (void)old_bytes;
    free(p);
    return NULL;
}

static void allocation_may_fail(void) {
    int n_left = 1;
    whet_ctx *poor = whet_ctx_open(&(whet_ctx_opts){ .alloc = refuse, .alloc_data = &n_left });
    REQUIRE(poor);
    CHECK(whet_alloc(poor, 100) == NULL);
    CHECK_CONTAINS(whet_ctx_message(poor), "100 bytes");
    CHECK(whet_alloc_zero(ctx, SIZE_MAX / 2, 4) == NULL);
    whet_ctx_close(poor);
    n_left = 0;
    CHECK(whet_ctx_open(&(whet_ctx_opts){ .alloc = refuse, .alloc_data = &n_left }) == NULL);
}

static void arena_hands_out_and_takes_back(void) {
    whet_arena arena;
    REQUIRE_OK(ctx, whet_arena_init(ctx, &arena, 1 << 16));
    char *a = whet_arena_alloc(ctx, &arena, 1);
    const whet_mark mark = whet_arena_mark(&arena);
    char *b = whet_arena_alloc(ctx, &arena, 100);
    CHECK_INT(b - a, 64);
    CHECK_INT((uintptr_t)b % 64, 0);
    CHECK(whet_arena_alloc(ctx, &arena, 1 << 16) == NULL);
    whet_arena_reset(&arena, mark);
    CHECK(whet_arena_alloc(ctx, &arena, 100) == b);
    whet_arena_fini(&arena);
}

static void random_numbers_repeat(void) {
    whet_rng a, b;
    whet_rng_init(&a, 7);
    whet_rng_init(&b, 7);
    double (*const kinds[])(whet_rng *) = { whet_rng_normal, whet_rng_bell };
    for (int k = 0; k < 2; k++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < 10000; i++) {
            const double x = kinds[k](&a);
            CHECK(x == kinds[k](&b));
            sum += x;
            squares += x * x;
        }
        CHECK_NEAR(sum / 10000, 0.0, 0.05);
        CHECK_NEAR(squares / 10000, 1.0, 0.05);
    }
    CHECK(whet_rng_below(&a, 3) < 3);
    CHECK(whet_rng_derive(1, 0) != whet_rng_derive(1, 1));
}

static void hashes_match_published_values(void) {
    char hex[WHET_SHA256_HEX];
    whet_sha256_hex("abc", 3, hex); /* FIPS 180-2, appendix B.1 */
    CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(whet_hash64("foobar", 6) == 0x85944171f73967e8u); /* the FNV reference vectors */
}

static void utf8_replaces_maximal_subparts(void) {
    uint32_t c;
    size_t n;
    CHECK(whet_utf8_decode("\xF0\x9F\x98\x80", 4, &c, &n) && n == 4 && c == 0x1F600);
    CHECK(!whet_utf8_decode("\xE2\x82", 2, &c, &n) && n == 2);
    CHECK(!whet_utf8_decode("\xE2\x82\x41", 3, &c, &n) && n == 2);
    CHECK(!whet_utf8_decode("\xED\xA0\x80", 3, &c, &n) && n == 1);
    CHECK(!whet_utf8_decode("\xC0\x80", 2, &c, &n) && n == 1);
    CHECK(!whet_utf8_decode("\xF4\x90\x80\x80", 4, &c, &n) && n == 1);
    for (uint32_t want = 0; want < 0x110000; want += want < 0x3000 ? 1 : 97) {
        if (want >= 0xD800 && want < 0xE000) continue;
        char text[4];
        const size_t len = whet_utf8_encode(want, text);
        CHECK(whet_utf8_decode(text, len, &c, &n) && n == len && c == want);
    }
}

static void json_says_where_it_breaks(void) {
    whet_json *root;
    CHECK_STATUS(ctx, whet_json_parse(ctx, "x.json", "{\"a\":NaN}", 9, true, &root), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "x.json: not JSON at line 1");
    CHECK_STATUS(ctx, whet_json_parse(ctx, "x", "{\"a\":1,\"a\":2}", 13, true, &root),
                 WHET_E_FORMAT);
    CHECK_STATUS(ctx, whet_json_parse(ctx, "x", "\"\xff\"", 3, true, &root), WHET_E_FORMAT);
    whet_buf deep = { 0 };
    for (int i = 0; i < 100000; i++)
        REQUIRE_OK(ctx, whet_buf_putc(ctx, &deep, '['));
    CHECK_STATUS(ctx, whet_json_parse(ctx, "x", deep.text, deep.len, true, &root), WHET_E_FORMAT);
    whet_buf_fini(ctx, &deep);
    REQUIRE_OK(ctx, whet_json_parse(ctx, "x", "{\"a\":[1,2.5,\"b\\u0000c\"]}", 24, true, &root));
    const whet_json *a = whet_json_get(root, "a");
    int64_t i;
    double d;
    size_t len;
    CHECK(whet_json_integer(whet_json_at(a, 0), &i) && i == 1);
    CHECK(!whet_json_integer(whet_json_at(a, 1), &i));
    CHECK(whet_json_number(whet_json_at(a, 1), &d) && d == 2.5);
    CHECK(whet_json_string(whet_json_at(a, 2), &len) && len == 3);
    CHECK(whet_json_at(a, 3) == NULL && whet_json_get(a, "a") == NULL);
    whet_json_close(root);
}

static void json_quotes(void) {
    whet_buf buf = { 0 };
    REQUIRE_OK(ctx, whet_json_quote(ctx, &buf, "a\"\\\n\x01\xC3\xA9\xFF", 8));
    CHECK_STR(buf.text, "\"a\\\"\\\\\\n\\u0001\xC3\xA9\xEF\xBF\xBD\"");
    whet_buf_fini(ctx, &buf);
}

static void files_are_whole_or_absent(void) {
    char dir[] = "/tmp/whet-base-XXXXXX";
    REQUIRE(mkdtemp(dir));
    char path[64];
    snprintf(path, sizeof path, "%s/a/b", dir);
    REQUIRE_OK(ctx, whet_dir_make(ctx, path));
    snprintf(path, sizeof path, "%s/a/b/file", dir);
    REQUIRE_OK(ctx, whet_file_write(ctx, path, "hello", 5));
    whet_buf buf = { 0 };
    CHECK_STATUS(ctx, whet_file_read(ctx, path, 4, &buf), WHET_E_FORMAT);
    CHECK_STATUS(ctx, whet_file_read(ctx, path, 5, &buf), WHET_OK);
    CHECK_STR(buf.text, "hello");
    whet_mapping map;
    CHECK_STATUS(ctx, whet_file_map(ctx, dir, &map), WHET_E_IO);
    CHECK_STATUS(ctx, whet_file_map(ctx, "/nonexistent/x", &map), WHET_E_NOT_FOUND);
    CHECK_STATUS(ctx, whet_file_write(ctx, "/proc/nonexistent/x", "x", 1), WHET_E_IO);
    snprintf(path, sizeof path, "%s/link", dir); /* to what is not there */
    CHECK(symlink("nowhere", path) == 0);
    CHECK_STATUS(ctx, whet_dir_make(ctx, path), WHET_E_IO);
    CHECK_CONTAINS(whet_ctx_message(ctx), strerror(EEXIST)); /* why mkdir would not */
    CHECK(unlink(path) == 0);
    snprintf(path, sizeof path, "%s/pipe", dir);
    CHECK(mkfifo(path, 0600) == 0);
    CHECK_STATUS(ctx, whet_file_write(ctx, path, "x", 1), WHET_E_IO);
    CHECK_CONTAINS(whet_ctx_message(ctx), "not a regular file");
    const char *argv[] = { "rm", "-r", dir, NULL };
    whet_child_result result;
    CHECK_STATUS(ctx, whet_child_run(ctx, argv, NULL, NULL, NULL, &result), WHET_OK);
    CHECK_INT(result.exit_code, 0);
    whet_buf_fini(ctx, &buf);
}

static void children_are_heard_and_killed(void) {
    whet_buf out = { 0 }, err = { 0 };
    whet_child_result r;
    const char *cat[] = { "sh", "-c", "cat; echo no >&2; exit 3", NULL };
    REQUIRE_OK(ctx, whet_child_run(ctx, cat, &(whet_child_opts){ .input = "ab", .input_bytes = 2 },
                                   &out, &err, &r));
    CHECK(r.how == WHET_CHILD_EXITED && r.exit_code == 3);
    CHECK_STR(out.text, "ab");
    CHECK_STR(err.text, "no\n");
    const char *sleeper[] = { "sh", "-c", "sleep 100 & sleep 100", NULL };
    REQUIRE_OK(ctx, whet_child_run(ctx, sleeper, &(whet_child_opts){ .wall_seconds = 0.05 }, &out,
                                   &err, &r));
    CHECK_INT(r.how, WHET_CHILD_TIMED_OUT);
    const char *crash[] = { "sh", "-c", "kill -SEGV $$", NULL };
    REQUIRE_OK(ctx, whet_child_run(ctx, crash, NULL, NULL, NULL, &r));
    CHECK(r.how == WHET_CHILD_SIGNALLED && r.signal == 11);
    const char *missing[] = { "/nonexistent/program", NULL };
    CHECK_STATUS(ctx, whet_child_run(ctx, missing, NULL, NULL, NULL, &r), WHET_E_IO);
    /* A child that does not read its input ends all the same. */
    whet_buf big = { 0 };
    REQUIRE_OK(ctx, whet_buf_reserve(ctx, &big, 1 << 22));
    memset(big.text, 'x', 1 << 22);
    const char *deaf[] = { "true", NULL };
    REQUIRE_OK(ctx, whet_child_run(ctx, deaf,
                                   &(whet_child_opts){ .input = big.text, .input_bytes = 1 << 22 },
                                   NULL, NULL, &r));
    CHECK_INT(r.how, WHET_CHILD_EXITED);
    whet_buf_fini(ctx, &big);
    whet_buf_fini(ctx, &out);
    whet_buf_fini(ctx, &err);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "message_may_quote_the_old_message", message_may_quote_the_old_message },
        { "every_status_has_a_name", every_status_has_a_name },
        { "allocation_may_fail", allocation_may_fail },
        { "arena_hands_out_and_takes_back", arena_hands_out_and_takes_back },
        { "random_numbers_repeat", random_numbers_repeat },
        { "hashes_match_published_values", hashes_match_published_values },
        { "utf8_replaces_maximal_subparts", utf8_replaces_maximal_subparts },
        { "json_says_where_it_breaks", json_says_where_it_breaks },
        { "json_quotes", json_quotes },
        { "files_are_whole_or_absent", files_are_whole_or_absent },
        { "children_are_heard_and_killed", children_are_heard_and_killed },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
