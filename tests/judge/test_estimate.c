/* SPDX-License-Identifier: MIT */
/* The estimator on made-up samples: what it finds is what was put in. */
#include "tests/test.h"

#include <whet/judge.h>

#include "base/rng.h"

static whet_ctx *ctx;

enum { MAX_SAMPLES = 2 * 40 * 16 };

/* Samples of a machine that drifts, with noise in each block and a bias that a pair keeps. */
static size_t make_samples(whet_rng *rng, int n_pairs, int n_blocks, double ratio, double bias,
                           double noise, whet_duel_sample *samples) {
    size_t n = 0;
    for (int pair = 0; pair < n_pairs; pair++) {
        const double of_pair = bias * whet_rng_normal(rng);
        for (int block = 0; block < n_blocks; block++) {
            const double drift = 1 + 0.5 * whet_rng_uniform(rng);
            const int order = (int)whet_rng_below(rng, 2);
            for (int is_rival = 0; is_rival < 2; is_rival++)
                samples[n++] = (whet_duel_sample){
                    .pair = pair,
                    .block = block,
                    .is_rival = is_rival,
                    .order = order ^ is_rival,
                    .ns = 1e6 * drift * (is_rival ? ratio * exp(of_pair) : 1) *
                          exp(noise * whet_rng_normal(rng)),
                };
        }
    }
    return n;
}

static void test_exact(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    whet_duel_sample samples[MAX_SAMPLES];
    const size_t n = make_samples(&rng, 5, 4, 3.0, 0, 0, samples);
    whet_ratio r;
    REQUIRE_OK(ctx, whet_ratio_estimate(ctx, samples, n, 1, &r));
    CHECK_NEAR(r.ratio, 3, 1e-9);
    CHECK_NEAR(r.low, 3, 1e-9);
    CHECK_NEAR(r.high, 3, 1e-9);
}

/* One sample that was disturbed moves neither the ratio nor the interval far. */
static void test_outlier(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    whet_duel_sample samples[MAX_SAMPLES];
    const size_t n = make_samples(&rng, 7, 5, 2.0, 0.001, 0.001, samples);
    samples[3].ns *= 50;
    whet_ratio r;
    REQUIRE_OK(ctx, whet_ratio_estimate(ctx, samples, n, 1, &r));
    CHECK_NEAR(r.ratio, 2, 0.02);
    CHECK(r.low > 1.95 && r.high < 2.05);
}

static void test_order_does_not_matter(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    whet_duel_sample a[MAX_SAMPLES], b[MAX_SAMPLES];
    const size_t n = make_samples(&rng, 6, 5, 1.3, 0.02, 0.05, a);
    for (size_t i = 0; i < n; i++)
        b[i] = a[n - 1 - i];
    whet_ratio ra, rb;
    REQUIRE_OK(ctx, whet_ratio_estimate(ctx, a, n, 9, &ra));
    REQUIRE_OK(ctx, whet_ratio_estimate(ctx, b, n, 9, &rb));
    CHECK(memcmp(&ra, &rb, sizeof ra) == 0);
    CHECK(ra.low <= ra.ratio && ra.ratio <= ra.high);
}

/* Equal kernels, pairs with a bias for life: the interval holds 1 about as often as it says. */
static void test_coverage(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    int n_held = 0;
    enum { N = 200 };
    for (int i = 0; i < N; i++) {
        whet_duel_sample samples[MAX_SAMPLES];
        const size_t n = make_samples(&rng, 15, 6, 1.0, 0.03, 0.01, samples);
        whet_ratio r;
        REQUIRE_OK(ctx, whet_ratio_estimate(ctx, samples, n, (uint64_t)i, &r));
        n_held += r.low <= 1 && r.high >= 1;
    }
    printf("# the interval held 1 in %d of %d\n", n_held, N);
    CHECK(n_held >= N * 88 / 100);
}

/* The pair after which a duel of so many would stop for "clearly below 1"; 0 = never, -1 = the
 * question itself was refused. */
static int stops_at(whet_rng *rng, int n_pairs, int n_blocks, double ratio, double bias,
                    double noise) {
    whet_duel_sample samples[MAX_SAMPLES];
    make_samples(rng, n_pairs, n_blocks, ratio, bias, noise, samples);
    for (int pairs = 1; pairs <= n_pairs; pairs++) {
        const size_t n = (size_t)(2 * n_blocks * pairs);
        bool is_below;
        if (whet_ratio_is_below(ctx, samples, n, 1.0, &is_below) != WHET_OK) return -1;
        if (is_below) return pairs;
    }
    return 0;
}

