/* SPDX-License-Identifier: MIT */
/* The judge: right kernels pass, every kind of wrong one is rejected for what it is. */
#include <signal.h>
#include <unistd.h>

#include "tests/test.h"

#include <whet/judge.h>

#include "base/buf.h"
#include "judge/corpus.h"

static whet_ctx *ctx;
static whet_judge *judge;

static whet_judge_opts small_opts(void) {
    return (whet_judge_opts){
        .problem = { .dtype = WHET_BF16,
                     .n_heads = 4,
                     .n_kv_heads = 2,
                     .head_dim = 64,
                     .n_context = 96,
                     .n_rows = 8 },
        .n_threads = 2,
        .seed = test_seed,
        .worker = WHET_PROGRAM,
        .cache_bytes = 64 << 10,
        .sample_ns = 1e5,
    };
}

/* Builds the plain kernel behind some #defines. */
static whet_status build(const char *defines, whet_object *object, whet_verdict *v) {
    whet_buf source = { 0 };
    whet_status st = whet_buf_puts(ctx, &source, defines);
    if (st == WHET_OK) st = whet_buf_puts(ctx, &source, whet_corpus_plain());
    if (st == WHET_OK) st = whet_judge_build(ctx, judge, source.text, source.len, object, v);
    whet_buf_fini(ctx, &source);
    return st;
}

static void check_verdict(const char *defines, whet_verdict_code want) {
    whet_object object;
    whet_verdict v;
    REQUIRE_OK(ctx, build(defines, &object, &v));
    if (v.code == WHET_V_PASS) REQUIRE_OK(ctx, whet_judge_check(ctx, judge, &object, &v));
    if (v.code != want)
        TEST_FAIL("%s: %s (%s), not %s", defines, whet_verdict_name(v.code), v.reason,
                  whet_verdict_name(want));
    CHECK((v.code == WHET_V_PASS) == (*v.reason == '\0'));
    whet_object_fini(ctx, &object);
}

static void test_right(void) {
    whet_object object;
    whet_verdict v;
    REQUIRE_OK(ctx, build("", &object, &v));
    CHECK_STR(v.reason, "");
    CHECK_INT(strlen(object.sha256), 64);
    REQUIRE_OK(ctx, whet_judge_check(ctx, judge, &object, &v));
    CHECK_STR(v.reason, "");
    CHECK_INT(v.code, WHET_V_PASS);
    CHECK_INT(v.gate, WHET_GATE_PROPERTY);
    CHECK_STR(v.object_sha256, object.sha256);
    CHECK(v.spoiled == WHET_V_NOT_A_NUMBER); /* proof: a copy that does nothing is rejected */
    CHECK(v.n_checked > 100000);
    CHECK(v.worst > 0 && v.worst <= 0.95);
    printf("# checked %" PRId64 ", worst %.3f\n", v.n_checked, v.worst);
    whet_object_fini(ctx, &object);
    /* honest but odd: another order of keys, scores in another memory, double sums */
    check_verdict("#define WORKSPACE 4L * p->n_context * n_workers + 4096\n", WHET_V_PASS);
    check_verdict("#define KV_BYTES 4 * capacity * p->n_kv_heads * p->head_dim + 1000\n",
                  WHET_V_PASS);
}

