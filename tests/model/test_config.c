/* SPDX-License-Identifier: MIT */
/* config.json: the goldens, the reference's RoPE, and what is refused. */
#include "tests/test.h"

#include "base/buf.h"
#include "base/file.h"
#include "model/config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"
#include "tests/model/rope_vectors.h"

#define GOLDEN TEST_DATA_DIR "/golden/models/"

#define SHAPE                                                                                      \
    "\"model_type\": \"qwen3\", \"hidden_size\": 1024, \"intermediate_size\": 3072, "              \
    "\"num_hidden_layers\": 28, \"num_attention_heads\": 16, \"num_key_value_heads\": 8, "         \
    "\"vocab_size\": 151936"

static whet_ctx *ctx;

/* Parses {SHAPE, members}; generation may be NULL. */
static whet_status parse(const char *members, const char *generation, whet_config *c) {
    char text[2048];
    snprintf(text, sizeof text, "{%s%s%s}", SHAPE, *members ? ", " : "", members);
    return whet_config_parse(ctx, "config.json", text, strlen(text), "generation_config.json",
                             generation, generation ? strlen(generation) : 0, c);
}

static void golden_folders_are_read(void) {
    static const struct {
        const char *name;
        int hidden, ffn, layers, heads, kv_heads, head_dim, vocab, bos, n_eos, eos0;
        double theta;
        bool is_tied;
        whet_dtype dtype;
    } rows[] = {
        { "q0.6-like", 64, 192, 3, 16, 8, 128, 512, 511, 2, 509, 1e6, true, WHET_BF16 },
        { "q14-like", 64, 128, 2, 40, 8, 64, 512, 511, 2, 509, 1e6, false, WHET_BF16 },
        { "mqa", 72, 112, 2, 6, 1, 64, 512, 511, 2, 509, 1e6, true, WHET_BF16 },
        { "f16", 48, 80, 2, 4, 2, 64, 256, 255, 2, 253, 1e6, true, WHET_F16 },
        { "f32", 48, 80, 2, 4, 2, 64, 256, 255, 2, 253, 1e6, true, WHET_F32 },
        { "yarn-new", 48, 80, 2, 4, 2, 64, 256, 255, 2, 253, 1e4, false, WHET_BF16 },
        { "mlx-odd", 48, 80, 2, 4, 2, 64, 99, 98, 2, 96, 1e4, true, WHET_BF16 },
        { "eos-list", 48, 80, 2, 4, 2, 64, 256, 255, 2, 189, 1e6, true, WHET_BF16 },
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        char dir[512];
        snprintf(dir, sizeof dir, GOLDEN "%s", rows[i].name);
        whet_config c;
        REQUIRE_OK(ctx, whet_config_read(ctx, dir, &c));
        CHECK_INT(c.hidden_size, rows[i].hidden);
        CHECK_INT(c.intermediate_size, rows[i].ffn);
        CHECK_INT(c.n_layers, rows[i].layers);
        CHECK_INT(c.n_heads, rows[i].heads);
        CHECK_INT(c.n_kv_heads, rows[i].kv_heads);
        CHECK_INT(c.head_dim, rows[i].head_dim);
        CHECK_INT(c.vocab_size, rows[i].vocab);
        CHECK_INT(c.bos, rows[i].bos);
        CHECK_INT(c.n_eos, rows[i].n_eos);
        CHECK_INT(c.eos[0], rows[i].eos0);
        CHECK_NEAR(c.rope_theta, rows[i].theta, 0);
        CHECK_NEAR(c.rms_norm_eps, 1e-6, 0);
        CHECK_INT(c.tie_word_embeddings, rows[i].is_tied);
        CHECK_INT(c.dtype, rows[i].dtype);
        CHECK(c.generation.do_sample);
        CHECK_NEAR(c.generation.temperature, 0.6, 0);
        CHECK_INT(c.generation.top_k, 20);
        CHECK_NEAR(c.generation.top_p, 0.95, 0);
        CHECK_NEAR(c.generation.min_p, 0, 0);
        CHECK_NEAR(c.generation.repetition_penalty, 1, 0);
    }
}

