/* SPDX-License-Identifier: MIT */
/* The judge's measure: where mutants stand, that equal seeds give equal mutants, what becomes of
 * them, and what two kernels have in common. */
#include "tests/test.h"

#include <whet/score.h>

#include "base/rng.h"
#include "judge/corpus.h"
#include "judge/likeness.h"
#include "judge/mutant.h"
#include "judge/token.h"

static whet_ctx *ctx;

static whet_judge_opts small_opts(void) {
    return (whet_judge_opts){
        .problem = { WHET_BF16, 2, 1, 16, 8, 96 },
        .n_threads = 2,
        .seed = test_seed,
        .worker = WHET_PROGRAM,
    };
}

static void test_tokens(void) {
    static const char text[] = "// a b\n#include <c.h>\n#define D(e, f) g \\\n  + 1.5e-3f\n"
                               "x/* y */<<=\"z\" 0x1eu-w->v;\n";
    static const struct {
        const char *text;
        int line;
    } want[] = { { "", 2 },    { "", 2 },        { "", 3 },      { "g", 3 },
                 { "+", 4 },   { "1.5e-3f", 4 }, { "", 4 },      { "x", 5 },
                 { "<<=", 5 }, { "\"z\"", 5 },   { "0x1eu", 5 }, { "-", 5 },
                 { "w", 5 },   { "->", 5 },      { "v", 5 },     { ";", 5 } };
    whet_token *tokens = NULL;
    size_t n = 0;
    REQUIRE_OK(ctx, whet_tokens_read(ctx, text, strlen(text), &tokens, &n));
    CHECK_INT(n, TEST_COUNT(want));
    for (size_t i = 0; i < n && i < TEST_COUNT(want); i++) {
        char got[16] = "";
        memcpy(got, text + tokens[i].begin, tokens[i].end - tokens[i].begin);
        CHECK_STR(got, want[i].text);
        CHECK_INT(tokens[i].line, want[i].line);
    }
    whet_free(ctx, tokens);
}

/* Whatever the bytes: tokens are in order and inside of the text, and mutants can be made. */
static void test_any_text(void) {
    static const char letters[] = "ab0.x+-*/<>=&|?:;,()[]{}\"'\\\n #define for if float e p_\t";
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int round = 0; round < 3000; round++) {
        char text[64];
        const size_t len = (size_t)whet_rng_below(&rng, sizeof text - 1);
        for (size_t i = 0; i < len; i++)
            text[i] = letters[whet_rng_below(&rng, sizeof letters - 1)];
        text[len] = '\0';
        whet_token *tokens = NULL;
        size_t n = 0, at = 0;
        REQUIRE_OK(ctx, whet_tokens_read(ctx, text, len, &tokens, &n));
        for (size_t i = 0; i < n; at = tokens[i++].end)
            CHECK(tokens[i].begin >= at && tokens[i].end >= tokens[i].begin &&
                  tokens[i].end <= len);
        whet_free(ctx, tokens);
        whet_mutant *mutants = NULL;
        REQUIRE_OK(ctx, whet_mutants_list(ctx, text, &mutants, &n));
        for (size_t i = 0; i < n; i++)
            CHECK(mutants[i].begin <= mutants[i].end && mutants[i].end <= len);
        whet_free(ctx, mutants);
    }
}

/* Whether one of the mutants of that kind turns `from` into `to`. */
static bool becomes(const char *mutation, const char *from, const char *to) {
    whet_mutant *mutants = NULL;
    whet_buf out = { 0 };
    size_t n = 0;
    bool is_there = false;
    whet_status st = whet_mutants_list(ctx, from, &mutants, &n);
    for (size_t i = 0; i < n && st == WHET_OK && !is_there; i++) {
        st = whet_mutant_apply(ctx, from, &mutants[i], &out);
        is_there = strcmp(mutants[i].mutation, mutation) == 0 && strcmp(out.text, to) == 0;
    }
    whet_free(ctx, mutants);
    whet_buf_fini(ctx, &out);
    return st == WHET_OK && is_there;
}