static void test_wrong(void) {
    static const char *const wrong[] = {
        "#define SCALE (a->scale * 1.004f)\n",
        "#define SCALE (a->scale * 1.15f)\n",
        "#define LAST (a->pos + r - (a->pos + r > 0))\n", /* the last key is lost */
        "#define LAST (a->pos + r - (r % 2))\n",          /* some rows lose one */
        "#define LAST (a->pos + a->n_rows - 1)\n",        /* no causal mask */
        "#define FIRST (last > 0)\n",                     /* the first key is lost */
        "#define FIRST (last > 255 ? last - 255 : 0)\n",  /* a window */
        "#define KV_HEAD(h) ((h) % p->n_kv_heads)\n",     /* another head map */
        "#define KV_HEAD(h) (p->n_kv_heads - 1 - (h) / (p->n_heads / p->n_kv_heads))\n",
        "#define DIMS (d - 8)\n",
        "#define AFTER_ROW for (int c = 0; c < d; c++) out[c] = 0\n",
        "#define AFTER_ROW if (last == 128) out[3] ^= 0x40\n", /* one bit at one length */
        "#define AFTER_ROW if (h == 3 && a->n_rows == 33) out[d - 1] ^= 0x10\n",
        "#define BEFORE_APPEND if (a->pos > 2) return\n", /* chunks are lost */
        "#define BEFORE_APPEND if (worker > 1) return\n",
        "#define BEFORE_RUN if (phase == 0 && worker == 2) return\n",
    };
    for (size_t i = 0; i < TEST_COUNT(wrong); i++) {
        whet_object object;
        whet_verdict v;
        REQUIRE_OK(ctx, build(wrong[i], &object, &v));
        REQUIRE_OK(ctx, whet_judge_check(ctx, judge, &object, &v));
        /* what is lost may leave poison behind */
        if (v.code != WHET_V_WRONG && v.code != WHET_V_NOT_A_NUMBER)
            TEST_FAIL("%s: %s (%s)", wrong[i], whet_verdict_name(v.code), v.reason);
        CHECK(!(fabs(v.got - v.expected) <= v.tolerance));
        CHECK(*v.family && v.n_context > 0);
        whet_object_fini(ctx, &object);
    }
}

/* Cases and properties are asked side by side: what comes first in order is the verdict, whichever
 * was found first, and it tells what one after the other would. */
static void test_first_in_order(void) {
    whet_object object;
    whet_verdict first, v;
    REQUIRE_OK(ctx, build("#define AFTER_ROW if (last > 254) out[0] = 0x7fc0\n", &object, &v));
    REQUIRE_OK(ctx, whet_judge_check(ctx, judge, &object, &first));
    CHECK_INT(first.code, WHET_V_NOT_A_NUMBER);
    CHECK_INT(first.gate, WHET_GATE_CORRECTNESS);
    CHECK(first.n_checked > 10000);
    for (int i = 0; i < 4; i++) {
        REQUIRE_OK(ctx, whet_judge_check(ctx, judge, &object, &v));
        CHECK_INT(v.code, first.code);
        CHECK_STR(v.reason, first.reason);
        CHECK_STR(v.family, first.family);
        CHECK_INT(v.seed, first.seed);
        CHECK_INT(v.n_context, first.n_context);
        CHECK_INT(v.n_checked, first.n_checked);
    }
    whet_object_fini(ctx, &object);
}

