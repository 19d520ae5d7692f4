/* SPDX-License-Identifier: MIT */
/* Checkpoint folders: every golden opens, whole and by name. */
#include "tests/test.h"

#include <dirent.h>
#include <unistd.h>

#include "base/child.h"
#include "model/checkpoint.h"
#include "model/synth.h"
#include "model/tensor_list.h"

#define GOLDEN TEST_DATA_DIR "/golden/models/"

static whet_ctx *ctx;
static char root[] = "/tmp/whet-checkpoint-XXXXXX";

static const char *const goldens[] = {
    "d128-40",  "eos-list", "f16",     "f32",       "mha",      "mlx-like",
    "mlx-odd",  "mqa",      "mqa5",    "odd-align", "one",      "q0.6-like",
    "q14-like", "q32-like", "sharded", "theta-new", "yarn-new", "yarn-old",
};

static void every_golden_opens(void) {
    for (size_t i = 0; i < TEST_COUNT(goldens); i++) {
        char dir[512];
        snprintf(dir, sizeof dir, GOLDEN "%s", goldens[i]);
        whet_checkpoint *c;
        REQUIRE_OK(ctx, whet_checkpoint_open(ctx, dir, &c));
        CHECK(whet_checkpoint_find(c, "model.norm.weight", NULL));
        CHECK(!whet_checkpoint_find(c, "model.norm", NULL));
        whet_checkpoint_close(c);
    }
    whet_checkpoint_close(NULL);
}

static void shards_are_one_table(void) {
    whet_checkpoint *c;
    whet_tensor t;
    REQUIRE_OK(ctx, whet_checkpoint_open(ctx, GOLDEN "sharded", &c));
    CHECK_INT(whet_checkpoint_n_files(c), 3);
    size_t n = 0;
    for (size_t i = 0; i < whet_checkpoint_n_files(c); i++)
        n += whet_checkpoint_file(c, i)->n_tensors;
    CHECK_INT(n, 25); /* 2 layers of 11, embedding, norm, lm_head */
    CHECK_STATUS(ctx, whet_checkpoint_expect(ctx, c, "lm_head.weight", 256, 48, &t), WHET_OK);
    CHECK_STATUS(ctx, whet_checkpoint_expect(ctx, c, "model.norm.weight", 48, 0, &t), WHET_OK);
    CHECK_INT(t.bytes, 96);
    CHECK_STATUS(ctx, whet_checkpoint_expect(ctx, c, "lm_head.weight", 256, 49, &t), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "has shape [256, 48], config.json asks for [256, 49]");
    CHECK_CONTAINS(whet_ctx_message(ctx), "model-00001-of-00003.safetensors");
    CHECK_STATUS(ctx, whet_checkpoint_expect(ctx, c, "model.norm.weight", 48, 1, &t),
                 WHET_E_FORMAT);
    CHECK_STATUS(ctx, whet_checkpoint_expect(ctx, c, "lm_head.bias", 256, 0, &t), WHET_E_NOT_FOUND);
    CHECK_CONTAINS(whet_ctx_message(ctx), "tensor lm_head.bias is missing");
    whet_checkpoint_close(c);
}

static void an_empty_folder_is_named(void) {
    whet_checkpoint *c;
    CHECK_STATUS(ctx, whet_checkpoint_open(ctx, "/nowhere", &c), WHET_E_NOT_FOUND);
    CHECK_CONTAINS(whet_ctx_message(ctx), "/nowhere: neither model.safetensors");
    CHECK(!c);
}

static void no_fault(void *data, const char *sentence) {
    (void)data;
    TEST_FAIL("%s", sentence);
}

static void every_golden_passes_the_check(void) {
    for (size_t i = 0; i < TEST_COUNT(goldens); i++) {
        char path[512];
        snprintf(path, sizeof path, GOLDEN "%s", goldens[i]);
        CHECK_STATUS(ctx, whet_checkpoint_check(ctx, path, no_fault, NULL), WHET_OK);
    }
}

static void facts_count_what_is_read(void) {
    whet_checkpoint_facts f;
    REQUIRE_OK(ctx, whet_checkpoint_read_facts(ctx, GOLDEN "q0.6-like", &f));
    CHECK_INT(f.n_tensors, 35);
    CHECK_INT(f.n_others, 0);
    CHECK_INT(f.n_parameters * 2, f.weight_bytes);
    CHECK_INT(f.weight_bytes, 2652152 - 8 - 3696); /* the file without its header */
    CHECK_INT(f.kv_bytes_per_token, 3 * 2 * 8 * 128 * 2);
    CHECK_INT(f.weight_dtype, WHET_BF16);
    CHECK(!f.has_tokenizer);
    REQUIRE_OK(ctx, whet_checkpoint_read_facts(ctx, GOLDEN "f32", &f));
    CHECK_INT(f.weight_dtype, WHET_F32);
    REQUIRE_OK(ctx, whet_checkpoint_read_facts(ctx, GOLDEN "sharded", &f));
    CHECK_INT(f.n_files, 3);
    CHECK_INT(f.n_tensors, 25); /* tied, and the file's lm_head is read all the same */
}

