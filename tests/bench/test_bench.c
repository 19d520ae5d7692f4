/* SPDX-License-Identifier: MIT */
/* Benchmarks: what work is, equal work on both sides, proof of the kernel, filled contexts. */
#include "tests/test.h"

#include <stdatomic.h>

#include <whet/bench.h>
#include <whet/tokenizer.h>

#include "kernels/attention.h"

#define ANGLER MODELS_DIR "/angler"

enum { ANGLER_LAYERS = 4, ANGLER_CONTEXT = 2048, N_THREADS = 2 };

/* ---- a model, opened ---- */

typedef struct rig {
    whet_ctx *ctx;
    whet_model *model;
    whet_team *team;
    whet_checkpoint_facts facts;
    whet_bench *bench;
} rig;

static whet_status open_rig(rig *r, const whet_bench_opts *opts) {
    *r = (rig){ .ctx = whet_ctx_open(NULL) };
    whet_status st = whet_model_open(r->ctx, ANGLER, &r->model);
    if (st == WHET_OK) st = whet_checkpoint_read_facts(r->ctx, ANGLER, &r->facts);
    if (st == WHET_OK) st = whet_team_open(r->ctx, N_THREADS, &r->team);
    if (st == WHET_OK && opts)
        st = whet_bench_open(r->ctx, r->model, &r->facts, r->team, opts, &r->bench);
    return st;
}

static void close_rig(rig *r) {
    whet_bench_close(r->bench);
    whet_team_close(r->team);
    whet_model_close(r->model);
    whet_ctx_close(r->ctx);
}

/* ---- work ---- */

/* Qwen3-0.6B, by hand: 28 layers of 15,728,640 weights and a head of 155,582,464. */
static whet_checkpoint_facts facts_of_06b(void) {
    return (whet_checkpoint_facts){
        .config = { .hidden_size = 1024,
                    .intermediate_size = 3072,
                    .n_layers = 28,
                    .n_heads = 16,
                    .n_kv_heads = 8,
                    .head_dim = 128,
                    .vocab_size = 151936 },
        .weight_dtype = WHET_BF16,
        .weight_bytes = 2 * (28 * 15728640ull + 155582464ull),
        .kv_bytes_per_token = 114688,
        .n_tensors = 28 * 11 + 2,
    };
}

static void is_close(double got, double want) {
    if (!(fabs(got - want) <= 1e-9 * fabs(want))) TEST_FAIL("%.17g is not %.17g", got, want);
}

static void test_work_of_a_token(void) {
    whet_checkpoint_facts f = facts_of_06b();
    whet_work w = whet_work_decode(&f, 99, 1);
    is_close(w.weight_bytes, 1191968768.0);
    is_close(w.kv_bytes, 100 * 114688.0);
    is_close(w.linear_flop, 1191968768.0);
    is_close(w.attention_flop, 28 * 4.0 * 16 * 128 * 100);
    w = whet_work_decode(&f, 10, 3); /* 11 + 12 + 13 keys */
    is_close(w.weight_bytes, 3 * 1191968768.0);
    is_close(w.kv_bytes, 36 * 114688.0);
    /* An lm_head of its own: the embedding is not read. */
    f.n_tensors++;
    f.weight_bytes += 2 * 155582464ull;
    is_close(whet_work_decode(&f, 99, 1).weight_bytes, 1191968768.0);
}

static void test_work_of_a_prompt(void) {
    const whet_checkpoint_facts f = facts_of_06b();
    whet_work w = whet_work_prompt(&f, 0, 512, 512);
    is_close(w.weight_bytes, 1191968768.0);
    is_close(w.linear_flop, 512 * 28 * 2.0 * 15728640 + 2.0 * 155582464);
    is_close(w.attention_flop, 28 * 4.0 * 16 * 128 * (512 * 513 / 2));
    is_close(w.kv_bytes, 512 * 114688.0);
    const whet_work halves = whet_work_prompt(&f, 0, 512, 256);
    is_close(halves.weight_bytes, 2 * 1191968768.0 - 2.0 * 155582464);
    is_close(halves.linear_flop, w.linear_flop);
    is_close(halves.attention_flop, w.attention_flop);
    is_close(halves.kv_bytes, (256 + 512) * 114688.0);
    w = whet_work_prompt(&f, 7, 0, 512);
    is_close(w.weight_bytes + w.kv_bytes + w.linear_flop + w.attention_flop, 0);
}

