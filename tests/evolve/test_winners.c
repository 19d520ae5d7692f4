/* SPDX-License-Identifier: MIT */
/* Receipts and winners that travel: what is written is read back, and of strangers' bytes nothing
 * is taken that is not right. */
#include "tests/test.h"

#include <whet/winner.h>

#include "base/file.h"
#include "base/hash.h"
#include "evolve/genome.h"
#include "evolve/receipt.h"
#include "evolve/self_check.h"
#include "evolve/winners.h"
#include "kernels/programs.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

static whet_ctx *ctx;
static char folder[64];
static whet_receipt receipt, got;

static void add(const char *shape, const char *rival, double ratio, double low) {
    whet_measured m = { .ratio = { ratio, low, 2 * ratio },
                        .seed = UINT64_MAX,
                        .n_pairs = 5,
                        .ns = 1e6,
                        .rival_ns = 1e6 * ratio,
                        .kv_bytes = 4096 };
    snprintf(m.shape, sizeof m.shape, "%s", shape);
    snprintf(m.rival, sizeof m.rival, "%s", rival);
    whet_receipt_add(&receipt, &m);
}

/* Of the program `repeat`, with texts that upset a comment and a JSON string. */
static void make_receipt(void) {
    const char *source = whet_program_text("repeat");
    receipt = (whet_receipt){
        .problem = { .dtype = WHET_BF16,
                     .n_heads = 4,
                     .n_kv_heads = 2,
                     .head_dim = 64,
                     .n_context = 64 },
        .abi = WHET_KERNEL_ABI,
        .version = "0.1.0",
        .fingerprint = "elsewhere",
        .cpu = "a \"cpu\" */ of\\ somebody",
        .compiler = "cc",
        .date = "2026-01-01T00:00:00Z",
        .seed = 7,
        .n_lineage = 2,
        .lineage = { { .operator_name = "diff", .change = "*/ int x; /* caf\xc3\xa9" },
                     { .operator_name = "seed" } },
    };
    whet_sha256_hex(source, strlen(source), receipt.source_sha256);
    whet_sha256_hex("object", 6, receipt.object_sha256);
    REQUIRE_OK(ctx, whet_genome_hash(ctx, source, strlen(source), receipt.program_hash));
    for (int i = 0; i < 2; i++)
        memcpy(receipt.lineage[i].hash, receipt.program_hash, sizeof receipt.program_hash);
    add("decode@64", "repeat", 1.25, 1.1);
    add("prefill64@64", "repeat", 0.9, 0.8);
}

static void test_round_trip(void) {
    whet_buf json = { 0 };
    make_receipt();
    REQUIRE_OK(ctx, whet_receipt_write(ctx, &receipt, &json));
    REQUIRE_OK(ctx, whet_receipt_parse(ctx, "text", json.text, json.len, &got));
    CHECK(memcmp(&got, &receipt, sizeof got) == 0);
    CHECK(whet_receipt_find(&got, "decode@64", "repeat") == &got.measured[0]);
    CHECK(!whet_receipt_find(&got, "decode@64", "fused"));
    whet_buf_fini(ctx, &json);
}

/* One text in the JSON is replaced by another. */
static void refuse(const char *from, const char *to, const char *why) {
    whet_buf json = { 0 }, bad = { 0 };
    REQUIRE_OK(ctx, whet_receipt_write(ctx, &receipt, &json));
    const char *at = strstr(json.text, from);
    REQUIRE(at);
    REQUIRE_OK(ctx, whet_buf_append(ctx, &bad, json.text, (size_t)(at - json.text)));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &bad, to));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &bad, at + strlen(from)));
    CHECK_STATUS(ctx, whet_receipt_parse(ctx, "text", bad.text, bad.len, &got), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "text");
    CHECK_CONTAINS(whet_ctx_message(ctx), why);
    whet_buf_fini(ctx, &json);
    whet_buf_fini(ctx, &bad);
}