/* The published sizes: qwen3-0.6b has 596,049,920 parameters, 32b 32.76 billion. */
static void presets_have_the_published_sizes(void) {
    static const struct {
        const char *preset;
        int64_t n_parameters;
        int32_t n_heads, n_kv_heads;
    } rows[] = {
        { "qwen3-0.6b", 596049920, 16, 8 },  { "qwen3-1.7b", 1720574976, 16, 8 },
        { "qwen3-4b", 4022468096, 32, 8 },   { "qwen3-8b", 8190735360, 32, 8 },
        { "qwen3-14b", 14768307200, 40, 8 }, { "qwen3-32b", 32762123264, 64, 8 },
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        whet_config c;
        whet_tensor_spec spec;
        REQUIRE(whet_synth_shape(rows[i].preset, &c));
        int64_t n = 0;
        for (size_t k = 0; k < whet_tensor_count(&c); k++) {
            whet_tensor_spec_at(&c, k, &spec);
            n += whet_tensor_elements(&spec);
        }
        CHECK_INT(n, rows[i].n_parameters);
        CHECK_INT(c.n_heads, rows[i].n_heads);
        CHECK_INT(c.n_kv_heads, rows[i].n_kv_heads);
    }
    whet_config c;
    for (int i = 0; whet_synth_presets[i]; i++)
        CHECK(whet_synth_shape(whet_synth_presets[i], &c));
    CHECK(!whet_synth_shape("qwen3-235b", &c));
}

static void path_in_root(char out[256], const char *name) {
    snprintf(out, 256, "%s/%s", root, name);
}

/* Mean, standard deviation and range of a bf16 tensor. */
static void check_spread(const whet_checkpoint *c, const char *name, double deviation, double low,
                         double high) {
    whet_tensor t;
    REQUIRE(whet_checkpoint_find(c, name, &t));
    const size_t n = t.bytes / 2;
    double sum = 0, squares = 0, least = 1e9, most = -1e9;
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, (const char *)t.data + 2 * i, 2);
        const uint32_t bits = (uint32_t)half << 16;
        float x;
        memcpy(&x, &bits, 4);
        sum += (double)x;
        squares += (double)x * (double)x;
        least = fmin(least, (double)x);
        most = fmax(most, (double)x);
    }
    const double mean = sum / (double)n, got = sqrt(squares / (double)n - mean * mean);
    if (!(fabs(got - deviation) <= (0.005 + 3 / sqrt((double)n)) * deviation && least >= low &&
          most <= high))
        TEST_FAIL("%s: deviation %g, range %g to %g", name, got, least, most);
}

static void synth_writes_what_it_says(void) {
    char dir[256];
    path_in_root(dir, "made/of/tiny");
    const whet_synth_opts opts = { .preset = "tiny", .seed = 7, .shard_bytes = 6000000 };
    REQUIRE_OK(ctx, whet_checkpoint_synth(ctx, dir, &opts));
    CHECK_STATUS(ctx, whet_checkpoint_check(ctx, dir, no_fault, NULL), WHET_OK);
    whet_checkpoint_facts f;
    REQUIRE_OK(ctx, whet_checkpoint_read_facts(ctx, dir, &f));
    CHECK_INT(f.n_files, 4); /* 19.4 MB in files of at most 6 MB */
    CHECK_INT(f.config.n_layers, 4);
    CHECK_INT(f.config.n_eos, 2);
    CHECK(f.config.generation.do_sample);
    whet_checkpoint *c;
    REQUIRE_OK(ctx, whet_checkpoint_open(ctx, dir, &c));
    check_spread(c, "model.embed_tokens.weight", 0.4, -2, 2);
    check_spread(c, "model.layers.0.self_attn.q_proj.weight", 1.0 / 16, -0.3, 0.3);
    check_spread(c, "model.layers.3.mlp.down_proj.weight", 3.0 / sqrt(768), -0.5, 0.5);
    check_spread(c, "model.layers.1.input_layernorm.weight", 0.2887, 0.5, 1.5);
    whet_checkpoint_close(c);
}

