/* SPDX-License-Identifier: MIT */
/* Refuses the n-th allocation of a piece of work, for every n: each time it must end with
 * WHET_E_NOMEM and a sentence, give back all it took, and leave nothing broken behind. */
#include "tests/test.h"

#include <unistd.h>

#include <whet/chat.h>
#include <whet/checkpoint.h>
#include <whet/generate.h>
#include <whet/machine.h>
#include <whet/model.h>
#include <whet/tokenizer.h>

#include "base/child.h"
#include "store/winners.h"

#define GOLDEN TEST_DATA_DIR "/golden/"

enum { MAX_ALLOCATIONS = 100000 };

/* The heap of a context that counts, refuses one request (and, if is_final, all that follow). */
typedef struct ledger {
    long n_until_refusal; /* granted before it; negative: it lies behind us */
    bool is_final;
    bool has_refused;
    long n_live;
} ledger;

static void *count(void *data, void *p, size_t old_bytes, size_t new_bytes) {
    ledger *l = data;
    (void)old_bytes;
    if (new_bytes == 0) {
        l->n_live -= p != NULL;
        free(p);
        return NULL;
    }
    const long n = l->n_until_refusal--;
    if (n == 0 || (n < 0 && l->is_final)) {
        l->has_refused = true;
        return NULL;
    }
    l->n_live += p == NULL;
    return realloc(p, new_bytes);
}

typedef whet_status (*work_fn)(whet_ctx *ctx);

/* True when the work ended without meeting the refusal: all n have been tried. */
static bool is_done_with(work_fn work, long n, bool is_final) {
    ledger l = { .n_until_refusal = n, .is_final = is_final };
    whet_ctx *ctx = whet_ctx_open(&(whet_ctx_opts){ .alloc = count, .alloc_data = &l });
    const whet_status st = ctx ? work(ctx) : WHET_E_NOMEM;
    const whet_status want = l.has_refused ? WHET_E_NOMEM : WHET_OK;
    if (st != want)
        TEST_FAIL("refusal %ld: %s (%s)", n, whet_status_name(st), whet_ctx_message(ctx));
    if (l.has_refused && !*whet_ctx_message(ctx)) TEST_FAIL("refusal %ld: no sentence", n);
    whet_ctx_close(ctx);
    if (l.n_live != 0) TEST_FAIL("refusal %ld: %ld pieces are not given back", n, l.n_live);
    return !l.has_refused;
}

static void refuse_each(work_fn work) {
    for (int is_final = 0; is_final < 2; is_final++) {
        long n = 0;
        while (n < MAX_ALLOCATIONS && !is_done_with(work, n, is_final) && test_n_failed_checks < 20)
            n++;
        CHECK(n > 1 && n < MAX_ALLOCATIONS);
    }
}

static whet_status use_tokenizer(whet_ctx *ctx) {
    static const char text[] = "Caf\xC3\xA9 na\xC3\xAF"
                               "ve <|im_end|>  the the 12345\n\n\xF0\x9F\x8E\xA3";
    whet_tokenizer *tokenizer = NULL;
    whet_ids ids = { 0 };
    whet_buf back = { 0 };
    whet_status st = whet_tokenizer_open(ctx, GOLDEN "tokenizer/small-strings", &tokenizer);
    if (st == WHET_OK) st = whet_tokenizer_encode(ctx, tokenizer, text, sizeof text - 1, &ids);
    if (st == WHET_OK) st = whet_tokenizer_decode(ctx, tokenizer, ids.ids, ids.n, &back);
    if (st == WHET_OK) CHECK_STR(back.text, text);
    whet_buf_fini(ctx, &back);
    whet_ids_fini(ctx, &ids);
    whet_tokenizer_close(tokenizer);
    return st;
}

static void tokenizer(void) {
    refuse_each(use_tokenizer);
}

static whet_status use_chat(whet_ctx *ctx) {
    static const char chat[] =
        "{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
        "{\"role\":\"user\",\"content\":\"Weather?\"},"
        "{\"role\":\"assistant\",\"content\":\"<think>\\nhm\\n</think>\\n\\n\",\"tool_calls\":[{"
        "\"type\":\"function\",\"function\":{\"name\":\"w\",\"arguments\":{\"at\":[1.5,null]}}}]},"
        "{\"role\":\"tool\",\"content\":\"sun\"}],"
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"w\",\"parameters\":{}}}],"
        "\"add_generation_prompt\":true}";
    whet_chat_template found = WHET_CHAT_NONE;
    whet_buf out = { 0 };
    whet_status st = whet_chat_detect(ctx, GOLDEN "tokenizer/qwen3", &found);
    if (st == WHET_OK)
        st = whet_chat_render_json(ctx, WHET_CHAT_QWEN3, chat, sizeof chat - 1, &out);
    if (st == WHET_OK) CHECK_CONTAINS(out.text, "<tool_response>\nsun\n</tool_response>");
    whet_buf_fini(ctx, &out);
    return st;
}

static void chat(void) {
    refuse_each(use_chat);
}

static whet_status use_team(whet_ctx *ctx) {
    whet_machine machine;
    whet_team *team = NULL;
    whet_status st = whet_machine_read(ctx, &machine);
    if (st == WHET_OK) st = whet_team_open(ctx, 3, &team);
    if (st == WHET_OK) CHECK_INT(whet_team_size(team), 3);
    whet_team_close(team);
    return st;
}

