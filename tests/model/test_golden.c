/* SPDX-License-Identifier: MIT */
/* The engine against the reference, on every golden model. */
#include "tests/test.h"

#include <dirent.h>

#include "base/file.h"
#include "base/sanitized.h"
#include "kernels/attention.h"
#include "tests/model/checked_kernel.h"
#include "tests/model/golden.h"
#include "tests/model/wide_model.h"

static whet_ctx *ctx;

/* The heads of Qwen3-0.6B, and YaRN, which products fused on Arm made wrong once. */
static bool is_sampled(const char *name) {
    static const char *const sample[] = { "q0.6-like", "yarn-new" };
    for (size_t i = 0; i < TEST_COUNT(sample); i++)
        if (!strcmp(name, sample[i])) return true;
    return false;
}

/* The folders of golden models, and the bundled model with its vectors; a sample when --quick. */
static void for_each_model(void (*fn)(const golden *g)) {
    const char *models = TEST_DATA_DIR "/golden/models";
    DIR *dir = opendir(models);
    REQUIRE(dir);
    int n = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        char path[400], golden_dir[420];
        snprintf(path, sizeof path, "%s/%s", models, e->d_name);
        snprintf(golden_dir, sizeof golden_dir, "%s/golden", path);
        golden g;
        if (e->d_name[0] == '.' || !whet_path_is_dir(golden_dir)) continue;
        n++;
        if (test_is_quick && !is_sampled(e->d_name)) continue;
        if (golden_open(ctx, path, golden_dir, &g)) fn(&g);
        golden_close(&g);
    }
    closedir(dir);
    CHECK(n >= 18);
    if (test_is_quick) return;
    golden g;
    if (golden_open(ctx, MODELS_DIR "/angler", TEST_DATA_DIR "/golden/angler/golden", &g)) fn(&g);
    golden_close(&g);
    REQUIRE(write_wide_model(TEST_DATA_DIR "/golden/wide"));
    if (golden_open(ctx, TEST_DATA_DIR "/golden/wide", TEST_DATA_DIR "/golden/wide/golden", &g))
        fn(&g);
    golden_close(&g);
}

/* What is decided is of values: a sanitizer learns no more of it than of the logits. */
static void check_default(const golden *g) {
    golden_check(ctx, g, NULL, 2, golden_check_logits);
    if (!WHET_IS_SANITIZED) golden_check(ctx, g, NULL, 2, golden_check_decided);
    golden_check(ctx, g, NULL, 2, golden_check_greedy);
}

static void default_kernel_meets_the_bar(void) {
    for_each_model(check_default);
}

static void check_precise(const golden *g) {
    const whet_session_opts opts = { .is_precise = true };
    golden_check(ctx, g, &opts, 2, golden_check_logits_closely);
    golden_check(ctx, g, &opts, 2, golden_check_greedy_closely);
}

static void precise_is_within_5e4(void) {
    for_each_model(check_precise);
}

static void check_splits(const golden *g) {
    static const int32_t chunks[] = { 1, 7, 64, 0 };
    static const int n_threads[] = { 3, 2, 1, 2 };
    for (size_t i = 0; i < TEST_COUNT(chunks); i++) {
        const whet_session_opts opts = { .chunk_tokens = chunks[i] };
        golden_check(ctx, g, &opts, n_threads[i], golden_check_logits);
        if (!WHET_IS_SANITIZED) golden_check(ctx, g, &opts, n_threads[i], golden_check_decided);
    }
}

static void every_chunking_and_team_decides_alike(void) {
    if (test_is_quick) SKIP("four times the others");
    for_each_model(check_splits);
}

static const whet_attention_kernel *give(void *data, const whet_problem *problem) {
    (void)problem;
    return data;
}

/* Whether another model had the same heads. */
static bool is_seen(const whet_problem *p) {
    static whet_problem seen[32];
    static size_t n;
    for (size_t i = 0; i < n; i++)
        if (seen[i].n_heads == p->n_heads && seen[i].n_kv_heads == p->n_kv_heads &&
            seen[i].head_dim == p->head_dim)
            return true;
    if (n < TEST_COUNT(seen)) seen[n++] = *p;
    return false;
}

/* Every kernel that this processor and the model allow, compared call by call. A sanitizer learns
 * nothing of a second model with the same heads. */
static void check_kernels(const golden *g) {
    whet_model *model;
    REQUIRE_OK(ctx, whet_model_open(ctx, g->dir, &model));
    const int32_t n_context = (int32_t)whet_model_config(model)->max_position_embeddings;
    const whet_problem problem = whet_model_problem(model, WHET_BF16, 64, n_context);
    whet_model_close(model);
    if (WHET_IS_SANITIZED && is_seen(&problem)) return;
    for (int i = 0; whet_attention_kernels[i]; i++) {
        const whet_attention_kernel *inner = whet_attention_kernels[i];
        if (!inner->supports(&problem)) continue;
        const whet_session_opts opts = {
            .find_winner = give,
            .find_winner_data = (void *)(uintptr_t)checked_kernel_open(inner),
            .chunk_tokens = i % 3 == 0   ? 1
                            : i % 3 == 1 ? 7
                                         : 64,
        };
        golden_check(ctx, g, &opts, 1 + i % 2, golden_check_logits);
        const checked_kernel_result result = checked_kernel_close();
        CHECK(result.n_rows > 0);
        if (result.n_wrong)
            TEST_FAIL("%s: kernel %s is wrong in %d of %d rows, worst %.3g of the tolerance",
                      g->dir, inner->name, result.n_wrong, result.n_rows, result.worst);
    }
}

