/* SPDX-License-Identifier: MIT */
/* A winner as one C file that needs nothing of whet, and back: its first line has the hash of all
 * that follows; then a receipt in a comment, the program as it was judged with kernel.h in place of
 * its inclusion, an example. */
#include <whet/winner.h>

#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "evolve/genome.h"
#include "evolve/receipt.h"
#include "kernels/text.h"

enum { MAX_FILE_BYTES = 4 << 20 };

static const char include_line[] = "#include <whet/kernel.h>\n";
static const char first_words[] = "/* A kernel of whet; SHA-256 of all behind this line: ";
static const char receipt_begin[] = "/* whet: receipt\n", receipt_end[] = "\n*/\n";
static const char program_begin[] = "/* whet: program */\n", program_end[] = "\n/* whet: end */\n";
static const char header_begin[] = "/* whet: kernel.h */\n";
static const char header_end[] = "/* whet: end of kernel.h */\n";

/* ---- writing ---- */

static const char *dtype_name(int dtype) {
    return dtype == WHET_F32 ? "WHET_F32" : dtype == WHET_BF16 ? "WHET_BF16" : "WHET_F16";
}

static whet_status write_summary(whet_ctx *ctx, const whet_receipt *r, whet_buf *text) {
    const whet_problem *p = &r->problem;
    WHET_TRY(whet_buf_printf(
        ctx, text,
        "/* Attention for %s, %d query heads, %d KV heads of %d; any number of rows, any context.\n"
        " * Found and judged by whet %s. The receipt below has every ratio as rival's time / own\n"
        " * time with its 95 %% interval; whet verify FILE.c judges and times it again.\n"
        " * The source is between the lines \"whet: program\" and \"whet: end\", with kernel.h in\n"
        " * place of its inclusion. Try it: cc -O3 -march=native -DWHET_EXAMPLE FILE.c -lm\n",
        dtype_name(p->dtype), p->n_heads, p->n_kv_heads, p->head_dim, r->version));
    for (int i = 0; i < r->n_measured; i++) {
        const whet_measured *m = &r->measured[i];
        WHET_TRY(whet_buf_printf(ctx, text, " * %-16s over %-8s %6.2f [%.2f, %.2f]\n", m->shape,
                                 m->rival, m->ratio.ratio, m->ratio.low, m->ratio.high));
    }
    return whet_buf_puts(ctx, text, " */\n");
}

/* JSON may write a slash as \/, so that nothing in it ends the comment or begins another. */
static whet_status write_receipt(whet_ctx *ctx, const whet_receipt *r, whet_buf *text) {
    whet_buf json = { 0 };
    whet_status st = whet_receipt_write(ctx, r, &json);
    if (st == WHET_OK) st = whet_buf_puts(ctx, text, receipt_begin);
    for (size_t i = 0; i < json.len && st == WHET_OK; i++) {
        if (json.text[i] == '/') st = whet_buf_putc(ctx, text, '\\');
        if (st == WHET_OK) st = whet_buf_putc(ctx, text, json.text[i]);
    }
    if (st == WHET_OK) st = whet_buf_puts(ctx, text, receipt_end);
    whet_buf_fini(ctx, &json);
    return st;
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
    WHET_TRY(whet_buf_puts(ctx, text, program_begin));
    WHET_TRY(whet_buf_append(ctx, text, source->text, at));
    WHET_TRY(whet_buf_puts(ctx, text, header_begin));
    WHET_TRY(whet_buf_append(ctx, text, whet_header_texts[0].text, whet_header_texts[0].len));
    WHET_TRY(whet_buf_puts(ctx, text, header_end));
    WHET_TRY(whet_buf_append(ctx, text, source->text + rest, source->len - rest));
    return whet_buf_puts(ctx, text, program_end);
}

static whet_status write_example(whet_ctx *ctx, const whet_problem *p, whet_buf *text) {
    WHET_TRY(whet_buf_printf(ctx, text,
                             "\n#define WHET_EXAMPLE_DTYPE %s\n#define WHET_EXAMPLE_HEADS %d\n"
                             "#define WHET_EXAMPLE_KV_HEADS %d\n#define WHET_EXAMPLE_HEAD_DIM %d\n",
                             dtype_name(p->dtype), p->n_heads, p->n_kv_heads, p->head_dim));
    return whet_buf_append(ctx, text, whet_export_texts[0].text, whet_export_texts[0].len);
}

static whet_status write_all(whet_ctx *ctx, const whet_receipt *r, const whet_buf *source,
                             whet_buf *text) {
    whet_buf rest = { 0 };
    whet_status st = write_summary(ctx, r, &rest);
    if (st == WHET_OK) st = write_receipt(ctx, r, &rest);
    if (st == WHET_OK) st = write_program(ctx, source, &rest);
    if (st == WHET_OK) st = write_example(ctx, &r->problem, &rest);
    char sha256[WHET_SHA256_HEX];
    if (st == WHET_OK) whet_sha256_hex(rest.text, rest.len, sha256);
    if (st == WHET_OK) st = whet_buf_printf(ctx, text, "%s%s */\n", first_words, sha256);
    if (st == WHET_OK) st = whet_buf_append(ctx, text, rest.text, rest.len);
    whet_buf_fini(ctx, &rest);
    return st;
}

