/* SPDX-License-Identifier: MIT */
/* How long Qwen3's tokenizer takes to open, and how fast it encodes English, on one core. */
#include <stdio.h>
#include <string.h>

#include <whet/tokenizer.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#define GOLDEN TEST_DATA_DIR "/golden/tokenizer/"

enum { N_ROUNDS = 7 };

/* Appends the texts of the test vectors that are pages of books. */
static whet_status read_books(whet_ctx *ctx, whet_buf *books) {
    whet_buf lines = { 0 };
    whet_status st = whet_file_read(ctx, GOLDEN "qwen3.jsonl", 1 << 26, &lines);
    for (size_t at = 0; st == WHET_OK && at < lines.len;) {
        const char *line = lines.text + at, *end = memchr(line, '\n', lines.len - at);
        const size_t bytes = end ? (size_t)(end - line) : lines.len - at;
        whet_json *v = NULL;
        st = whet_json_parse(ctx, "qwen3.jsonl", line, bytes, true, &v);
        const char *kind = whet_json_string(whet_json_get(v, "kind"), NULL);
        size_t len;
        const char *text = whet_json_string(whet_json_get(v, "text"), &len);
        if (st == WHET_OK && strcmp(kind, "book") == 0) st = whet_buf_append(ctx, books, text, len);
        whet_json_close(v);
        at += bytes + 1;
    }
    whet_buf_fini(ctx, &lines);
    return st;
}

/* The best of several rounds of each. */
static whet_status measure(whet_ctx *ctx, const whet_buf *books, double *open_ns,
                           double *encode_ns) {
    for (int i = 0; i < N_ROUNDS; i++) {
        whet_tokenizer *t;
        whet_ids ids = { 0 };
        const double start = whet_clock_ns();
        WHET_TRY(whet_tokenizer_open(ctx, GOLDEN "qwen3", &t));
        const double opened = whet_clock_ns();
        const whet_status st = whet_tokenizer_encode(ctx, t, books->text, books->len, &ids);
        const double encoded = whet_clock_ns();
        whet_ids_fini(ctx, &ids);
        whet_tokenizer_close(t);
        if (st != WHET_OK) return st;
        if (i == 0 || opened - start < *open_ns) *open_ns = opened - start;
        if (i == 0 || encoded - opened < *encode_ns) *encode_ns = encoded - opened;
    }
    return WHET_OK;
}

int main(void) {
    whet_ctx *ctx = whet_ctx_open(NULL);
    if (!ctx) return 1;
    whet_buf books = { 0 };
    double open_ns, encode_ns;
    whet_status st = read_books(ctx, &books);
    if (st == WHET_OK) st = measure(ctx, &books, &open_ns, &encode_ns);
    if (st == WHET_OK)
        printf("tokenizer: opened in %.0f ms, encodes %.1f MB/s (%zu bytes of English)\n",
               open_ns / 1e6, (double)books.len / encode_ns * 1e3, books.len);
    else
        fprintf(stderr, "%s\n", whet_ctx_message(ctx));
    whet_buf_fini(ctx, &books);
    whet_ctx_close(ctx);
    return st != WHET_OK;
}