static void every_kernel_agrees_with_the_oracle(void) {
    for_each_model(check_kernels);
}

/* A prompt of 700 tokens, whose angles must be the reference's. */
static void long_prompt_decides_alike(void) {
    if (test_is_quick) SKIP("700 tokens");
    whet_json *root;
    const char *dir = TEST_DATA_DIR "/golden/models/q0.6-like";
    REQUIRE_OK(ctx, whet_json_read(ctx, TEST_DATA_DIR "/golden/models/q0.6-like/golden/golden.json",
                                   1 << 24, &root));
    const whet_json *part = whet_json_get(root, "long");
    const whet_json *ids = whet_json_get(part, "prompt_ids"),
                    *greedy = whet_json_get(part, "greedy");
    static golden g;
    snprintf(g.dir, sizeof g.dir, "%s", dir);
    g.vocab = 512;
    whet_json_number(whet_json_get(whet_json_get(root, "bar"), "max"), &g.bar_max);
    g.prompts = calloc(1, sizeof *g.prompts);
    g.n_prompts = 1;
    golden_prompt *p = g.prompts;
    p->n_ids = whet_json_len(ids);
    p->n_greedy = whet_json_len(greedy);
    REQUIRE(p->n_ids == 700 && p->n_greedy == 16);
    for (size_t i = 0; i < p->n_ids + p->n_greedy; i++) {
        int64_t id;
        const bool is_prompt = i < p->n_ids;
        REQUIRE(whet_json_integer(
            is_prompt ? whet_json_at(ids, i) : whet_json_at(greedy, i - p->n_ids), &id));
        if (is_prompt)
            p->ids[i] = (int32_t)id;
        else
            p->greedy[i - p->n_ids] = (int32_t)id;
    }
    for (size_t i = 0; i < p->n_greedy; i++) {
        REQUIRE(whet_json_number(whet_json_at(whet_json_get(part, "margins"), i), &p->margins[i]));
        REQUIRE(whet_json_number(whet_json_at(whet_json_get(part, "ranges"), i), &p->ranges[i]));
    }
    whet_json_close(root);
    golden_check(ctx, &g, NULL, 2, golden_check_decided);
    golden_check(ctx, &g, &(whet_session_opts){ .is_precise = true }, 2,
                 golden_check_greedy_closely);
    golden_close(&g);
}

static uint64_t n_allocations(void) {
    return whet_ctx_allocations(ctx);
}

static void decoding_allocates_nothing(void) {
    whet_model *model;
    whet_team *team;
    whet_session *session;
    REQUIRE_OK(ctx, whet_model_open(ctx, TEST_DATA_DIR "/golden/models/q0.6-like", &model));
    REQUIRE_OK(ctx, whet_team_open(ctx, 2, &team));
    REQUIRE_OK(ctx, whet_session_open(ctx, model, team, NULL, &session));
    const int32_t ids[] = { 1, 2, 3, 4, 5 };
    REQUIRE_OK(ctx, whet_session_feed(ctx, session, ids, 5));
    const uint64_t before = n_allocations();
    for (int i = 0; i < 20; i++)
        CHECK_STATUS(ctx, whet_session_feed(ctx, session, ids, 1), WHET_OK);
    CHECK_INT(n_allocations(), before);
    whet_session_close(session);
    whet_team_close(team);
    whet_model_close(model);
}

static void sessions_refuse_what_does_not_fit(void) {
    whet_model *model;
    whet_team *team;
    whet_session *session;
    REQUIRE_OK(ctx, whet_model_open(ctx, TEST_DATA_DIR "/golden/models/one", &model));
    REQUIRE_OK(ctx, whet_team_open(ctx, 1, &team));
    CHECK_STATUS(
        ctx,
        whet_session_open(ctx, model, team, &(whet_session_opts){ .kernel = "nope" }, &session),
        WHET_E_ARG);
    CHECK_CONTAINS(whet_ctx_message(ctx), "\"nope\" is neither a .c file nor one of");
    CHECK(session == NULL);
    const whet_session_opts small = { .capacity_tokens = 4 };
    REQUIRE_OK(ctx, whet_session_open(ctx, model, team, &small, &session));
    const int32_t ids[] = { 1, 2, 3, 4, 5, -1 };
    CHECK_STATUS(ctx, whet_session_feed(ctx, session, ids, 5), WHET_E_ARG);
    CHECK_STATUS(ctx, whet_session_feed(ctx, session, ids + 5, 1), WHET_E_ARG);
    CHECK_INT(whet_session_length(session), 0);
    CHECK_STATUS(ctx, whet_session_feed(ctx, session, ids, 4), WHET_OK);
    CHECK_STATUS(ctx, whet_session_feed(ctx, session, ids, 1), WHET_E_ARG);
    whet_session_truncate(session, 2);
    CHECK_STATUS(ctx, whet_session_feed(ctx, session, ids, 2), WHET_OK);
    whet_session_close(session);
    whet_team_close(team);
    whet_model_close(model);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "default_kernel_meets_the_bar", default_kernel_meets_the_bar },
        { "precise_is_within_5e4", precise_is_within_5e4 },
        { "every_chunking_and_team_decides_alike", every_chunking_and_team_decides_alike },
        { "every_kernel_agrees_with_the_oracle", every_kernel_agrees_with_the_oracle },
        { "long_prompt_decides_alike", long_prompt_decides_alike },
        { "decoding_allocates_nothing", decoding_allocates_nothing },
        { "sessions_refuse_what_does_not_fit", sessions_refuse_what_does_not_fit },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
