/* SPDX-License-Identifier: MIT */
/* Winners as text that travels: JSON Lines out, and in by the judge alone. */
#include "evolve/winners.h"

#include <stdio.h>
#include <string.h>

#include <whet/machine.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/shape.h"
#include "evolve/genome.h"
#include "evolve/receipt.h"

/* ---- rows ---- */

static whet_ratio decode_over(const whet_receipt *r, const char *rival) {
    for (int i = 0; i < r->n_measured; i++)
        if (strncmp(r->measured[i].shape, "decode", 6) == 0 &&
            strcmp(r->measured[i].rival, rival) == 0)
            return r->measured[i].ratio;
    return (whet_ratio){ 0 };
}

whet_winner_row whet_winner_row_of(const whet_receipt *r) {
    const whet_ratio repeat = decode_over(r, "repeat"), fused = decode_over(r, "fused");
    whet_winner_row row = {
        .key = { .dtype = r->problem.dtype,
                 .n_heads = r->problem.n_heads,
                 .n_kv_heads = r->problem.n_kv_heads,
                 .head_dim = r->problem.head_dim,
                 .abi = r->abi },
        .ratio_repeat = repeat.ratio,
        .low_repeat = repeat.low,
        .high_repeat = repeat.high,
        .ratio_fused = fused.ratio,
        .low_fused = fused.low,
        .high_fused = fused.high,
    };
    memcpy(row.key.fingerprint, r->fingerprint, sizeof row.key.fingerprint);
    memcpy(row.program_hash, r->program_hash, sizeof row.program_hash);
    memcpy(row.object_sha256, r->object_sha256, sizeof row.object_sha256);
    snprintf(row.shape, sizeof row.shape, "%s", r->n_measured ? r->measured[0].shape : "");
    return row;
}

static void add_old(whet_receipt *r, const whet_winner_row *row, const char *rival,
                    whet_ratio ratio) {
    whet_measured m = { .ratio = ratio };
    snprintf(m.shape, sizeof m.shape, "%.47s", row->shape);
    snprintf(m.rival, sizeof m.rival, "%s", rival);
    if (ratio.ratio > 0) whet_receipt_add(r, &m);
}

/* What a row from before there were receipts has. */
static void from_row(const whet_winner_row *row, const char *source, whet_receipt *r) {
    *r = (whet_receipt){ .problem = { .dtype = row->key.dtype,
                                      .n_heads = row->key.n_heads,
                                      .n_kv_heads = row->key.n_kv_heads,
                                      .head_dim = row->key.head_dim },
                         .abi = row->key.abi };
    memcpy(r->program_hash, row->program_hash, sizeof r->program_hash);
    memcpy(r->object_sha256, row->object_sha256, sizeof r->object_sha256);
    memcpy(r->fingerprint, row->key.fingerprint, sizeof r->fingerprint);
    memcpy(r->date, row->date, sizeof r->date);
    whet_sha256_hex(source, strlen(source), r->source_sha256);
    int n_rows, n_context;
    if (whet_shape_parse(row->shape, &n_rows, &n_context) && n_rows == 1)
        r->problem.n_context = n_context;
    add_old(r, row, "repeat", (whet_ratio){ row->ratio_repeat, row->low_repeat, row->high_repeat });
    add_old(r, row, "fused", (whet_ratio){ row->ratio_fused, row->low_fused, row->high_fused });
}

void whet_winner_receipt_of(whet_ctx *ctx, const whet_winner_row *row, const char *source,
                            const char *json, whet_receipt *receipt) {
    char name[64];
    snprintf(name, sizeof name, "winner %lld", (long long)row->id);
    if (!source) source = "";
    if (!json || !*json) {
        from_row(row, source, receipt);
    } else if (whet_receipt_parse(ctx, name, json, strlen(json), receipt) != WHET_OK) {
        whet_log(ctx, WHET_LOG_WARN, "winners", "%s", whet_ctx_message(ctx));
        from_row(row, source, receipt);
    }
}

