/* SPDX-License-Identifier: MIT */
/* The sampler against distributions computed by the definition of each step. */
#include "tests/test.h"

#include <unistd.h>

#include <whet/sampler.h>

#include "base/file.h"
#include "base/rng.h"

enum { MAX_IDS = 64 };

static whet_ctx *ctx;

/* ---- the definition: transformers' processors, one after the other, in double ---- */

static int rank_of(const double *x, int n, int i) {
    int rank = 0; /* how many come before i; lower ids first among equals */
    for (int j = 0; j < n; j++)
        rank += x[j] > x[i] || (x[j] == x[i] && j < i);
    return rank;
}

static void softmax(const double *x, int n, double *p) {
    double max = -HUGE_VAL, sum = 0;
    for (int i = 0; i < n; i++)
        max = fmax(max, x[i]);
    for (int i = 0; i < n; i++)
        sum += p[i] = exp(x[i] - max);
    for (int i = 0; i < n; i++)
        p[i] /= sum;
}

static void filter_top_k(double *x, int n, int k) {
    double kth = HUGE_VAL;
    for (int i = 0; i < n; i++)
        if (rank_of(x, n, i) < k) kth = fmin(kth, x[i]);
    for (int i = 0; i < n; i++)
        if (x[i] < kth) x[i] = -HUGE_VAL;
}

/* Removed: what, with all that come after it, has at most 1 - top_p. */
static void filter_top_p(double *x, int n, double top_p) {
    double p[MAX_IDS], old[MAX_IDS];
    softmax(x, n, p);
    memcpy(old, x, sizeof(double) * (size_t)n);
    for (int i = 0; i < n; i++) {
        double tail = 0;
        for (int j = 0; j < n; j++)
            if (rank_of(old, n, j) >= rank_of(old, n, i)) tail += p[j];
        if (tail <= 1 - top_p && rank_of(old, n, i) > 0) x[i] = -HUGE_VAL;
    }
}

static void filter_min_p(double *x, int n, double min_p) {
    double p[MAX_IDS], best = 0;
    softmax(x, n, p);
    for (int i = 0; i < n; i++)
        best = fmax(best, p[i]);
    for (int i = 0; i < n; i++)
        if (p[i] < min_p * best) x[i] = -HUGE_VAL;
}

static void define(const whet_sampler_opts *o, const float *logits, const bool *seen, int n,
                   double *p) {
    double x[MAX_IDS];
    for (int i = 0; i < n; i++) {
        x[i] = (double)logits[i];
        if (o->repetition_penalty > 0 && seen && seen[i])
            x[i] = x[i] < 0 ? x[i] * o->repetition_penalty : x[i] / o->repetition_penalty;
        x[i] /= o->temperature;
    }
    if (o->top_k) filter_top_k(x, n, o->top_k < n ? o->top_k : n);
    if (o->top_p > 0 && o->top_p < 1) filter_top_p(x, n, o->top_p);
    if (o->min_p > 0) filter_min_p(x, n, o->min_p);
    softmax(x, n, p);
}

/* ---- draws ---- */

static bool count_draws(const whet_sampler_opts *o, const float *logits, const bool *seen, int n,
                        int n_draws, int *counts) {
    whet_sampler *s;
    if (whet_sampler_open(ctx, o, (size_t)n, &s) != WHET_OK) {
        TEST_FAIL("%s", whet_ctx_message(ctx));
        return false;
    }
    for (int i = 0; seen && i < n; i++)
        if (seen[i]) whet_sampler_accept(s, i);
    memset(counts, 0, sizeof(int) * (size_t)n);
    bool ok = true;
    for (int i = 0; i < n_draws && ok; i++) {
        int32_t id = -1;
        ok = whet_sampler_next(ctx, s, logits, &id) == WHET_OK && id >= 0 && id < n;
        if (ok)
            counts[id]++;
        else
            TEST_FAIL("draw %d gives %d: %s", i, id, whet_ctx_message(ctx));
    }
    whet_sampler_close(s);
    return ok;
}

/* Pearson's statistic as a standard normal variable (Wilson and Hilferty, 1931). Ids that are
 * expected less than five times are taken together. */
