/* SPDX-License-Identifier: MIT */
/* The configuration: strict, with every value and its origin, and read back as it was written. */
#include "tests/test.h"

#include <whet/evolve.h>

#include "base/ctx.h"
#include "evolve/config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

static whet_ctx *ctx;

static whet_status parse(whet_evolve_config **c, const char *text) {
    WHET_TRY(whet_evolve_config_open(ctx, c));
    return whet_evolve_config_parse(ctx, *c, "a.yaml", text, strlen(text));
}

/* D13 of the research notes: a key that is not known is refused, with the nearest one. */
static void test_unknown_keys(void) {
    static const char *const texts[][2] = {
        { "max_iteration: 3\n",
          "line 1: there is no key max_iteration; did you mean max_iterations" },
        { "databse:\n  num_islands: 3\n", "did you mean database.num_islands" },
        { "llm:\n  temprature: 1\n", "did you mean llm.temperature" },
        { "num_islands: 3\n", "did you mean database.num_islands" },
        { "allow_full_rewrites: true\n", "there is no key allow_full_rewrites" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        whet_evolve_config *c;
        CHECK_STATUS(ctx, parse(&c, texts[i][0]), WHET_E_FORMAT);
        CHECK_CONTAINS(whet_ctx_message(ctx), texts[i][1]);
        whet_evolve_config_close(ctx, c);
    }
}

static void test_refused_values(void) {
    static const char *const texts[][2] = {
        { "max_iterations: many\n", "many is not a whole number from 0 to 20000" },
        { "max_iterations: -1\n", "-1 is not" },
        { "max_iterations: 2.5\n", "2.5 is not" },
        { "minutes: 0\n", "0 is not a number" },
        { "minutes: nan\n", "nan is not a number" },
        { "random_seed: 1e3\n", "digits alone" },
        { "diff_based_evolution: perhaps\n", "neither true nor false" },
        { "llm:\n  api_key: sk-0123456789\n", "write ${NAME}" },
        { "max_iterations: 1\nmax_iterations: 2\n", "line 2: max_iterations is there twice" },
        { "database:\n  feature_dimensions: [layout, beauty]\n", "beauty is none of" },
        { "minutes: &a 1\n", "an anchor" },
        { "minutes: *a\n", "line 1" },
        { "a: [\n", "line" },
        { "--- \nminutes: 1\n--- \nminutes: 1\n", "a second document" },
        { "just words\n", "write keys with values here" },
        { "- 1\n", "write keys with values here" },
        { "? [a]\n: 1\n", "this is too deep" },
        { "a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}\n", "too deep" },
        { "minutes: \"1\\0\"\n", "a NUL" },
        { "minutes: \xff\n", "line" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        whet_evolve_config *c;
        const whet_status st = parse(&c, texts[i][0]);
        if (st != WHET_E_FORMAT) printf("# %s", texts[i][0]);
        CHECK_STATUS(ctx, st, WHET_E_FORMAT);
        if (strncmp(texts[i][0], "? ", 2) != 0) CHECK_CONTAINS(whet_ctx_message(ctx), texts[i][1]);
        if (strstr(texts[i][0], "sk-")) CHECK(!strstr(whet_ctx_message(ctx), "sk-"));
        whet_evolve_config_close(ctx, c);
    }
}

static const char example[] = "max_iterations: 30\ncheckpoint_interval: 5\nlog_level: INFO\n"
                              "random_seed: 18446744073709551\ndiff_based_evolution: false\n"
                              "llm:\n  primary_model: a\n  primary_model_weight: 0.7\n"
                              "  secondary_model: \"b # c\"\n  secondary_model_weight: 0.3\n"
                              "  temperature: 0\n  retries: 0\n  api_key: ${A_KEY}\n"
                              "prompt:\n  system_message: |\n    two\n    lines\n"
                              "  num_top_programs: 4\n  use_meta_prompting: true\n"
                              "database:\n  population_size: 25\n  num_islands: 2\n"
                              "  exploration_ratio: 0\n  feature_dimensions: [complexity, layout]\n"
                              "evaluator:\n  timeout: 300\n  cascade_thresholds: [0.5, 0.75]\n";

static void check_example(const whet_evolve_settings *s) {
    CHECK_INT(s->opts.max_programs, 30);
    CHECK(s->opts.seed == 18446744073709551u);
    CHECK(s->opts.is_rewriting);
    CHECK_INT(s->opts.llm.n_models, 2);
    CHECK_STR(s->opts.llm.models[0].name, "a");
    CHECK_STR(s->opts.llm.models[1].name, "b # c");
    CHECK(s->opts.llm.models[1].weight == 0.3);
    CHECK(s->opts.llm.has_temperature && s->opts.llm.temperature == 0);
    CHECK(s->opts.llm.has_retries && s->opts.llm.n_retries == 0);
    CHECK_STR(s->api_key, "A_KEY");
    CHECK_STR(s->opts.llm.system_message, "two\nlines\n");
    CHECK_INT(s->opts.n_top_programs, 4);
    CHECK_INT(s->opts.population.n_programs, 25);
    CHECK_INT(s->opts.population.n_islands, 2);
    CHECK(s->opts.population.exploration > 0 && s->opts.population.exploration < 1e-6);
    CHECK_INT(s->opts.population.features, WHET_FEATURE_LAYOUT | WHET_FEATURE_CODE);
}

static void test_round_trip(void) {
    whet_evolve_config *c, *again;
    whet_buf first = { 0 }, second = { 0 }, warnings = { 0 };
    REQUIRE_OK(ctx, parse(&c, example));
    check_example(whet_evolve_config_settings(c));
    REQUIRE_OK(ctx, whet_settings_print(ctx, whet_evolve_config_settings(c), NULL, &first));
    REQUIRE_OK(ctx, parse(&again, first.text));
    check_example(whet_evolve_config_settings(again));
    REQUIRE_OK(ctx, whet_settings_print(ctx, whet_evolve_config_settings(again), NULL, &second));
    CHECK_STR(first.text, second.text);
    REQUIRE_OK(ctx, whet_evolve_config_warnings(ctx, c, &warnings));
    CHECK_CONTAINS(warnings.text, "prompt.use_meta_prompting does nothing");
    CHECK_CONTAINS(warnings.text, "log_level does nothing");
    CHECK_CONTAINS(warnings.text, "evaluator.cascade_thresholds does nothing");
    CHECK(!strstr(warnings.text, "checkpoint_interval"));
    whet_buf_fini(ctx, &first);
    whet_buf_fini(ctx, &second);
    whet_buf_fini(ctx, &warnings);
    whet_evolve_config_close(ctx, c);
    whet_evolve_config_close(ctx, again);
}

static void test_origins(void) {
    whet_evolve_config *c;
    whet_buf text = { 0 };
    REQUIRE_OK(ctx, parse(&c, example));
    REQUIRE_OK(ctx, whet_evolve_config_set(ctx, c, "max_iterations", "7", "--programs"));
    CHECK_STATUS(ctx, whet_evolve_config_set(ctx, c, "minutes", "x", "--minutes"), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "--minutes: x is not");
    REQUIRE_OK(ctx, whet_evolve_config_print(ctx, c, &text));
    CHECK_CONTAINS(text.text, "max_iterations: 7  # --programs\n");
    CHECK_CONTAINS(text.text, "num_islands: 2  # a.yaml: line 22\n");
    CHECK_CONTAINS(text.text, "archive_size: 20  # default\n");
    CHECK_CONTAINS(text.text, "\n  # budget_tokens: not set\n");
    CHECK_INT(whet_evolve_config_settings(c)->opts.max_programs, 7);
    whet_buf_fini(ctx, &text);
    whet_evolve_config_close(ctx, c);
}

/* An empty file is a configuration; so is the one of the mission. */
static void test_files(void) {
    whet_evolve_config *c;
    REQUIRE_OK(ctx, parse(&c, ""));
    whet_evolve_config_close(ctx, c);
    REQUIRE_OK(ctx, parse(&c, "# nothing\n"));
    CHECK_STATUS(ctx, whet_evolve_config_read(ctx, c, "/nowhere.yaml"), WHET_E_NOT_FOUND);
    REQUIRE_OK(ctx,
               whet_evolve_config_read(ctx, c, MODELS_DIR "/../examples/qwen3-gqa/config.yaml"));
    const whet_evolve_settings *s = whet_evolve_config_settings(c);
    CHECK_INT(s->opts.max_programs, 30);
    CHECK_INT(s->opts.population.n_programs, 25);
    CHECK_INT(s->opts.population.n_archive, 12);
    CHECK_INT(s->opts.population.n_islands, 2);
    CHECK_INT(s->opts.n_top_programs, 4);
    CHECK_INT(s->opts.n_diverse_programs, 2);
    CHECK_INT(s->opts.llm.n_models, 2);
    CHECK(s->opts.llm.models[0].weight == 0.7 && s->opts.llm.models[1].weight == 0.3);
    whet_evolve_config_close(ctx, c);
}

static void test_fuzz(void) {
    static const char seed[] =
        "max_iterations: 30 # a comment\nrandom_seed: 42\nminutes: 2.5\nllm:\n"
        "  api_base: \"https://a.b/v1\"\n  api_key: ${KEY}\n  primary_model: a\n"
        "  primary_model_weight: 0.7\n  secondary_model: b\n  temperature: 0.4\n  timeout: 60\n"
        "prompt:\n  num_top_programs: 4\n  system_message: |\n    Two\n    lines.\n"
        "database:\n  num_islands: 2\n  feature_dimensions: [layout, 'code']\n"
        "evaluator:\n  parallel_evaluations: 2\ndiff_based_evolution: true\n";
    whet_evolve_config *c;
    REQUIRE_OK(ctx, parse(&c, seed));
    whet_evolve_config_close(ctx, c);
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int i = 0; i < 600; i++) {
        whet_buf bytes = { 0 };
        REQUIRE_OK(ctx, whet_buf_puts(ctx, &bytes, seed));
        fuzz_mutate(ctx, &rng, &bytes, bytes.len);
        CHECK_INT(LLVMFuzzerTestOneInput((const uint8_t *)bytes.text, bytes.len), 0);
        whet_buf_fini(ctx, &bytes);
    }
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    static const test_case tests[] = {
        { "unknown_keys", test_unknown_keys },
        { "refused_values", test_refused_values },
        { "round_trip", test_round_trip },
        { "origins", test_origins },
        { "files", test_files },
        { "fuzz", test_fuzz },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
