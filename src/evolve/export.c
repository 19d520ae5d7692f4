/* SPDX-License-Identifier: MIT */
/* A winner as one C file that needs nothing of whet: receipt, kernel.h in place of its inclusion,
 * the program as it was judged, an example. */
#include <whet/evolve.h>

#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "evolve/genome.h"
#include "kernels/text.h"

static const char include_line[] = "#include <whet/kernel.h>\n";

static const char *dtype_name(int dtype) {
    return dtype == WHET_F32 ? "WHET_F32" : dtype == WHET_BF16 ? "WHET_BF16" : "WHET_F16";
}

static whet_status write_ratio(whet_ctx *ctx, const char *rival, const whet_ratio *r,
                               whet_buf *text) {
    if (!(r->ratio > 0)) return WHET_OK;
    return whet_buf_printf(ctx, text, " * %s %.17g [%.17g, %.17g]\n", rival, r->ratio, r->low,
                           r->high);
}

static whet_status write_receipt(whet_ctx *ctx, const whet_winner_info *w, const whet_buf *source,
                                 whet_buf *text) {
    const whet_problem *p = &w->problem;
    char sha256[WHET_SHA256_HEX];
    whet_sha256_hex(source->text, source->len, sha256);
    WHET_TRY(whet_buf_printf(
        ctx, text,
        "/* An attention kernel found and judged by whet " WHET_VERSION ".\n"
        " * problem %s, %d query heads, %d KV heads of %d; any number of rows, any context\n"
        " * program %s\n * source sha256 %s\n * object sha256 %s\n"
        " * machine %s\n * judged %s\n * timed %s: rival's time / its own [95 %% interval]\n",
        dtype_name(p->dtype), p->n_heads, p->n_kv_heads, p->head_dim, w->program_hash, sha256,
        w->object_sha256, w->fingerprint, w->date, w->shape));
    WHET_TRY(write_ratio(ctx, "repeat", &w->repeat, text));
    WHET_TRY(write_ratio(ctx, "fused", &w->fused, text));
    return whet_buf_puts(
        ctx, text,
        " * The source is between the lines \"whet: program\" and \"whet: end\", with kernel.h in\n"
        " * place of its inclusion. Try it: cc -O3 -march=native -DWHET_EXAMPLE FILE.c -lm */\n");
}

/* Where kernel.h is included, outside of comments; the only place, and plainly written. */
static whet_status find_include(whet_ctx *ctx, const whet_buf *source, size_t *at) {
    whet_buf bare = { 0 };
    whet_status st = whet_genome_blank_comments(ctx, source->text, source->len, &bare);
    const char *found = NULL;
    if (st == WHET_OK && bare.len == source->len && strlen(bare.text) == bare.len)
        found = strstr(bare.text, include_line);
    const bool is_plain = found && (found == bare.text || found[-1] == '\n') &&
                          !strstr(found + sizeof include_line - 1, "whet/kernel.h") &&
                          strstr(bare.text, "whet/kernel.h") > found;
    if (st == WHET_OK && !is_plain)
        st = whet_fail(ctx, WHET_E_FORMAT,
                       "the program does not include whet/kernel.h once, in a line of its own");
    if (st == WHET_OK) *at = (size_t)(found - bare.text);
    whet_buf_fini(ctx, &bare);
    return st;
}

static whet_status write_program(whet_ctx *ctx, const whet_buf *source, whet_buf *text) {
    size_t at;
    WHET_TRY(find_include(ctx, source, &at));
    const size_t rest = at + sizeof include_line - 1;
    WHET_TRY(whet_buf_puts(ctx, text, "/* whet: program */\n"));
    WHET_TRY(whet_buf_append(ctx, text, source->text, at));
    WHET_TRY(whet_buf_append(ctx, text, whet_header_texts[0].text, whet_header_texts[0].len));
    WHET_TRY(whet_buf_append(ctx, text, source->text + rest, source->len - rest));
    return whet_buf_puts(ctx, text, "\n/* whet: end */\n\n");
}

static whet_status write_example(whet_ctx *ctx, const whet_problem *p, whet_buf *text) {
    WHET_TRY(whet_buf_printf(ctx, text,
                             "#define WHET_EXAMPLE_DTYPE %s\n#define WHET_EXAMPLE_HEADS %d\n"
                             "#define WHET_EXAMPLE_KV_HEADS %d\n#define WHET_EXAMPLE_HEAD_DIM %d\n",
                             dtype_name(p->dtype), p->n_heads, p->n_kv_heads, p->head_dim));
    return whet_buf_append(ctx, text, whet_export_texts[0].text, whet_export_texts[0].len);
}

whet_status whet_winner_export(whet_ctx *ctx, const char *folder, int64_t id, const char *path) {
    whet_winner_info info;
    whet_buf source = { 0 }, text = { 0 };
    whet_status st = whet_winner_read(ctx, folder, id, &info, &source);
    if (st == WHET_OK && source.len == 0)
        st = whet_fail(ctx, WHET_E_FORMAT, "winner %lld has no source", (long long)id);
    if (st == WHET_OK) st = write_receipt(ctx, &info, &source, &text);
    if (st == WHET_OK) st = write_program(ctx, &source, &text);
    if (st == WHET_OK) st = write_example(ctx, &info.problem, &text);
    if (st == WHET_OK) st = whet_file_write(ctx, path, text.text, text.len);
    whet_buf_fini(ctx, &source);
    whet_buf_fini(ctx, &text);
    return st;
}