static void test_verdicts(void) {
    check_verdict("#define MAX 0\n", WHET_V_NOT_A_NUMBER); /* e^226 */
    check_verdict("#define BEFORE_RUN return\n", WHET_V_NOT_A_NUMBER);
    check_verdict("#define AFTER_ROW if (last > 100) out[0] = 0x7fc0\n", WHET_V_NOT_A_NUMBER);
    check_verdict("#define BEFORE_RUN if (a->pos == 32) *(volatile int *)0 = 1\n", WHET_V_CRASHED);
    check_verdict("#define BEFORE_RUN if (a->pos == 32) __builtin_trap()\n", WHET_V_CRASHED);
    check_verdict("void _exit(int);\n#define BEFORE_RUN if (a->pos == 32) _exit(0)\n",
                  WHET_V_FORBIDDEN);
    check_verdict(
        "static int f(volatile int *x) { int y[999]; y[*x] = 1; return f(y + *x) + y[5]; }\n"
        "#define BEFORE_RUN if (a->pos == 32) { int z = 1; f(&z); }\n",
        WHET_V_CRASHED);
    check_verdict("#define BEFORE_RUN if (a->pos == 32) for (;;) ;\n", WHET_V_TIMED_OUT);
    check_verdict("#error it does not compile\n", WHET_V_NO_BUILD);
    check_verdict("#define LAST (a->pos + \n", WHET_V_NO_BUILD);
    check_verdict("#define AFTER_ROW out[d] = 0\n", WHET_V_OUT_OF_BOUNDS);
    check_verdict("#define AFTER_ROW out[-1] = 0x1111\n", WHET_V_OUT_OF_BOUNDS);
    check_verdict("#define WORKSPACE 4\n", WHET_V_OUT_OF_BOUNDS);
    check_verdict("#define KV_BYTES 1 << 30\n", WHET_V_OUT_OF_BOUNDS);
    check_verdict("#define BEFORE_RUN if (a->n_rows > 30) ((uint16_t *)a->k0)[0] = 1\n"
                  "#define k0 q\n",
                  WHET_V_TOUCHED_INPUT);
    check_verdict("#define BEFORE_RUN ((uint16_t *)a->kv)[0] = 1\n", WHET_V_TOUCHED_INPUT);
    check_verdict("#define BEFORE_APPEND ((uint16_t *)a->v)[0] = 1\n", WHET_V_TOUCHED_INPUT);
    /* reads what nobody wrote */
    check_verdict("#define BEFORE_RUN const int x = !(((unsigned char *)s)[0] & 2)\n"
                  "#define AFTER_ROW if (x && last > 5) out[0] ^= 1\n",
                  WHET_V_NOT_REPEATABLE);
    check_verdict("#define whet_kernel another_name\n", WHET_V_FORBIDDEN);
    check_verdict("#define WHET_BF16 7\n", WHET_V_NO_BUILD);
}

static void test_unsupported(void) {
    static const char *const sources[] = {
        "static int x;",
        "#include <whet/kernel.h>\nconst whet_attention_kernel whet_kernel = { .abi = 99 };\n",
        "#include <whet/kernel.h>\nconst whet_attention_kernel whet_kernel = { .abi = 1 };\n",
    };
    for (size_t i = 0; i < TEST_COUNT(sources); i++) {
        whet_object object;
        whet_verdict v;
        REQUIRE_OK(ctx, whet_judge_build(ctx, judge, sources[i], strlen(sources[i]), &object, &v));
        CHECK_INT(v.code, WHET_V_PASS);
        REQUIRE_OK(ctx, whet_judge_check(ctx, judge, &object, &v));
        CHECK_STR(whet_verdict_name(v.code), "UNSUPPORTED");
        CHECK_INT(v.gate, WHET_GATE_OBJECT);
        whet_object_fini(ctx, &object);
    }
}

static void test_no_build(void) {
    whet_object object;
    whet_verdict v;
    const char *text = "int f(void) { return no_such_name; }\n";
    REQUIRE_OK(ctx, whet_judge_build(ctx, judge, text, strlen(text), &object, &v));
    CHECK_INT(v.code, WHET_V_NO_BUILD);
    CHECK_CONTAINS(v.reason, "no_such_name");
    CHECK_CONTAINS(v.compiler_text, "kernel.c:1");
    CHECK(strstr(v.compiler_text, "/tmp") == NULL);
    CHECK(object.bytes == NULL);
    const size_t n = 1 << 20;
    char *big = malloc(n);
    memset(big, ' ', n);
    REQUIRE_OK(ctx, whet_judge_build(ctx, judge, big, n, &object, &v));
    CHECK_INT(v.code, WHET_V_FORBIDDEN);
    free(big);
    /* more than the compiler is given */
    text = "char x[1L << 40] = { 1 };\n";
    REQUIRE_OK(ctx, whet_judge_build(ctx, judge, text, strlen(text), &object, &v));
    CHECK_INT(v.code, WHET_V_NO_BUILD);
}

