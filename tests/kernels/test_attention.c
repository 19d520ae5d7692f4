/* SPDX-License-Identifier: MIT */
/* The attention kernels against the oracle: every kernel of the list, shapes, lengths, families. */
#include "kernels/attention.h"

#include "base/sanitized.h"
#include "tests/kernels/stage.h"
#include "tests/test.h"

/* One less, equal and one more than every block and tile size in use. */
static const int32_t boundary[] = { 0,  1,  2,  6,  14, 15,  16,  17,  30,  31,  32,  33, 46,
                                    47, 48, 62, 63, 64, 126, 127, 128, 129, 254, 255, 256 };
enum { N_BOUNDARY = sizeof boundary / sizeof boundary[0], CONTEXT = 257 };

#define PROBLEM(dtype, heads, kv_heads, dim)                                                       \
    { WHET_##dtype, heads, kv_heads, dim, CONTEXT, CONTEXT }

/* Ratios 1, 2, 4, 5, 6, 8; head_dim 64, 128 and others; every dtype. */
static const whet_problem problems[] = {
    PROBLEM(BF16, 4, 2, 128), PROBLEM(BF16, 2, 2, 64), PROBLEM(BF16, 8, 2, 64),
    PROBLEM(BF16, 5, 1, 128), PROBLEM(BF16, 6, 1, 80), PROBLEM(BF16, 8, 1, 128),
    PROBLEM(BF16, 9, 1, 33),  PROBLEM(BF16, 3, 3, 1),  PROBLEM(F32, 4, 2, 128),
    PROBLEM(F32, 5, 1, 80),   PROBLEM(F16, 4, 2, 64),  PROBLEM(F16, 3, 1, 21),
};

static const char *words_of(const stage_case *c) {
    static char words[96];
    snprintf(words, sizeof words, "%s %d:%d x %d, %s",
             whet_dtype_name((whet_dtype)c->problem.dtype), (int)c->problem.n_heads,
             (int)c->problem.n_kv_heads, (int)c->problem.head_dim, whet_case_name(c->family));
    return words;
}

static void check_worst(const whet_attention_kernel *kernel, const stage_case *input,
                        const char *how, double worst) {
    if (!(worst <= 1))
        TEST_FAIL("%s, %s, %s: %.3g times the tolerance", kernel->name, how, words_of(input),
                  worst);
}

/* Calls fn for every kernel that supports the problem on this machine. */
static void with_kernels(const stage_case *input,
                         void (*fn)(const whet_attention_kernel *, const stage_case *)) {
    for (const whet_attention_kernel *const *k = whet_attention_kernels; *k; k++)
        if ((*k)->supports(&input->problem)) fn(*k, input);
}

static void check_agreement(const whet_attention_kernel *kernel, const stage_case *input) {
    check_worst(kernel, input, "decode", stage_decode_worst(kernel, input, 2));
    check_worst(kernel, input, "prefill", stage_prefill_worst(kernel, input, 0, 3));
}

/* Families differ in values, on which no address depends: a sanitizer learns as much of some. */
static void test_agrees_with_oracle(void) {
    const size_t step = test_is_quick ? WHET_N_CASES : WHET_IS_SANITIZED ? WHET_N_CASES / 3 : 1;
    for (size_t i = 0; i < TEST_COUNT(problems); i++)
        for (int family = 0; family < WHET_N_CASES; family++) {
            if ((i + (size_t)family) % step) continue;
            stage_case c;
            stage_case_open(&c, &problems[i], (whet_case_family)family, boundary, N_BOUNDARY);
            with_kernels(&c, check_agreement);
            stage_case_close(&c);
        }
}

/* Root of the mean square of what n rows at a time are off, by that of the oracle's outputs. */
static double root_error(const whet_attention_kernel *kernel, const stage_case *input, int32_t n) {
    const int64_t row = q_row(&input->problem);
    double off = 0, size = 0;
    stage s;
    stage_open(&s, kernel, input, CONTEXT, n, 2);
    stage_append(&s, 0, CONTEXT);
    for (int i = 0; i < input->n_positions; i++) {
        const int32_t pos = n == 1 ? input->positions[i] : 0;
        if (n == 1 || i == 0) stage_run(&s, pos, n, stage_scale(input));
        for (int64_t j = 0; j < row; j++) {
            const double truth = input->out[i * row + j];
            const double got = (double)whet_load_f32((whet_dtype)input->problem.dtype, s.out,
                                                     (input->positions[i] - pos) * row + j);
            off += (got - truth) * (got - truth);
            size += truth * truth;
        }
    }
    stage_close(&s);
    return sqrt(off / size);
}

static void check_root_error(const whet_attention_kernel *kernel, const stage_case *input) {
    const double decode = root_error(kernel, input, 1),
                 prefill = root_error(kernel, input, CONTEXT);
    if (!(decode <= 2.5e-3 && prefill <= 2.5e-3))
        TEST_FAIL("%s, %s: an NRMSE of %.3g in decode, %.3g in prefill", kernel->name,
                  words_of(input), decode, prefill);
}

/* Half a unit of the last place of bf16 is 1.7e-3 by itself. */
static void test_root_error(void) {
    static const whet_problem shapes[] = { PROBLEM(BF16, 16, 8, 128), PROBLEM(BF16, 5, 1, 64) };
    const int step = test_is_quick || WHET_IS_SANITIZED ? 5 : 1;
    for (size_t i = 0; i < TEST_COUNT(shapes); i++)
        for (int family = 0; family < WHET_N_CASES; family += step) {
            stage_case c;
            stage_case_open(&c, &shapes[i], (whet_case_family)family, boundary, N_BOUNDARY);
            with_kernels(&c, check_root_error);
            stage_case_close(&c);
        }
}

static void check_workers(const whet_attention_kernel *kernel, const stage_case *input) {
    for (int n = test_is_quick ? 5 : 1; n <= 5; n++) {
        check_worst(kernel, input, "decode", stage_decode_worst(kernel, input, n));
        check_worst(kernel, input, "late prefill", stage_prefill_worst(kernel, input, 230, n));
        check_worst(kernel, input, "prefill", stage_prefill_worst(kernel, input, 0, n));
    }
}

static void test_any_number_of_workers(void) {
    static const whet_problem shapes[] = { PROBLEM(BF16, 16, 8, 128), PROBLEM(BF16, 5, 1, 64) };
    static const int32_t positions[] = { 0, 100, 230, 231, 240, 256 };
    for (size_t i = 0; i < TEST_COUNT(shapes); i++) {
        stage_case c;
        stage_case_open(&c, &shapes[i], WHET_CASE_RAMP_UP, positions, TEST_COUNT(positions));
        with_kernels(&c, check_workers);
        stage_case_close(&c);
    }
}

/* The last row's output after filling the cache in pieces of n. */
static void fill_in_pieces(stage *s, int32_t n) {
    const int32_t n_context = s->input->problem.n_context;
    for (int32_t pos = 0; pos < n_context; pos += n)
        stage_append(s, pos, n < n_context - pos ? n : n_context - pos);
    stage_run(s, n_context - 1, 1, stage_scale(s->input));
}

static void check_chunking(const whet_attention_kernel *kernel, const stage_case *input) {
    stage whole;
    stage_open(&whole, kernel, input, 300, 1, 2);
    fill_in_pieces(&whole, input->problem.n_context);
    static const int32_t pieces[] = { 1, 7, 16, 64 };
    for (size_t i = 0; i < TEST_COUNT(pieces); i++) {
        stage s;
        stage_open(&s, kernel, input, 300, 1, 3);
        fill_in_pieces(&s, pieces[i]);
        if (memcmp(s.kv, whole.kv, s.kv_bytes) != 0)
            TEST_FAIL("%s: pieces of %d leave another cache", kernel->name, (int)pieces[i]);
        if (!(stage_worst(&s, CONTEXT - 1, 1) <= 1))
            TEST_FAIL("%s: pieces of %d give a wrong output", kernel->name, (int)pieces[i]);
        stage_close(&s);
    }
    stage_close(&whole);
}

static void test_append_in_any_chunking(void) {
    static const int32_t last[] = { CONTEXT - 1 };
    for (size_t i = 0; i < TEST_COUNT(problems); i++) {
        stage_case c;
        stage_case_open(&c, &problems[i], WHET_CASE_GAUSS_1, last, 1);
        with_kernels(&c, check_chunking);
        stage_case_close(&c);
    }
}

/* A chat that goes back: rows of another input are overwritten from position 40 on. */
static void check_roll_back(const whet_attention_kernel *kernel, const stage_case *input) {
    stage s;
    stage_open(&s, kernel, input, CONTEXT, 1, 2);
    stage_append(&s, 0, 40);
    stage_case other = *input;
    other.k = input->v, other.v = input->k;
    s.input = &other;
    stage_append(&s, 40, 200);
    s.input = input;
    stage_append(&s, 40, 1);
    stage_append(&s, 41, 59);
    stage_run(&s, 99, 1, stage_scale(input));
    check_worst(kernel, input, "after a roll-back", stage_worst(&s, 99, 1));
    stage_close(&s);
}

static void test_overwrite_after_roll_back(void) {
    static const int32_t positions[] = { 99 };
    stage_case c;
    stage_case_open(&c, &problems[0], WHET_CASE_GAUSS_1, positions, 1);
    with_kernels(&c, check_roll_back);
    stage_case_close(&c);
}

/* Strides wider than the rows, as a fused q|k|v buffer has them. */
static void check_strides(const whet_attention_kernel *kernel, const stage_case *input) {
    const whet_problem *p = &input->problem;
    const int64_t bytes = element_bytes(p), wide = q_row(p) + 2 * kv_row(p) + 3;
    char *rows = must(malloc((size_t)(wide * bytes * p->n_context)));
    memset(rows, POISON, (size_t)(wide * bytes * p->n_context));
    for (int32_t t = 0; t < p->n_context; t++) {
        char *row = rows + t * wide * bytes;
        memcpy(row, (char *)input->q + t * q_row(p) * bytes, (size_t)(q_row(p) * bytes));
        row += q_row(p) * bytes;
        memcpy(row, (char *)input->k + t * kv_row(p) * bytes, (size_t)(kv_row(p) * bytes));
        row += kv_row(p) * bytes;
        memcpy(row, (char *)input->v + t * kv_row(p) * bytes, (size_t)(kv_row(p) * bytes));
    }
    stage s;
    stage_open(&s, kernel, input, p->n_context, p->n_context, 1);
    char *out = must(malloc((size_t)(wide * bytes * p->n_context)));
    const whet_append_args append = { &s.problem,
                                      s.capacity,
                                      s.kv,
                                      rows + q_row(p) * bytes,
                                      rows + (q_row(p) + kv_row(p)) * bytes,
                                      wide,
                                      wide,
                                      0,
                                      p->n_context };
    const whet_run_args run = { &s.problem, s.capacity,  s.kv,
                                rows,       out,         s.workspace,
                                wide,       wide,        stage_scale(input),
                                0,          p->n_context };
    whet_attention attention = { .kernel = kernel };
    whet_attention_dispatch(&attention, &append, &run, NULL, 0, 1);
    CHECK_INT(attention.n_calls, 1);
    for (int32_t t = 0; t < p->n_context; t++)
        memcpy(s.out + t * q_row(p) * bytes, out + t * wide * bytes, (size_t)(q_row(p) * bytes));
    check_worst(kernel, input, "wide strides", stage_worst(&s, 0, p->n_context));
    stage_close(&s);
    free(out);
    free(rows);
}

static void test_wide_strides(void) {
    stage_case c;
    stage_case_open(&c, &problems[0], WHET_CASE_GAUSS_1, boundary, N_BOUNDARY);
    with_kernels(&c, check_strides);
    stage_case_close(&c);
}

/* Mutants: what a wrong kernel would answer, made from a right one. The tolerance must see them. */

static double worst_of_wrong_scale(const stage_case *input, float factor) {
    stage s;
    stage_open(&s, whet_attention_find("oracle"), input, CONTEXT, 1, 1);
    stage_append(&s, 0, CONTEXT);
    stage_run(&s, CONTEXT - 1, 1, stage_scale(input) * factor);
    const double worst = stage_worst(&s, CONTEXT - 1, 1);
    stage_close(&s);
    return worst;
}

/* Row r with the keys up to r + shift. */
static double worst_of_shifted_mask(const stage_case *input, int32_t shift) {
    stage s;
    stage_open(&s, whet_attention_find("oracle"), input, CONTEXT, 1, 1);
    stage_append(&s, 0, CONTEXT);
    stage_case moved = *input;
    const int32_t pos = 100;
    moved.q = (char *)input->q - shift * q_row(&input->problem) * element_bytes(&input->problem);
    s.input = &moved;
    stage_run(&s, pos + shift, 1, stage_scale(input));
    s.input = input;
    const double worst = stage_worst(&s, pos, 1);
    stage_close(&s);
    return worst;
}

/* Query head h reads KV head h % n_kv_heads. */
static double worst_of_wrong_heads(const stage_case *input) {
    stage_case wrong = *input;
    const whet_problem *p = &input->problem;
    const int64_t dim = p->head_dim * element_bytes(p), row = kv_row(p) * element_bytes(p);
    const int32_t ratio = p->n_heads / p->n_kv_heads;
    wrong.problem.n_kv_heads = p->n_heads;
    wrong.k = must(malloc((size_t)(row * ratio * CONTEXT)));
    wrong.v = must(malloc((size_t)(row * ratio * CONTEXT)));
    for (int32_t t = 0; t < CONTEXT; t++)
        for (int32_t h = 0; h < p->n_heads; h++) {
            const int64_t from = t * row + h % p->n_kv_heads * dim, to = t * row * ratio + h * dim;
            memcpy((char *)wrong.k + to, (char *)input->k + from, (size_t)dim);
            memcpy((char *)wrong.v + to, (char *)input->v + from, (size_t)dim);
        }
    const double worst = stage_decode_worst(whet_attention_find("oracle"), &wrong, 1);
    free(wrong.k);
    free(wrong.v);
    return worst;
}

static void test_tolerance_rejects_mutants(void) {
    if (test_is_quick) SKIP("asks no kernel");
    double scale = 0, scale_up = 0, late = 0, early = 0, heads = 0, mean = 0;
    static const int32_t positions[] = { 100, CONTEXT - 1 };
    for (int family = 0; family < WHET_N_CASES; family++) {
        stage_case c;
        stage_case_open(&c, &problems[0], (whet_case_family)family, positions, 2);
        scale = fmax(scale, worst_of_wrong_scale(&c, 0.996f));
        scale_up = fmax(scale_up, worst_of_wrong_scale(&c, 1.01f));
        mean = fmax(mean, worst_of_wrong_scale(&c, 0));
        early = fmax(early, worst_of_shifted_mask(&c, -1));
        late = fmax(late, worst_of_shifted_mask(&c, 1));
        heads = fmax(heads, worst_of_wrong_heads(&c));
        stage_case_close(&c);
    }
    CHECK(scale > 1);
    CHECK(scale_up > 1);
    CHECK(mean > 1);
    CHECK(early > 1);
    CHECK(late > 1);
    CHECK(heads > 1);
}

/* mean(V) passes the usual tolerances on small Gaussian input; ours rejects it where it matters. */
static void test_families_are_what_they_say(void) {
    if (test_is_quick) SKIP("asks no kernel");
    static const int32_t last[] = { CONTEXT - 1 };
    for (int family = 0; family < WHET_N_CASES; family++) {
        stage_case c;
        stage_case_open(&c, &problems[0], (whet_case_family)family, last, 1);
        const double worst = worst_of_wrong_scale(&c, 0);
        const bool is_flat = family == WHET_CASE_FLAT_CODED || family == WHET_CASE_V_OUTLIER;
        const bool is_weak = family == WHET_CASE_TINY || family == WHET_CASE_GAUSS_01;
        if (is_flat) CHECK(worst <= 1);
        if (!is_flat && !is_weak) CHECK(worst > 1);
        stage_case_close(&c);
    }
}

/* Honest kernels were refused where the largest key's V was next to nothing: one that skips keys
 * below e^-20 of the largest, and one whose weights are f16. One that skips more is to be refused.
 */
static void test_tolerance_forgives_skipped_keys(void) {
    static const struct {
        whet_dtype dtype;
        float below;
        bool is_forgiven;
    } cases[] = { { WHET_F32, 16, false },
                  { WHET_F32, 21, true },
                  { WHET_BF16, 16, false },
                  { WHET_BF16, 17.5f, true } };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const whet_problem p = { cases[i].dtype, 1, 1, 1, 2, 1 };
        uint32_t q[1], k[2], v[2];
        whet_store_f32(p.dtype, q, 0, 1);
        whet_store_f32(p.dtype, k, 0, 0);
        whet_store_f32(p.dtype, k, 1, -cases[i].below);
        whet_store_f32(p.dtype, v, 0, 1e-9f);
        whet_store_f32(p.dtype, v, 1, 1);
        double out, tol, scratch[4];
        whet_attention_oracle(&p, 1, q, k, v, 1, 1, &out, &tol, scratch);
        CHECK_INT(fabs((double)whet_load_f32(p.dtype, v, 0) - out) <= tol, cases[i].is_forgiven);
    }
}

