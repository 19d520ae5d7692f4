/* SPDX-License-Identifier: MIT */
/* Checkpoint folders: every golden opens, whole and by name. */
#include "tests/test.h"

#include "model/checkpoint.h"

#define GOLDEN TEST_DATA_DIR "/golden/models/"

static whet_ctx *ctx;

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

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "every_golden_opens", every_golden_opens },
        { "shards_are_one_table", shards_are_one_table },
        { "an_empty_folder_is_named", an_empty_folder_is_named },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
