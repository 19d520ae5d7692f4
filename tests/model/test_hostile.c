/* SPDX-License-Identifier: MIT */
/* Broken checkpoints: by hand, each with the words it must be refused with; and by chance. */
#include "tests/test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <whet/model.h>

#include "base/file.h"
#include "base/utf8.h"
#include "model/checkpoint.h"
#include "tests/fuzz/mutate.h"
#include "tests/model/broken_folder.h"

static whet_ctx *ctx;
static char root[] = "/tmp/whet-hostile-XXXXXX";
static char dir[64]; /* the checkpoint under test, in root */
static int n_refused;

/* One sentence for a person: UTF-8, one line, no full stop, names a file of the folder. */
static void check_sentence(const char *text, const char *what) {
    const size_t len = strlen(text);
    if (len < 20 || len > 1000) TEST_FAIL("%s: a sentence of %zu bytes: %s", what, len, text);
    for (size_t i = 0, n; i < len; i += n) {
        uint32_t c = 0;
        if (!whet_utf8_decode(text + i, len - i, &c, &n) || c < 0x20 || c == 0x7f)
            TEST_FAIL("%s: byte %zu of the sentence is not printable: %s", what, i, text);
        if (n == 0) break;
    }
    if (len > 0 && text[len - 1] == '.') TEST_FAIL("%s: a full stop: %s", what, text);
    if (!strstr(text, dir)) TEST_FAIL("%s: the folder is not named: %s", what, text);
}

typedef struct seen {
    const char *what;
    int n;
} seen;

static void see_fault(void *data, const char *sentence) {
    seen *s = data;
    s->n++;
    check_sentence(sentence, s->what);
}

/* Opens the folder as the engine does and checks it as `whet model check` does. words NULL: it may
 * be fine. Returns whether it opened. */
static bool try_folder(const char *what, const char *words) {
    whet_model *model = NULL;
    const whet_status st = whet_model_open(ctx, dir, &model);
    if (st != WHET_OK) {
        CHECK(!model);
        CHECK(st == WHET_E_FORMAT || st == WHET_E_UNSUPPORTED || st == WHET_E_NOT_FOUND ||
              st == WHET_E_IO);
        check_sentence(whet_ctx_message(ctx), what);
        if (words && !strstr(whet_ctx_message(ctx), words))
            TEST_FAIL("%s: \"%s\" is without \"%s\"", what, whet_ctx_message(ctx), words);
        n_refused++;
    } else if (words) {
        TEST_FAIL("%s: opened", what);
    }
    whet_model_close(model);
    seen s = { .what = what };
    const whet_status checked = whet_checkpoint_check(ctx, dir, see_fault, &s);
    CHECK((checked == WHET_OK) == (s.n == 0));
    if (st != WHET_OK && s.n == 0) TEST_FAIL("%s: the check finds nothing", what);
    return st == WHET_OK;
}

typedef enum how {
    TEXT,   /* replace a by b in a JSON file */
    HEADER, /* replace a by b in a shard's header, whose length follows */
    WHOLE,  /* the file is a */
    KEEP,   /* only the first n bytes */
    ADD,    /* n zero bytes more */
    LENGTH, /* the header's length field is n */
    GONE,   /* the file is not there */
} how;

typedef struct breakage {
    const char *words;
    int file;
    how how;
    const char *a, *b;
    uint64_t n;
} breakage;

#define EMBED "\"model.embed_tokens.weight\":{\"dtype\":\"BF16\",\"shape\":[12,8],"
#define MAP   "\"model.embed_tokens.weight\":\"model-00001-of-00002.safetensors\""
#define CONFIG(words, from, to)                                                                    \
    { words, BROKEN_CONFIG, TEXT, from, to, 0 }
#define HEAD(words, from, to)                                                                      \
    { words, BROKEN_SHARD1, HEADER, from, to, 0 }
#define INDEX(words, from, to)                                                                     \
    { words, BROKEN_INDEX, TEXT, from, to, 0 }