static void test_built_in(void) {
    whet_verdict v;
    const whet_object repeat = { .built_in = "repeat" };
    REQUIRE_OK(ctx, whet_judge_check(ctx, judge, &repeat, &v));
    CHECK_STR(v.reason, "");
    printf("# repeat: worst %.3f\n", v.worst);
    const whet_object none = { .built_in = "no-such-kernel" };
    REQUIRE_OK(ctx, whet_judge_check(ctx, judge, &none, &v));
    CHECK_STR(whet_verdict_name(v.code), "UNSUPPORTED");
}

static void test_evidence(void) {
    whet_object object;
    whet_verdict v;
    whet_buf json = { 0 };
    REQUIRE_OK(ctx, build("#define SCALE (a->scale * 1.5f)\n", &object, &v));
    REQUIRE_OK(ctx, whet_judge_check(ctx, judge, &object, &v));
    REQUIRE_OK(ctx, whet_verdict_evidence(ctx, &v, &json));
    CHECK_CONTAINS(json.text, "\"expected\":");
    CHECK_CONTAINS(json.text, "\"tolerance\":");
    whet_buf_fini(ctx, &json);
    whet_object_fini(ctx, &object);
}

/* Structure only: the clock of a test machine proves nothing. */
static void test_duel(void) {
    whet_object a, b;
    whet_verdict v;
    REQUIRE_OK(ctx, build("", &a, &v));
    REQUIRE_OK(ctx,
               build("#define AFTER_ROW { static const int twice = 2; (void)twice; }\n", &b, &v));
    for (int shape = 0; shape < WHET_N_ALL_SHAPES; shape++) {
        const whet_duel_opts opts = {
            .shape = (whet_shape)shape, .n_pairs = 2, .n_blocks = 3, .seed = test_seed
        };
        whet_duel duel;
        REQUIRE_OK(ctx, whet_judge_duel(ctx, judge, &a, &b, &opts, &duel));
        CHECK_STR(duel.verdict.reason, "");
        CHECK_INT(duel.n_samples, 2 * 2 * 3);
        CHECK_INT(duel.n_pairs, 2);
        CHECK(duel.n_caches >= 1 && duel.n_calls >= duel.n_caches);
        CHECK(duel.result.low <= duel.result.ratio && duel.result.ratio <= duel.result.high);
        CHECK(duel.verdict.n_checked > 0);
        int n_first = 0;
        for (size_t i = 0; i < duel.n_samples; i++) {
            CHECK(duel.samples[i].ns > 0);
            n_first += duel.samples[i].order == 0;
        }
        CHECK_INT(n_first, 2 * 3);
        whet_duel_fini(ctx, &duel);
    }
    char name[64];
    whet_judge_shape_name(judge, WHET_SHAPE_DECODE, name, sizeof name);
    CHECK_STR(name, "decode@96");
    whet_judge_shape_name(judge, WHET_SHAPE_PREFILL, name, sizeof name);
    CHECK_STR(name, "prefill8@64");
    static const char *const rest[] = { "decode@6", "decode@24", "decode@384", "prefill24@24",
                                        "prefill24@120" };
    for (int i = 0; i < 5; i++) {
        whet_judge_shape_name(judge, (whet_shape)(WHET_N_SHAPES + i), name, sizeof name);
        CHECK_STR(name, rest[i]);
    }
    whet_object_fini(ctx, &a);
    whet_object_fini(ctx, &b);
}

/* Right in every case, wrong where it is timed; a rival that is wrong is our mistake, unless it is
 * judged as well. */
