/* SPDX-License-Identifier: MIT */
/* Gate 9 and the rules about samples, on made-up numbers; the trusted attention against the oracle.
 * Nothing here looks at a clock. */
#include "tests/test.h"

#include <whet/judge.h>

#include "kernels/attention.h"
#include "kernels/cases.h"
#include "kernels/dtype.h"
#include "kernels/trusted.h"

/* 8 MB at 40 GB/s are 200 us; 10 MFLOP at 400 GFLOP/s are 25 us. */
static whet_sanity plain_sanity(void) {
    return (whet_sanity){ .ns = 250e3,
                          .bytes = 8e6,
                          .bytes_per_second = 40e9,
                          .flop = 10e6,
                          .flop_per_second = 400e9,
                          .speed = 1.3,
                          .best = "grouped" };
}

static void check_sanity(const whet_sanity *s, const char *words, const char *verdict) {
    whet_verdict v = { 0 };
    const bool is_doubted = whet_judge_doubts(s, &v);
    CHECK(is_doubted == (words != NULL));
    CHECK_STR(whet_verdict_name(v.code), words ? verdict : "PASS");
    if (!words) return;
    CHECK_INT(v.gate, WHET_GATE_SANITY);
    CHECK_CONTAINS(v.reason, words);
}

static void check_doubt(const whet_sanity *s, const char *words) {
    check_sanity(s, words, "QUARANTINE");
}

static void test_doubts(void) {
    whet_sanity s = plain_sanity();
    check_doubt(&s, NULL);
    s.ns = 190e3; /* a tenth is left to the probe */
    check_doubt(&s, NULL);
    s.ns = 180e3;
    check_doubt(&s, "reading its 8.00 MB");
    s.bytes = 0; /* it may come from caches: only arithmetic is left */
    check_doubt(&s, NULL);
    s.ns = 22e3;
    check_doubt(&s, "10.0 MFLOP");
    s.flop = 0;
    check_doubt(&s, NULL);
    s = plain_sanity();
    s.ns = NAN;
    check_doubt(&s, "reading");
    s = plain_sanity();
    s.speed = 3;
    check_doubt(&s, NULL);
    s.speed = 3.01;
    check_doubt(&s, "3.01 times the speed of grouped");
    s.speed = NAN;
    check_doubt(&s, "the best baseline");
    s.best = NULL;
    check_doubt(&s, NULL);
}

static void test_slow_appends(void) {
    whet_sanity s = { .copies = WHET_MAX_COPIES };
    check_sanity(&s, NULL, "");
    s.copies = 40.1;
    check_sanity(&s, "takes 40.1 times as long as a plain copy, at most 40", "SLOWER");
    s.copies = NAN;
    check_sanity(&s, "plain copy", "SLOWER");
}