static const breakage single[] = {
    /* files */
    { "config.json: No such file", BROKEN_CONFIG, GONE, NULL, NULL, 0 },
    { "neither model.safetensors", BROKEN_SHARD1, GONE, NULL, NULL, 0 },
    { "0 bytes, too short", BROKEN_SHARD1, KEEP, NULL, NULL, 0 },
    { "7 bytes, too short", BROKEN_SHARD1, KEEP, NULL, NULL, 7 },
    { "cut short", BROKEN_SHARD1, KEEP, NULL, NULL, 8 },
    { "cut short", BROKEN_SHARD1, KEEP, NULL, NULL, 200 },
    { "outside the file's", BROKEN_SHARD1, KEEP, NULL, NULL, 1500 },
    { "1 bytes behind the last tensor", BROKEN_SHARD1, ADD, NULL, NULL, 1 },
    { "4096 bytes behind the last tensor", BROKEN_SHARD1, ADD, NULL, NULL, 4096 },
    { "header of 18446744073709551615 bytes", BROKEN_SHARD1, LENGTH, NULL, NULL, UINT64_MAX },
    { "header of 9223372036854775808 bytes", BROKEN_SHARD1, LENGTH, NULL, NULL, (uint64_t)1 << 63 },
    { "header of 100000000 bytes", BROKEN_SHARD1, LENGTH, NULL, NULL, 100000000 },
    { "cut short", BROKEN_SHARD1, LENGTH, NULL, NULL, 65536 },
    { "not JSON", BROKEN_SHARD1, LENGTH, NULL, NULL, 0 },
    { "not JSON", BROKEN_SHARD1, LENGTH, NULL, NULL, 100 },
    { "a header of", BROKEN_SHARD1, WHOLE, "version https://git-lfs.github.com/spec/v1\n", NULL,
      0 },
    { "a header of", BROKEN_SHARD1, WHOLE, "PK\3\4 this is a zip file", NULL, 0 },
    /* the header's JSON */
    HEAD("outside the file's", "[0,192]", "[0,1920000]"),
    HEAD("outside the file's", "[0,192]", "[-192,0]"),
    HEAD("outside the file's", "[0,192]", "[192,0]"),
    HEAD("outside the file's", "[0,192]", "[9223372036854775616,9223372036854775807]"),
    HEAD("data_offsets", "[0,192]", "[0,192.5]"),
    HEAD("data_offsets", "[0,192]", "[0,192,200]"),
    HEAD("data_offsets", "[0,192]", "\"0,192\""),
    HEAD("data_offsets", "[0,192]", "null"),
    HEAD("not JSON", "[0,192]", "[0,99999999999999999999]"),
    HEAD("192 bytes by its shape and dtype, 190 by", "[0,192]", "[2,192]"),
    HEAD("overlap", "[192,208]", "[176,192]"),
    HEAD("belong to no tensor", EMBED "\"data_offsets\":[0,192]},", ""),
    HEAD("takes 384 bytes", "BF16", "F32"),
    HEAD("takes 96 bytes", "BF16", "I8"),
    HEAD("has dtype I16", "BF16", "I16"),
    HEAD("\"bf16\", which is not known", "BF16", "bf16"),
    HEAD("which is not known", "BF16", ""),
    HEAD("\"BF16?\", which is not known", "BF16", "BF16\\u001b"),
    HEAD("[8, 12], config.json asks for [12, 8]", "[12,8]", "[8,12]"),
    HEAD("[96], config.json asks for [12, 8]", "[12,8]", "[96]"),
    HEAD("[12, 8, 1], config.json", "[12,8]", "[12,8,1]"),
    HEAD("past 64 bits", "[12,8]", "[4611686018427387904,8]"),
    HEAD("dimension", "[12,8]", "[-12,-8]"),
    HEAD("dimension", "[12,8]", "[12,true]"),
    HEAD("dimension", "[12,8]", "[12,8.0]"),
    HEAD("9 dimensions", "[12,8]", "[1,1,1,1,1,1,1,12,8]"),
    HEAD("has no shape", "[12,8]", "{}"),
    HEAD("duplicate", "model.norm.weight", "model.embed_tokens.weight"),
    HEAD("tensor model.norm.weight is missing", "model.norm.weight", "model.norm.weigh"),
    HEAD("tensor model.layers.0.mlp.down_proj.weight is missing", "mlp.down_proj", "mlp.down"),
    HEAD("control characters", "model.norm.weight", "model.norm\\n"),
    HEAD("control characters", "model.norm.weight", ""),
    HEAD("not JSON", "model.norm.weight", "model.norm\\u0000"),
    HEAD("not JSON", "model.norm.weight", "model.norm\xff"),
    HEAD("not JSON", "model.norm.weight", "model.norm\xed\xa0\x80"),
    HEAD("not JSON", "[12,8]", "[NaN,8]"),
    HEAD("not JSON", "[12,8]", "[12,8"),
    HEAD("not JSON", "{", "["),
    HEAD("not JSON", "{", "\xef\xbb\xbf{"),
    /* config.json */
    { "not JSON", BROKEN_CONFIG, KEEP, NULL, NULL, 0 },
    { "not JSON", BROKEN_CONFIG, KEEP, NULL, NULL, 100 },
    { "not JSON", BROKEN_CONFIG, WHOLE, "model_type: qwen3\n", NULL, 0 },
    { "not a JSON object", BROKEN_CONFIG, WHOLE, "\"qwen3\"", NULL, 0 },
    { "not a JSON object", BROKEN_CONFIG, WHOLE, "[{}]", NULL, 0 },
    { "model_type is missing", BROKEN_CONFIG, WHOLE, "{}", NULL, 0 },
    CONFIG("not JSON", "1e-06", "NaN"),
    CONFIG("not JSON", "1e-06", "-Infinity"),
    CONFIG("not JSON", "1e-06", "1e400"),
    CONFIG("rms_norm_eps", "1e-06", "-1e-06"),
    CONFIG("rms_norm_eps", "1e-06", "\"1e-06\""),
    CONFIG("not JSON", "1000000", "NaN"),
    CONFIG("rope_theta", "1000000", "0"),
    CONFIG("not JSON", "\"silu\"", "\"silu\xc0\xaf\""),
    CONFIG("not JSON", "\"silu\"", "\"\\ud800\""),
    CONFIG("hidden_act is \"gelu_new\"", "\"silu\"", "\"gelu_new\""),
    CONFIG("model_type is \"llama\"", "\"qwen3\"", "\"llama\""),
    CONFIG("model_type is \"qwen3_moe\"", "\"qwen3\"", "\"qwen3_moe\""),
    CONFIG("model_type is \"?[31m?\"", "\"qwen3\"", "\"\\u001b[31m\\n\""),
    CONFIG("model_type is \"not a string\"", "\"qwen3\"", "[\"qwen3\"]"),
    CONFIG("quantised", "\"use_cache\"", "\"quantization\": {\"bits\": 4}, \"use_cache\""),
    CONFIG("duplicate", "\"use_cache\"", "\"hidden_size\": 8, \"use_cache\""),
    CONFIG("hidden_size is 0", "\"hidden_size\": 8", "\"hidden_size\": 0"),
    CONFIG("hidden_size is -8", "\"hidden_size\": 8", "\"hidden_size\": -8"),
    CONFIG("hidden_size is 1000000000", "\"hidden_size\": 8", "\"hidden_size\": 1000000000"),
    CONFIG("hidden_size is missing", "\"hidden_size\"", "\"hiddensize\""),
    CONFIG("config.json asks for [12, 16]", "\"hidden_size\": 8", "\"hidden_size\": 16"),
    CONFIG("config.json asks for [13, 8]", "\"vocab_size\": 12", "\"vocab_size\": 13"),
    CONFIG("num_hidden_layers is 0", "\"num_hidden_layers\": 1", "\"num_hidden_layers\": 0"),
    CONFIG("model.layers.1.", "\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2"),
    CONFIG("model.layers.1.", "\"num_hidden_layers\": 1", "\"num_hidden_layers\": 1024"),
    CONFIG("does not divide", "\"num_key_value_heads\": 1", "\"num_key_value_heads\": 3"),
    CONFIG("config.json asks for [8, 8]", "\"num_key_value_heads\": 1",
           "\"num_key_value_heads\": 2"),
    CONFIG("head_dim is 3", "\"head_dim\": 4", "\"head_dim\": 3"),
    CONFIG("tensor lm_head.weight is missing", "\"tie_word_embeddings\": true",
           "\"tie_word_embeddings\": false"),
    CONFIG("rope_type is \"dynamic\"", "\"rope_scaling\": null",
           "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2.0}"),
    /* generation_config.json */
    { "generation_config.json: not JSON", BROKEN_GENERATION, WHOLE, "{\"top_p\": NaN}", NULL, 0 },
    { "generation_config.json: eos", BROKEN_GENERATION, WHOLE, "{\"eos_token_id\": [\"x\"]}", NULL,
      0 },
    { "generation_config.json: temperature", BROKEN_GENERATION, WHOLE, "{\"temperature\": -1}",
      NULL, 0 },
};