static void test_roofline(void) {
    const whet_work w = {
        .weight_bytes = 3e9, .kv_bytes = 1e9, .linear_flop = 5e9, .attention_flop = 1e9
    };
    bool is_reading = false;
    is_close(whet_work_limit_ns(&w, &(whet_peaks){ 4e9, 60e9 }, &is_reading), 1e9);
    CHECK(is_reading);
    is_close(whet_work_limit_ns(&w, &(whet_peaks){ 40e9, 3e9 }, &is_reading), 2e9);
    CHECK(!is_reading);
}

/* The prompts' lengths in the table are those of Qwen3's tokenizer. */
static void test_scenarios(void) {
    whet_ctx *ctx = whet_ctx_open(NULL);
    whet_tokenizer *tokenizer = NULL;
    REQUIRE(whet_tokenizer_open(ctx, TEST_DATA_DIR "/golden/tokenizer/qwen3", &tokenizer) ==
            WHET_OK);
    int n = 0;
    for (const whet_scenario *s = whet_scenarios; s->name; s++, n++) {
        whet_ids ids = { 0 };
        CHECK_INT(whet_tokenizer_encode(ctx, tokenizer, s->prompt, strlen(s->prompt), &ids),
                  WHET_OK);
        printf("# %s\n", s->name);
        CHECK_INT(s->n_prompt, ids.n);
        CHECK(s->n_tokens >= 50 && s->n_tokens <= 200);
        whet_ids_fini(ctx, &ids);
    }
    CHECK_INT(n, 5);
    whet_tokenizer_close(tokenizer);
    whet_ctx_close(ctx);
}

/* ---- filled contexts ---- */

/* The logits behind 70 synthetic tokens and one real one, with a kernel. */
static bool logits_behind_fill(rig *r, const char *kernel, float *logits) {
    whet_session *s = NULL;
    const whet_session_opts opts = { .kernel = kernel, .capacity_tokens = 80 };
    const int32_t id = 17;
    whet_status st = whet_session_open(r->ctx, r->model, r->team, &opts, &s);
    if (st == WHET_OK) st = whet_session_fill(r->ctx, s, 30, test_seed);
    if (st == WHET_OK) st = whet_session_fill(r->ctx, s, 40, test_seed);
    if (st == WHET_OK) CHECK_INT(whet_session_length(s), 70);
    if (st == WHET_OK) CHECK_INT(whet_session_kernel_calls(s), 0);
    if (st == WHET_OK) st = whet_session_feed(r->ctx, s, &id, 1);
    if (st == WHET_OK)
        memcpy(logits, whet_session_logits(s),
               (size_t)whet_model_config(r->model)->vocab_size * sizeof *logits);
    if (st == WHET_OK) {
        CHECK_INT(whet_session_fill(r->ctx, s, 10, 1), WHET_E_ARG);
        CHECK_INT(whet_session_length(s), 71);
    }
    whet_session_close(s);
    return st == WHET_OK;
}

static void test_fill_is_the_same_for_every_kernel(void) {
    rig r;
    REQUIRE(open_rig(&r, NULL) == WHET_OK);
    const int32_t n = r.facts.config.vocab_size;
    float *want = calloc((size_t)n, sizeof *want), *got = calloc((size_t)n, sizeof *got);
    CHECK(logits_behind_fill(&r, "oracle", want));
    for (int k = 0; k < 2; k++) {
        CHECK(logits_behind_fill(&r, k ? "fused" : "repeat", got));
        double error = 0, size = 0;
        for (int32_t i = 0; i < n; i++) {
            error += (double)(got[i] - want[i]) * (double)(got[i] - want[i]);
            size += (double)want[i] * (double)want[i];
        }
        CHECK(size > 0 && sqrt(error / size) < 0.05);
    }
    free(want);
    free(got);
    close_rig(&r);
}

/* ---- a kernel that counts ---- */