static void test_kinds(void) {
    static const struct {
        const char *mutation, *from, *to;
    } rows[] = {
        { "operator", "x = a + b;", "x = a - b;" },
        { "operator", "l += w;", "l = w;" },
        { "bound", "if (t <= last) x = 1;", "if (t < last) x = 1;" },
        { "condition", "if (a) x = 1;", "if (0 && a) x = 1;" },
        { "condition", "x = n > 0 ? a : b;", "x = n > 0 || 1 ? a : b;" },
        { "constant", "x = 64;", "x = (64 - 1);" },
        { "constant", "x = 1.5f;", "x = (1.5f * 1.02f);" },
        { "constant", "#define TILE 8\n", "#define TILE (8 + 1)\n" },
        { "mask", "y = u & 0x7fff;", "y = u & (0x7fff ^ 1);" },
        { "mask", "y = u >> 16;", "y = u >> (16 >> 1);" },
        { "index", "s = q[f(c)];", "s = q[f(c) + 1];" },
        { "scale", "x = y * a->scale;", "x = y * 1.0f;" },
        { "scale", "x = y * a->scale;", "x = y * a->scale * 1.02f;" },
        { "cast", "x = (int64_t)r * n;", "x = r * n;" },
        { "type", "float sum = 0;", "_Float16 sum = 0;" },
        { "statement", "x = 1; f(y); z = 2;", "x = 1; ; z = 2;" },
        { "statement", "for (;;) { if (a) continue; }", "for (;;) { if (a) ; }" },
        { "rescale", "for (c = 0; c < d; c++) o[c] *= w;", "for (c = 0; c < d; c++) ;" },
        { "tail", "for (t = 0; t < n; t++) f(t);", "for (t = 0; t < n - 1; t++) f(t);" },
        { "tail", "for (t = 0; t < n; t++) f(t);", "for (t = 0; t < n; t += 2) f(t);" },
        { "operand", "x = a - b;", "x = b - a;" },
        { "operand", "x = f(a, b);", "x = f(b , a);" },
        { "variable", "x = k[a] + v[b];", "x = k[a] + v[a];" },
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++)
        if (!becomes(rows[i].mutation, rows[i].from, rows[i].to))
            TEST_FAIL("no %s makes \"%s\" of \"%s\"", rows[i].mutation, rows[i].to, rows[i].from);
}

/* Declarations, comments, strings, conditions of the preprocessor and what is outside of the block
 * stay. */
static void test_places(void) {
    static const char *const nothing[] = { "// a + 1\n",      "/* x[1] */",       "\"a + 1\"",
                                           "#if A > 1\n",     "#include <a.h>\n", "x *y;",
                                           "sizeof(f) + g();" };
    static const char block[] = "int a = 1;\n// EVOLVE-BLOCK-START\nint b = 2;\n"
                                "// EVOLVE-BLOCK-END\nint c = 3;\n";
    whet_mutant *mutants = NULL;
    size_t n = 0;
    for (size_t i = 0; i < TEST_COUNT(nothing) - 1; i++) {
        REQUIRE_OK(ctx, whet_mutants_list(ctx, nothing[i], &mutants, &n));
        const bool is_product = strstr(nothing[i], "*y") != NULL; /* or a declaration */
        if (n && !is_product) TEST_FAIL("%s has %zu mutants", nothing[i], n);
        whet_free(ctx, mutants);
    }
    REQUIRE_OK(ctx, whet_mutants_list(ctx, block, &mutants, &n));
    CHECK(n > 0);
    for (size_t i = 0; i < n; i++)
        CHECK_INT(mutants[i].line, 3);
    whet_free(ctx, mutants);
}

static void check_same(const whet_score_item *a, const whet_score_item *b) {
    CHECK_STR(a->before, b->before);
    CHECK_STR(a->after, b->after);
    CHECK_INT(a->line, b->line);
    CHECK_INT(a->fate, b->fate);
    CHECK_INT(a->verdict.code, b->verdict.code);
}

/* Of these mutants none is a hole; the first one is the same whatever the number of them and of the
 * threads. */
static void test_score(void) {
    const whet_judge_opts judge = small_opts();
    const whet_score_text plain = { "plain.c", whet_corpus_plain() };
    whet_score many, few;
    whet_score_opts opts = { .n_mutants = 8, .n_honest = 1, .n_threads = 2, .seed = 1 };
    REQUIRE_OK(ctx, whet_score_run(ctx, &judge, &plain, 1, &opts, &many));
    opts = (whet_score_opts){ .n_mutants = 1, .seed = 1 };
    REQUIRE_OK(ctx, whet_score_run(ctx, &judge, &plain, 1, &opts, &few));
    CHECK_INT(many.n_items, 9);
    CHECK_INT(few.n_items, 1);
    CHECK(many.n_possible > 100 && many.n_possible == few.n_possible);
    int n_rejected = 0;
    for (int i = 0; i < 8; i++) {
        const whet_score_item *it = &many.items[i];
        printf("# line %d %s: \"%s\" to \"%s\": %s, %s\n", it->line, it->mutation, it->before,
               it->after, whet_fate_name(it->fate), whet_verdict_name(it->verdict.code));
        CHECK(it->mutation != NULL && it->fate < WHET_FATE_HOLE);
        n_rejected += it->fate == WHET_FATE_REJECTED;
        CHECK((it->fate == WHET_FATE_REJECTED) == (it->verdict.code != WHET_V_PASS));
        CHECK((it->fate == WHET_FATE_REJECTED) == (it->n_cases == 0));
    }
    CHECK(n_rejected >= 5);
    CHECK(!many.items[8].mutation && many.items[8].fate == WHET_FATE_ACCEPTED);
    check_same(&many.items[0], &few.items[0]);
    whet_score_fini(ctx, &many);
    whet_score_fini(ctx, &few);
}

/* h09-reverse was UNCOVERED: the instrumented build had a copy of a block for rows of no elements.
 */