static void test_registry(void) {
    const whet_problem p = PROBLEM(BF16, 16, 8, 128);
    CHECK(whet_attention_find("no-such-kernel") == NULL);
    CHECK(whet_attention_find("") == NULL);
    CHECK(whet_attention_find("rep") == NULL);
    CHECK_STR(whet_attention_find("oracle")->name, "oracle");
    CHECK_CONTAINS(whet_attention_find("repeat")->name, "repeat-");
    CHECK_STR(whet_attention_find("repeat-portable")->name, "repeat-portable");
    CHECK(whet_attention_default(&p)->supports(&p));
    CHECK(whet_problem_is_valid(&p));
    static const whet_problem wrong[] = {
        PROBLEM(BF16, 0, 8, 128),
        PROBLEM(BF16, 16, 0, 128),
        PROBLEM(BF16, 16, 8, 0),
        PROBLEM(BF16, 16, 5, 128),
        PROBLEM(BF16, -16, -8, 128),
        { 3, 16, 8, 128, 1, 1 },
        { WHET_BF16, 16, 8, 128, 0, 1 },
        { WHET_BF16, 16, 8, 128, 2, 1 },
        PROBLEM(BF16, 1 << 20, 1, 1 << 20),
    };
    for (size_t i = 0; i < TEST_COUNT(wrong); i++)
        CHECK(!whet_problem_is_valid(&wrong[i]));
}

static const test_case tests[] = {
    { "agrees with the oracle", test_agrees_with_oracle },
    { "root error", test_root_error },
    { "any number of workers", test_any_number_of_workers },
    { "append in any chunking", test_append_in_any_chunking },
    { "overwrite after roll-back", test_overwrite_after_roll_back },
    { "wide strides", test_wide_strides },
    { "the tolerance rejects mutants", test_tolerance_rejects_mutants },
    { "the tolerance forgives skipped keys", test_tolerance_forgives_skipped_keys },
    { "families are what they say", test_families_are_what_they_say },
    { "registry", test_registry },
};

int main(int argc, char **argv) {
    return test_main(argc, argv, tests, TEST_COUNT(tests));
}
