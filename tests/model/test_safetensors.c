/* SPDX-License-Identifier: MIT */
/* One safetensors file: the goldens, and headers that lie. */
#include "tests/test.h"

#include "model/safetensors.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

#define GOLDEN TEST_DATA_DIR "/golden/models/"

static whet_ctx *ctx;

/* A file in memory: length, header, n_data bytes of 1. Returns its length. */
static size_t make(unsigned char *out, const char *header, size_t n_data) {
    const uint64_t n = strlen(header);
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(n >> (8 * i));
    memcpy(out + 8, header, n);
    memset(out + 8 + n, 1, n_data);
    return 8 + n + n_data;
}

static void goldens_open(void) {
    static const struct {
        const char *file, *tensor, *dtype_name;
        int64_t rows, cols;
    } rows[] = {
        { "q0.6-like/model.safetensors", "model.embed_tokens.weight", "BF16", 512, 64 },
        { "f16/model.safetensors", "model.layers.1.mlp.down_proj.weight", "F16", 48, 80 },
        { "f32/model.safetensors", "model.layers.0.self_attn.q_proj.weight", "F32", 256, 48 },
        { "mlx-odd/model.safetensors", "model.embed_tokens.weight", "BF16", 99, 48 },
        { "odd-align/model.safetensors", "lm_head.weight", "BF16", 256, 48 },
        { "sharded/model-00001-of-00003.safetensors", "lm_head.weight", "BF16", 256, 48 },
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        char path[512];
        snprintf(path, sizeof path, GOLDEN "%s", rows[i].file);
        whet_safetensors st;
        REQUIRE_OK(ctx, whet_safetensors_open(ctx, path, &st));
        const whet_tensor *t = whet_safetensors_find(&st, rows[i].tensor);
        CHECK(t != NULL);
        if (t) {
            CHECK_STR(t->dtype_name, rows[i].dtype_name);
            CHECK_INT(t->n_dims, 2);
            CHECK_INT(t->shape[0], rows[i].rows);
            CHECK_INT(t->shape[1], rows[i].cols);
        }
        CHECK(!whet_safetensors_find(&st, "model.embed"));
        whet_safetensors_close(ctx, &st);
    }
}

/* Data at an odd byte of the page-aligned mapping: used in place all the same. */
static void odd_bytes_stay_in_place(void) {
    whet_safetensors st;
    REQUIRE_OK(ctx, whet_safetensors_open(ctx, GOLDEN "mlx-odd/model.safetensors", &st));
    const whet_tensor *t = whet_safetensors_find(&st, "model.norm.weight");
    CHECK(t && (uintptr_t)t->data % 2 == 1);
    if (t) {
        uint16_t first;
        memcpy(&first, t->data, sizeof first);
        const uint32_t bits = (uint32_t)first << 16;
        float x;
        memcpy(&x, &bits, sizeof x);
        CHECK(x >= 0.5f && x <= 1.5f); /* the goldens' norm weights */
    }
    whet_safetensors_close(ctx, &st);
}

static void good_headers_pass(void) {
    static const struct {
        const char *header;
        size_t n_data;
    } rows[] = {
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}", 24 },
        { "{\"a\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[0,2]}}   ", 2 },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[4,7]},"
          "\"__metadata__\":{\"format\":\"pt\"},"
          "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
          7 },
        { "{\"e\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[0,0]}}", 0 },
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        unsigned char file[512];
        const size_t n = make(file, rows[i].header, rows[i].n_data);
        whet_safetensors st;
        REQUIRE_OK(ctx, whet_safetensors_parse(ctx, "x", file, n, &st));
        whet_safetensors_close(ctx, &st);
    }
}