static double chi_square_z(const double *p, const int *counts, int n, int n_draws) {
    double chi2 = 0, rare = 0, rare_count = 0;
    int dof = -1;
    for (int i = 0; i < n; i++) {
        const double expected = p[i] * n_draws;
        if (expected < 5) {
            rare += expected;
            rare_count += counts[i];
            continue;
        }
        chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
        dof++;
    }
    if (rare >= 5) {
        chi2 += (rare_count - rare) * (rare_count - rare) / rare;
        dof++;
    }
    if (dof < 1) return 0;
    const double v = 2.0 / (9.0 * dof);
    return (cbrt(chi2 / dof) - (1 - v)) / sqrt(v);
}

/* Draws agree with the definition: nothing outside the kept ids, and the counts within 4.5
 * standard deviations (one in 300 000). */
static void check_distribution(const char *what, const whet_sampler_opts *o, const float *logits,
                               const bool *seen, int n, int n_draws) {
    double p[MAX_IDS];
    int counts[MAX_IDS];
    define(o, logits, seen, n, p);
    if (!count_draws(o, logits, seen, n, n_draws, counts)) return;
    for (int i = 0; i < n; i++) {
        if (p[i] == 0 && counts[i]) TEST_FAIL("%s: id %d was filtered, and drawn", what, i);
        if (p[i] * n_draws > 50 && !counts[i])
            TEST_FAIL("%s: id %d has p = %g and was never drawn", what, i, p[i]);
    }
    const double z = chi_square_z(p, counts, n, n_draws);
    if (!(z < 4.5)) TEST_FAIL("%s: the counts are %.1f standard deviations off", what, z);
}

static void fill_logits(whet_rng *rng, float *logits, int n, double scale) {
    for (int i = 0; i < n; i++)
        logits[i] = (float)(whet_rng_normal(rng) * scale);
}

static void test_each_filter(void) {
    enum { N = 40, N_DRAWS = 100000 };
    static const struct {
        const char *what;
        whet_sampler_opts opts;
    } cases[] = {
        { "temperature 1", { .temperature = 1 } },
        { "temperature 0.6", { .temperature = 0.6 } },
        { "temperature 3", { .temperature = 3 } },
        { "top_k 1", { .temperature = 1, .top_k = 1 } },
        { "top_k 7", { .temperature = 1, .top_k = 7 } },
        { "top_k above the vocabulary", { .temperature = 1, .top_k = 1000 } },
        { "top_p 0.9", { .temperature = 1, .top_p = 0.9 } },
        { "top_p 0.01", { .temperature = 1, .top_p = 0.01 } },
        { "top_p 1", { .temperature = 1, .top_p = 1 } },
        { "min_p 0.1", { .temperature = 1, .min_p = 0.1 } },
        { "min_p 1", { .temperature = 1, .min_p = 1 } },
        { "penalty 1.5", { .temperature = 1, .repetition_penalty = 1.5 } },
        { "penalty 0.5", { .temperature = 1, .repetition_penalty = 0.5 } },
        { "Qwen3's own", { .temperature = 0.6, .top_k = 20, .top_p = 0.95 } },
        { "all",
          { .temperature = 1.3,
            .top_k = 20,
            .top_p = 0.9,
            .min_p = 0.05,
            .repetition_penalty = 1.2 } },
    };
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    float logits[N];
    bool seen[N];
    for (int i = 0; i < N; i++)
        seen[i] = i % 3 == 0;
    for (size_t i = 0; i < 2 * TEST_COUNT(cases); i++) {
        fill_logits(&rng, logits, N, i % 2 ? 2 : 0.02); /* steep, and nearly flat */
        whet_sampler_opts o = cases[i / 2].opts;
        o.seed = whet_rng_derive(test_seed, i);
        check_distribution(cases[i / 2].what, &o, logits, seen, N, N_DRAWS);
    }
}

/* Small vocabularies with many equal logits and every mixture of options. */
static void test_random_options(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int round = 0; round < 300; round++) {
        const int n = 1 + (int)whet_rng_below(&rng, 20);
        float logits[MAX_IDS];
        bool seen[MAX_IDS];
        for (int i = 0; i < n; i++) {
            logits[i] = (float)whet_rng_below(&rng, 9) * 0.5f - 2;
            seen[i] = whet_rng_below(&rng, 2);
        }
        const whet_sampler_opts o = {
            .temperature = 0.5 + whet_rng_uniform(&rng),
            .top_k = (int32_t)whet_rng_below(&rng, (uint64_t)n + 2),
            .top_p = whet_rng_below(&rng, 2) ? 0.05 + 0.95 * whet_rng_uniform(&rng) : 0,
            .min_p = whet_rng_below(&rng, 2) ? whet_rng_uniform(&rng) : 0,
            .repetition_penalty = whet_rng_below(&rng, 2) ? 0.5 + whet_rng_uniform(&rng) : 0,
            .seed = whet_rng_u64(&rng),
        };
        char what[160];
        snprintf(what, sizeof what, "round %d: n %d k %d top_p %g min_p %g penalty %g", round, n,
                 o.top_k, o.top_p, o.min_p, o.repetition_penalty);
        check_distribution(what, &o, logits, seen, n, 4000);
    }
}