static void test_duel_compares(void) {
    whet_object a, b;
    whet_verdict v;
    whet_duel duel;
    whet_duel_opts opts = { /* 384 to 396 keys, which no case has */
                            .shape = WHET_SHAPE_DECODE_4X,
                            .n_pairs = 1,
                            .n_blocks = 1,
                            .seed = test_seed
    };
    REQUIRE_OK(ctx, build("", &a, &v));
    REQUIRE_OK(ctx, build("#define AFTER_ROW if (a->capacity / 13 == 29 || a->capacity / 13 == 30) "
                          "out[1] ^= 0x80\n",
                          &b, &v));
    REQUIRE_OK(ctx, whet_judge_duel(ctx, judge, &b, &a, &opts, &duel));
    CHECK_STR(whet_verdict_name(duel.verdict.code), "WRONG");
    CHECK_INT(duel.verdict.gate, WHET_GATE_DUEL);
    CHECK_INT(duel.verdict.dim, 1);
    whet_duel_fini(ctx, &duel);
    CHECK(!duel.is_of_rival);
    CHECK_STATUS(ctx, whet_judge_duel(ctx, judge, &a, &b, &opts, &duel), WHET_E_INTERNAL);
    opts.judges_rival = true;
    REQUIRE_OK(ctx, whet_judge_duel(ctx, judge, &a, &b, &opts, &duel));
    CHECK_STR(whet_verdict_name(duel.verdict.code), "WRONG");
    CHECK(duel.is_of_rival);
    whet_duel_fini(ctx, &duel);
    whet_object_fini(ctx, &b);
    REQUIRE_OK(ctx, build("#define BEFORE_RUN if (a->capacity > 376) __builtin_trap()\n", &b, &v));
    REQUIRE_OK(ctx, whet_judge_duel(ctx, judge, &b, &a, &opts, &duel));
    CHECK_STR(whet_verdict_name(duel.verdict.code), "CRASHED");
    whet_duel_fini(ctx, &duel);
    whet_object_fini(ctx, &a);
    whet_object_fini(ctx, &b);
}

/* Bounds that no clock of a test machine changes anything about: who is below the first one by far
 * is dropped after some single calls, and nobody is below the second one. */
static void test_duel_drops(void) {
    whet_object plain;
    whet_verdict v;
    whet_duel duel;
    whet_duel_opts opts = { .n_pairs = 2, .n_blocks = 2, .seed = test_seed, .drop_below = 1e9 };
    REQUIRE_OK(ctx, build("", &plain, &v));
    REQUIRE_OK(ctx, whet_judge_duel(ctx, judge, &plain, &plain, &opts, &duel));
    CHECK_STR(whet_verdict_name(duel.verdict.code), "SLOWER");
    CHECK_INT(duel.verdict.gate, WHET_GATE_RACE);
    CHECK_CONTAINS(duel.verdict.reason, "call by call");
    CHECK_INT(duel.n_samples, 2 * WHET_FAR_BLOCKS);
    CHECK_INT(duel.n_calls, 1);
    CHECK(duel.verdict.n_checked > 0);
    whet_duel_fini(ctx, &duel);
    opts.drop_below = 1e-9;
    REQUIRE_OK(ctx, whet_judge_duel(ctx, judge, &plain, &plain, &opts, &duel));
    CHECK_STR(duel.verdict.reason, "");
    CHECK_INT(duel.n_samples, 2 * 2 * 2);
    whet_duel_fini(ctx, &duel);
    whet_object_fini(ctx, &plain);
}

/* A cheat of the corpus by its number, with a macro of its own defined. */
static void build_cheat(const char *number, const char *defines, whet_object *object) {
    whet_buf source = { 0 };
    whet_corpus_file file;
    whet_verdict v;
    size_t i = 0;
    while (whet_corpus_get(i, &file) && strncmp(file.name, number, strlen(number)) != 0)
        i++;
    REQUIRE_OK(ctx, whet_corpus_compose(ctx, defines, file.text, &source));
    REQUIRE_OK(ctx, whet_judge_build(ctx, judge, source.text, source.len, object, &v));
    CHECK_STR(v.reason, "");
    whet_buf_fini(ctx, &source);
}