/* One row of many: its texts live as long as the entry. */
static whet_status make_entry(whet_ctx *ctx, const whet_receipt *receipt, const char *source,
                              const whet_object *object, whet_buf *json, whet_winner_entry *entry) {
    WHET_TRY(whet_receipt_write(ctx, receipt, json));
    *entry = (whet_winner_entry){ .row = whet_winner_row_of(receipt),
                                  .source = source,
                                  .receipt = json->text,
                                  .object = object->bytes,
                                  .object_bytes = object->n_bytes };
    return WHET_OK;
}

whet_status whet_winner_put(whet_ctx *ctx, const char *folder, const whet_receipt *receipt,
                            const char *source, const whet_object *object) {
    whet_winner_entry entry;
    whet_buf json = { 0 };
    whet_status st = make_entry(ctx, receipt, source, object, &json, &entry);
    if (st == WHET_OK) st = whet_winners_put(ctx, folder, &entry, 1);
    whet_buf_fini(ctx, &json);
    return st;
}

/* ---- out ---- */

typedef struct writer {
    whet_ctx *ctx;
    whet_buf text;
    int n;
} writer;

static whet_status write_line(void *data, const whet_winner_row *row, const char *source,
                              const char *json) {
    writer *w = data;
    whet_receipt r;
    whet_winner_receipt_of(w->ctx, row, source, json, &r);
    WHET_TRY(whet_buf_puts(w->ctx, &w->text, "{\"type\":\"winner\",\"receipt\":"));
    const size_t begin = w->text.len;
    WHET_TRY(whet_receipt_write(w->ctx, &r, &w->text));
    for (size_t i = begin; i < w->text.len; i++)
        if (w->text.text[i] == '\n') w->text.text[i] = ' '; /* none is within a string */
    WHET_TRY(whet_buf_puts(w->ctx, &w->text, ",\"source\":"));
    WHET_TRY(whet_json_quote(w->ctx, &w->text, source, strlen(source)));
    w->n++;
    return whet_buf_puts(w->ctx, &w->text, "}\n");
}

whet_status whet_winners_export(whet_ctx *ctx, const char *folder, const char *path, int *n) {
    writer w = { .ctx = ctx };
    whet_status st = whet_winners_each(ctx, folder, write_line, &w);
    if (st == WHET_OK && w.n == 0)
        st = whet_fail(ctx, WHET_E_NOT_FOUND, "%s has no winners to export", folder);
    if (st == WHET_OK) st = whet_file_write(ctx, path, w.text.text, w.text.len);
    whet_buf_fini(ctx, &w.text);
    *n = w.n;
    return st;
}

/* ---- in: reading ---- */

static whet_status take_source(whet_ctx *ctx, const char *name, const whet_json *json,
                               whet_winner_line *line) {
    size_t len;
    char sha256[WHET_SHA256_HEX], hash[WHET_SHA256_HEX];
    const char *text = whet_json_string(whet_json_get(json, "source"), &len);
    if (!text || len == 0 || len > WHET_MAX_SOURCE_BYTES || strlen(text) != len)
        return whet_fail(ctx, WHET_E_FORMAT, "%s: \"source\" is not a text of 1 to %d bytes", name,
                         WHET_MAX_SOURCE_BYTES);
    whet_sha256_hex(text, len, sha256);
    WHET_TRY(whet_genome_hash(ctx, text, len, hash));
    if (strcmp(sha256, line->receipt.source_sha256) != 0 ||
        strcmp(hash, line->receipt.program_hash) != 0)
        return whet_fail(ctx, WHET_E_FORMAT,
                         "%s: the source is not the receipt's: its SHA-256 is %s", name, sha256);
    return whet_buf_append(ctx, &line->source, text, len);
}

static whet_status take_line(whet_ctx *ctx, const char *name, const whet_json *json,
                             whet_winner_line *line) {
    const char *type = whet_json_string(whet_json_get(json, "type"), NULL);
    if (!type || strcmp(type, "winner") != 0)
        return whet_fail(ctx, WHET_E_FORMAT, "%s is not a winner", name);
    WHET_TRY(whet_receipt_take(ctx, name, whet_json_get(json, "receipt"), &line->receipt));
    if (line->receipt.abi != WHET_KERNEL_ABI)
        return whet_fail(ctx, WHET_E_FORMAT, "%s is for kernel ABI %d, this is %d", name,
                         line->receipt.abi, WHET_KERNEL_ABI);
    return take_source(ctx, name, json, line);
}

