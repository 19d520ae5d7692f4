/* SPDX-License-Identifier: MIT */
/* Programs taken apart and put together: marks, segments, knobs, operators, hashes; hostile texts.
 */
#include "tests/test.h"

#include "base/rng.h"
#include "evolve/effects.h"
#include "evolve/operators.h"
#include "kernels/programs.h"

static whet_ctx *ctx;

static const char small[] = "#include <whet/kernel.h>\n"
                            "int before; // not ours\n"
                            "// EVOLVE-BLOCK-START\n"
                            "#define TILE 64 // knob: 16 32 64\n"
                            "#define ONLY_DTYPE -1 // problem: dtype\n"
                            "  // SEGMENT-START exp\n"
                            "/* exp/libm: the library's */\n"
                            "int e = 1;\n"
                            "// SEGMENT-END exp  \n"
                            "// SEGMENT-START mix\n"
                            "int m = TILE;\n"
                            "// SEGMENT-END mix\n"
                            "// EVOLVE-BLOCK-END\n"
                            "int after;\n";

static whet_status parse(const char *text, whet_genome *g) {
    return whet_genome_parse(ctx, text, strlen(text), g);
}

static void check_extent(const whet_genome *g, whet_extent e, const char *want) {
    const size_t n = strlen(want);
    if (e.end - e.begin != n || memcmp(g->text + e.begin, want, n) != 0)
        TEST_FAIL("\"%.*s\", not \"%s\"", (int)(e.end - e.begin), g->text + e.begin, want);
}

static void test_parse(void) {
    whet_genome g;
    REQUIRE_OK(ctx, parse(small, &g));
    REQUIRE(g.n_segments == 2 && g.n_knobs == 1 && g.n_constants == 1);
    CHECK_STR(g.segments[0].name, "exp");
    check_extent(&g, g.segments[0].body, "/* exp/libm: the library's */\nint e = 1;\n");
    check_extent(&g, g.segments[1].body, "int m = TILE;\n");
    CHECK_STR(g.knobs[0].name, "TILE");
    CHECK_INT(g.knobs[0].n_choices, 3);
    CHECK_INT(g.knobs[0].chosen, 2);
    check_extent(&g, g.knobs[0].value, "64");
    check_extent(&g, g.constants[0].value, "-1");
    CHECK_STR(g.constants[0].field, "dtype");
    char name[WHET_MAX_NAME];
    whet_segment_alternative(&g, 0, name);
    CHECK_STR(name, "libm");
    whet_segment_alternative(&g, 1, name);
    CHECK_STR(name, "own");
    whet_buf json = { 0 };
    REQUIRE_OK(ctx, whet_genome_knobs_json(ctx, &g, &json));
    CHECK_STR(json.text, "{\"TILE\":\"64\"}");
    whet_buf_fini(ctx, &json);
}

#define BLOCK(inside) "// EVOLVE-BLOCK-START\n" inside "// EVOLVE-BLOCK-END\n"