/* Neither shape of a race has anything against it. */
static void check_duels(const whet_object *a, const whet_object *b, bool keeps_data) {
    for (int shape = 0; shape < WHET_N_SHAPES; shape++) {
        const whet_duel_opts opts = { .shape = (whet_shape)shape,
                                      .n_pairs = 2,
                                      .n_blocks = 8,
                                      .n_workers = 2,
                                      .seed = test_seed,
                                      .keeps_data = keeps_data };
        whet_duel duel;
        REQUIRE_OK(ctx, whet_judge_duel(ctx, judge, a, b, &opts, &duel));
        CHECK_STR(duel.verdict.reason, "");
        whet_duel_fini(ctx, &duel);
    }
}

/* What keeps notes of its answers, and spoils what comes when a query comes again. */
static void test_race_asks_nothing_twice(void) {
    whet_object plain, notes;
    whet_verdict v;
    REQUIRE_OK(ctx, build("", &plain, &v));
    build_cheat("c24", "#define TAKE(note) *out ^= 0x7fff\n", &notes);
    check_duels(&notes, &plain, true);
    whet_object_fini(ctx, &plain);
    whet_object_fini(ctx, &notes);
}

/* What looks for its rows in the caches of the calls before, and spoils what comes when it finds
 * them there. */
static void test_timed_caches_are_apart(void) {
    whet_object plain, looks;
    whet_verdict v;
    REQUIRE_OK(ctx, build("", &plain, &v));
    build_cheat("c29", "#define FOUND *out ^= 0x7fff\n", &looks);
    check_duels(&looks, &plain, true);
    check_duels(&looks, &plain, false);
    whet_object_fini(ctx, &plain);
    whet_object_fini(ctx, &looks);
}

/* A kernel that leaves a mark in a vector register, and the shape of its tiles, when it has run,
 * and spoils what it makes when it finds either. */
static void test_registers_are_wiped(void) {
    static const char text[] =
        "#ifdef __AVX2__\n"
        "#include <immintrin.h>\n"
        "static int is_left(void) {\n"
        "    unsigned mark, shape[16] = { 0 };\n"
        "    __asm__ volatile(\"movd %%xmm15, %0\" : \"=r\"(mark));\n"
        "#ifdef __AMX_TILE__\n"
        "    _tile_storeconfig(shape);\n"
        "#endif\n"
        "    return mark == 0x77686574 || shape[0];\n"
        "}\n"
        "static void leave(void) {\n"
        "#ifdef __AMX_TILE__\n"
        "    static const unsigned char one[64] = { [0] = 1, [16] = 64, [48] = 16 };\n"
        "    _tile_loadconfig(one);\n"
        "#endif\n"
        "    __asm__ volatile(\"movd %0, %%xmm15\" : : \"r\"(0x77686574) : \"xmm15\");\n"
        "}\n"
        "#define BEFORE_APPEND if (is_left()) __builtin_trap()\n"
        "#define BEFORE_RUN const int is_spoilt = is_left()\n"
        "#define AFTER_ROW if (is_spoilt) out[0] = 0x7fff; leave()\n"
        "#endif\n";
    whet_judge_opts opts = small_opts();
    const whet_duel_opts once = { .n_pairs = 1, .n_blocks = 3, .seed = test_seed };
    whet_judge *all = judge;
    whet_object plain, marking;
    whet_verdict v;
    whet_duel duel;
    opts.skips_source_gate = true; /* no candidate may say which register it means */
    REQUIRE_OK(ctx, whet_judge_open(ctx, &opts, &judge));
    REQUIRE_OK(ctx, build("", &plain, &v));
    REQUIRE_OK(ctx, build(text, &marking, &v));
    CHECK_STR(v.reason, "");
    REQUIRE_OK(ctx, whet_judge_check(ctx, judge, &marking, &v));
    CHECK_STR(v.reason, "");
    REQUIRE_OK(ctx, whet_judge_duel(ctx, judge, &marking, &plain, &once, &duel));
    CHECK_STR(duel.verdict.reason, "");
    whet_duel_fini(ctx, &duel);
    whet_object_fini(ctx, &plain);
    whet_object_fini(ctx, &marking);
    whet_judge_close(ctx, judge);
    judge = all;
}