static void test_refusals(void) {
    make_receipt();
    refuse("\"whet\"", "\"what\"", "\"whet\" is not a text");
    refuse("\"bf16\"", "\"bf17\"", "f32, bf16 or f16");
    refuse(receipt.program_hash, "abc", "64 hexadecimal digits");
    refuse("\"heads\":4", "\"heads\":4000000000", "a whole number");
    refuse("\"heads\":4", "\"heads\":3", "a divisor");
    refuse("\"heads\":4", "\"heads\":0", "a whole number");
    refuse("\"context\":64", "\"context\":-1", "a whole number");
    refuse("\"ratio\":1.25", "\"ratio\":-1", "a number from 0 on");
    refuse("\"ratio\":1.25", "\"ratio\":1e300", "a number from 0 on");
    refuse("\"ratio\":1.25", "\"ratio\":\"1\"", "a number from 0 on");
    refuse("\"seed\":\"7\"", "\"seed\":\"18446744073709551616\"", "a seed");
    refuse("\"seed\":\"7\"", "\"seed\":\"0x7\"", "a seed");
    refuse("\"cc\"", "\"c\\u0007c\"", "printable");
    refuse("\"cc\"", "\"c\\u0000c\"", "text");
    refuse("\"measured\":[", "\"measured\":[[],", "not a text");
    refuse("\"lineage\":[",
           "\"lineage\":[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},"
           "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},"
           "{},{},{},{},{},{},",
           "a list of at most");
}

/* Over the engine's own kernel, where that was measured. */
static void test_faster(void) {
    make_receipt();
    CHECK(whet_receipt_is_faster(&receipt, NULL)); /* 5 log 1.1 + log 0.8 > 0 */
    add("decode@64", "fused", 1.25, 1.01);
    add("prefill64@64", "fused", 1, 0.8);
    CHECK(!whet_receipt_is_faster(&receipt, NULL));
    add("decode@64", "grouped", 1.25, 1.01);
    add("prefill64@64", "grouped", 1, 0.99);
    CHECK(whet_receipt_is_faster(&receipt, NULL));
    /* a profile says what the engine takes here; a name that it does not know says nothing */
    CHECK(!whet_receipt_is_faster(&receipt, "fused-portable"));
    CHECK(whet_receipt_is_faster(&receipt, "repeat-portable"));
    CHECK(whet_receipt_is_faster(&receipt, "no-such-kernel"));
    add("decode@64", "grouped", 9, 9); /* the first one counts */
    receipt.measured[4].ratio.low = 1; /* no faster in decode, and slower in prefill */
    CHECK(!whet_receipt_is_faster(&receipt, NULL));
    receipt.measured[5].ratio.low = 1.01;
    CHECK(whet_receipt_is_faster(&receipt, NULL));
    receipt.measured[4].ratio.low = 0.985; /* 5 log 0.985 + log 1.09 > 0 */
    receipt.measured[5].ratio.low = 1.07;
    CHECK(!whet_receipt_is_faster(&receipt, NULL));
    receipt.measured[5].ratio.low = 1.09;
    CHECK(whet_receipt_is_faster(&receipt, NULL));
    receipt.measured[4].ratio.low = 0.975; /* whatever the prefill */
    receipt.measured[5].ratio.low = 2;
    CHECK(!whet_receipt_is_faster(&receipt, NULL));
    receipt.n_measured = 0;
    CHECK(!whet_receipt_is_faster(&receipt, NULL));
}

static void write_line(whet_buf *text) {
    const char *source = whet_program_text("repeat");
    whet_buf json = { 0 };
    REQUIRE_OK(ctx, whet_receipt_write(ctx, &receipt, &json));
    for (size_t i = 0; i < json.len; i++)
        if (json.text[i] == '\n') json.text[i] = ' ';
    REQUIRE_OK(ctx, whet_buf_printf(ctx, text,
                                    "{\"type\":\"winner\",\"receipt\":%s,\"source\":", json.text));
    REQUIRE_OK(ctx, whet_json_quote(ctx, text, source, strlen(source)));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, text, "}\n"));
    whet_buf_fini(ctx, &json);
}

static void refuse_lines(const char *text, const char *why) {
    whet_winner_lines lines;
    CHECK_STATUS(ctx, whet_winner_lines_read(ctx, "f", text, strlen(text), &lines), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), why);
    CHECK(lines.n == 0 && !lines.lines);
}