static const breakage sharded[] = {
    { "the shard model-00002-of-00002.safetensors is not there", BROKEN_SHARD2, GONE, NULL, NULL,
      0 },
    { "the shard model-00001-of-00002.safetensors is not there", BROKEN_SHARD1, GONE, NULL, NULL,
      0 },
    { "neither model.safetensors nor", BROKEN_INDEX, GONE, NULL, NULL, 0 },
    { "model-00002-of-00002.safetensors: 0 bytes", BROKEN_SHARD2, KEEP, NULL, NULL, 0 },
    { "index.json: not JSON", BROKEN_INDEX, KEEP, NULL, NULL, 0 },
    { "index.json: not JSON", BROKEN_INDEX, KEEP, NULL, NULL, 60 },
    { "weight_map", BROKEN_INDEX, WHOLE, "{}", NULL, 0 },
    { "weight_map", BROKEN_INDEX, WHOLE, "[]", NULL, 0 },
    { "weight_map", BROKEN_INDEX, WHOLE, "7", NULL, 0 },
    { "weight_map", BROKEN_INDEX, WHOLE, "{\"weight_map\":{}}", NULL, 0 },
    { "weight_map", BROKEN_INDEX, WHOLE, "{\"weight_map\":[\"a\"]}", NULL, 0 },
    INDEX("not a file name", MAP, "\"model.embed_tokens.weight\":7"),
    INDEX("not a file name", MAP, "\"model.embed_tokens.weight\":null"),
    INDEX("not a file name", MAP, "\"model.embed_tokens.weight\":{\"weight_map\":{}}"),
    INDEX("not a file name", "00001-of-00002.safetensors", "00001\\u0000.safetensors"),
    INDEX("plain name", MAP, "\"model.embed_tokens.weight\":\"../model.safetensors\""),
    INDEX("plain name", MAP, "\"model.embed_tokens.weight\":\"/etc/passwd\""),
    INDEX("plain name", MAP, "\"model.embed_tokens.weight\":\"/tmp/model.safetensors\""),
    INDEX("plain name", MAP, "\"model.embed_tokens.weight\":\"sub/model.safetensors\""),
    INDEX("plain name", MAP, "\"model.embed_tokens.weight\":\"..\""),
    INDEX("plain name", MAP, "\"model.embed_tokens.weight\":\"\""),
    INDEX("plain name", MAP, "\"model.embed_tokens.weight\":\"a\\u001b[31m.safetensors\""),
    INDEX("plain name", MAP, "\"model.embed_tokens.weight\":\"model.safetensors.index.json\""),
    INDEX("plain name", MAP, "\"model.embed_tokens.weight\":\"config.json\""),
    INDEX("is not in the shard", MAP,
          "\"model.embed_tokens.weight\":\"model-00002-of-00002.safetensors\""),
    INDEX("is not in the shard", "model.norm.weight", "model.norm.bias"),
    INDEX("is not in the shard", "model.norm.weight", "model.\\u001bnorm"),
    INDEX("duplicate", "model.norm.weight", "model.embed_tokens.weight"),
    INDEX("not JSON", "model.norm.weight", "model.\xfenorm"),
    { "is also in model-00001-of-00002.safetensors", BROKEN_SHARD2, HEADER, "model.norm.weight",
      "model.layers.0.input_layernorm.weight", 0 },
};