static void test_copies_of_blocks(void) {
    const whet_judge_opts judge = small_opts();
    const whet_score_opts opts = { .n_honest = 1 };
    whet_corpus_file file;
    whet_buf text = { 0 };
    whet_score score;
    size_t i = 0;
    while (whet_corpus_get(i, &file) && strcmp(file.name, "h09-reverse") != 0)
        i++;
    REQUIRE_OK(ctx, whet_corpus_compose(ctx, "", file.text, &text));
    const whet_score_text reverse = { "h09-reverse.c", text.text };
    REQUIRE_OK(ctx, whet_score_run(ctx, &judge, &reverse, 1, &opts, &score));
    CHECK_STR(score.items[0].verdict.reason, "");
    whet_score_fini(ctx, &score);
    whet_buf_fini(ctx, &text);
}

static void test_refusals(void) {
    const whet_judge_opts judge = small_opts();
    const whet_score_text wrong = { "wrong.c", "int x;\n" };
    whet_score score;
    whet_score_opts opts = { .n_mutants = 1 };
    CHECK_STATUS(ctx, whet_score_run(ctx, &judge, &wrong, 1, &opts, &score), WHET_E_ARG);
    CHECK_CONTAINS(whet_ctx_message(ctx), "wrong.c is itself rejected");
    CHECK_STATUS(ctx, whet_score_run(ctx, &judge, &wrong, -1, &opts, &score), WHET_E_ARG);
    opts = (whet_score_opts){ .n_honest = 1, .n_threads = 1000 };
    CHECK_STATUS(ctx, whet_score_run(ctx, &judge, &wrong, 1, &opts, &score), WHET_E_ARG);
    opts = (whet_score_opts){ .n_honest = 1 };
    REQUIRE_OK(ctx, whet_score_run(ctx, &judge, &wrong, 1, &opts, &score));
    CHECK_INT(score.items[0].fate, WHET_FATE_REFUSED);
    whet_score_fini(ctx, &score);
}

/* The plain kernel with some of its places changed. */
static whet_status build(const whet_judge *judge, const char *defines, whet_object *object) {
    whet_buf text = { 0 };
    whet_verdict v;
    whet_status st = whet_buf_puts(ctx, &text, defines);
    if (st == WHET_OK) st = whet_buf_puts(ctx, &text, whet_corpus_plain());
    if (st == WHET_OK) st = whet_judge_build(ctx, judge, text.text, text.len, object, &v);
    whet_buf_fini(ctx, &text);
    return st == WHET_OK && v.code != WHET_V_PASS ? whet_fail(ctx, WHET_E_ARG, "%s", v.reason) : st;
}

/* Against the plain kernel: bits the same; other ones within the tolerance; wrong from 900 keys on,
 * which no case of the gates has. */
static void test_likeness(void) {
    static const struct {
        const char *defines;
        bool is_same;
        whet_verdict_code code;
    } rows[] = {
        { "#define FIRST (0 * 3)\n", true, WHET_V_PASS },
        { "#define SCALE 1.0000005f * a->scale\n", false, WHET_V_PASS },
        { "#define FIRST (last > 1100)\n", false, WHET_V_WRONG },
        { "#define BEFORE_RUN if (a->pos > 1100) *(volatile int *)0 = 1\n", true, WHET_V_CRASHED },
    };
    const whet_judge_opts opts = small_opts();
    whet_judge *judge = NULL;
    whet_likeness likeness = { 0 };
    whet_object first = { 0 };
    REQUIRE_OK(ctx, whet_judge_open(ctx, &opts, &judge));
    CHECK_STATUS(ctx, whet_likeness_open(ctx, judge, test_seed, &likeness), WHET_OK);
    CHECK_STATUS(ctx, build(judge, "", &first), WHET_OK);
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        whet_object second = { 0 };
        whet_alike alike = { 0 };
        CHECK_STATUS(ctx, build(judge, rows[i].defines, &second), WHET_OK);
        CHECK_STATUS(ctx, whet_likeness_ask(ctx, &likeness, &first, &second, &alike), WHET_OK);
        printf("# %d cases, %d other, %s: %s", alike.n_cases, alike.n_other, alike.b.reason,
               rows[i].defines);
        CHECK_INT(alike.a.code, WHET_V_PASS);
        CHECK_INT(alike.b.code, rows[i].code);
        CHECK_INT(alike.n_other == 0, rows[i].is_same);
        CHECK(alike.n_cases > 50);
        if (rows[i].code == WHET_V_CRASHED) { /* the original may be what is wrong */
            CHECK_STATUS(ctx, whet_likeness_ask(ctx, &likeness, &second, &first, &alike), WHET_OK);
            CHECK_INT(alike.a.code, WHET_V_CRASHED);
            CHECK_INT(alike.b.code, WHET_V_PASS);
        }
        whet_object_fini(ctx, &second);
    }
    whet_object_fini(ctx, &first);
    whet_likeness_close(&likeness);
    whet_judge_close(ctx, judge);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "tokens", test_tokens },     { "any_text", test_any_text },
        { "kinds", test_kinds },       { "places", test_places },
        { "score", test_score },       { "copies_of_blocks", test_copies_of_blocks },
        { "refusals", test_refusals }, { "likeness", test_likeness },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
