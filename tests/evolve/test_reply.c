/* SPDX-License-Identifier: MIT */
/* Replies of language models: hunks, rewrites, and everything else that comes. */
#include "tests/test.h"

#include "evolve/reply.h"
#include "kernels/programs.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

static whet_ctx *ctx;

static const char program[] = "#include <whet/kernel.h>\n"
                              "int before;\n"
                              "// EVOLVE-BLOCK-START\n"
                              "#define TILE 64 // knob: 16 32 64\n"
                              "int f(int a) {\n"
                              "    int b = a + TILE;\n"
                              "    return b;\n"
                              "}\n"
                              "int g(void) {\n"
                              "    return f(1);\n"
                              "}\n"
                              "// EVOLVE-BLOCK-END\n"
                              "int after;\n";

#define HUNK(search, replace) "<<<<<<< SEARCH\n" search "=======\n" replace ">>>>>>> REPLACE\n"

static whet_genome parent;

static void check(const char *text, size_t n, whet_reply_outcome outcome, const char *part) {
    whet_reply r;
    REQUIRE_OK(ctx, whet_reply_read(ctx, &parent, text, n, &r));
    if (r.outcome != outcome)
        TEST_FAIL("%s, not %s: %s", whet_reply_name(r.outcome), whet_reply_name(outcome), r.why);
    else
        CHECK_CONTAINS(outcome == WHET_REPLY_PROGRAM ? r.text.text : r.why, part);
    whet_reply_fini(ctx, &r);
}

static void check_text(const char *text, whet_reply_outcome outcome, const char *part) {
    check(text, strlen(text), outcome, part);
}

static void test_hunks(void) {
    check_text("Faster.\n" HUNK("    return b;\n", "    return 2 * b;\n"), WHET_REPLY_PROGRAM,
               "TILE;\n    return 2 * b;\n}\nint g");
    check_text(HUNK("\treturn b;  \n", "return 3 * b;\n"), WHET_REPLY_PROGRAM, "return 3 * b;");
    check_text(HUNK("\n\n    return b;\n}\n\n", "}\n"), WHET_REPLY_PROGRAM, "TILE;\n}\nint g");
    check_text(HUNK("    return b;\n", ""), WHET_REPLY_PROGRAM, "TILE;\n}\nint g");
    check_text("<<<<<<< SEARCH\r\n    return b;\r\n=======\r\n    return 4;\r\n>>>>>>> REPLACE\r\n",
               WHET_REPLY_PROGRAM, "TILE;\n    return 4;\n}");
    /* the second finds what the first wrote */
    check_text(HUNK("    return b;\n", "    return c;\n")
                   HUNK("    return c;\n", "    return d;\n"),
               WHET_REPLY_PROGRAM, "return d;");
}

static void test_hunks_that_fail(void) {
    check_text(HUNK("    return c;\n", "x\n"), WHET_REPLY_NO_MATCH,
               "nearest line there is \"return");
    check_text(HUNK("}\n", "x\n"), WHET_REPLY_AMBIGUOUS, "2 times");
    check_text(HUNK("\n", "x\n"), WHET_REPLY_NO_MATCH, "searches nothing");
    check_text(HUNK("int after;\n", "int other;\n"), WHET_REPLY_OUTSIDE, "line 13");
    check_text(HUNK("// EVOLVE-BLOCK-END\n", "\n"), WHET_REPLY_OUTSIDE, "line 12");
    check_text("<<<<<<< SEARCH\n    return b;\n=======\nx\n", WHET_REPLY_BROKEN_HUNK, "hunk 1");
    check_text("<<<<<<< SEARCH\n    return b;\n" HUNK("a\n", "b\n"), WHET_REPLY_BROKEN_HUNK,
               "line 1 ");
    check_text(HUNK("    return b;\n", "    return b; // the same\n"), WHET_REPLY_NO_CHANGE,
               "same");
    check_text(HUNK("    return b;\n", "// EVOLVE-BLOCK-END\n"), WHET_REPLY_NO_PROGRAM, "line ");
    check_text(HUNK("#define TILE 64 // knob: 16 32 64\n", "#define TILE 65 // knob: 16\n"),
               WHET_REPLY_NO_PROGRAM, "line 4");
}

/* Prompts show programs without comments: what is searched need not have them. */
static void test_hunks_without_comments(void) {
    static const char with_comments[] = "// EVOLVE-BLOCK-START\n"
                                        "#define TILE 64 // knob: 16 32 64\n"
                                        "int f(int a) { // the \"first\"\n"
                                        "    /* Adds\n"
                                        "     * the tile. */\n"
                                        "    int b = a /* of the caller */ + TILE;\n"
                                        "\n"
                                        "    const char *s = \"// no comment\";\n"
                                        "    return b; // done\n"
                                        "}\n"
                                        "// EVOLVE-BLOCK-END\n";
    const whet_genome before = parent;
    REQUIRE_OK(ctx, whet_genome_parse(ctx, with_comments, strlen(with_comments), &parent));
    check_text(HUNK("int f(int a) {\n    int b = a + TILE;\n", "int f(int a) {\n    int b = a;\n"),
               WHET_REPLY_PROGRAM, "32 64\nint f(int a) {\n    int b = a;\n\n    const");
    check_text(HUNK("    const char *s = \"// no comment\";\n    return b;\n", "    return a;\n"),
               WHET_REPLY_PROGRAM, "TILE;\n\n    return a;\n}");
    check_text(HUNK("#define TILE 64 // knob: 16 32 64\nint f(int a) {\n",
                    "#define TILE 32 // knob: 16 32\nint f(int a) {\n"),
               WHET_REPLY_PROGRAM, "TILE 32 // knob: 16 32\nint f");
    check_text(HUNK("    return b; // mine\n", "    return a;\n"), WHET_REPLY_PROGRAM, "return a;");
    check_text(HUNK("    const char *s = \"\";\n", "x\n"), WHET_REPLY_NO_MATCH, "nearest");
    check_text(HUNK("// done\n", "x\n"), WHET_REPLY_NO_MATCH, "nearest");
    parent = before;
}