static bool apply(const breakage *b, broken_folder *f) {
    broken_file *file = &f->files[b->file];
    switch (b->how) {
    case TEXT: return broken_replace(ctx, file, false, b->a, b->b);
    case HEADER: return broken_replace(ctx, file, true, b->a, b->b);
    case WHOLE: whet_buf_clear(&file->bytes); return !whet_buf_puts(ctx, &file->bytes, b->a);
    case KEEP:
        if (b->n >= file->bytes.len) return false;
        file->bytes.len = b->n;
        return true;
    case ADD:
        for (uint64_t i = 0; i < b->n; i++)
            if (whet_buf_putc(ctx, &file->bytes, '\0') != WHET_OK) return false;
        return true;
    case LENGTH:
        for (int i = 0; i < 8; i++)
            file->bytes.text[i] = (char)(b->n >> (8 * i));
        return true;
    case GONE: file->name[0] = '\0'; return true;
    }
    return false;
}

static void refuse_each(const breakage *rows, size_t n, bool is_sharded) {
    for (size_t i = 0; i < n; i++) {
        char what[128];
        snprintf(what, sizeof what, "row %zu (%s)", i, rows[i].words);
        broken_folder f = { 0 };
        REQUIRE_OK(ctx, broken_make(ctx, &f, is_sharded));
        if (!apply(&rows[i], &f))
            TEST_FAIL("%s: nothing was broken", what);
        else if (!broken_write(ctx, &f, dir))
            TEST_FAIL("%s: could not be written", what);
        else
            try_folder(what, rows[i].words);
        broken_fini(ctx, &f);
    }
}