static void test_lines(void) {
    whet_winner_lines lines;
    whet_buf text = { 0 };
    make_receipt();
    write_line(&text);
    write_line(&text);
    REQUIRE_OK(ctx, whet_winner_lines_read(ctx, "f", text.text, text.len, &lines));
    CHECK_INT(lines.n, 2);
    CHECK_STR(lines.lines[1].source.text, whet_program_text("repeat"));
    CHECK(memcmp(&lines.lines[1].receipt, &receipt, sizeof receipt) == 0);
    whet_winner_lines_fini(ctx, &lines);
    refuse_lines("", "f holds no winner");
    refuse_lines("{}\n", "f, line 1 is not a winner");
    refuse_lines("\n", "f, line 1");
    strstr(text.text + text.len / 2 + 100, "EVOLVE")[0] = 'e'; /* in the second source */
    refuse_lines(text.text, "f, line 2: the source is not the receipt's");
    whet_buf_clear(&text);
    receipt.abi++;
    write_line(&text);
    refuse_lines(text.text, "kernel ABI");
    whet_buf_clear(&text);
    make_receipt();
    for (int i = 0; i <= WHET_MAX_IMPORTED; i++)
        write_line(&text);
    refuse_lines(text.text, "more than 64");
    whet_buf_clear(&text);
    REQUIRE_OK(ctx, whet_buf_append(ctx, &text, "", 1));
    while (text.len <= WHET_MAX_WINNER_BYTES)
        REQUIRE_OK(ctx, whet_buf_append(ctx, &text, text.text, text.len));
    memset(text.text, ' ', text.len);
    refuse_lines(text.text, "f, line 1: a winner has at most 524288 bytes");
    whet_buf_fini(ctx, &text);
}

static void test_fuzz(void) {
    whet_rng rng;
    whet_buf whole = { 0 }, bytes = { 0 };
    make_receipt();
    write_line(&whole);
    write_line(&whole);
    whet_rng_init(&rng, test_seed);
    for (int i = 0; i < 200; i++) {
        whet_buf_clear(&bytes);
        REQUIRE_OK(ctx, whet_buf_append(ctx, &bytes, whole.text, whole.len));
        fuzz_mutate(ctx, &rng, &bytes, i % 2 ? 2600 : whole.len); /* often in the receipt */
        LLVMFuzzerTestOneInput((const uint8_t *)bytes.text, bytes.len);
    }
    whet_buf_fini(ctx, &whole);
    whet_buf_fini(ctx, &bytes);
}

/* A kernel out of `repeat` with one text replaced. */
static void check_changed(const char *from, const char *to, whet_status want, const char *why) {
    char path[128];
    whet_buf text = { 0 };
    whet_attention_library *library = NULL;
    const whet_problem problem = receipt.problem;
    const char *source = whet_program_text("repeat"), *at = strstr(source, from);
    REQUIRE(at);
    REQUIRE_OK(ctx, whet_buf_append(ctx, &text, source, (size_t)(at - source)));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &text, to));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &text, at + strlen(from)));
    snprintf(path, sizeof path, "%s/changed.c", folder);
    REQUIRE_OK(ctx, whet_file_write(ctx, path, text.text, text.len));
    REQUIRE_OK(ctx, whet_attention_compile(ctx, path, NULL, &library));
    CHECK_STATUS(ctx, whet_self_check(ctx, whet_attention_library_kernel(library), &problem), want);
    if (want != WHET_OK) CHECK_CONTAINS(whet_ctx_message(ctx), why);
    whet_attention_unload(library);
    whet_buf_fini(ctx, &text);
}

/* What is right passes; what is wrong, or crashes, is told, and this process lives on. */
static void test_self_check(void) {
    make_receipt();
    check_changed("a->scale *", "a->scale *", WHET_OK, "");
    check_changed("a->scale *", "2 * a->scale *", WHET_E_UNSUPPORTED, "it calculates");
    check_changed("a->scale *", "*(volatile float *)8 *", WHET_E_UNSUPPORTED, "it ends by signal");
}

int main(int argc, char **argv) {
    snprintf(folder, sizeof folder, "/tmp/whet-test-winners-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    ctx = whet_ctx_open(NULL);
    static const test_case tests[] = {
        { "round_trip", test_round_trip },
        { "refusals", test_refusals },
        { "faster", test_faster },
        { "lines", test_lines },
        { "fuzz", test_fuzz },
        { "self_check", test_self_check },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? rc : 1;
}
