/* SPDX-License-Identifier: MIT */
/* Gate 6: code that the usual cases do not reach is reached, or nothing is said for it. */
#include "tests/test.h"

#include <whet/judge.h>

#include "base/buf.h"
#include "judge/corpus.h"
#include "kernels/programs.h"

static whet_ctx *ctx;
static whet_judge *judge;

static void check(const char *defines, whet_verdict_code want, int gate) {
    whet_buf source = { 0 };
    whet_verdict v = { 0 };
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &source, defines));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &source, whet_corpus_plain()));
    REQUIRE_OK(ctx, whet_judge_source(ctx, judge, source.text, source.len, NULL, &v));
    printf("# %.70s: %s, gate %d: %s\n", defines, whet_verdict_name(v.code), v.gate, v.reason);
    if (v.code != want || (gate && (int)v.gate != gate))
        TEST_FAIL("%s: %s of gate %d (%s)", defines, whet_verdict_name(v.code), v.gate, v.reason);
    whet_buf_fini(ctx, &source);
}

static void test_honest(void) {
    check("\n", WHET_V_PASS, WHET_GATE_SANITIZER);
    /* reached by others than the usual cases only, and right there */
    check("#define AFTER_ROW if (a->capacity == 3217) out[0] = put(get(out[0]))\n", WHET_V_PASS, 0);
}

static void test_reached(void) {
    const int gate = WHET_GATE_SANITIZER;
    check("#define AFTER_ROW if (a->pos == 1777 && a->n_rows == 3) out[5] ^= 0x100\n", WHET_V_WRONG,
          gate);
    check("#define AFTER_ROW if (p->n_heads == 40) out[5] ^= 0x100\n", WHET_V_WRONG, gate);
    check("#define AFTER_ROW out[5] ^= (uint16_t)((last == 5000) << 8)\n", WHET_V_WRONG, gate);
    check("#define EXP(x) (last == 3333 ? 1 : expf(x))\n", WHET_V_WRONG, gate);
}

static void test_unreached(void) {
    check("#define AFTER_ROW if (last * 7 % 100003 == 99991) out[0] ^= 0x100\n", WHET_V_UNCOVERED,
          0);
}

/* Right in every case, by luck. */
static void test_undefined(void) {
    const int gate = WHET_GATE_SANITIZER;
    check("#define AFTER_ROW volatile float few[4] = { 0 }; (void)few[last & 7]\n", WHET_V_CRASHED,
          gate);
    check("#define BEFORE_RUN volatile int big = 0x7fffffff; big = big + a->n_rows\n",
          WHET_V_CRASHED, gate);
    /* it is not covered either: which is found first does not matter */
    check("#define AFTER_ROW if (last * 7 % 100003 == 99991) out[0] ^= 0x100\n"
          "#define BEFORE_RUN volatile int big = 0x7fffffff; big = big + a->n_rows\n",
          WHET_V_CRASHED, gate);
}

static void test_programs(void) {
    whet_verdict v;
    const char *text = whet_program_text("repeat");
    REQUIRE_OK(ctx, whet_judge_source(ctx, judge, text, strlen(text), NULL, &v));
    CHECK_STR(v.reason, "");
    CHECK_INT(v.gate, WHET_GATE_SANITIZER);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    const whet_judge_opts opts = {
        .problem = { WHET_BF16, 4, 2, 64, 8, 96 },
        .n_threads = 2,
        .seed = test_seed,
        .worker = WHET_PROGRAM,
        .is_full = true,
    };
    if (whet_judge_open(ctx, &opts, &judge) != WHET_OK) {
        printf("Bail out! %s\n", whet_ctx_message(ctx));
        return 1;
    }
    static const test_case tests[] = {
        { "honest", test_honest },       { "reached", test_reached },
        { "unreached", test_unreached }, { "undefined", test_undefined },
        { "programs", test_programs },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_judge_close(ctx, judge);
    whet_ctx_close(ctx);
    return rc;
}