static void test_claims(void) {
    static const struct {
        whet_ratio ratio;
        whet_claim claim;
    } cases[] = {
        { { 1.03, 1.01, 1.05 }, WHET_CLAIM_FASTER },  { { 1.005, 1.001, 1.009 }, WHET_CLAIM_NONE },
        { { 1.05, 0.99, 1.1 }, WHET_CLAIM_NONE },     { { 0.97, 0.95, 0.99 }, WHET_CLAIM_SLOWER },
        { { 0.995, 0.993, 0.998 }, WHET_CLAIM_NONE }, { { 0.97, 0.9, 1.01 }, WHET_CLAIM_NONE },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        CHECK_INT(whet_ratio_claim(&cases[i].ratio), cases[i].claim);
}

static void test_no_sample_no_claim(void) {
    static const whet_ratio none[] = {
        { 0, 0, 0 }, { NAN, NAN, NAN }, { 0.5, NAN, 0.9 }, { NAN, 0.5, 0.9 }, { 2, 1.5, NAN },
    };
    for (size_t i = 0; i < TEST_COUNT(none); i++)
        CHECK_INT(whet_ratio_claim(&none[i]), WHET_CLAIM_NONE);
}

/* Pair 3 of the samples: eight times of each side. */
static bool is_disturbed(const double rival_ns[8], const double own_ns[8]) {
    whet_duel_sample samples[18];
    size_t n = 0;
    samples[n++] = (whet_duel_sample){ 2, 0, 1, 0, 1e9 }; /* of another pair */
    for (int i = 0; i < 8; i++) {
        samples[n++] = (whet_duel_sample){ 3, i, 0, 0, own_ns[i] };
        samples[n++] = (whet_duel_sample){ 3, i, 1, 1, rival_ns[i] };
    }
    return whet_duel_is_disturbed(samples, n, 3);
}

static void test_disturbed(void) {
    const double calm[8] = { 100, 101, 99, 100, 102, 98, 100, 101 };
    const double one_off[8] = { 100, 101, 99, 100, 102, 98, 100, 900 };
    const double wild[8] = { 100, 131, 99, 150, 102, 148, 100, 151 };
    const double nan[8] = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
    CHECK(!is_disturbed(calm, calm));
    CHECK(!is_disturbed(one_off, calm)); /* the median lives with that */
    CHECK(is_disturbed(wild, calm));
    CHECK(!is_disturbed(calm, wild)); /* the candidate gains nothing by unrest of its own */
    CHECK(is_disturbed(nan, calm));
    const whet_duel_sample few[] = { { 0, 0, 1, 0, 1 }, { 0, 1, 1, 0, 100 } };
    CHECK(!whet_duel_is_disturbed(few, 2, 0));
}

enum { DIM_MOST = 128, KEYS = 150, ROWS = 3 };

/* Two answers that are right may differ by what the bound says, and the bound is not far above what
 * the oracle allows one of them, in families that are timed. */
static void check_trusted(whet_ctx *ctx, const whet_problem *p, whet_case_family family) {
    const size_t n = (size_t)p->n_heads * (size_t)p->head_dim,
                 kv = (size_t)p->n_kv_heads * (size_t)p->head_dim;
    const size_t element = whet_dtype_bytes((whet_dtype)p->dtype);
    char *q = malloc(ROWS * n * element), *k = malloc(KEYS * kv * element);
    char *v = malloc(KEYS * kv * element);
    float *out = malloc(2 * ROWS * n * sizeof *out), *miss = out + ROWS * n;
    double *truth = malloc((2 * n + 2 * KEYS) * sizeof *truth), *tol = truth + n;
    void *scratch = aligned_alloc(64, (whet_trusted_bytes(p) + 63) / 64 * 64);
    REQUIRE(q && k && v && out && truth && scratch);
    (void)ctx;
    whet_case_fill(family, p, test_seed, q, k, v);
    const whet_trusted task = {
        .problem = *p,
        .scale = (float)(1 / sqrt(p->head_dim)),
        .q = q,
        .stretches = { { k, v, 70 },
                       { k + 70 * kv * element, v + 70 * kv * element, 0 },
                       { k + 70 * kv * element, v + 70 * kv * element, KEYS - 70 } },
        .out = out,
        .miss = miss,
    };
    for (int worker = 2; worker >= 0; worker--)
        whet_trusted_run(&task, scratch, worker, 3);
    double worst = 0, of_bounds = 0, of_oracle = 0;
    for (int r = 0; r < ROWS; r++) {
        whet_attention_oracle(p, 1 / sqrt(p->head_dim), q + (size_t)r * n * element, k, v,
                              (int64_t)kv, KEYS - ROWS + r, truth, tol, tol + n);
        for (size_t i = 0; i < n; i++) {
            const size_t at = (size_t)r * n + i;
            const double off = fabs((double)out[at] - truth[i]);
            const double bound = (double)miss[at];
            if (!(off + tol[i] <= 1.02 * bound))
                TEST_FAIL("%s, row %d, element %zu: %.9g is %.2g off, and %.2g are allowed: more "
                          "than %.2g",
                          whet_case_name(family), r, i, (double)out[at], off, tol[i], bound);
            worst = fmax(worst, off / bound);
            of_bounds += bound;
            of_oracle += tol[i];
        }
    }
    CHECK(worst < 0.5);
    CHECK(p->dtype == WHET_F32 || (int)family >= WHET_N_TIMED_CASES || of_bounds < 8 * of_oracle);
    free(q), free(k), free(v), free(out), free(truth), free(scratch);
}

static void test_trusted(void) {
    whet_ctx *ctx = whet_ctx_open(NULL);
    static const whet_problem problems[] = { { WHET_BF16, 4, 2, 64, ROWS, KEYS },
                                             { WHET_F16, 6, 2, 40, ROWS, KEYS },
                                             { WHET_F32, 5, 1, 128, ROWS, KEYS },
                                             { WHET_BF16, 40, 1, 16, ROWS, KEYS } };
    for (size_t i = 0; i < TEST_COUNT(problems); i++)
        for (int family = 0; family < WHET_N_CASES; family++)
            check_trusted(ctx, &problems[i], (whet_case_family)family);
    whet_ctx_close(ctx);
}

/* A key below e^-20 of the largest, of which the V is next to nothing: the oracle forgives one that
 * skips it, and so does the bound of timed outputs. */
static void test_trusted_forgives_skipped_keys(void) {
    whet_problem p = { WHET_F32, 1, 1, 1, 1, 2 };
    const float q = 1, k[] = { 0, -21 }, v[] = { 1e-6f, 1 };
    float out, miss;
    void *scratch = aligned_alloc(64, (whet_trusted_bytes(&p) + 63) / 64 * 64);
    REQUIRE(scratch);
    const whet_trusted task = { p, 1, &q, { { k, v, 2 } }, &out, &miss };
    whet_trusted_run(&task, scratch, 0, 1);
    CHECK(fabsf(v[0] - out) <= miss);
    free(scratch);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "doubts", test_doubts },
        { "slow appends", test_slow_appends },
        { "claims", test_claims },
        { "no_sample_no_claim", test_no_sample_no_claim },
        { "disturbed", test_disturbed },
        { "trusted", test_trusted },
        { "trusted forgives skipped keys", test_trusted_forgives_skipped_keys },
    };
    return test_main(argc, argv, tests, TEST_COUNT(tests));
}