static void unbroken_ones_open(void) {
    for (int is_sharded = 0; is_sharded < 2; is_sharded++) {
        broken_folder f = { 0 };
        REQUIRE_OK(ctx, broken_make(ctx, &f, is_sharded));
        REQUIRE(broken_write(ctx, &f, dir));
        CHECK(try_folder("unbroken", NULL));
        CHECK_STATUS(ctx, whet_checkpoint_check(ctx, dir, see_fault, &(seen){ .what = "" }),
                     WHET_OK);
        broken_fini(ctx, &f);
    }
}

static void single_files_broken_by_hand(void) {
    refuse_each(single, TEST_COUNT(single), false);
}

static void shards_broken_by_hand(void) {
    refuse_each(sharded, TEST_COUNT(sharded), true);
}

/* A shard of the index, or the single file, replaced by something that is no plain file. */
static void refuse_special(const char *what, const char *words, bool is_sharded, int file,
                           int (*make)(const char *path)) {
    broken_folder f = { 0 };
    char path[256];
    REQUIRE_OK(ctx, broken_make(ctx, &f, is_sharded));
    snprintf(path, sizeof path, "%s/%s", dir, f.files[file].name);
    f.files[file].name[0] = '\0';
    REQUIRE(broken_write(ctx, &f, dir));
    CHECK_INT(make(path), 0);
    try_folder(what, words);
    broken_fini(ctx, &f);
}

static int make_fifo(const char *path) {
    return mkfifo(path, 0600);
}
static int make_folder(const char *path) {
    return mkdir(path, 0700);
}
static int make_loop(const char *path) {
    return symlink(path, path);
}
static int make_dangling(const char *path) {
    return symlink("nowhere", path);
}
static int make_device(const char *path) {
    return symlink("/dev/zero", path);
}
static int make_link_to_index(const char *path) {
    return symlink("model.safetensors.index.json", path);
}
static int make_sparse(const char *path) { /* a tebibyte of nothing */
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const int rc = ftruncate(fd, (off_t)1 << 40);
    return close(fd) || rc;
}