static void bad_headers_are_named(void) {
    static const struct {
        const char *header;
        size_t n_data;
        const char *words;
    } rows[] = {
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9,
          "1 bytes behind the last tensor" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "outside" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "outside" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", 8, "outside" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9223372036854775807]}}", 8,
          "outside" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8,
          "tensor a takes 12 bytes" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],"
          "\"data_offsets\":[0,8]}}",
          8, "past 64 bits" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "dimension" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", 8, "dimension" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}", 8,
          "9 dimensions" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, "no shape" },
        { "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "no shape" },
        { "{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "F33" },
        { "{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "no dtype" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, "data_offsets" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "data_offsets" },
        { "{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]}}", 1, "within a byte" },
        { "{\"a\":[]}", 0, "not described by an object" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[0,5]},"
          "\"b\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[4,9]}}",
          9, "tensors a and b overlap" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[0,5]},"
          "\"b\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[0,5]}}",
          5, "overlap" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
          "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[5,9]}}",
          9, "1 bytes before tensor b" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
          "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
          8, "duplicate" },
        { "{\"\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "name" },
        { "{\"a\\nb\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "control" },
        { "{}", 0, "names no tensor" },
        { "[]", 0, "not a JSON object" },
        { "", 0, "not JSON" },
        { "{\"a\":NaN}", 0, "not JSON" },
        { "{\"a\xff\":1}", 0, "not JSON" },
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        unsigned char file[512];
        const size_t n = make(file, rows[i].header, rows[i].n_data);
        whet_safetensors st;
        CHECK_STATUS(ctx, whet_safetensors_parse(ctx, "x.safetensors", file, n, &st),
                     WHET_E_FORMAT);
        CHECK_CONTAINS(whet_ctx_message(ctx), "x.safetensors: ");
        CHECK_CONTAINS(whet_ctx_message(ctx), rows[i].words);
    }
}

static void lengths_are_checked(void) {
    unsigned char file[16] = { 0 };
    whet_safetensors st;
    CHECK_STATUS(ctx, whet_safetensors_parse(ctx, "x", file, 0, &st), WHET_E_FORMAT);
    CHECK_STATUS(ctx, whet_safetensors_parse(ctx, "x", file, 7, &st), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "too short");
    file[0] = 9; /* one more than is there */
    CHECK_STATUS(ctx, whet_safetensors_parse(ctx, "x", file, 16, &st), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "9 bytes in a file of 16 bytes");
    memset(file, 0xff, 8);
    CHECK_STATUS(ctx, whet_safetensors_parse(ctx, "x", file, 16, &st), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "18446744073709551615");
}

/* Cutting a good file anywhere is noticed: no byte of it may be missing. */
static void every_truncation_is_noticed(void) {
    unsigned char file[512];
    const size_t n =
        make(file, "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8);
    whet_safetensors st;
    for (size_t i = 0; i < n; i++)
        CHECK_STATUS(ctx, whet_safetensors_parse(ctx, "x", file, i, &st), WHET_E_FORMAT);
    REQUIRE_OK(ctx, whet_safetensors_parse(ctx, "x", file, n, &st));
    whet_safetensors_close(ctx, &st);
}

/* The fuzz target on a golden's header with small changes. */
static void mutations_are_survived(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    whet_buf whole = { 0 }, bytes = { 0 };
    REQUIRE_OK(ctx, whet_file_read(ctx, GOLDEN "sharded/model-00001-of-00003.safetensors", 1 << 20,
                                   &whole));
    for (int i = 0; i < 2000; i++) {
        whet_buf_clear(&bytes);
        REQUIRE_OK(ctx, whet_buf_append(ctx, &bytes, whole.text, whole.len));
        fuzz_mutate(ctx, &rng, &bytes, 816);
        LLVMFuzzerTestOneInput((const uint8_t *)bytes.text, bytes.len);
    }
    LLVMFuzzerTestOneInput((const uint8_t *)whole.text, whole.len);
    whet_buf_fini(ctx, &whole);
    whet_buf_fini(ctx, &bytes);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "goldens_open", goldens_open },
        { "odd_bytes_stay_in_place", odd_bytes_stay_in_place },
        { "good_headers_pass", good_headers_pass },
        { "bad_headers_are_named", bad_headers_are_named },
        { "lengths_are_checked", lengths_are_checked },
        { "every_truncation_is_noticed", every_truncation_is_noticed },
        { "mutations_are_survived", mutations_are_survived },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
