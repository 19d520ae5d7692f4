/* SPDX-License-Identifier: MIT */
/* Every suite that the guide offers over `repeat`, made for one problem as in an evolution, passes
 * a full judgement on this processor: it compiles, is right, and has no code that no case reaches.
 */
#include "tests/test.h"

#include <whet/judge.h>

#include "evolve/guide.h"
#include "evolve/ideas.h"
#include "kernels/programs.h"

enum { N_DRAWS = 400 }; /* of suites, by chance: of 14 one is missed in 1 of 10^12 such rounds */

static const whet_problem problem = { WHET_BF16, 16, 8, 128, 8, 96 };

static whet_ctx *ctx;
static whet_judge *judge;
static whet_fit fits[WHET_MAX_FITS];
static int n_fits;
static bool is_offered[WHET_MAX_FITS]; /* whether a program has both ideas of the fit */
static char judged[WHET_MAX_FITS][WHET_SHA256_HEX];
static int n_judged;

/* The program that an evolution starts from. */
static void make_seed(whet_member *seed) {
    const char *text = whet_program_text("repeat");
    whet_genome genome;
    REQUIRE_OK(ctx, whet_genome_parse(ctx, text, strlen(text), &genome));
    REQUIRE_OK(ctx, whet_genome_specialise(ctx, &genome, &problem, &seed->text));
    REQUIRE_OK(ctx, whet_genome_parse(ctx, seed->text.text, seed->text.len, &seed->genome));
}

static bool has_idea(const whet_genome *genome, int idea) {
    const whet_segment *s = whet_genome_segment(genome, whet_segment_texts[idea].segment);
    return s && whet_idea_of(genome, (int)(s - genome->segments)) == idea;
}

static void note_offer(const whet_genome *genome) {
    for (int i = 0; i < n_fits; i++)
        is_offered[i] |= has_idea(genome, fits[i].idea) && has_idea(genome, fits[i].partner);
}

static void judge_program(const char *name, const char *text, size_t n_bytes) {
    whet_verdict v = { 0 };
    REQUIRE_OK(ctx, whet_judge_source(ctx, judge, text, n_bytes, NULL, &v));
    printf("# %s: %s\n", name, whet_verdict_name(v.code));
    if (v.code != WHET_V_PASS || v.gate != WHET_GATE_SANITIZER)
        TEST_FAIL("%s: %s of gate %d: %s %s", name, whet_verdict_name(v.code), (int)v.gate,
                  v.reason, v.compiler_text);
}

/* Suites may be the same program. */
static bool is_new(const char *text, size_t n_bytes) {
    if (whet_genome_hash(ctx, text, n_bytes, judged[n_judged]) != WHET_OK) abort();
    for (int i = 0; i < n_judged; i++)
        if (strcmp(judged[i], judged[n_judged]) == 0) return false;
    n_judged++;
    return true;
}

static void test_each_suite(void) {
    whet_member seed = { .parent = -1, .parent2 = -1 };
    whet_search s = { .members = &seed, .n_members = 1 };
    whet_rng_init(&s.rng, test_seed);
    make_seed(&seed);
    for (int i = 0; i < N_DRAWS; i++) {
        whet_child_text child = { 0 };
        whet_genome genome;
        REQUIRE_OK(ctx, whet_guide(ctx, &s, 0, WHET_GUIDE_SUITE, &child));
        REQUIRE_OK(ctx, whet_genome_parse(ctx, child.text.text, child.text.len, &genome));
        note_offer(&genome);
        if (is_new(child.text.text, child.text.len))
            judge_program(child.change, child.text.text, child.text.len);
        whet_buf_fini(ctx, &child.text);
    }
    for (int i = 0; i < n_fits; i++)
        if (!is_offered[i])
            TEST_FAIL("%s was not offered with %s", whet_segment_texts[fits[i].idea].name,
                      whet_segment_texts[fits[i].partner].name);
    whet_buf_fini(ctx, &seed.text);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    const whet_judge_opts opts = {
        .problem = problem,
        .seed = test_seed,
        .worker = WHET_PROGRAM,
        .is_full = true,
    };
    if (whet_judge_open(ctx, &opts, &judge) != WHET_OK) {
        printf("Bail out! %s\n", whet_ctx_message(ctx));
        return 1;
    }
    n_fits = whet_idea_fits(fits, WHET_MAX_FITS);
    static const test_case tests[] = { { "each suite", test_each_suite } };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_judge_close(ctx, judge);
    whet_ctx_close(ctx);
    return rc;
}
