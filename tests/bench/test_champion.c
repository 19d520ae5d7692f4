/* SPDX-License-Identifier: MIT */
/* Gate 10: a right kernel passes in a model; one that is wrong only there, ends there, or was not
 * what ran, does not. This program is the engine's process, too, where an answer must be false. */
#include "tests/test.h"

#include <limits.h>
#include <math.h>
#include <unistd.h>

#include "bench/champion_int.h"
#include "judge/corpus.h"
#include "kernels/attention.h"

#define TINY TEST_DATA_DIR "/golden/models/yarn-new"

enum { N_TOKENS = 50, CAPACITY = N_TOKENS + 8 /* of the text "short" in the engine */ };

/* What the engine's process does, told by its seed. */
enum { SEED_HONEST = 1, SEED_TIED, SEED_DECIDED, SEED_SILENT, SEED_SAME, SEED_NONSENSE };

enum { N_NONSENSE = 6 }; /* seeds from SEED_NONSENSE on */

static whet_ctx *ctx;
static whet_judge *judge;
static const char *this_program;

/* ---- the engine's process ---- */

/* Another token where the baseline is least, or most, decided. */
static whet_status tamper(const whet_champion_opts *opts, whet_champion *champion) {
    whet_stage stage = { 0 };
    whet_ids prompt = { 0 };
    whet_drawn drawn;
    const whet_scenario *scenario;
    whet_status st = whet_stage_open(ctx, opts, &stage);
    if (st == WHET_OK) st = whet_stage_text(ctx, &stage, 0, &prompt, &scenario);
    const whet_draw draw = { .kernel = whet_attention_find(opts->baseline),
                             .prompt = &prompt,
                             .n_tokens = N_TOKENS };
    if (st == WHET_OK) st = whet_stage_draw(ctx, &stage, &draw, &drawn);
    int at = 0;
    for (int i = 1; i < N_TOKENS && st == WHET_OK; i++) {
        const bool is_less =
            drawn.margins[i] / drawn.ranges[i] < drawn.margins[at] / drawn.ranges[at];
        if (is_less == (opts->seed == SEED_TIED)) at = i;
    }
    champion->texts[0].ids[at] ^= 1;
    whet_ids_fini(ctx, &prompt);
    whet_stage_close(&stage);
    return st;
}

/* A result that is none, in one respect. */
static void spoil(int how, whet_champion *c) {
    whet_champion_text *text = &c->texts[0];
    if (how == 0) c->n_texts = 1000;
    if (how == 1) c->n_texts = 0;
    if (how == 2) text->n_tokens = 1;
    if (how == 3) memset(text->name, 'x', sizeof text->name);
    if (how == 4) memset(c->baseline, 'x', sizeof c->baseline);
    if (how == 5) text->decode.ratio.low = (double)NAN;
}

/* Files beyond its folder are not to be made. */
static bool can_write(void) {
    char path[] = "/tmp/whet-test-champion-XXXXXX";
    const int fd = mkstemp(path);
    if (fd >= 0) unlink(path);
    return fd >= 0;
}

static int serve(int argc, char **argv) {
    whet_champion_opts opts = { .n_threads = 2, .n_pairs = 1, .cache_bytes = 1 << 20 };
    const char *folder = NULL;
    whet_champion champion;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--model")) opts.model = argv[i + 1];
        if (!strcmp(argv[i], "--folder")) folder = argv[i + 1];
        if (!strcmp(argv[i], "--baseline")) opts.baseline = argv[i + 1];
        if (!strcmp(argv[i], "--scenario")) opts.scenarios = argv[i + 1];
        if (!strcmp(argv[i], "--seed")) opts.seed = strtoull(argv[i + 1], NULL, 10);
    }
    if (opts.seed == SEED_SILENT) return can_write() ? 3 : 0;
    whet_status st = whet_champion_serve(ctx, &opts, folder, &champion);
    if (st == WHET_OK && (opts.seed == SEED_TIED || opts.seed == SEED_DECIDED))
        st = tamper(&opts, &champion);
    if (opts.seed >= SEED_NONSENSE) spoil((int)(opts.seed - SEED_NONSENSE), &champion);
    if (opts.seed == SEED_SAME) /* as if every session ran something else */
        memcpy(champion.texts[0].spoiled, champion.texts[0].ids, sizeof champion.texts[0].ids);
    if (st == WHET_OK) fwrite(&champion, sizeof champion, 1, stdout);
    if (st != WHET_OK) fprintf(stderr, "%s\n", whet_ctx_message(ctx));
    return st != WHET_OK;
}