static void yarn_is_resolved(void) {
    whet_config c;
    REQUIRE_OK(ctx, whet_config_read(ctx, GOLDEN "yarn-old", &c));
    CHECK_INT(c.scaling.kind, WHET_ROPE_YARN);
    CHECK_NEAR(c.scaling.factor, 4, 0);
    CHECK_NEAR(c.scaling.original_max_position, 64, 0);
    CHECK_NEAR(c.scaling.beta_fast, 32, 0);
    CHECK_NEAR(c.scaling.beta_slow, 1, 0);
    CHECK_NEAR(c.scaling.attention_factor, 1.1386294361119891, 1e-15);
    CHECK(c.scaling.is_truncated);
    REQUIRE_OK(ctx, whet_config_read(ctx, GOLDEN "yarn-new", &c));
    CHECK_NEAR(c.scaling.beta_fast, 16, 0);
    CHECK_NEAR(c.scaling.beta_slow, 2, 0);
    REQUIRE_OK(ctx, whet_config_read(ctx, GOLDEN "q0.6-like", &c));
    CHECK_INT(c.scaling.kind, WHET_ROPE_DEFAULT);
    CHECK_NEAR(c.scaling.attention_factor, 1, 0);
}

static void check_frequencies(const struct rope_vector *v, int *n_different) {
    whet_config c;
    char members[1024];
    snprintf(members, sizeof members, "%s%s\"max_position_embeddings\": 40960", v->members,
             *v->members ? ", " : "");
    REQUIRE_OK(ctx, parse(members, NULL, &c));
    REQUIRE(c.head_dim == v->head_dim);
    float got[64], factor;
    whet_rope_inverse_frequencies(&c, got, &factor);
    CHECK_NEAR((double)factor, v->attention_factor, 1.2e-7);
    for (int i = 0; i < c.head_dim / 2; i++) {
        const double want = (double)v->inv_freq[i];
        if (!(fabs((double)got[i] - want) <= 1.8e-7 * want))
            TEST_FAIL("%s: inv_freq[%d] is %a, not %a", v->name, i, (double)got[i], want);
        *n_different += got[i] != v->inv_freq[i];
    }
}

/* PyTorch's vectorised pow misses the nearest float now and then; nothing else may differ. */
static void frequencies_are_the_references(void) {
    int n_different = 0;
    for (size_t i = 0; i < TEST_COUNT(rope_vectors); i++)
        check_frequencies(&rope_vectors[i], &n_different);
    printf("# %d of about 1200 frequencies differ in the last bit\n", n_different);
    CHECK(n_different <= 40);
}

/* The trace holds the reference's cos and sin of the first 8 positions. */
static void angles_are_the_traces(void) {
    whet_buf file = { 0 };
    whet_config c;
    float inv_freq[64], factor, want[8 * 128];
    REQUIRE_OK(ctx, whet_config_read(ctx, GOLDEN "q0.6-like", &c));
    whet_rope_inverse_frequencies(&c, inv_freq, &factor);
    REQUIRE_OK(ctx, whet_file_read(ctx, GOLDEN "q0.6-like/golden/trace/sin.bin", 1 << 16, &file));
    REQUIRE(file.len == sizeof want);
    memcpy(want, file.text, sizeof want);
    for (int t = 0; t < 8; t++)
        for (int i = 0; i < 128; i++)
            CHECK_NEAR(sin((double)((float)t * inv_freq[i % 64])), (double)want[t * 128 + i], 1e-6);
    whet_buf_fini(ctx, &file);
}

static void defaults_are_the_references(void) {
    whet_config c;
    REQUIRE_OK(ctx, parse("", NULL, &c));
    CHECK_INT(c.head_dim, 128);
    CHECK_INT(c.max_position_embeddings, 32768);
    CHECK_NEAR(c.rms_norm_eps, 1e-6, 0);
    CHECK_NEAR(c.rope_theta, 10000, 0);
    CHECK(!c.tie_word_embeddings);
    CHECK_INT(c.dtype, WHET_F32);
    CHECK_INT(c.n_eos, 0);
    CHECK_INT(c.bos, -1);
    CHECK(!c.generation.do_sample);
    REQUIRE_OK(ctx, parse("\"dtype\": \"bfloat16\", \"torch_dtype\": \"float32\"", "{}", &c));
    CHECK_INT(c.dtype, WHET_BF16);
    CHECK_INT(c.generation.top_k, 50);
    CHECK_NEAR(c.generation.temperature, 1, 0);
}

static void eos_of_generation_config_counts(void) {
    whet_config c;
    REQUIRE_OK(ctx, parse("\"eos_token_id\": 7", "{\"eos_token_id\": [3, 4, 5]}", &c));
    CHECK_INT(c.n_eos, 3);
    CHECK_INT(c.eos[2], 5);
    REQUIRE_OK(ctx, parse("\"eos_token_id\": 7", "{\"eos_token_id\": null}", &c));
    CHECK_INT(c.n_eos, 1);
    CHECK_INT(c.eos[0], 7);
    REQUIRE_OK(ctx, parse("\"eos_token_id\": [7, 8]", "{\"eos_token_id\": 9}", &c));
    CHECK_INT(c.n_eos, 1);
    CHECK_INT(c.eos[0], 9);
}

