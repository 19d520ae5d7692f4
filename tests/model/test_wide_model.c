/* SPDX-License-Identifier: MIT */
/* The wide model that C writes is the one that the golden vectors were made with. */
#include "tests/test.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "tests/model/wide_model.h"

#define WIDE_DIR TEST_DATA_DIR "/golden/wide"

static whet_ctx *ctx;

static void wide_weights_are_those_of_the_golden_run(void) {
    REQUIRE(write_wide_model(WIDE_DIR));
    whet_json *golden;
    REQUIRE_OK(ctx, whet_json_read(ctx, WIDE_DIR "/golden/golden.json", 1 << 20, &golden));
    whet_mapping weights = { 0 };
    whet_status st = whet_file_map(ctx, WIDE_DIR "/model.safetensors", &weights);
    CHECK_STATUS(ctx, st, WHET_OK);
    if (st == WHET_OK) {
        char hex[WHET_SHA256_HEX];
        whet_sha256_hex(weights.bytes, weights.len, hex);
        CHECK_STR(hex, whet_json_string(whet_json_get(golden, "sha256"), NULL));
    }
    whet_file_unmap(&weights);
    whet_json_close(golden);
}

static void an_unwritable_folder_is_noticed(void) {
    CHECK(!write_wide_model(TEST_DATA_DIR "/golden.stamp/nowhere"));
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "wide_weights_are_those_of_the_golden_run", wide_weights_are_those_of_the_golden_run },
        { "an_unwritable_folder_is_noticed", an_unwritable_folder_is_noticed },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