/* Ties at the border of top-k are all kept, as the reference does. */
static void test_ties(void) {
    static const float logits[] = { 1, 3, 2, 2, 0, 2 };
    int counts[6];
    const whet_sampler_opts k = { .temperature = 1, .top_k = 2, .seed = test_seed };
    if (!count_draws(&k, logits, NULL, 6, 4000, counts)) return;
    CHECK(!counts[0] && counts[1] && counts[2] && counts[3] && !counts[4] && counts[5]);
    static const float flat[] = { 1, 1, 1, 1 };
    const whet_sampler_opts p = { .temperature = 1, .top_p = 0.5, .seed = test_seed };
    if (!count_draws(&p, flat, NULL, 4, 4000, counts)) return;
    CHECK(counts[0] && counts[1] && !counts[2] && !counts[3]);
}

static int32_t next(whet_sampler *s, const float *logits) {
    int32_t id = -1;
    CHECK_STATUS(ctx, whet_sampler_next(ctx, s, logits, &id), WHET_OK);
    return id;
}

static void test_greedy(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int n = 1; n <= MAX_IDS; n++) {
        float logits[MAX_IDS];
        for (int i = 0; i < n; i++)
            logits[i] = (float)whet_rng_below(&rng, 5) - (n % 2 ? 10 : 0);
        int want = 0;
        for (int i = 1; i < n; i++)
            if (logits[i] > logits[want]) want = i;
        whet_sampler *s;
        REQUIRE_OK(ctx, whet_sampler_open(ctx, &(whet_sampler_opts){ .top_k = 3 }, (size_t)n, &s));
        CHECK_INT(next(s, logits), want);
        whet_sampler_close(s);
    }
}

static void test_greedy_penalty(void) {
    static const float logits[] = { 4, 3, -1, -2 };
    whet_sampler *s;
    REQUIRE_OK(ctx, whet_sampler_open(ctx, &(whet_sampler_opts){ .repetition_penalty = 2 }, 4, &s));
    CHECK_INT(next(s, logits), 0);
    whet_sampler_accept(s, 0);
    whet_sampler_accept(s, 0); /* once is enough: 2, not 1 */
    whet_sampler_accept(s, -1);
    whet_sampler_accept(s, 4);
    CHECK_INT(next(s, logits), 1);
    whet_sampler_accept(s, 1);
    CHECK_INT(next(s, logits), 0);
    static const float low[] = { -1, -3, -1.5f, -9 };
    CHECK_INT(next(s, low), 2); /* -2 and -6 after the penalty */
    whet_sampler_forget(s);
    CHECK_INT(next(s, low), 0);
    whet_sampler_accept(s, 0);
    CHECK_INT(next(s, low), 2);
    whet_sampler_close(s);
}

/* -0.0 is not below 0; a zero stays zero. */
static void test_penalty_zero(void) {
    static const float logits[] = { 0, -0.0f, -1 };
    whet_sampler *s;
    REQUIRE_OK(ctx, whet_sampler_open(ctx, &(whet_sampler_opts){ .repetition_penalty = 5 }, 3, &s));
    whet_sampler_accept(s, 0);
    CHECK_INT(next(s, logits), 0);
    whet_sampler_close(s);
}

static void test_seeds(void) {
    float logits[MAX_IDS];
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    fill_logits(&rng, logits, MAX_IDS, 1);
    int32_t ids[3][200];
    static const uint64_t seeds[] = { 7, 7, 8 };
    for (int k = 0; k < 3; k++) {
        whet_sampler *s;
        const whet_sampler_opts o = { .temperature = 1, .seed = seeds[k] };
        REQUIRE_OK(ctx, whet_sampler_open(ctx, &o, MAX_IDS, &s));
        for (int i = 0; i < 200; i++)
            ids[k][i] = next(s, logits);
        whet_sampler_close(s);
    }
    CHECK(memcmp(ids[0], ids[1], sizeof ids[0]) == 0);
    CHECK(memcmp(ids[0], ids[2], sizeof ids[0]) != 0);
}