/* What makes the parser say no, and the words it must say. */
static void refusals_name_the_fault(void) {
    static const struct {
        const char *members;
        whet_status status;
        const char *words;
    } rows[] = {
        { "\"quantization_config\": {\"bits\": 4}", WHET_E_UNSUPPORTED, "quantised" },
        { "\"quantization\": {\"bits\": 4}", WHET_E_UNSUPPORTED, "quantised" },
        { "\"attention_bias\": true", WHET_E_UNSUPPORTED, "attention_bias" },
        { "\"attention_bias\": 1", WHET_E_FORMAT, "attention_bias is not true or false" },
        { "\"use_sliding_window\": true, \"sliding_window\": 4096", WHET_E_UNSUPPORTED,
          "use_sliding_window" },
        { "\"layer_types\": [\"full_attention\", \"sliding_attention\"]", WHET_E_UNSUPPORTED,
          "sliding_attention" },
        { "\"layer_types\": \"full\"", WHET_E_FORMAT, "layer_types is not a list" },
        { "\"hidden_act\": \"gelu\"", WHET_E_UNSUPPORTED, "gelu" },
        { "\"architectures\": [\"Qwen3Model\"]", WHET_E_UNSUPPORTED, "Qwen3ForCausalLM" },
        { "\"dtype\": \"int8\"", WHET_E_UNSUPPORTED, "int8" },
        { "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2}", WHET_E_UNSUPPORTED,
          "linear" },
        { "\"rope_scaling\": {\"type\": \"llama3\"}", WHET_E_UNSUPPORTED, "llama3" },
        { "\"rope_scaling\": {\"rope_type\": null}", WHET_E_UNSUPPORTED, "rope_type" },
        { "\"rope_scaling\": 4", WHET_E_FORMAT, "rope_scaling is not an object" },
        { "\"rope_scaling\": {\"type\": \"yarn\"}", WHET_E_FORMAT, "factor is missing" },
        { "\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 0}", WHET_E_FORMAT, "factor is 0" },
        { "\"rope_parameters\": {\"full_attention\": {}}", WHET_E_UNSUPPORTED, "layer type" },
        { "\"rope_parameters\": {\"partial_rotary_factor\": 0.5}", WHET_E_UNSUPPORTED,
          "partial_rotary_factor" },
        { "\"rope_theta\": NaN", WHET_E_FORMAT, "not JSON" },
        { "\"rope_theta\": Infinity", WHET_E_FORMAT, "not JSON" },
        { "\"rope_theta\": 1e999", WHET_E_FORMAT, "not JSON" },
        { "\"rope_theta\": 1", WHET_E_FORMAT, "rope_theta is 1" },
        { "\"rope_theta\": -10000", WHET_E_FORMAT, "rope_theta is -10000" },
        { "\"rope_theta\": \"1e6\"", WHET_E_FORMAT, "rope_theta is not a number" },
        { "\"rms_norm_eps\": 0", WHET_E_FORMAT, "rms_norm_eps is 0" },
        { "\"head_dim\": 0", WHET_E_FORMAT, "head_dim is 0" },
        { "\"head_dim\": -128", WHET_E_FORMAT, "head_dim is -128" },
        { "\"head_dim\": 127", WHET_E_UNSUPPORTED, "head_dim is 127" },
        { "\"head_dim\": 128.0", WHET_E_FORMAT, "head_dim is not a whole number" },
        { "\"head_dim\": 99999999999", WHET_E_FORMAT, "head_dim is 99999999999" },
        { "\"head_dim\": 99999999999999999999", WHET_E_FORMAT, "not JSON" },
        { "\"max_position_embeddings\": 0", WHET_E_FORMAT, "max_position_embeddings is 0" },
        { "\"tie_word_embeddings\": \"yes\"", WHET_E_FORMAT, "tie_word_embeddings" },
        { "\"eos_token_id\": \"x\"", WHET_E_FORMAT, "eos_token_id" },
        { "\"eos_token_id\": [1, -2]", WHET_E_FORMAT, "eos_token_id" },
        { "\"eos_token_id\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", WHET_E_UNSUPPORTED,
          "17 ids" },
        { "\"bos_token_id\": -3", WHET_E_FORMAT, "bos_token_id is -3" },
        { "\"hidden_size\": 64", WHET_E_FORMAT, "duplicate" },
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        whet_config c;
        CHECK_STATUS(ctx, parse(rows[i].members, NULL, &c), rows[i].status);
        CHECK_CONTAINS(whet_ctx_message(ctx), "config.json");
        CHECK_CONTAINS(whet_ctx_message(ctx), rows[i].words);
    }
}

