/* SPDX-License-Identifier: MIT */
/* Tests of the linear kernels: every instruction set this processor has, against float64. */
#include "tests/test.h"

#include "base/rng.h"
#include "kernels/linear.h"
#include "platform/cpu.h"

/* Up to 8 rows are not rounded by any kernel (linear/kernel.c). */
enum { MAX_EXACT_ROWS = 8, MAX_ROWS = 530, MAX_IN = 2100, MAX_OUT = 100, GUARD = 16 };

static float x[MAX_ROWS * MAX_IN], out[MAX_ROWS * (MAX_OUT + GUARD)];
static char weights[MAX_OUT * MAX_IN * 4 + 1];
static float wide[MAX_OUT * MAX_IN];
_Alignas(64) static float packed[576 * 2112];

static bool can_run(const whet_linear_kernel *k) {
    return (k->features & whet_cpu_features()) == k->features;
}

static void fill(whet_rng *rng, const whet_weight *w, int32_t n_rows) {
    for (int32_t i = 0; i < n_rows * w->n_in; i++)
        x[i] = (float)whet_rng_normal(rng);
    float row[MAX_IN];
    for (int32_t n = 0; n < w->n_out; n++) {
        for (int32_t i = 0; i < w->n_in; i++)
            row[i] = (float)whet_rng_normal(rng);
        char *to = (char *)(uintptr_t)w->data + (size_t)n * (size_t)w->n_in * (w->dtype ? 2 : 4);
        whet_narrow(w->dtype, row, to, w->n_in);
        whet_widen(w->dtype, to, wide + n * w->n_in, w->n_in);
    }
}

static void run_parts(const whet_linear_kernel *k, const whet_linear_args *args, int worker,
                      int n_workers) {
    whet_parts parts = whet_linear_parts(k, args, worker, n_workers);
    while (whet_linear_next(&parts))
        k->run(args, parts.begin, parts.end);
}

/* All workers of one call, one after the other; then every output and the guards. */
static void check_shape(const whet_linear_kernel *k, whet_dtype dtype, int32_t n_rows, int32_t n_in,
                        int32_t n_out, int n_workers, bool is_added) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed + (uint64_t)(n_rows * 7 + n_in * 3 + n_out));
    whet_deal deal = { 0 };
    const whet_linear_args args = {
        .w = { .data = weights + 1, .dtype = dtype, .n_out = n_out, .n_in = n_in },
        .x = x,
        .packed = packed,
        .out = out,
        .out_stride = n_out + GUARD,
        .n_rows = n_rows,
        .is_added = is_added,
        .deal = &deal,
    };
    fill(&rng, &args.w, n_rows);
    for (int32_t i = 0; i < n_rows * (n_out + GUARD); i++)
        out[i] = 0.5f;
    memset(packed, 0xFF, sizeof packed);
    for (int w = 0; w < n_workers; w++)
        k->pack(x, n_rows, n_in, packed, w, n_workers);
    for (int w = 0; w < n_workers; w++)
        run_parts(k, &args, w, n_workers);
    for (int32_t t = 0; t < n_rows; t++)
        for (int32_t n = 0; n < n_out + GUARD; n++) {
            double want = n >= n_out || is_added ? 0.5 : 0.0, size = 1;
            for (int32_t i = 0; n < n_out && i < n_in; i++) {
                const double product = (double)x[t * n_in + i] * (double)wide[n * n_in + i];
                want += product;
                size += product * product;
            }
            /* An activation rounded to bf16 is off by 2^-9 of itself at most: this is ten
             * deviations of the sum. */
            const double rounding = k->is_bf16_only && n_rows > MAX_EXACT_ROWS ? 0x1.8p-7 : 4e-6;
            CHECK_NEAR((double)out[t * (n_out + GUARD) + n], want,
                       n < n_out ? rounding * sqrt(size) + 2e-6 * fabs(want) : 0.0);
        }
}

static void products_agree_with_float64(void) {
    static const int32_t rows[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 33, 64, 65 };
    static const int32_t ins[] = { 1, 48, 72, 1030, 2100 };
    for (int i = 0; whet_linear_kernels[i]; i++) {
        const whet_linear_kernel *k = whet_linear_kernels[i];
        if (!can_run(k)) continue;
        for (size_t r = 0; r < TEST_COUNT(rows); r++)
            for (size_t n = 0; n < TEST_COUNT(ins); n++)
                for (int d = WHET_F32; d <= WHET_F16; d++)
                    if (d == WHET_BF16 || !k->is_bf16_only)
                        check_shape(k, (whet_dtype)d, rows[r], ins[n], n % 2 ? 100 : 29,
                                    1 + (int)(r + n) % 3, (r + n) % 2);
        check_shape(k, WHET_BF16, MAX_ROWS, 72, 100, 2, true); /* more than a block of tokens */
    }
}