/* ---- ids without text ---- */

/* Letters a .. d at 0, 1, 3 and 5 (gaps at 2 and 4), an added token at 7. */
static const char tokenizer_json[] =
    "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, \"added_tokens\": "
    "[{\"id\": 7, \"content\": \"<|im_end|>\", \"single_word\": false, \"lstrip\": false, "
    "\"rstrip\": false, \"normalized\": false, \"special\": true}], \"normalizer\": "
    "{\"type\": \"NFC\"}, \"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": "
    "[{\"type\": \"Split\", \"pattern\": {\"Regex\": "
    "\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| "
    "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"}, "
    "\"behavior\": "
    "\"Isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"add_prefix_space\": "
    "false, \"trim_offsets\": false, \"use_regex\": false}]}, \"post_processor\": "
    "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": false, "
    "\"use_regex\": false}, \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": "
    "true, \"trim_offsets\": true, \"use_regex\": true}, \"model\": {\"type\": \"BPE\", "
    "\"dropout\": null, \"unk_token\": null, \"continuing_subword_prefix\": null, "
    "\"end_of_word_suffix\": null, \"fuse_unk\": false, \"byte_fallback\": false, "
    "\"ignore_merges\": false, \"vocab\": {\"a\": 0, \"b\": 1, \"c\": 3, \"d\": 5}, \"merges\": "
    "[]}}";

static void check_ids_with_text(const whet_tokenizer *t, whet_sampler_opts o) {
    enum { N = 33 };
    float logits[N];
    for (int i = 0; i < N; i++)
        logits[i] = (float)i; /* the padding is the best */
    logits[20] = NAN;         /* and may hold anything */
    o.tokenizer = t;
    whet_sampler *s;
    REQUIRE_OK(ctx, whet_sampler_open(ctx, &o, N, &s));
    whet_sampler_accept(s, 2);
    whet_sampler_accept(s, 30);
    for (int i = 0; i < 2000; i++) {
        int32_t id = -1;
        REQUIRE_OK(ctx, whet_sampler_next(ctx, s, logits, &id));
        if (o.temperature == 0) CHECK_INT(id, 7);
        if (!whet_tokenizer_has(t, id)) TEST_FAIL("id %d has no text", id);
    }
    whet_sampler_close(s);
}

static void test_ids_without_text(void) {
    char path[] = "/tmp/whet-sampler-XXXXXX";
    const int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    close(fd);
    whet_tokenizer *t = NULL;
    whet_status st = whet_file_write(ctx, path, tokenizer_json, sizeof tokenizer_json - 1);
    if (st == WHET_OK) st = whet_tokenizer_open(ctx, path, &t);
    unlink(path);
    REQUIRE_OK(ctx, st);
    CHECK(whet_tokenizer_has(t, 5) && !whet_tokenizer_has(t, 4) && whet_tokenizer_has(t, 7));
    check_ids_with_text(t, (whet_sampler_opts){ 0 });
    check_ids_with_text(t, (whet_sampler_opts){ .repetition_penalty = 1.1 });
    check_ids_with_text(t, (whet_sampler_opts){ .temperature = 5 });
    check_ids_with_text(t, (whet_sampler_opts){ .temperature = 5, .top_k = 8 });
    check_ids_with_text(t,
                        (whet_sampler_opts){ .temperature = 1e9, .top_p = 0.999, .min_p = 0.01 });
    whet_tokenizer_close(t);
}

/* ---- refusals ---- */