/* The bytes depend on the seed and the tensor, not on the layers or the shards. */
static void synth_is_repeatable(void) {
    static const whet_synth_opts opts[] = {
        { .preset = "tiny", .n_layers = 1, .seed = 1 },
        { .preset = "tiny", .n_layers = 2, .seed = 1, .shard_bytes = 1000000 },
        { .preset = "tiny", .n_layers = 1, .seed = 2 },
    };
    whet_checkpoint *c[3] = { 0 };
    whet_tensor t[3] = { 0 };
    for (int i = 0; i < 3; i++) {
        char dir[256], name[16];
        snprintf(name, sizeof name, "repeat%d", i);
        path_in_root(dir, name);
        REQUIRE_OK(ctx, whet_checkpoint_synth(ctx, dir, &opts[i]));
        REQUIRE_OK(ctx, whet_checkpoint_open(ctx, dir, &c[i]));
        CHECK(whet_checkpoint_find(c[i], "model.layers.0.mlp.up_proj.weight", &t[i]));
    }
    CHECK_INT(t[0].bytes, t[1].bytes);
    CHECK(t[0].bytes > 0 && memcmp(t[0].data, t[1].data, t[0].bytes) == 0);
    CHECK(memcmp(t[0].data, t[2].data, t[0].bytes) != 0);
    for (int i = 0; i < 3; i++)
        whet_checkpoint_close(c[i]);
}

static int count_entries(const char *dir) {
    DIR *d = opendir(dir);
    int n = -2; /* . and .. */
    while (d && readdir(d))
        n++;
    if (d) closedir(d);
    return n;
}

static void cancel_soon(void *data, const char *what, const char *unit, double done, double total) {
    (void)what;
    (void)unit;
    if (done > total / 2) whet_ctx_cancel(*(whet_ctx **)data);
}

/* Nothing is overwritten, nothing is left behind. */
static void synth_leaves_no_trace_of_what_fails(void) {
    char base[256], dir[256], inner[256];
    path_in_root(base, "traces");
    path_in_root(dir, "traces/model");
    path_in_root(inner, "traces/model/kept");
    REQUIRE_OK(ctx, whet_dir_make(ctx, dir));
    REQUIRE_OK(ctx, whet_file_write(ctx, inner, "x", 1));
    const whet_synth_opts opts = { .preset = "tiny", .n_layers = 1 };
    CHECK_STATUS(ctx, whet_checkpoint_synth(ctx, dir, &opts), WHET_E_ARG);
    CHECK_CONTAINS(whet_ctx_message(ctx), "not empty");
    CHECK_STATUS(ctx, whet_checkpoint_synth(ctx, inner, &opts), WHET_E_ARG);
    CHECK_INT(count_entries(base), 1);
    REQUIRE(unlink(inner) == 0); /* an empty folder is taken */
    whet_ctx *cancelled = NULL;
    cancelled =
        whet_ctx_open(&(whet_ctx_opts){ .progress = cancel_soon, .progress_data = &cancelled });
    CHECK_STATUS(cancelled, whet_checkpoint_synth(cancelled, dir, &opts), WHET_E_CANCELLED);
    whet_ctx_close(cancelled);
    CHECK_INT(count_entries(base), 1);
    CHECK_INT(count_entries(dir), 0);
    REQUIRE_OK(ctx, whet_checkpoint_synth(ctx, dir, &opts));
    CHECK_INT(count_entries(base), 1);
    CHECK_INT(count_entries(dir), 3);
    CHECK_STATUS(ctx, whet_checkpoint_synth(ctx, ".", &opts), WHET_E_ARG);
    CHECK_STATUS(ctx, whet_checkpoint_synth(ctx, "..", &opts), WHET_E_ARG);
    CHECK_STATUS(ctx, whet_checkpoint_synth(ctx, "/", &opts), WHET_E_ARG);
    CHECK_STATUS(ctx, whet_checkpoint_synth(ctx, "", &opts), WHET_E_ARG);
    CHECK_STATUS(ctx, whet_checkpoint_synth(ctx, "x", &(whet_synth_opts){ .preset = "huge" }),
                 WHET_E_ARG);
    CHECK_CONTAINS(whet_ctx_message(ctx), "\"huge\" is not one of qwen3-0.6b");
}