static void special_files(void) {
    refuse_special("fifo", "not a regular file", false, BROKEN_SHARD1, make_fifo);
    refuse_special("fifo shard", "not a regular file", true, BROKEN_SHARD2, make_fifo);
    refuse_special("fifo config", "not a regular file", false, BROKEN_CONFIG, make_fifo);
    refuse_special("fifo index", "not a regular file", true, BROKEN_INDEX, make_fifo);
    refuse_special("folder", "not a regular file", false, BROKEN_SHARD1, make_folder);
    refuse_special("folder shard", "not a regular file", true, BROKEN_SHARD1, make_folder);
    refuse_special("folder index", "not a regular file", true, BROKEN_INDEX, make_folder);
    refuse_special("loop", "symbolic links", false, BROKEN_SHARD1, make_loop);
    refuse_special("loop shard", "symbolic links", true, BROKEN_SHARD2, make_loop);
    refuse_special("loop index", "symbolic links", true, BROKEN_INDEX, make_loop);
    refuse_special("dangling", "No such file", false, BROKEN_SHARD1, make_dangling);
    refuse_special("dangling shard", "not there", true, BROKEN_SHARD2, make_dangling);
    refuse_special("device", "not a regular file", false, BROKEN_SHARD1, make_device);
    refuse_special("device config", "not a regular file", false, BROKEN_CONFIG, make_device);
    refuse_special("index as shard", "a header of", true, BROKEN_SHARD1, make_link_to_index);
    refuse_special("sparse", "model.safetensors", false, BROKEN_SHARD1, make_sparse);
    refuse_special("sparse config", "are allowed", false, BROKEN_CONFIG, make_sparse);
    refuse_special("sparse index", "are allowed", true, BROKEN_INDEX, make_sparse);
}

/* `n` times the text, as a whole file. */
static void refuse_repeated(const char *words, int file, const char *text, size_t n,
                            const char *before) {
    broken_folder f = { 0 };
    REQUIRE_OK(ctx, broken_make(ctx, &f, true));
    whet_buf *bytes = &f.files[file].bytes;
    const bool is_shard = file == BROKEN_SHARD1;
    whet_buf_clear(bytes);
    if (is_shard) REQUIRE_OK(ctx, whet_buf_append(ctx, bytes, "\0\0\0\0\0\0\0\0", 8));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, bytes, before));
    for (size_t i = 0; i < n; i++)
        REQUIRE_OK(ctx, whet_buf_puts(ctx, bytes, text));
    for (int i = 0; is_shard && i < 8; i++)
        bytes->text[i] = (char)((uint64_t)(bytes->len - 8) >> (8 * i));
    REQUIRE(broken_write(ctx, &f, dir));
    try_folder(words, words);
    broken_fini(ctx, &f);
}

static void deep_and_large_ones(void) {
    refuse_repeated("config.json: not JSON", BROKEN_CONFIG, "[", 100000, "");
    refuse_repeated("config.json: not JSON", BROKEN_CONFIG, "{\"a\":", 100000, "");
    refuse_repeated("index.json: not JSON", BROKEN_INDEX, "[", 1000000, "");
    refuse_repeated("not JSON", BROKEN_SHARD1, "[", 1000000, "");
    refuse_repeated("not JSON", BROKEN_SHARD1, "{\"a\":", 1000000, "");
    refuse_repeated("not JSON", BROKEN_SHARD1, "0,", 3 << 20, "{\"a\":["); /* many values */
    refuse_repeated("not JSON", BROKEN_SHARD1, "\"a\":1,", 1 << 20, "{");
    refuse_repeated("not JSON", BROKEN_SHARD1, "x", 8 << 20 >> 1, "{\"");
    refuse_repeated("header of 8388610 bytes", BROKEN_SHARD1, " ", 8 << 20, "{}");
    refuse_repeated("are allowed", BROKEN_CONFIG, " ", (4 << 20) + 1, "");
    refuse_repeated("are allowed", BROKEN_INDEX, " ", (16 << 20) + 1, "");
}