/* ---- reading ---- */

/* Behind the first line; NULL where that is not ours. */
static const char *behind_first_line(const whet_buf *text, char sha256[WHET_SHA256_HEX]) {
    const size_t n_words = sizeof first_words - 1, n_line = n_words + 64 + strlen(" */\n");
    if (!text->text || strlen(text->text) != text->len || text->len < n_line) return NULL;
    if (memcmp(text->text, first_words, n_words) != 0) return NULL;
    memcpy(sha256, text->text + n_words, 64);
    sha256[64] = '\0';
    return memcmp(text->text + n_words + 64, " */\n", 4) == 0 ? text->text + n_line : NULL;
}

/* Appends the program with the inclusion of kernel.h where its text stands; false: a mark is not
 * where it must be. */
static whet_status take_program(whet_ctx *ctx, const char *begin, const char *end, whet_buf *source,
                                bool *is_whole) {
    const char *header = strstr(begin, header_begin);
    const char *rest = header ? strstr(header, header_end) : NULL;
    *is_whole = rest && rest < end;
    if (!*is_whole) return WHET_OK;
    rest += sizeof header_end - 1;
    WHET_TRY(whet_buf_append(ctx, source, begin, (size_t)(header - begin)));
    WHET_TRY(whet_buf_puts(ctx, source, include_line));
    return whet_buf_append(ctx, source, rest, (size_t)(end - rest));
}

static whet_status take_parts(whet_ctx *ctx, const char *path, const char *text,
                              whet_receipt *receipt, whet_buf *source) {
    const char *json = strstr(text, receipt_begin);
    const char *json_end = json ? strstr(json, receipt_end) : NULL;
    const char *program = json_end ? strstr(json_end, program_begin) : NULL;
    const char *end = NULL;
    for (const char *at = program; at && (at = strstr(at, program_end)); at++)
        end = at; /* the last one: a program may hold such a line itself */
    bool is_whole = false;
    if (end)
        WHET_TRY(take_program(ctx, program + sizeof program_begin - 1, end, source, &is_whole));
    if (!is_whole)
        return whet_fail(ctx, WHET_E_FORMAT, "%s has no receipt and program between marks", path);
    json += sizeof receipt_begin - 1;
    WHET_TRY(whet_receipt_parse(ctx, path, json, (size_t)(json_end - json), receipt));
    char sha256[WHET_SHA256_HEX];
    whet_sha256_hex(source->text, source->len, sha256);
    if (strcmp(sha256, receipt->source_sha256) == 0) return WHET_OK;
    return whet_fail(ctx, WHET_E_FORMAT,
                     "%s: the source's SHA-256 is %s, the receipt is for %s: it was changed", path,
                     sha256, receipt->source_sha256);
}

static whet_status take_all(whet_ctx *ctx, const char *path, const whet_buf *text,
                            whet_receipt *receipt, whet_buf *source) {
    char said[WHET_SHA256_HEX], sha256[WHET_SHA256_HEX];
    const char *rest = behind_first_line(text, said);
    whet_buf_clear(source);
    if (!rest)
        return whet_fail(ctx, WHET_E_FORMAT,
                         "%s is not a file of whet export, or its first line was changed", path);
    whet_sha256_hex(rest, text->len - (size_t)(rest - text->text), sha256);
    if (strcmp(sha256, said) != 0)
        return whet_fail(ctx, WHET_E_FORMAT,
                         "%s was changed: what is behind its first line has SHA-256 %s, not %s",
                         path, sha256, said);
    return take_parts(ctx, path, rest, receipt, source);
}

whet_status whet_export_read(whet_ctx *ctx, const char *path, whet_receipt *receipt,
                             whet_buf *source) {
    whet_buf text = { 0 };
    whet_status st = whet_file_read(ctx, path, MAX_FILE_BYTES, &text);
    if (st == WHET_OK) st = take_all(ctx, path, &text, receipt, source);
    whet_buf_fini(ctx, &text);
    return st;
}

/* What cannot be read back is not written. */
whet_status whet_winner_export(whet_ctx *ctx, const char *folder, int64_t id, const char *path) {
    whet_winner_info info;
    whet_receipt receipt, again;
    whet_buf source = { 0 }, text = { 0 }, back = { 0 };
    whet_status st = whet_winner_read(ctx, folder, id, &info, &receipt, &source);
    if (st == WHET_OK && source.len == 0)
        st = whet_fail(ctx, WHET_E_FORMAT, "winner %lld has no source", (long long)id);
    if (st == WHET_OK) st = write_all(ctx, &receipt, &source, &text);
    if (st == WHET_OK) st = take_all(ctx, path, &text, &again, &back);
    if (st == WHET_OK) st = whet_file_write(ctx, path, text.text, text.len);
    whet_buf_fini(ctx, &source);
    whet_buf_fini(ctx, &text);
    whet_buf_fini(ctx, &back);
    return st;
}