/* What does every second call together with the next one. A sample has as many calls as there may
 * be, an even number: when it ends, all outputs are right. */
static void test_calls_are_not_put_off(void) {
    whet_judge_opts opts = small_opts();
    const whet_duel_opts once = {
        .n_context = 8, .n_pairs = 1, .n_blocks = 2, .seed = test_seed, .is_asleep = true
    };
    whet_judge *of_long_samples;
    whet_object plain, late;
    whet_verdict v;
    whet_duel duel;
    opts.has_no_cases = true;
    opts.sample_ns = 1e12;
    REQUIRE_OK(ctx, whet_judge_open(ctx, &opts, &of_long_samples));
    REQUIRE_OK(ctx, build("", &plain, &v));
    build_cheat("c30", "", &late);
    REQUIRE_OK(ctx, whet_judge_duel(ctx, of_long_samples, &late, &plain, &once, &duel));
    CHECK_STR(whet_verdict_name(duel.verdict.code), "INCONSISTENT");
    CHECK_CONTAINS(duel.verdict.reason, "after the call had ended");
    whet_duel_fini(ctx, &duel);
    REQUIRE_OK(ctx, whet_judge_duel(ctx, of_long_samples, &plain, &plain, &once, &duel));
    CHECK_STR(duel.verdict.reason, "");
    whet_duel_fini(ctx, &duel);
    whet_object_fini(ctx, &plain);
    whet_object_fini(ctx, &late);
    whet_judge_close(ctx, of_long_samples);
}

static void test_refusals(void) {
    whet_judge *none = NULL;
    whet_judge_opts opts = small_opts();
    opts.problem.n_kv_heads = 3;
    CHECK_STATUS(ctx, whet_judge_open(ctx, &opts, &none), WHET_E_ARG);
    opts = small_opts();
    opts.worker = NULL;
    CHECK_STATUS(ctx, whet_judge_open(ctx, &opts, &none), WHET_E_ARG);
    opts = small_opts();
    opts.worker = "/no/such/program";
    opts.cc = "no-such-compiler";
    REQUIRE_OK(ctx, whet_judge_open(ctx, &opts, &none));
    whet_verdict v;
    whet_object object;
    CHECK_STATUS(ctx, whet_judge_build(ctx, none, "", 0, &object, &v), WHET_E_IO);
    const whet_object repeat = { .built_in = "repeat" };
    CHECK_STATUS(ctx, whet_judge_check(ctx, none, &repeat, &v), WHET_E_IO);
    whet_judge_close(ctx, none);
    /* a request to stop is heard */
    whet_ctx_cancel(ctx);
    CHECK_STATUS(ctx, whet_judge_check(ctx, judge, &repeat, &v), WHET_E_CANCELLED);
    whet_ctx_resume(ctx);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    const whet_judge_opts opts = small_opts();
    if (whet_judge_open(ctx, &opts, &judge) != WHET_OK) {
        printf("Bail out! %s\n", whet_ctx_message(ctx));
        return 1;
    }
    static const test_case tests[] = {
        { "right", test_right },
        { "wrong", test_wrong },
        { "first_in_order", test_first_in_order },
        { "verdicts", test_verdicts },
        { "unsupported", test_unsupported },
        { "no_build", test_no_build },
        { "built_in", test_built_in },
        { "evidence", test_evidence },
        { "duel", test_duel },
        { "duel_compares", test_duel_compares },
        { "duel_drops", test_duel_drops },
        { "race_asks_nothing_twice", test_race_asks_nothing_twice },
        { "timed_caches_are_apart", test_timed_caches_are_apart },
        { "registers_are_wiped", test_registers_are_wiped },
        { "calls_are_not_put_off", test_calls_are_not_put_off },
        { "refusals", test_refusals },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_judge_close(ctx, judge);
    whet_ctx_close(ctx);
    return rc;
}