/* An index beside the single file must agree with it. */
static void an_index_beside_a_single_file(void) {
    static const struct {
        const char *index, *words;
    } rows[] = {
        { "{\"weight_map\":{\"model.norm.weight\":\"model.safetensors\"}}", NULL },
        { "{\"weight_map\":{\"model.norm.bias\":\"model.safetensors\"}}", "is not in the shard" },
        { "{\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\"}}", "out of date" },
        { "{\"weight_map\":{\"a\":\"model.safetensors.index.json\"}}", "plain name" },
        { "{", "not JSON" },
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        broken_folder f = { 0 };
        REQUIRE_OK(ctx, broken_make(ctx, &f, false));
        snprintf(f.files[BROKEN_INDEX].name, 64, "model.safetensors.index.json");
        REQUIRE_OK(ctx, whet_buf_puts(ctx, &f.files[BROKEN_INDEX].bytes, rows[i].index));
        REQUIRE(broken_write(ctx, &f, dir));
        CHECK_INT(try_folder(rows[i].index, rows[i].words), rows[i].words == NULL);
        broken_fini(ctx, &f);
    }
}

/* The check goes on after the first fault. */
static void the_check_reports_every_fault(void) {
    broken_folder f = { 0 };
    REQUIRE_OK(ctx, broken_make(ctx, &f, true));
    REQUIRE(broken_replace(ctx, &f.files[BROKEN_SHARD1], true, "[12,8]", "[8,12]"));
    REQUIRE(broken_replace(ctx, &f.files[BROKEN_SHARD2], true, "BF16", "U16"));
    f.files[BROKEN_SHARD2].bytes.text[f.files[BROKEN_SHARD2].bytes.len - 2] = '\x80';
    f.files[BROKEN_SHARD2].bytes.text[f.files[BROKEN_SHARD2].bytes.len - 1] = '\x7f';
    REQUIRE(broken_replace(ctx, &f.files[BROKEN_GENERATION], false, "9", "900"));
    REQUIRE(broken_write(ctx, &f, dir));
    seen s = { .what = "four faults" };
    CHECK_STATUS(ctx, whet_checkpoint_check(ctx, dir, see_fault, &s), WHET_E_FORMAT);
    CHECK_INT(s.n, 4); /* a shape, a dtype, an infinity, an eos outside the vocabulary */
    CHECK_CONTAINS(whet_ctx_message(ctx), "4 faults");
    broken_fini(ctx, &f);
}

static void broken_by_chance(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    int n_open = 0;
    for (int i = 0; i < 400; i++) {
        char what[64];
        snprintf(what, sizeof what, "seed %" PRIu64 ", round %d", test_seed, i);
        broken_folder f = { 0 };
        const bool is_sharded = i % 2;
        REQUIRE_OK(ctx, broken_make(ctx, &f, is_sharded));
        int file;
        do {
            file = (int)whet_rng_below(&rng, BROKEN_N_FILES);
        } while (!f.files[file].name[0]);
        fuzz_mutate(ctx, &rng, &f.files[file].bytes, 2000);
        REQUIRE(broken_write(ctx, &f, dir));
        n_open += try_folder(what, NULL);
        broken_fini(ctx, &f);
    }
    printf("# %d of 400 were harmless\n", n_open);
    CHECK(n_open < 200);
}

static void at_least_200_were_refused(void) {
    printf("# %d checkpoints were refused with a sentence\n", n_refused);
    CHECK(n_refused >= 200);
}

/* Bounded memory: what no checkpoint may exceed. Sanitizers reserve terabytes of their own. */
static void limit_memory(void) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    setrlimit(RLIMIT_AS, &(struct rlimit){ (rlim_t)1 << 30, (rlim_t)1 << 30 });
#endif
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "unbroken_ones_open", unbroken_ones_open },
        { "single_files_broken_by_hand", single_files_broken_by_hand },
        { "shards_broken_by_hand", shards_broken_by_hand },
        { "special_files", special_files },
        { "deep_and_large_ones", deep_and_large_ones },
        { "an_index_beside_a_single_file", an_index_beside_a_single_file },
        { "the_check_reports_every_fault", the_check_reports_every_fault },
        { "broken_by_chance", broken_by_chance },
        { "at_least_200_were_refused", at_least_200_were_refused },
    };
    limit_memory();
    ctx = whet_ctx_open(NULL);
    if (!ctx || !mkdtemp(root)) return 1;
    snprintf(dir, sizeof dir, "%s/model", root);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    broken_remove(dir);
    rmdir(root);
    whet_ctx_close(ctx);
    return rc;
}