static void test_hostile(void) {
    static const struct {
        const char *text, *part;
    } wrong[] = {
        { "", "no EVOLVE-BLOCK-START" },
        { "int x;\n", "no EVOLVE-BLOCK-START" },
        { "// EVOLVE-BLOCK-START\n", "no EVOLVE-BLOCK-END" },
        { "// EVOLVE-BLOCK-END\n", "without a start" },
        { "// EVOLVE-BLOCK-END\n// EVOLVE-BLOCK-START\n", "without a start" },
        { BLOCK("") BLOCK(""), "line 3: a second EVOLVE-BLOCK-START" },
        { BLOCK(BLOCK("")), "a second EVOLVE-BLOCK-START" },
        { BLOCK("") "// EVOLVE-BLOCK-END\n", "without a start" },
        { "int x; // EVOLVE-BLOCK-START\n// EVOLVE-BLOCK-END\n", "not alone" },
        { "// EVOLVE-BLOCK-START x\n// EVOLVE-BLOCK-END\n", "not alone" },
        { "//EVOLVE-BLOCK-START\n// EVOLVE-BLOCK-END\n", "not alone" },
        { BLOCK("/* EVOLVE-BLOCK */\n"), "not alone" },
        { BLOCK("// SEGMENT-START a\n"), "inside a segment" },
        { BLOCK("// SEGMENT-END a\n"), "not open" },
        { BLOCK("// SEGMENT-START a\n// SEGMENT-END b\n"), "not open" },
        { BLOCK("// SEGMENT-START a\n// SEGMENT-START b\n"), "inside a segment" },
        { BLOCK("// SEGMENT-START a\n// SEGMENT-END a\n// SEGMENT-START a\n"), "second segment" },
        { BLOCK("// SEGMENT-START\n"), "name" },
        { BLOCK("// SEGMENT-START a b\n"), "name" },
        { BLOCK("// SEGMENT-START ../a\n"), "name" },
        { BLOCK("x // SEGMENT-START a\n"), "not alone" },
        { "// SEGMENT-START a\n" BLOCK(""), "outside" },
        { "#define A 1 // knob: 1 2\n" BLOCK(""), "outside" },
        { BLOCK("#define A 3 // knob: 1 2\n"), "not among" },
        { BLOCK("#define A 1 // knob:\n"), "not among" },
        { BLOCK("#define A 1 // knob: 1 1\n"), "twice" },
        { BLOCK("#define A 1 // knob: 1 2\n#define A 1 // knob: 1 2\n"), "second knob" },
        { BLOCK("#define A // knob: 1\n"), "a knob is" },
        { BLOCK("int A = 1; // knob: 1\n"), "a knob is" },
        { BLOCK("#define A(x) 1 // knob: 1\n"), "too long" },
        { BLOCK("#define A 1 // problem:\n"), "a constant is" },
        { "#define A 1 // problem: dtype\n" BLOCK(""), "outside" },
    };
    whet_genome g;
    for (size_t i = 0; i < TEST_COUNT(wrong); i++) {
        const whet_status st = parse(wrong[i].text, &g);
        if (st != WHET_E_FORMAT || !strstr(whet_ctx_message(ctx), wrong[i].part))
            TEST_FAIL("%s gives %s (%s)", wrong[i].text, whet_status_name(st),
                      whet_ctx_message(ctx));
    }
    CHECK_STATUS(ctx, whet_genome_parse(ctx, "a\0b", 3, &g), WHET_E_FORMAT);
    const size_t n = WHET_MAX_SOURCE_BYTES + 1;
    char *big = malloc(n);
    memset(big, 'x', n);
    CHECK_STATUS(ctx, whet_genome_parse(ctx, big, n, &g), WHET_E_FORMAT);
    CHECK_STATUS(ctx, whet_genome_parse(ctx, big, WHET_MAX_LINE_BYTES + 1, &g), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "4096");
    free(big);
}