/* ---- tests ---- */

typedef struct asked {
    const char *defines; /* before the plain kernel */
    const char *program;
    const char *scenarios;
    uint64_t seed;
} asked;

static whet_status run(asked a, whet_champion *champion, whet_verdict *v) {
    whet_buf source = { 0 };
    whet_object object = { 0 };
    const whet_champion_opts opts = { .model = TINY,
                                      .program = a.program ? a.program : this_program,
                                      .scenarios = a.scenarios ? a.scenarios : "short",
                                      .seed = a.seed ? a.seed : SEED_HONEST,
                                      .n_threads = 2,
                                      .n_pairs = 1 };
    whet_status st = whet_corpus_compose(ctx, a.defines ? a.defines : "", "", &source);
    if (st == WHET_OK) st = whet_judge_build(ctx, judge, source.text, source.len, &object, v);
    CHECK(st != WHET_OK || v->code == WHET_V_PASS);
    if (st == WHET_OK) st = whet_champion_run(ctx, judge, &object, &opts, champion, v);
    whet_object_fini(ctx, &object);
    whet_buf_fini(ctx, &source);
    return st;
}

static void test_right(void) {
    whet_champion c;
    whet_verdict v;
    REQUIRE_OK(ctx, run((asked){ .program = WHET_PROGRAM, .scenarios = "short,primary" }, &c, &v));
    CHECK_STR(v.reason, "");
    CHECK_INT(v.code, WHET_V_PASS);
    CHECK_INT(v.gate, WHET_GATE_CHAMPION);
    CHECK(v.n_checked > 10000 && v.worst > 0 && v.worst < 1);
    CHECK_INT(c.n_texts, 2);
    CHECK_INT(c.n_contexts, 0);
    CHECK_INT(c.n_cases, 2 * 2 + 4); /* both layers in prompt and token, and the held-out ones */
    const whet_champion_text *t = &c.texts[0];
    CHECK_STR(t->name, "short");
    CHECK_INT(t->n_tokens, N_TOKENS);
    CHECK_INT(t->n_prompt, CAPACITY - N_TOKENS);
    CHECK(t->n_same == N_TOKENS || t->margin <= WHET_CHAMPION_TIE * t->range);
    CHECK(t->has_spoiled && memcmp(t->ids, t->spoiled, sizeof t->ids) != 0);
    CHECK(t->n_calls[0] > 0 && t->n_calls[0] == t->n_calls[1]);
    CHECK(t->decode.ratio.low > 0 && t->decode.ratio.low <= t->decode.ratio.high);
    CHECK(t->prefill.tokens_per_second[0] > 0 && t->decode.tokens_per_second[1] > 0);
}

static void test_wrong(void) {
    whet_champion c;
    whet_verdict v;
    REQUIRE_OK(ctx, run((asked){ .defines = "#define SCALE (1.1f * a->scale)\n" }, &c, &v));
    CHECK_INT(v.code, WHET_V_WRONG);
    CHECK_INT(v.gate, WHET_GATE_CHAMPION);
    CHECK_INT(c.n_texts, 0); /* it never came to the engine */
}

/* The engine asks with a capacity that no case of the seed has. */
#define IN_THE_ENGINE "#define BEFORE_RUN if (a->capacity == 58 && p->n_rows == 58) "
_Static_assert(CAPACITY == 58, "as in IN_THE_ENGINE");