static void team(void) {
    refuse_each(use_team);
}

static whet_team *roomy_team; /* its memory is not refused */

/* From the folder to the last token. */
static whet_status use_model(whet_ctx *ctx) {
    static const int32_t prompt[] = { 1, 2, 3, 4, 5 };
    const whet_session_opts opts = { .capacity_tokens = 32, .chunk_tokens = 2 };
    const whet_generate_opts how = {
        .sampling = { .temperature = 0.7, .top_k = 20, .top_p = 0.9, .repetition_penalty = 1.1 },
        .max_tokens = 4,
        .ignore_eos = true,
    };
    whet_model *model = NULL;
    whet_session *session = NULL;
    whet_ids tokens = { 0 };
    whet_generated done = { 0 };
    whet_status st = whet_model_open(ctx, GOLDEN "models/sharded", &model);
    if (st == WHET_OK) st = whet_session_open(ctx, model, roomy_team, &opts, &session);
    if (st == WHET_OK)
        st = whet_generate(ctx, session, prompt, TEST_COUNT(prompt), &how, &tokens, &done);
    if (st == WHET_OK) CHECK_INT(tokens.n, 4);
    whet_ids_fini(ctx, &tokens);
    whet_session_close(session);
    whet_model_close(model);
    return st;
}

static void model(void) {
    whet_ctx *ctx = whet_ctx_open(NULL);
    REQUIRE_OK(ctx, whet_team_open(ctx, 2, &roomy_team));
    refuse_each(use_model);
    whet_team_close(roomy_team);
    whet_ctx_close(ctx);
}

static void remove_folder(const char *path) {
    const char *const rm[] = { "rm", "-rf", path, NULL };
    whet_ctx *ctx = whet_ctx_open(NULL);
    whet_child_result result;
    REQUIRE_OK(ctx, whet_child_run(ctx, rm, NULL, NULL, NULL, &result));
    whet_ctx_close(ctx);
}

static char folder[] = "/tmp/whet-alloc-XXXXXX";

static whet_status use_winners(whet_ctx *ctx) {
    const whet_winner_row row = {
        .key = { .dtype = 1, .n_heads = 16, .n_kv_heads = 8, .head_dim = 128, .fingerprint = "f" },
        .program_hash = "p",
        .object_sha256 = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        .shape = "decode@2048",
    };
    const whet_winner_entry entry = {
        .row = row, .source = "source", .receipt = "{}", .object = "foo", .object_bytes = 3
    };
    whet_winner_row found;
    whet_buf source = { 0 }, object = { 0 };
    whet_status st = whet_winners_put(ctx, folder, &entry, 1);
    if (st == WHET_OK) st = whet_winners_get(ctx, folder, &row.key, &found, &source, &object);
    if (st == WHET_OK) CHECK_STR(object.text, "foo");
    whet_buf_fini(ctx, &source);
    whet_buf_fini(ctx, &object);
    return st;
}

static void winners(void) {
    REQUIRE(mkdtemp(folder));
    refuse_each(use_winners);
    remove_folder(folder);
}

static void count_faults(void *data, const char *sentence) {
    (void)sentence;
    ++*(int *)data;
}

static whet_status use_checkpoint(whet_ctx *ctx) {
    const whet_model_places places = { .hf_home = "/nowhere", .home = "~" };
    whet_buf dir = { 0 };
    whet_model *model = NULL;
    whet_checkpoint_facts facts;
    int n_faults = 0;
    whet_status st = whet_model_find(ctx, GOLDEN "models/sharded", &places, &dir);
    if (st == WHET_OK) st = whet_model_open(ctx, dir.text, &model);
    if (st == WHET_OK) st = whet_checkpoint_read_facts(ctx, dir.text, &facts);
    if (st == WHET_OK) st = whet_checkpoint_check(ctx, dir.text, count_faults, &n_faults);
    CHECK_INT(n_faults, 0);
    whet_model_close(model);
    whet_buf_fini(ctx, &dir);
    return st;
}

static void checkpoint(void) {
    refuse_each(use_checkpoint);
}

static char synth_folder[] = "/tmp/whet-alloc-XXXXXX";

/* What is refused leaves an empty folder, which the next attempt fills. */
static whet_status use_synth(whet_ctx *ctx) {
    const whet_synth_opts opts = { .preset = "tiny", .n_layers = 1, .shard_bytes = 2000000 };
    char dir[64];
    snprintf(dir, sizeof dir, "%s/model", synth_folder);
    const whet_status st = whet_checkpoint_synth(ctx, dir, &opts);
    if (st == WHET_OK)
        remove_folder(dir);
    else
        CHECK_INT(access(dir, F_OK), -1);
    return st;
}

static void synth(void) {
    REQUIRE(mkdtemp(synth_folder));
    refuse_each(use_synth);
    CHECK_INT(rmdir(synth_folder), 0); /* nothing was left in it */
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "tokenizer", tokenizer }, { "chat", chat },       { "team", team },
        { "model", model },         { "winners", winners }, { "checkpoint", checkpoint },
        { "synth", synth },
    };
    return test_main(argc, argv, tests, TEST_COUNT(tests));
}