/* Too many of everything, by one. */
static void test_limits(void) {
    static const struct {
        const char *line;
        int n;
    } many[] = { { "// SEGMENT-START s%d\n// SEGMENT-END s%d\n", WHET_MAX_SEGMENTS },
                 { "#define K%d 1 // knob: 1 2 %d\n", WHET_MAX_KNOBS },
                 { "#define C%d 1 // problem: dtype %d\n", WHET_MAX_CONSTANTS } };
    for (size_t i = 0; i < TEST_COUNT(many); i++)
        for (int over = 0; over < 2; over++) {
            whet_buf text = { 0 };
            whet_genome g;
            REQUIRE_OK(ctx, whet_buf_puts(ctx, &text, "// EVOLVE-BLOCK-START\n"));
            for (int j = 0; j < many[i].n + over; j++) {
                char line[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                snprintf(line, sizeof line, many[i].line, j + 10, j + 10);
#pragma GCC diagnostic pop
                REQUIRE_OK(ctx, whet_buf_puts(ctx, &text, line));
            }
            REQUIRE_OK(ctx, whet_buf_puts(ctx, &text, "// EVOLVE-BLOCK-END\n"));
            CHECK_STATUS(ctx, whet_genome_parse(ctx, text.text, text.len, &g),
                         over ? WHET_E_FORMAT : WHET_OK);
            whet_buf_fini(ctx, &text);
        }
}

/* Bytes changed, lost, doubled at random: an answer, and no more than that. */
static void test_fuzz(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    const char *repeat = whet_program_text("repeat");
    REQUIRE(repeat);
    int n_accepted = 0;
    for (int round = 0; round < 3000; round++) {
        const char *source = round % 2 ? small : repeat;
        const size_t n = strlen(source);
        char *text = malloc(n); /* exactly: a sanitizer sees what is read past it */
        memcpy(text, source, n);
        for (uint64_t i = whet_rng_below(&rng, 4); i < 4; i++) {
            const size_t at = whet_rng_below(&rng, n), to = whet_rng_below(&rng, n);
            const size_t run = whet_rng_below(&rng, 40);
            if (at + run < n && to + run < n) memmove(text + to, text + at, run);
            text[at] = "\n/ #\0x\t-\""[whet_rng_below(&rng, 9)];
        }
        whet_genome g;
        n_accepted += whet_genome_parse(ctx, text, n, &g) == WHET_OK;
        char hex[WHET_SHA256_HEX];
        CHECK_STATUS(ctx, whet_genome_hash(ctx, text, n, hex), WHET_OK);
        free(text);
    }
    CHECK(n_accepted > 100 && n_accepted < 2900);
}

/* What stands before and behind the block is the same, byte for byte. */
static void check_outside(const whet_genome *parent, const whet_buf *child) {
    whet_genome g;
    REQUIRE_OK(ctx, whet_genome_parse(ctx, child->text, child->len, &g));
    REQUIRE(g.block.begin == parent->block.begin);
    CHECK(memcmp(g.text, parent->text, g.block.begin) == 0);
    const size_t tail = g.n_bytes - g.block.end;
    REQUIRE(tail == parent->n_bytes - parent->block.end);
    CHECK(memcmp(g.text + g.block.end, parent->text + parent->block.end, tail) == 0);
}

static void test_operators(void) {
    whet_genome g, h;
    whet_child_text child = { 0 }, other = { 0 };
    REQUIRE_OK(ctx, parse(small, &g));
    REQUIRE_OK(ctx, whet_operate_knob(ctx, &g, 0, 0, &child));
    CHECK_CONTAINS(child.text.text, "#define TILE 16 // knob: 16 32 64\n");
    CHECK_STR(child.change, "TILE: 64 -> 16");
    check_outside(&g, &child.text);
    REQUIRE_OK(ctx, whet_operate_segment(ctx, &g, 1, "// mix/rows: x\nint m = 2;\n", 26, &other));
    CHECK_CONTAINS(other.text.text, "START mix\n// mix/rows: x\nint m = 2;\n// SEGMENT-END mix\n");
    CHECK_STR(other.change, "mix: own -> rows");
    check_outside(&g, &other.text);
    /* the first with the second's mix: both changes */
    whet_genome a, b;
    whet_child_text both = { 0 };
    REQUIRE_OK(ctx, whet_genome_parse(ctx, child.text.text, child.text.len, &a));
    REQUIRE_OK(ctx, whet_genome_parse(ctx, other.text.text, other.text.len, &b));
    REQUIRE_OK(ctx, whet_operate_cross(ctx, &a, &b, 2, &both));
    CHECK_CONTAINS(both.text.text, "#define TILE 16");
    CHECK_CONTAINS(both.text.text, "int m = 2;");
    CHECK_CONTAINS(both.text.text, "int e = 1;");
    check_outside(&g, &both.text);
    char text[128];
    REQUIRE_OK(ctx, whet_genome_parse(ctx, both.text.text, both.text.len, &h));
    whet_genome_difference(&h, &g, text, sizeof text);
    CHECK_STR(text, "mix: rows, TILE: 16");
    CHECK_STATUS(ctx, whet_operate_segment(ctx, &g, 1, "int m;", 6, &child), WHET_E_ARG);
    whet_buf_fini(ctx, &child.text);
    whet_buf_fini(ctx, &other.text);
    whet_buf_fini(ctx, &both.text);
}

static void test_specialise(void) {
    whet_genome g;
    whet_buf out = { 0 };
    const whet_problem problem = { WHET_F16, 8, 2, 96, 1, 1 };
    REQUIRE_OK(ctx, parse(small, &g));
    REQUIRE_OK(ctx, whet_genome_specialise(ctx, &g, &problem, &out));
    CHECK_CONTAINS(out.text, "#define ONLY_DTYPE 2 // problem: dtype\n");
    check_outside(&g, &out);
    REQUIRE_OK(ctx, parse(BLOCK("#define A 1 // problem: weather\n"), &g));
    CHECK_STATUS(ctx, whet_genome_specialise(ctx, &g, &problem, &out), WHET_E_FORMAT);
    whet_buf_fini(ctx, &out);
}

static void test_edits_stay_inside(void) {
    whet_genome g;
    whet_buf out = { 0 };
    REQUIRE_OK(ctx, parse(small, &g));
    const whet_edit before = { { 0, 5 }, "x", 1 };
    const whet_edit behind = { { g.block.end - 2, g.block.end + 1 }, "x", 1 };
    const whet_edit twice[] = { { g.knobs[0].value, "1", 1 }, { g.knobs[0].value, "2", 1 } };
    CHECK_STATUS(ctx, whet_genome_apply(ctx, &g, &before, 1, &out), WHET_E_INTERNAL);
    CHECK_STATUS(ctx, whet_genome_apply(ctx, &g, &behind, 1, &out), WHET_E_INTERNAL);
    CHECK_STATUS(ctx, whet_genome_apply(ctx, &g, twice, 2, &out), WHET_E_INTERNAL);
    whet_buf_fini(ctx, &out);
}

static void hash_of(const char *text, char hex[WHET_SHA256_HEX]) {
    if (whet_genome_hash(ctx, text, strlen(text), hex) != WHET_OK) TEST_FAIL("no hash");
}

static void test_hash(void) {
    static const char *const same[] = {
        "int x = 1; /* a */\nchar *s = \"a  // b\";\n",
        "int  x =\t1;   // other words\r\n\n\n  char *s = \"a  // b\";\n",
        "/* one\n two */ int x = 1;\nchar *s = \"a  // b\"; // end\n",
    };
    static const char *const other[] = {
        "int x = 2; /* a */\nchar *s = \"a  // b\";\n",
        "int x = 1; /* a */\nchar *s = \"a // b\";\n",
        "int x = 1;\nchar *s = \"a  /* b */\";\n",
        "intx = 1;\nchar *s = \"a  // b\";\n",
        "int x = 1; char *s = \"a  // b\";\n",
    };
    char first[WHET_SHA256_HEX], hex[WHET_SHA256_HEX];
    hash_of(same[0], first);
    for (size_t i = 1; i < TEST_COUNT(same); i++) {
        hash_of(same[i], hex);
        CHECK_STR(hex, first);
    }
    for (size_t i = 0; i < TEST_COUNT(other); i++) {
        hash_of(other[i], hex);
        CHECK(strcmp(hex, first) != 0);
    }
    char knob[WHET_SHA256_HEX];
    hash_of("#define A 1 // knob: 1 2\n", hex);
    hash_of("#define A 2 // knob: 1 2\n", knob);
    CHECK(strcmp(hex, knob) != 0);
}

/* The programs that the library carries are what all this is for. */
static void test_library(void) {
    const char *repeat = whet_program_text("repeat");
    REQUIRE(repeat);
    whet_genome g;
    REQUIRE_OK(ctx, parse(repeat, &g));
    CHECK(g.n_segments >= 5 && g.n_constants >= 1);
    for (size_t i = 0; i < whet_n_segment_texts; i++) {
        const whet_segment_text *t = &whet_segment_texts[i];
        const whet_segment *there = whet_genome_segment(&g, t->segment);
        if (!there) TEST_FAIL("repeat has no segment %s", t->segment);
        if (!there) continue;
        const int segment = (int)(there - g.segments);
        whet_child_text child = { 0 };
        REQUIRE_OK(ctx, whet_operate_segment(ctx, &g, segment, t->text, t->len, &child));
        whet_genome h;
        REQUIRE_OK(ctx, whet_genome_parse(ctx, child.text.text, child.text.len, &h));
        char name[WHET_MAX_NAME];
        whet_segment_alternative(&h, segment, name);
        CHECK_STR(name, t->name);
        check_outside(&g, &child.text);
        whet_buf_fini(ctx, &child.text);
    }
}

/* The model finds the effects that made the numbers, and doubts what it has not seen. */
static void test_effects(void) {
    static const double of[] = { 0.5, -0.2, 0, 0.3, 1.0, 0 };
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    whet_observation seen[60];
    for (int i = 0; i < 60; i++) {
        const int a = (int)whet_rng_below(&rng, 2), b = 2 + (int)whet_rng_below(&rng, 3);
        seen[i] = (whet_observation){ .ideas = { a, b }, .n_ideas = 2 };
        seen[i].log_speed = -1 + of[a] + of[b] + 0.02 * whet_rng_normal(&rng);
    }
    whet_effects e;
    whet_effects_fit(seen, 60, 6, &e);
    CHECK_NEAR(e.of[0] - e.of[1], 0.7, 0.05);
    CHECK_NEAR(e.of[4] - e.of[2], 1.0, 0.08);
    CHECK_NEAR(e.of[4] - e.of[3], 0.7, 0.08);
    CHECK_NEAR(e.of[5], 0, 0);
    CHECK_INT(e.n[5], 0);
    whet_effects_fit(seen, 0, 6, &e);
    CHECK_NEAR(e.of[0], 0, 0);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    static const test_case tests[] = {
        { "parse", test_parse },
        { "hostile", test_hostile },
        { "limits", test_limits },
        { "fuzz", test_fuzz },
        { "operators", test_operators },
        { "specialise", test_specialise },
        { "edits_stay_inside", test_edits_stay_inside },
        { "hash", test_hash },
        { "library", test_library },
        { "effects", test_effects },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