static whet_status read_line(whet_ctx *ctx, const char *name, int number, const char *text,
                             size_t n, whet_winner_lines *lines) {
    char where[320];
    whet_json *json = NULL;
    snprintf(where, sizeof where, "%.255s, line %d", name, number);
    if (lines->n == WHET_MAX_IMPORTED)
        return whet_fail(ctx, WHET_E_FORMAT, "%s: there are more than %d winners", where,
                         WHET_MAX_IMPORTED);
    if (n > WHET_MAX_WINNER_BYTES)
        return whet_fail(ctx, WHET_E_FORMAT, "%s: a winner has at most %d bytes", where,
                         WHET_MAX_WINNER_BYTES);
    WHET_TRY(whet_json_parse(ctx, where, text, n, true, &json));
    const whet_status st = take_line(ctx, where, json, &lines->lines[lines->n++]);
    whet_json_close(json);
    return st;
}

whet_status whet_winner_lines_read(whet_ctx *ctx, const char *name, const char *bytes, size_t n,
                                   whet_winner_lines *lines) {
    *lines = (whet_winner_lines){ 0 };
    lines->lines = whet_alloc_zero(ctx, WHET_MAX_IMPORTED, sizeof *lines->lines);
    whet_status st = lines->lines ? WHET_OK : WHET_E_NOMEM;
    int number = 1;
    for (size_t at = 0; at < n && st == WHET_OK; number++) {
        const char *end = memchr(bytes + at, '\n', n - at);
        const size_t len = end ? (size_t)(end - bytes) - at : n - at;
        st = read_line(ctx, name, number, bytes + at, len, lines);
        at += len + 1;
    }
    if (st == WHET_OK && lines->n == 0)
        st = whet_fail(ctx, WHET_E_FORMAT, "%s holds no winner", name);
    if (st != WHET_OK) whet_winner_lines_fini(ctx, lines);
    return st;
}

void whet_winner_lines_fini(whet_ctx *ctx, whet_winner_lines *lines) {
    for (int i = 0; i < lines->n; i++)
        whet_buf_fini(ctx, &lines->lines[i].source);
    whet_free(ctx, lines->lines);
    *lines = (whet_winner_lines){ 0 };
}

/* ---- in: judging ---- */

/* What was judged, ready for the folder. */
typedef struct import {
    const char *folder, *path;
    const whet_rejudge_opts *opts;
    whet_winner_news_fn fn;
    void *data;
    whet_winner_lines lines;
    char fingerprint[33];
    whet_receipt here;
    whet_object *objects;       /* of the entries */
    whet_buf *receipts;         /* likewise, as JSON */
    whet_winner_entry *entries; /* those that are taken */
    int n_entries;
} import;

static bool is_same_key(const whet_winner_key *a, const whet_winner_key *b) {
    return a->dtype == b->dtype && a->n_heads == b->n_heads && a->n_kv_heads == b->n_kv_heads &&
           a->head_dim == b->head_dim && a->abi == b->abi &&
           strcmp(a->fingerprint, b->fingerprint) == 0;
}

/* Nobody's winner is replaced by a file, and no two lines are for one place. */
static whet_status check_place(whet_ctx *ctx, const import *in, int number) {
    whet_winner_row row = whet_winner_row_of(&in->lines.lines[number].receipt), old;
    memcpy(row.key.fingerprint, in->fingerprint, sizeof row.key.fingerprint);
    for (int i = 0; i < number; i++) {
        whet_winner_row other = whet_winner_row_of(&in->lines.lines[i].receipt);
        memcpy(other.key.fingerprint, in->fingerprint, sizeof other.key.fingerprint);
        if (is_same_key(&row.key, &other.key))
            return whet_fail(ctx, WHET_E_FORMAT,
                             "%s: lines %d and %d are for the same heads; leave one out", in->path,
                             i + 1, number + 1);
    }
    const whet_status st = whet_winners_get(ctx, in->folder, &row.key, &old, NULL, NULL);
    if (st == WHET_E_NOT_FOUND) return WHET_OK;
    WHET_TRY(st);
    return whet_fail(ctx, WHET_E_BUSY,
                     "%s, line %d: winner %lld has its place; whet winners remove %lld makes room",
                     in->path, number + 1, (long long)old.id, (long long)old.id);
}

