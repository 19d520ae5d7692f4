/* SPDX-License-Identifier: MIT */
/* The program `repeat` and all alternatives of its segments: each compiles and each is right, alone
 * and together with others. TEST_COMBINATIONS=N in the environment tries N random ones. */
#include "kernels/programs.h"

#include "base/rng.h"
#include "tests/kernels/combine.h"
#include "tests/kernels/stage.h"
#include "tests/test.h"

enum { CONTEXT = 150, MAX_SEGMENTS = 16 };

static const int32_t positions[] = { 0, 1, 14, 15, 16, 17, 63, 64, 65, 127, 128, 143, 144, 149 };

static const struct {
    whet_problem problem;
    whet_case_family family;
} inputs[] = {
    { { WHET_BF16, 4, 2, 128, CONTEXT, CONTEXT }, WHET_CASE_GAUSS_3 },
    { { WHET_BF16, 5, 1, 128, CONTEXT, CONTEXT }, WHET_CASE_RAMP_UP },
    { { WHET_BF16, 6, 1, 80, CONTEXT, CONTEXT }, WHET_CASE_NEEDLE },
    { { WHET_BF16, 16, 1, 128, CONTEXT, CONTEXT }, WHET_CASE_V_OUTLIER },
    { { WHET_BF16, 2, 2, 128, CONTEXT, CONTEXT }, WHET_CASE_FLAT_CODED },
    { { WHET_BF16, 4, 2, 64, CONTEXT, CONTEXT }, WHET_CASE_SHIFT_226 },
    { { WHET_F32, 6, 2, 33, CONTEXT, CONTEXT }, WHET_CASE_RAMP_DOWN },
    { { WHET_F16, 8, 1, 64, CONTEXT, CONTEXT }, WHET_CASE_TINY },
};
static stage_case cases[TEST_COUNT(inputs)];
static whet_ctx *ctx;

static void check_kernel(const whet_attention_kernel *kernel, const char *name) {
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const stage_case *c = &cases[i];
        const double decode = stage_decode_worst(kernel, c, 2);
        const double prefill = stage_prefill_worst(kernel, c, 0, 3);
        const double late = stage_prefill_worst(kernel, c, CONTEXT - 5, 1);
        const double worst = fmax(decode, fmax(prefill, late));
        if (!(worst <= 1))
            TEST_FAIL("%s: %s, %s: %.3g times the tolerance", name, whet_case_name(c->family),
                      decode > 1 ? "decode" : "prefill", worst);
    }
}

static void check_program(const whet_buf *program, const char *cc) {
    char name[512];
    describe(program, name, sizeof name);
    whet_attention_library *library;
    if (compile_text(ctx, program, cc, &library) != WHET_OK) {
        TEST_FAIL("%s: %s", name, whet_ctx_message(ctx));
        return;
    }
    check_kernel(whet_attention_library_kernel(library), name);
    whet_attention_unload(library);
}

static whet_buf start(void) {
    whet_buf program = { 0 };
    if (whet_buf_puts(ctx, &program, whet_program_text("repeat")) != WHET_OK) abort();
    return program;
}

static void test_each_alternative(void) {
    for (size_t i = 0; i < whet_n_segment_texts; i++) {
        whet_buf program = start();
        REQUIRE_OK(ctx, substitute(ctx, &program, &whet_segment_texts[i]));
        /* The program's own segments change nothing: compiling one of them is enough. */
        if (i == 0 || strcmp(program.text, whet_program_text("repeat")) != 0)
            check_program(&program, NULL);
        whet_buf_fini(ctx, &program);
    }
}

/* Puts the alternative that a word "segment/name" means into the program. */
static void put_word(whet_buf *program, const char *word, size_t n) {
    char name[128];
    for (size_t i = 0; i < whet_n_segment_texts; i++) {
        const whet_segment_text *s = &whet_segment_texts[i];
        snprintf(name, sizeof name, "%s/%s", s->segment, s->name);
        if (strlen(name) == n && strncmp(name, word, n) == 0)
            REQUIRE_OK(ctx, substitute(ctx, program, s));
    }
}

/* Each with all that it was made for: the paths that only exist together. */
static void test_suites(void) {
    static const char tag[] = "\n// fits: ";
    for (size_t i = 0; i < whet_n_segment_texts; i++) {
        const char *at = strstr(whet_segment_texts[i].text, tag);
        if (!at) continue;
        whet_buf program = start();
        REQUIRE_OK(ctx, substitute(ctx, &program, &whet_segment_texts[i]));
        for (at += strlen(tag); *at != '\n'; at += *at == ' ') {
            put_word(&program, at, strcspn(at, " \n"));
            at += strcspn(at, " \n");
        }
        check_program(&program, NULL);
        whet_buf_fini(ctx, &program);
    }
}

static bool has_compiler(const char *cc) {
    char command[64];
    snprintf(command, sizeof command, "command -v %s >/dev/null", cc);
    return system(command) == 0;
}

