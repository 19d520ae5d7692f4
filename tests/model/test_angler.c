/* SPDX-License-Identifier: MIT */
/* The bundled model's folder: its size, and its tokenizer against the golden run. */
#include "tests/test.h"

#include <dirent.h>
#include <sys/stat.h>

#include <whet/tokenizer.h>

#include "base/json.h"

#define GOLDEN     TEST_DATA_DIR "/golden/angler/golden/golden.json"
#define ANGLER_DIR MODELS_DIR "/angler"

static whet_ctx *ctx;
static whet_tokenizer *tokenizer;
static whet_json *golden;

static void folder_is_small(void) {
    DIR *dir = opendir(ANGLER_DIR);
    REQUIRE(dir);
    int64_t n_bytes = 0;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        struct stat info;
        if (fstatat(dirfd(dir), entry->d_name, &info, 0) == 0 && S_ISREG(info.st_mode))
            n_bytes += info.st_size;
    }
    closedir(dir);
    CHECK(n_bytes > 12000000);
    CHECK(n_bytes <= 14000000);
}

static void check_prompt(const whet_json *prompt, const whet_json *want) {
    size_t len;
    const char *text = whet_json_string(prompt, &len);
    whet_ids got = { 0 };
    CHECK_STATUS(ctx, whet_tokenizer_encode(ctx, tokenizer, text, len, &got), WHET_OK);
    CHECK_INT(got.n, whet_json_len(want));
    for (size_t i = 0; i < got.n; i++) {
        int64_t id = -1;
        CHECK(whet_json_integer(whet_json_at(want, i), &id));
        CHECK_INT(got.ids[i], id);
    }
    whet_ids_fini(ctx, &got);
}

static void prompts_become_the_golden_ids(void) {
    const whet_json *prompts = whet_json_get(golden, "prompts");
    const whet_json *ids = whet_json_get(golden, "prompt_ids");
    CHECK_INT(whet_json_len(prompts), 8);
    for (size_t i = 0; i < whet_json_len(prompts); i++)
        check_prompt(whet_json_at(prompts, i), whet_json_at(ids, i));
}

static void check_text(const whet_json *tokens, const char *want) {
    whet_ids ids = { 0 };
    for (size_t i = 0; i < whet_json_len(tokens); i++) {
        int64_t id = -1;
        CHECK(whet_json_integer(whet_json_at(tokens, i), &id));
        const int32_t narrow = (int32_t)id;
        CHECK_STATUS(ctx, whet_ids_append(ctx, &ids, &narrow, 1), WHET_OK);
    }
    whet_buf text = { 0 };
    CHECK_STATUS(ctx, whet_tokenizer_decode(ctx, tokenizer, ids.ids, ids.n, &text), WHET_OK);
    CHECK_STR(text.text, want);
    whet_buf_fini(ctx, &text);
    whet_ids_fini(ctx, &ids);
}

static void golden_tokens_become_the_golden_text(void) {
    const whet_json *greedy = whet_json_get(golden, "greedy");
    const whet_json *texts = whet_json_get(golden, "texts");
    CHECK_INT(whet_json_len(greedy), 8);
    for (size_t i = 0; i < whet_json_len(greedy); i++)
        check_text(whet_json_at(greedy, i), whet_json_string(whet_json_at(texts, i), NULL));
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "folder_is_small", folder_is_small },
        { "prompts_become_the_golden_ids", prompts_become_the_golden_ids },
        { "golden_tokens_become_the_golden_text", golden_tokens_become_the_golden_text },
    };
    ctx = whet_ctx_open(NULL);
    whet_status st = whet_tokenizer_open(ctx, ANGLER_DIR, &tokenizer);
    if (st == WHET_OK) st = whet_json_read(ctx, GOLDEN, 1 << 20, &golden);
    if (st != WHET_OK) printf("Bail out! %s\n", whet_ctx_message(ctx));
    const int rc = st == WHET_OK ? test_main(argc, argv, tests, TEST_COUNT(tests)) : 1;
    whet_json_close(golden);
    whet_tokenizer_close(tokenizer);
    whet_ctx_close(ctx);
    return rc;
}