static whet_status judge_line(whet_ctx *ctx, import *in, int number) {
    const whet_winner_line *line = &in->lines.lines[number];
    const int at = in->n_entries;
    whet_verdict verdict = { 0 };
    WHET_TRY(whet_receipt_judge(ctx, in->opts, &line->receipt, line->source.text, line->source.len,
                                &in->here, &in->objects[at], &verdict));
    const bool is_right = verdict.code == WHET_V_PASS;
    const whet_winner_news news = {
        .number = number + 1,
        .there = &line->receipt,
        .here = &in->here,
        .verdict = &verdict,
        .is_foreign = strcmp(line->receipt.fingerprint, in->fingerprint) != 0,
        .is_taken = is_right && whet_receipt_is_faster(&in->here, in->opts->measured_attention),
    };
    if (in->fn) in->fn(in->data, &news);
    if (!is_right)
        return whet_fail(ctx, WHET_E_FORMAT, "%s, line %d is rejected here: %s: %s", in->path,
                         number + 1, whet_verdict_name(verdict.code), verdict.reason);
    if (!news.is_taken) {
        whet_object_fini(ctx, &in->objects[at]);
        return WHET_OK;
    }
    WHET_TRY(make_entry(ctx, &in->here, line->source.text, &in->objects[at], &in->receipts[at],
                        &in->entries[at]));
    in->n_entries++;
    return WHET_OK;
}

static whet_status judge_all(whet_ctx *ctx, import *in) {
    const size_t n = (size_t)in->lines.n + 1;
    in->objects = whet_alloc_zero(ctx, n, sizeof *in->objects);
    in->receipts = whet_alloc_zero(ctx, n, sizeof *in->receipts);
    in->entries = whet_alloc_zero(ctx, n, sizeof *in->entries);
    whet_status st = in->objects && in->receipts && in->entries ? WHET_OK : WHET_E_NOMEM;
    for (int i = 0; i < in->lines.n && st == WHET_OK; i++)
        st = check_place(ctx, in, i);
    for (int i = 0; i < in->lines.n && st == WHET_OK; i++)
        st = judge_line(ctx, in, i);
    if (st == WHET_OK && in->n_entries)
        st = whet_winners_put(ctx, in->folder, in->entries, in->n_entries);
    for (int i = 0; i < in->lines.n && in->objects && in->receipts; i++) {
        whet_object_fini(ctx, &in->objects[i]);
        whet_buf_fini(ctx, &in->receipts[i]);
    }
    whet_free(ctx, in->objects);
    whet_free(ctx, in->receipts);
    whet_free(ctx, in->entries);
    return st;
}

whet_status whet_winners_import(whet_ctx *ctx, const char *folder, const char *path,
                                const whet_rejudge_opts *opts, whet_winner_news_fn fn, void *data) {
    import *in = whet_alloc_zero(ctx, 1, sizeof *in);
    if (!in) return WHET_E_NOMEM;
    *in = (import){ .folder = folder, .path = path, .opts = opts, .fn = fn, .data = data };
    whet_buf text = { 0 };
    whet_machine machine;
    whet_status st = whet_machine_read(ctx, &machine);
    if (st == WHET_OK) {
        snprintf(in->fingerprint, sizeof in->fingerprint, "%s", machine.fingerprint);
        st = whet_file_read(ctx, path, WHET_MAX_IMPORT_BYTES, &text);
    }
    if (st == WHET_OK)
        st = whet_winner_lines_read(ctx, path, text.text ? text.text : "", text.len, &in->lines);
    if (st == WHET_OK) {
        st = judge_all(ctx, in);
        whet_winner_lines_fini(ctx, &in->lines);
    }
    whet_buf_fini(ctx, &text);
    whet_free(ctx, in);
    return st;
}