static struct {
    const whet_attention_kernel *inner;
    _Atomic uint64_t n_first_phases; /* by worker 0 */
} counting;

static void count_run(const whet_run_args *args, int phase, int worker, int n_workers) {
    if (phase == 0 && worker == 0) atomic_fetch_add(&counting.n_first_phases, 1);
    counting.inner->run(args, phase, worker, n_workers);
}

static const whet_attention_kernel *find_counting(void *data, const whet_problem *problem) {
    static whet_attention_kernel kernel;
    (void)data;
    counting.inner = whet_attention_default(problem);
    kernel = *counting.inner;
    kernel.name = "counting";
    kernel.run = count_run;
    return &kernel;
}

/* ---- jobs ---- */

/* Both sides of every block did the same: as many tokens behind as many, in either order. */
static void check_blocks(const whet_bench_result *r) {
    int n_first[2] = { 0 };
    CHECK_INT(r->n_samples % 2, 0);
    for (size_t i = 0; i + 1 < r->n_samples; i += 2) {
        const whet_bench_sample *a = &r->samples[i], *b = &r->samples[i + 1];
        CHECK_INT(a->time.pair, b->time.pair);
        CHECK_INT(a->time.block, b->time.block);
        CHECK_INT(a->time.is_rival + b->time.is_rival, 1);
        CHECK_INT(a->time.order, 0);
        CHECK_INT(b->time.order, 1);
        CHECK_INT(a->kind, b->kind);
        CHECK_INT(a->n_tokens, b->n_tokens);
        CHECK_INT(a->n_context, b->n_context);
        CHECK(a->time.ns > 0 && b->time.ns > 0);
        CHECK(a->peaks.bytes_per_second > 0 && a->peaks.flop_per_second > 0);
        n_first[a->time.is_rival]++;
    }
    CHECK(n_first[0] > 0 && n_first[1] > 0);
}

static void test_equal_work_and_proof(void) {
    rig r;
    const whet_bench_opts opts = {
        .n_sides = 2,
        .sides = { { .find_winner = find_counting }, { .kernel = "repeat" } },
        .seed = test_seed,
        .probe_seconds = 1e-6,
        .cache_bytes = 1 << 20,
    };
    REQUIRE(open_rig(&r, &opts) == WHET_OK);
    CHECK_STR(whet_bench_kernel(r.bench, 0)->name, "counting");
    CHECK(strncmp(whet_bench_kernel(r.bench, 1)->name, "repeat", 6) == 0);
    const int32_t prompt[] = { 5, 6, 7, 8, 9, 10, 11 };
    const whet_bench_job job = { .n_filled = 20,
                                 .prompt = prompt,
                                 .n_prompt = 7,
                                 .n_tokens = 9,
                                 .slice_tokens = 3,
                                 .is_drawn = true,
                                 .n_pairs = 3,
                                 .n_rounds = 2,
                                 .n_prompts = 2 };
    whet_bench_result result;
    atomic_store(&counting.n_first_phases, 0);
    REQUIRE(whet_bench_run(r.ctx, r.bench, &job, &result) == WHET_OK);
    /* A round: 2 prompts, then 8 tokens behind the first one in 3 slices; 2 sides. */
    CHECK_INT(result.n_samples, 3 * 2 * (2 + 3) * 2);
    check_blocks(&result);
    /* A session: prompt and token to warm up, then per round 2 prompts and 8 tokens. */
    const uint64_t n_session = ANGLER_LAYERS * (2 + 2 * (2 + 8));
    CHECK_INT(result.n_calls[0], 3 * n_session);
    CHECK_INT(result.n_calls[1], 3 * n_session);
    /* The kernel itself has seen these and the two of the rehearsal for the memory. */
    CHECK_INT(atomic_load(&counting.n_first_phases), 3 * n_session + ANGLER_LAYERS * 2);
    CHECK(result.n_same >= 1 && result.n_same <= 9);
    whet_bench_figure f;
    CHECK_INT(whet_bench_summarise(r.ctx, r.bench, &result, WHET_BENCH_TOKENS, 1, &f), WHET_OK);
    CHECK_INT(f.n_samples, 3 * 2 * 3);
    CHECK(f.mean > 0 && f.sd >= 0 && f.median > 0 && f.share_of_limit > 0);
    whet_ratio ratio;
    CHECK_INT(whet_bench_compare(r.ctx, r.bench, &result, WHET_BENCH_PROMPT, &ratio), WHET_OK);
    CHECK(ratio.low > 0 && ratio.low <= ratio.ratio && ratio.ratio <= ratio.high);
    whet_bench_result_fini(r.ctx, &result);
    close_rig(&r);
}