static void shapes_are_refused_by_key(void) {
    static const struct {
        const char *from, *to, *words;
    } edits[] = {
        { "\"model_type\": \"qwen3\"", "\"model_type\": \"qwen3_moe\"", "qwen3_moe" },
        { "\"model_type\": \"qwen3\", ", "", "model_type is missing" },
        { "\"hidden_size\": 1024", "\"hidden_size\": 0", "hidden_size is 0" },
        { "\"hidden_size\": 1024, ", "", "hidden_size is missing" },
        { "\"num_hidden_layers\": 28", "\"num_hidden_layers\": 2000000000", "num_hidden_layers" },
        { "\"num_key_value_heads\": 8", "\"num_key_value_heads\": 5", "does not divide" },
        { "\"num_key_value_heads\": 8", "\"num_key_value_heads\": 32", "does not divide" },
        { "\"vocab_size\": 151936", "\"vocab_size\": -1", "vocab_size is -1" },
        { "\"vocab_size\": 151936", "\"vocab_size\": null", "vocab_size is not a whole number" },
        { "{", "[", "not JSON" },
    };
    for (size_t i = 0; i < TEST_COUNT(edits); i++) {
        const char *whole = "{" SHAPE "}", *at = strstr(whole, edits[i].from);
        REQUIRE(at);
        char text[1024];
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, edits[i].to,
                 at + strlen(edits[i].from));
        whet_config c;
        CHECK(whet_config_parse(ctx, "config.json", text, strlen(text), NULL, NULL, 0, &c) !=
              WHET_OK);
        CHECK_CONTAINS(whet_ctx_message(ctx), edits[i].words);
    }
    whet_config c;
    CHECK_STATUS(ctx, whet_config_parse(ctx, "config.json", "[]", 2, NULL, NULL, 0, &c),
                 WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "not a JSON object");
}

static void generation_config_is_checked(void) {
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "{\"temperature\": -1}", "temperature is -1" },
        { "{\"top_p\": 1.5}", "top_p is 1.5" },
        { "{\"top_k\": 2.5}", "top_k is not a whole number" },
        { "{\"do_sample\": 1}", "do_sample is not true or false" },
        { "[1]", "not a JSON object" },
        { "", "not JSON" },
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        whet_config c;
        CHECK_STATUS(ctx, parse("", rows[i].text, &c), WHET_E_FORMAT);
        CHECK_CONTAINS(whet_ctx_message(ctx), "generation_config.json");
        CHECK_CONTAINS(whet_ctx_message(ctx), rows[i].words);
    }
}

static void a_missing_folder_is_named(void) {
    whet_config c;
    CHECK_STATUS(ctx, whet_config_read(ctx, "/nowhere/at/all", &c), WHET_E_NOT_FOUND);
    CHECK_CONTAINS(whet_ctx_message(ctx), "/nowhere/at/all/config.json");
}

/* The fuzz target on the goldens' texts with small changes. */
static void mutations_are_survived(void) {
    static const char *const files[] = { "yarn-new/config.json", "yarn-old/config.json",
                                         "eos-list/generation_config.json" };
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    whet_buf whole = { 0 }, bytes = { 0 };
    for (int i = 0; i < 3000; i++) {
        char path[512];
        snprintf(path, sizeof path, GOLDEN "%s", files[i % 3]);
        REQUIRE_OK(ctx, whet_file_read(ctx, path, 1 << 16, &whole));
        whet_buf_clear(&bytes);
        REQUIRE_OK(ctx, whet_buf_append(ctx, &bytes, whole.text, whole.len));
        fuzz_mutate(ctx, &rng, &bytes, 2000);
        LLVMFuzzerTestOneInput((const uint8_t *)bytes.text, bytes.len);
    }
    whet_buf_fini(ctx, &whole);
    whet_buf_fini(ctx, &bytes);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "golden_folders_are_read", golden_folders_are_read },
        { "yarn_is_resolved", yarn_is_resolved },
        { "frequencies_are_the_references", frequencies_are_the_references },
        { "angles_are_the_traces", angles_are_the_traces },
        { "defaults_are_the_references", defaults_are_the_references },
        { "eos_of_generation_config_counts", eos_of_generation_config_counts },
        { "refusals_name_the_fault", refusals_name_the_fault },
        { "shapes_are_refused_by_key", shapes_are_refused_by_key },
        { "generation_config_is_checked", generation_config_is_checked },
        { "a_missing_folder_is_named", a_missing_folder_is_named },
        { "mutations_are_survived", mutations_are_survived },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