static void test_rewrites(void) {
    check_text("```c\nint h;\n```\n", WHET_REPLY_PROGRAM,
               "START\nint h;\n// EVOLVE-BLOCK-END\nint after");
    check_text("Short:\n```\nint s;\n```\nLong:\n```c\nint l;\nint m;\n```\n", WHET_REPLY_PROGRAM,
               "START\nint l;\nint m;\n// EVOLVE");
    whet_buf whole = { 0 };
    REQUIRE_OK(ctx, whet_buf_printf(ctx, &whole, "```\n%s```\n", program));
    check(whole.text, whole.len, WHET_REPLY_NO_CHANGE, "same");
    memcpy(strstr(whole.text, "f(1)"), "f(2)", 4);
    check(whole.text, whole.len, WHET_REPLY_PROGRAM, "f(2)");
    memcpy(strstr(whole.text, "int after"), "int other", 9);
    check(whole.text, whole.len, WHET_REPLY_OUTSIDE, "behind");
    memcpy(strstr(whole.text, "int before"), "int befora", 10);
    check(whole.text, whole.len, WHET_REPLY_OUTSIDE, "before");
    memcpy(strstr(whole.text, "BLOCK-END"), "BLOCK-ENT", 9);
    check(whole.text, whole.len, WHET_REPLY_NO_PROGRAM, "EVOLVE-BLOCK");
    whet_buf_fini(ctx, &whole);
}

static void test_no_edits(void) {
    check_text("", WHET_REPLY_NO_REPLY, "empty");
    check_text(" \n\n", WHET_REPLY_NO_REPLY, "empty");
    check_text("I cannot help with that.", WHET_REPLY_NO_EDIT, "neither");
    check_text("```c\nint unfinished;", WHET_REPLY_NO_EDIT, "neither");
    check_text("\xff\xfe```", WHET_REPLY_NOT_TEXT, "UTF-8");
    check("```\nint a;\0\n```\n", 15, WHET_REPLY_NOT_TEXT, "control");
    char *huge = malloc(10 << 20);
    REQUIRE(huge);
    memset(huge, 'a', 10 << 20);
    check(huge, 10 << 20, WHET_REPLY_TOO_LONG, "1048576");
    memset(huge, '\n', WHET_MAX_REPLY_BYTES);
    check(huge, WHET_MAX_REPLY_BYTES, WHET_REPLY_NO_REPLY, "empty");
    free(huge);
}

static void test_header(void) {
    whet_reply r;
    const char *text =
        "Name: halve the \x1b[31mwork\nReason:  b is enough \n" HUNK("    return b;\n", "x\n");
    check_text(text, WHET_REPLY_NOT_TEXT, "control");
    text = "Name: halve the work\nReason:  b is enough \n" HUNK("    return b;\n", "Name: no\n");
    REQUIRE_OK(ctx, whet_reply_read(ctx, &parent, text, strlen(text), &r));
    CHECK_STR(r.name, "halve the work");
    CHECK_STR(r.reason, "b is enough");
    CHECK_INT(r.n_hunks, 1);
    CHECK(!r.is_rewrite);
    whet_reply_fini(ctx, &r);
}

/* Good replies with a few bytes changed: nothing crashes, and nothing outside the block changes. */
static void test_fuzz(void) {
    static const char *const seeds[] = {
        HUNK("#define TILE 64 // knob: 16 32 64 128 256\n", "#define TILE 32 // knob: 16 32\n"),
        "```c\nint h;\n// SEGMENT-START a\n// SEGMENT-END a\n```\n", "```\n%s```\n"
    };
    const char *source = whet_program_text("repeat");
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int i = 0; i < 600; i++) {
        whet_buf bytes = { 0 };
        const char *seed = seeds[i % 3];
        if (i % 3 == 2)
            REQUIRE_OK(ctx, whet_buf_printf(ctx, &bytes, "```\n%s```\n", source));
        else
            REQUIRE_OK(ctx, whet_buf_puts(ctx, &bytes, seed));
        fuzz_mutate(ctx, &rng, &bytes, bytes.len);
        CHECK_INT(LLVMFuzzerTestOneInput((const uint8_t *)bytes.text, bytes.len), 0);
        whet_buf_fini(ctx, &bytes);
    }
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    if (whet_genome_parse(ctx, program, strlen(program), &parent) != WHET_OK) return 1;
    static const test_case tests[] = {
        { "hunks", test_hunks },
        { "hunks_that_fail", test_hunks_that_fail },
        { "hunks_without_comments", test_hunks_without_comments },
        { "rewrites", test_rewrites },
        { "no_edits", test_no_edits },
        { "header", test_header },
        { "fuzz", test_fuzz },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