static void test_bad_logits(void) {
    static const struct {
        float bad;
        const char *part;
    } cases[] = { { NAN, "id 37 is not a number" }, { INFINITY, "id 37 is infinite" } };
    for (int greedy = 0; greedy < 2; greedy++) {
        for (int at = 0; at < 2; at++) {
            float logits[50] = { 0 };
            logits[37] = cases[at].bad;
            const whet_sampler_opts o = { .temperature = greedy ? 0 : 1, .top_k = 5 };
            whet_sampler *s;
            REQUIRE_OK(ctx, whet_sampler_open(ctx, &o, 50, &s));
            int32_t id;
            CHECK_STATUS(ctx, whet_sampler_next(ctx, s, logits, &id), WHET_E_FORMAT);
            CHECK_CONTAINS(whet_ctx_message(ctx), cases[at].part);
            for (int i = 0; i < 50; i++)
                logits[i] = -INFINITY;
            CHECK_STATUS(ctx, whet_sampler_next(ctx, s, logits, &id), WHET_E_FORMAT);
            CHECK_CONTAINS(whet_ctx_message(ctx), "-infinity");
            logits[3] = -1e30f;
            CHECK_INT(next(s, logits), 3);
            whet_sampler_close(s);
        }
    }
}

static void test_extreme_temperatures(void) {
    static const float logits[] = { -3e38f, 3e38f, 3e38f, 0 };
    static const double temperatures[] = { 1e-300, 1e-30, 1, 1e30, 1e300 };
    for (size_t i = 0; i < TEST_COUNT(temperatures); i++) {
        int counts[4];
        const whet_sampler_opts o = { .temperature = temperatures[i], .seed = i };
        if (!count_draws(&o, logits, NULL, 4, 400, counts)) return;
        CHECK(counts[1] > 50 && counts[2] > 50);
        if (i < 4) CHECK(!counts[0] && !counts[3]);
    }
}

static void test_bad_options(void) {
    static const struct {
        whet_sampler_opts opts;
        const char *part;
    } cases[] = {
        { { .temperature = -1 }, "temperature is -1" },
        { { .temperature = (double)NAN }, "temperature is nan" },
        { { .temperature = HUGE_VAL }, "temperature is inf" },
        { { .top_k = -1 }, "top_k is -1" },
        { { .top_p = 1.01 }, "top_p is 1.01" },
        { { .top_p = -0.1 }, "top_p is -0.1" },
        { { .top_p = (double)NAN }, "top_p" },
        { { .min_p = 2 }, "min_p is 2" },
        { { .repetition_penalty = -1 }, "repetition_penalty is -1" },
    };
    whet_sampler *s;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        CHECK_STATUS(ctx, whet_sampler_open(ctx, &cases[i].opts, 10, &s), WHET_E_ARG);
        CHECK_CONTAINS(whet_ctx_message(ctx), cases[i].part);
        CHECK(!s);
    }
    CHECK_STATUS(ctx, whet_sampler_open(ctx, &(whet_sampler_opts){ 0 }, 0, &s), WHET_E_ARG);
    whet_sampler_close(NULL);
}

/* Qwen3's vocabulary: no allocation, and top-k agrees with top-p's heap about the best ids. */
static void test_large(void) {
    enum { N = 151936 };
    float *logits = malloc(N * sizeof *logits);
    REQUIRE(logits);
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    fill_logits(&rng, logits, N, 3);
    static const whet_sampler_opts opts[] = {
        { 0 },
        { .temperature = 0.6, .top_k = 20, .top_p = 0.95, .repetition_penalty = 1.1 },
        { .temperature = 1, .top_p = 0.9 },
        { .temperature = 1, .top_k = 100000 },
        { .temperature = 1, .min_p = 0.01 },
    };
    for (size_t k = 0; k < TEST_COUNT(opts); k++) {
        whet_sampler *s;
        if (whet_sampler_open(ctx, &opts[k], N, &s) != WHET_OK) {
            TEST_FAIL("%s", whet_ctx_message(ctx));
            break;
        }
        const uint64_t before = whet_ctx_allocations(ctx);
        for (int i = 0; i < 20; i++)
            whet_sampler_accept(s, next(s, logits));
        CHECK_INT(whet_ctx_allocations(ctx), before);
        whet_sampler_close(s);
    }
    free(logits);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "each_filter", test_each_filter },
        { "random_options", test_random_options },
        { "ties", test_ties },
        { "greedy", test_greedy },
        { "greedy_penalty", test_greedy_penalty },
        { "penalty_zero", test_penalty_zero },
        { "seeds", test_seeds },
        { "ids_without_text", test_ids_without_text },
        { "bad_logits", test_bad_logits },
        { "extreme_temperatures", test_extreme_temperatures },
        { "bad_options", test_bad_options },
        { "large", test_large },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = ctx ? test_main(argc, argv, tests, TEST_COUNT(tests)) : 1;
    whet_ctx_close(ctx);
    return rc;
}