/* One alternative of every segment, one value of every knob. */
static whet_buf random_program(whet_rng *rng) {
    whet_buf program = start();
    const char *segments[MAX_SEGMENTS];
    size_t n_segments = 0;
    for (size_t i = 0; i < whet_n_segment_texts; i++) {
        const char *segment = whet_segment_texts[i].segment;
        bool is_new = true;
        for (size_t j = 0; j < n_segments; j++)
            is_new = is_new && strcmp(segment, segments[j]) != 0;
        if (!is_new) continue;
        segments[n_segments++] = segment;
        size_t choices[MAX_SEGMENTS], n = 0;
        for (size_t j = i; j < whet_n_segment_texts; j++)
            if (strcmp(whet_segment_texts[j].segment, segment) == 0) choices[n++] = j;
        const size_t choice = choices[whet_rng_below(rng, n)];
        if (substitute(ctx, &program, &whet_segment_texts[choice]) != WHET_OK) abort();
    }
    if (turn_knobs(ctx, rng, &program) != WHET_OK) abort();
    return program;
}

static void test_random_combinations(void) {
    static const char *const compilers[] = { "gcc", "clang" };
    const char *asked = getenv("TEST_COMBINATIONS");
    const int n = asked ? atoi(asked) : 4;
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int i = 0; i < n; i++) {
        whet_buf program = random_program(&rng);
        const char *cc = compilers[i % 2];
        check_program(&program, has_compiler(cc) ? cc : NULL);
        whet_buf_fini(ctx, &program);
    }
}

/* A program that is wrong is seen to be wrong. */
static void test_wrong_program_is_seen(void) {
    whet_buf program = start();
    char *mask = strstr(program.text, "i / it.n_heads + 1) - begin");
    REQUIRE(mask);
    mask[strlen("i / it.n_heads + ")] = '0';
    whet_attention_library *library;
    REQUIRE_OK(ctx, compile_text(ctx, &program, NULL, &library));
    CHECK(stage_decode_worst(whet_attention_library_kernel(library), &cases[1], 1) > 1);
    CHECK(stage_prefill_worst(whet_attention_library_kernel(library), &cases[1], 0, 1) > 1);
    whet_attention_unload(library);
    whet_buf_fini(ctx, &program);
}

static void check_refused(const char *text, whet_status want, const char *words) {
    whet_buf program = { 0 };
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &program, text));
    whet_attention_library *library;
    CHECK_STATUS(ctx, compile_text(ctx, &program, NULL, &library), want);
    CHECK(library == NULL);
    CHECK_CONTAINS(whet_ctx_message(ctx), words);
    whet_buf_fini(ctx, &program);
}

static void test_files_that_are_no_kernels(void) {
    check_refused("int x = ;\n", WHET_E_FORMAT, "does not compile it");
    check_refused("int x;\n", WHET_E_UNSUPPORTED, "no symbol whet_kernel");
    check_refused("#include <whet/kernel.h>\n"
                  "const whet_attention_kernel whet_kernel = { .abi = 99 };\n",
                  WHET_E_UNSUPPORTED, "ABI 99");
    check_refused("#include <whet/kernel.h>\n"
                  "const whet_attention_kernel whet_kernel = { .abi = WHET_KERNEL_ABI };\n",
                  WHET_E_UNSUPPORTED, "NULL");
    check_refused("int missing(void); int (*p)(void) = missing;\n", WHET_E_FORMAT, "load");
    whet_attention_library *library;
    CHECK_STATUS(ctx, whet_attention_compile(ctx, "/no/such.c", NULL, &library), WHET_E_NOT_FOUND);
    CHECK_STATUS(ctx, whet_attention_load(ctx, "/no/such.so", &library), WHET_E_NOT_FOUND);
    whet_buf program = start();
    CHECK_STATUS(ctx, compile_text(ctx, &program, "no-such-compiler", &library), WHET_E_IO);
    whet_buf_fini(ctx, &program);
    CHECK_CONTAINS(whet_ctx_message(ctx), "no-such-compiler");
}

static void test_texts(void) {
    CHECK(whet_program_text("no-such-program") == NULL);
    const char *text = whet_program_text("repeat");
    REQUIRE(text);
    const char *begin = strstr(text, "// EVOLVE-BLOCK-START\n");
    const char *end = strstr(text, "// EVOLVE-BLOCK-END\n");
    REQUIRE(begin && end && begin < end);
    for (size_t i = 0; i < whet_n_segment_texts; i++) {
        const whet_segment_text *s = &whet_segment_texts[i];
        char head[128];
        snprintf(head, sizeof head, "/* %s/%s: ", s->segment, s->name);
        CHECK_INT(strncmp(s->text, head, strlen(head)), 0);
        CHECK_INT(strlen(s->text), s->len);
        CHECK(s->text[s->len - 1] == '\n');
    }
}

static const test_case tests[] = {
    { "texts", test_texts },
    { "each alternative", test_each_alternative },
    { "suites", test_suites },
    { "random combinations", test_random_combinations },
    { "a wrong program is seen", test_wrong_program_is_seen },
    { "files that are no kernels", test_files_that_are_no_kernels },
};

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    if (!ctx) return 1;
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        stage_case_open(&cases[i], &inputs[i].problem, inputs[i].family, positions,
                        TEST_COUNT(positions));
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        stage_case_close(&cases[i]);
    whet_ctx_close(ctx);
    return rc;
}