static void swiglu_agrees_with_float64(void) {
    enum { N = 131, ROWS = 3 };
    for (int i = 0; whet_linear_kernels[i]; i++) {
        const whet_linear_kernel *k = whet_linear_kernels[i];
        if (!can_run(k)) continue;
        float gate[ROWS * N + 1], up[ROWS * N], was[ROWS * N];
        for (int j = 0; j < ROWS * N; j++) {
            was[j] = gate[j] = (float)(j - ROWS * N / 2) * 0.6f;
            up[j] = 1.0f + (float)j / N;
        }
        was[0] = gate[0] = -1e30f;
        was[1] = gate[1] = 1e30f;
        gate[ROWS * N] = 7;
        k->swiglu(gate, up, ROWS, N, 0, 64);
        k->swiglu(gate, up, ROWS, N, 64, N);
        CHECK(gate[ROWS * N] == 7);
        for (int j = 0; j < ROWS * N; j++) {
            const double g = (double)was[j];
            const double want = g / (1 + exp(-g)) * (double)up[j];
            CHECK_NEAR((double)gate[j], want, 1e-6 * fabs(want) + 1e-30);
        }
    }
}

static void the_default_suits_weights_and_machine(void) {
    CHECK(!whet_linear_default(false)->is_bf16_only);
    for (int is_bf16 = 0; is_bf16 < 2; is_bf16++) {
        const whet_linear_kernel *k = whet_linear_default(is_bf16);
        CHECK(can_run(k));
        CHECK_STR(whet_linear_choose(NULL, is_bf16)->name, k->name);
        CHECK_STR(whet_linear_choose("no-such-kernel", is_bf16)->name, k->name);
        CHECK_STR(whet_linear_choose("portable", is_bf16)->name, "portable");
        CHECK(is_bf16 || !whet_linear_choose(k->name, is_bf16)->is_bf16_only);
    }
}

/* Workers ask in turns, the last ones first; then the deal is as it was. */
static void check_parts(const whet_linear_kernel *k, int32_t n, int32_t n_rows, int n_workers) {
    char times[300] = { 0 };
    whet_deal deal = { 0 };
    const whet_linear_args args = { .w = { .n_out = n }, .n_rows = n_rows, .deal = &deal };
    whet_parts parts[20];
    for (int w = 0; w < n_workers; w++)
        parts[w] = whet_linear_parts(k, &args, w, n_workers);
    for (int left = n_workers; left > 0;) {
        for (int w = n_workers - 1; w >= 0; w--) {
            if (!parts[w].deal) continue; /* has come to the end */
            if (!whet_linear_next(&parts[w])) {
                parts[w].deal = NULL;
                left--;
                continue;
            }
            CHECK(parts[w].begin % parts[w].unit == 0 || parts[w].begin == n);
            for (int32_t i = parts[w].begin; i < parts[w].end; i++)
                times[i]++;
        }
    }
    for (int32_t i = 0; i < 300; i++)
        CHECK(times[i] == (i < n));
    CHECK(deal.next == 0);
}

static void parts_cover_everything_once(void) {
    static const whet_linear_kernel dealt = { .many_unit = 32 }, shared = { .many_unit = 0 };
    for (int32_t n = 1; n < 300; n += 7)
        for (int n_workers = 1; n_workers < 20; n_workers++) {
            check_parts(&dealt, n, 1, n_workers);
            check_parts(&dealt, n, 9, n_workers);
            check_parts(&shared, n, 9, n_workers);
        }
}

static void narrowing_rounds_to_nearest_even(void) {
    for (uint32_t h = 0; h < 0x10000; h++) {
        const uint16_t bits = (uint16_t)h;
        for (int d = WHET_BF16; d <= WHET_F16; d++) {
            float f;
            uint16_t back;
            whet_widen((whet_dtype)d, &bits, &f, 1);
            whet_narrow((whet_dtype)d, &f, &back, 1);
            CHECK(back == bits || isnan(f));
        }
    }
    static const struct {
        float from;
        uint16_t bf16, f16;
    } cases[] = {
        { 1.00390625f, 0x3F80, 0x3C04 }, /* a tie goes to the even one */
        { 1.01171875f, 0x3F82, 0x3C0C }, /* upwards too */
        { 65519.0f, 0x4780, 0x7BFF },    /* the largest f16 */
        { 65520.0f, 0x4780, 0x7C00 },    /* rounds to infinity */
        { 0x1p-25f, 0x3300, 0x0000 },    /* half the smallest subnormal f16: even is zero */
        { 0x1.8p-25f, 0x3340, 0x0001 },    { -0x1.fp127f, 0xFF78, 0xFC00 },
        { -0x1.fffp127f, 0xFF80, 0xFC00 }, /* the largest floats round to infinity */
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        uint16_t got;
        whet_narrow(WHET_BF16, &cases[i].from, &got, 1);
        CHECK_INT(got, cases[i].bf16);
        whet_narrow(WHET_F16, &cases[i].from, &got, 1);
        CHECK_INT(got, cases[i].f16);
    }
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "products_agree_with_float64", products_agree_with_float64 },
        { "swiglu_agrees_with_float64", swiglu_agrees_with_float64 },
        { "the_default_suits_weights_and_machine", the_default_suits_weights_and_machine },
        { "parts_cover_everything_once", parts_cover_everything_once },
        { "narrowing_rounds_to_nearest_even", narrowing_rounds_to_nearest_even },
    };
    return test_main(argc, argv, tests, TEST_COUNT(tests));
}