/* Equal kernels, looked at after every pair: at most 2.5 % are ever stopped (and 1.2 % for the
 * luck of the seed); without the correction for looking it is 14 %. */
static void test_false_stops(void) {
    enum { N = 1000 };
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    int n_stopped = 0;
    for (int i = 0; i < N; i++)
        n_stopped += stops_at(&rng, 20, 5, 1.0, 0.03, 0.01) != 0;
    printf("# %d of %d duels of equals were stopped\n", n_stopped, N);
    CHECK(n_stopped <= N * 37 / 1000);
}

/* Clear losers are stopped, and soon; the faster never. */
static void test_true_stops(void) {
    enum { N = 200 };
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    int n_half = 0, n_slower = 0, n_faster = 0;
    for (int i = 0; i < N; i++) {
        n_half += stops_at(&rng, 4, 5, 0.5, 0.01, 0.01) > 0;
        n_slower += stops_at(&rng, 12, 5, 0.9, 0.02, 0.01) > 0;
        n_faster += stops_at(&rng, 12, 5, 1.05, 0.01, 0.01) != 0;
    }
    printf("# stopped: half as fast %d, 10 %% slower %d, 5 %% faster %d of %d\n", n_half, n_slower,
           n_faster, N);
    CHECK(n_half >= N * 95 / 100);
    CHECK(n_slower >= N * 95 / 100);
    CHECK(n_faster == 0);
}

/* One pair says "far below" of who is, and only with enough blocks; single calls of equals, of a
 * machine so busy that half of all calls take more than twice or less than half of their time, are
 * as good as never so. */
static void test_far_below(void) {
    enum { N = 1000 };
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    int n_far = 0, n_few = 0, n_near = 0, n_equal = 0;
    for (int i = 0; i < N; i++) {
        n_far += stops_at(&rng, 1, WHET_FAR_BLOCKS, 0.1, 0.05, 0.1) == 1;
        n_few += stops_at(&rng, 1, WHET_FAR_BLOCKS - 1, 0.1, 0.05, 0.1) != 0;
        n_near += stops_at(&rng, 1, WHET_FAR_BLOCKS, 0.3, 0.05, 0.1) != 0;
        n_equal += stops_at(&rng, 1, WHET_FAR_BLOCKS, 1.0, 0.1, 1) != 0;
    }
    printf("# far below: %d, by few blocks %d, near %d, equal %d of %d\n", n_far, n_few, n_near,
           n_equal, N);
    CHECK(n_far >= N * 99 / 100);
    CHECK(n_few == 0 && n_near <= N / 100 && n_equal <= N / 100);
}

static void test_refusals(void) {
    bool is_below = true;
    CHECK_STATUS(ctx, whet_ratio_is_below(ctx, NULL, 0, 1, &is_below), WHET_E_ARG);
    CHECK(!is_below);
    whet_ratio r;
    whet_duel_sample alone[] = { { 0, 0, 0, 0, 5 }, { 0, 1, 0, 0, 5 }, { 1, 0, 1, 0, 5 } };
    CHECK_STATUS(ctx, whet_ratio_estimate(ctx, alone, 0, 1, &r), WHET_E_ARG);
    CHECK_STATUS(ctx, whet_ratio_estimate(ctx, alone, 3, 1, &r), WHET_E_ARG);
    whet_duel_sample zero[] = { { 0, 0, 0, 0, 0 }, { 0, 0, 1, 0, 5 } };
    CHECK_STATUS(ctx, whet_ratio_estimate(ctx, zero, 2, 1, &r), WHET_E_ARG);
    whet_duel_sample one[] = { { 3, 7, 0, 0, 2 }, { 3, 7, 1, 0, 5 }, { 4, 0, 0, 0, 1 } };
    CHECK_STATUS(ctx, whet_ratio_estimate(ctx, one, 3, 1, &r), WHET_OK);
    CHECK_NEAR(r.ratio, 2.5, 1e-12);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    static const test_case tests[] = {
        { "exact", test_exact },
        { "outlier", test_outlier },
        { "order_does_not_matter", test_order_does_not_matter },
        { "coverage", test_coverage },
        { "false_stops", test_false_stops },
        { "true_stops", test_true_stops },
        { "far_below", test_far_below },
        { "refusals", test_refusals },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