/* A cache as huggingface_hub lays it out: refs/main names a snapshot, whose files are links. */
static void names_are_found_in_the_cache(void) {
    char hub[256], repo[300], path[400];
    path_in_root(hub, "home/hub");
    snprintf(repo, sizeof repo, "%s/models--Org--Some-Model.2", hub);
    snprintf(path, sizeof path, "%s/snapshots/abc123", repo);
    REQUIRE_OK(ctx, whet_dir_make(ctx, path));
    snprintf(path, sizeof path, "%s/refs", repo);
    REQUIRE_OK(ctx, whet_dir_make(ctx, path));
    snprintf(path, sizeof path, "%s/refs/main", repo);
    REQUIRE_OK(ctx, whet_file_write(ctx, path, "abc123\n", 7));
    char home[256];
    path_in_root(home, "home");
    const whet_model_places by_home = { .hf_home = home, .home = "/nowhere" };
    whet_buf dir = { 0 };
    REQUIRE_OK(ctx, whet_model_find(ctx, "Org/Some-Model.2", &by_home, &dir));
    snprintf(path, sizeof path, "%s/snapshots/abc123", repo);
    CHECK_STR(dir.text, path);
    const whet_model_places by_cache = { .hf_hub_cache = hub, .hf_home = "/nowhere" };
    CHECK_STATUS(ctx, whet_model_find(ctx, "Org/Some-Model.2", &by_cache, &dir), WHET_OK);
    const whet_model_places by_tilde = { .huggingface_hub_cache = "~/hub", .home = home };
    CHECK_STATUS(ctx, whet_model_find(ctx, "Org/Some-Model.2", &by_tilde, &dir), WHET_OK);
    CHECK_STATUS(ctx, whet_model_find(ctx, "Org/Other", &by_home, &dir), WHET_E_NOT_FOUND);
    CHECK_CONTAINS(whet_ctx_message(ctx), "\"hf download Org/Other\" puts it there");
    snprintf(path, sizeof path, "%s/refs/main", repo);
    REQUIRE_OK(ctx, whet_file_write(ctx, path, "../../../..", 11));
    CHECK_STATUS(ctx, whet_model_find(ctx, "Org/Some-Model.2", &by_home, &dir), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "refs/main");
    whet_buf_fini(ctx, &dir);
}

static void default_places_are_huggingfaces(void) {
    static const struct {
        whet_model_places places;
        const char *cache;
    } rows[] = {
        { { .home = "/h" }, "/h/.cache/huggingface/hub;" },
        { { .home = "/h", .xdg_cache_home = "/x" }, "/x/huggingface/hub;" },
        { { .home = "/h", .xdg_cache_home = "/x", .hf_home = "/f" }, "/f/hub;" },
        { { .hf_home = "/f", .huggingface_hub_cache = "/old" }, "/old;" },
        { { .hf_home = "", .huggingface_hub_cache = "/old", .hf_hub_cache = "/new" }, "/new;" },
        { { .home = "/h", .hf_home = "" }, "/h/.cache/huggingface/hub;" },
        { { .home = NULL }, "HOME is not set" },
    };
    whet_buf dir = { 0 };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        CHECK_STATUS(ctx, whet_model_find(ctx, "no-such/model", &rows[i].places, &dir),
                     WHET_E_NOT_FOUND);
        CHECK_CONTAINS(whet_ctx_message(ctx), rows[i].cache);
    }
    static const char *const not_names[] = { "",     "/",  "a/b/c", "../up", "a/..",     "a//b",
                                             "/abs", "a/", "a b",   "a/.b",  "org/n\x1b" };
    for (size_t i = 0; i < TEST_COUNT(not_names); i++)
        if (!whet_path_is_dir(not_names[i]))
            CHECK_STATUS(ctx, whet_model_find(ctx, not_names[i], &rows[0].places, &dir),
                         WHET_E_NOT_FOUND);
    CHECK_STATUS(ctx, whet_model_find(ctx, root, &rows[0].places, &dir), WHET_OK);
    CHECK_STR(dir.text, root);
    CHECK_STATUS(ctx, whet_model_find(ctx, GOLDEN "f32/config.json", &rows[0].places, &dir),
                 WHET_E_ARG);
    whet_buf_fini(ctx, &dir);
}

static void remove_root(void) {
    const char *const rm[] = { "rm", "-rf", root, NULL };
    whet_child_result result;
    CHECK_STATUS(ctx, whet_child_run(ctx, rm, NULL, NULL, NULL, &result), WHET_OK);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "every_golden_opens", every_golden_opens },
        { "shards_are_one_table", shards_are_one_table },
        { "an_empty_folder_is_named", an_empty_folder_is_named },
        { "every_golden_passes_the_check", every_golden_passes_the_check },
        { "facts_count_what_is_read", facts_count_what_is_read },
        { "presets_have_the_published_sizes", presets_have_the_published_sizes },
        { "synth_writes_what_it_says", synth_writes_what_it_says },
        { "synth_is_repeatable", synth_is_repeatable },
        { "synth_leaves_no_trace_of_what_fails", synth_leaves_no_trace_of_what_fails },
        { "names_are_found_in_the_cache", names_are_found_in_the_cache },
        { "default_places_are_huggingfaces", default_places_are_huggingfaces },
    };
    ctx = whet_ctx_open(NULL);
    if (!ctx || !mkdtemp(root)) return 1;
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    remove_root();
    whet_ctx_close(ctx);
    return rc;
}