static void test_speed_of_one_kernel(void) {
    rig r;
    const whet_bench_opts opts = { .n_sides = 1,
                                   .probe_seconds = 1e-6,
                                   .cache_bytes = 1 << 20,
                                   .sides = { { .kernel = "fused", .chunk_tokens = 16 } } };
    REQUIRE(open_rig(&r, &opts) == WHET_OK);
    const whet_bench_job job = { .n_filled = 100, .n_prompt = 40, .n_rounds = 4 };
    whet_bench_result result;
    REQUIRE(whet_bench_run(r.ctx, r.bench, &job, &result) == WHET_OK);
    CHECK_INT(result.n_samples, 4);
    for (size_t i = 0; i < result.n_samples; i++) {
        CHECK_INT(result.samples[i].n_context, 100);
        CHECK_INT(result.samples[i].n_tokens, 40);
    }
    /* 40 tokens in chunks of 16 are 3 steps; the warm-up is one chunk. */
    CHECK_INT(result.n_calls[0], ANGLER_LAYERS * (1 + 4 * 3));
    whet_ratio ratio;
    CHECK_INT(whet_bench_compare(r.ctx, r.bench, &result, WHET_BENCH_PROMPT, &ratio), WHET_E_ARG);
    whet_bench_result_fini(r.ctx, &result);
    close_rig(&r);
}

static void test_bad_jobs(void) {
    rig r;
    whet_bench_opts opts = { .n_sides = 1, .probe_seconds = 1e-6, .cache_bytes = 1 << 20 };
    REQUIRE(open_rig(&r, &opts) == WHET_OK);
    static const whet_bench_job jobs[] = {
        { .n_filled = 10 },
        { .n_tokens = 5, .is_drawn = true },
        { .n_filled = ANGLER_CONTEXT, .n_tokens = 1 },
        { .n_prompt = SIZE_MAX - 4, .n_tokens = 8 },
        { .n_tokens = ANGLER_CONTEXT + 1 },
    };
    for (size_t i = 0; i < TEST_COUNT(jobs); i++) {
        whet_bench_result result;
        CHECK_INT(whet_bench_run(r.ctx, r.bench, &jobs[i], &result), WHET_E_ARG);
        CHECK(result.samples == NULL && *whet_ctx_message(r.ctx));
    }
    whet_bench *none;
    opts.n_sides = 3;
    CHECK_INT(whet_bench_open(r.ctx, r.model, &r.facts, r.team, &opts, &none), WHET_E_ARG);
    opts = (whet_bench_opts){ .n_sides = 2, .sides = { { 0 }, { .kernel = "nothing" } } };
    CHECK_INT(whet_bench_open(r.ctx, r.model, &r.facts, r.team, &opts, &none), WHET_E_ARG);
    CHECK(none == NULL);
    whet_ctx_cancel(r.ctx);
    const whet_bench_job job = { .n_prompt = 4 };
    whet_bench_result result;
    CHECK_INT(whet_bench_run(r.ctx, r.bench, &job, &result), WHET_E_CANCELLED);
    close_rig(&r);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "work_of_a_token", test_work_of_a_token },
        { "work_of_a_prompt", test_work_of_a_prompt },
        { "roofline", test_roofline },
        { "scenarios", test_scenarios },
        { "fill_is_the_same_for_every_kernel", test_fill_is_the_same_for_every_kernel },
        { "equal_work_and_proof", test_equal_work_and_proof },
        { "speed_of_one_kernel", test_speed_of_one_kernel },
        { "bad_jobs", test_bad_jobs },
    };
    return test_main(argc, argv, tests, TEST_COUNT(tests));
}