static void test_wrong_in_the_engine(void) {
    whet_champion c;
    whet_verdict v;
    const char *negate = "#define AFTER_ROW if (a->capacity == 58 && p->n_rows == 58)"
                         " for (int c = 0; c < d; c++) out[c] ^= 0x8000\n";
    REQUIRE_OK(ctx, run((asked){ .defines = negate }, &c, &v));
    CHECK_INT(v.code, WHET_V_WRONG);
    CHECK_INT(v.gate, WHET_GATE_CHAMPION);
    CHECK_CONTAINS(v.reason, "no near-tie");
    REQUIRE_OK(ctx, run((asked){ .defines = IN_THE_ENGINE "*(volatile int *)8 = 1\n" }, &c, &v));
    CHECK_INT(v.code, WHET_V_CRASHED);
    CHECK_CONTAINS(v.reason, "in the engine signal 11");
}

static void test_not_what_ran(void) {
    whet_champion c;
    whet_verdict v;
    REQUIRE_OK(ctx, run((asked){ .seed = SEED_SAME }, &c, &v));
    CHECK_INT(v.code, WHET_V_UNPROVEN);
    CHECK_CONTAINS(v.reason, "was not what ran");
}

static void test_ties(void) {
    whet_champion c;
    whet_verdict v;
    for (uint64_t seed = SEED_TIED; seed <= SEED_DECIDED; seed++) {
        REQUIRE_OK(ctx, run((asked){ .seed = seed }, &c, &v));
        const whet_champion_text *t = &c.texts[0];
        printf("# %s: %d same, then %.3g of %.3g\n", whet_verdict_name(v.code), t->n_same,
               t->margin, t->range);
        CHECK(t->n_same < N_TOKENS);
        CHECK((v.code == WHET_V_PASS) == (t->margin <= WHET_CHAMPION_TIE * t->range));
        if (seed == SEED_DECIDED) CHECK_INT(v.code, WHET_V_WRONG);
    }
}

static void test_false_answers(void) {
    whet_champion c;
    whet_verdict v;
    for (uint64_t i = 0; i < N_NONSENSE; i++) {
        CHECK_STATUS(ctx, run((asked){ .seed = SEED_NONSENSE + i }, &c, &v), WHET_E_INTERNAL);
        CHECK_CONTAINS(whet_ctx_message(ctx), "nonsense");
    }
    CHECK_STATUS(ctx, run((asked){ .seed = SEED_SILENT }, &c, &v), WHET_E_INTERNAL);
    if (whet_judge_jail() & WHET_JAIL_LANDLOCK) CHECK_CONTAINS(whet_ctx_message(ctx), "0 bytes");
    CHECK_STATUS(ctx, run((asked){ .scenarios = "short,nothing" }, &c, &v), WHET_E_ARG);
    CHECK_STATUS(ctx, run((asked){ .scenarios = "long" }, &c, &v), WHET_E_ARG); /* context 256 */
}

int main(int argc, char **argv) {
    static char path[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    ctx = whet_ctx_open(NULL);
    if (argc > 1 && strcmp(argv[1], "_champion") == 0) {
        const int rc = serve(argc, argv);
        whet_ctx_close(ctx);
        return rc;
    }
    this_program = n > 0 ? path : argv[0];
    const whet_judge_opts opts = {
        .problem = { WHET_BF16, 4, 2, 64, 8, 96 },
        .n_threads = 2,
        .seed = 1,
        .worker = WHET_PROGRAM,
        .skips_source_gate = true,
    };
    if (whet_judge_open(ctx, &opts, &judge) != WHET_OK) {
        printf("Bail out! %s\n", whet_ctx_message(ctx));
        return 1;
    }
    static const test_case tests[] = {
        { "right", test_right },
        { "wrong", test_wrong },
        { "wrong_in_the_engine", test_wrong_in_the_engine },
        { "not_what_ran", test_not_what_ran },
        { "ties", test_ties },
        { "false_answers", test_false_answers },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_judge_close(ctx, judge);
    whet_ctx_close(ctx);
    return rc;
}
