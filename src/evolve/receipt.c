/* SPDX-License-Identifier: MIT */
/* The receipt of a winner: its JSON, and what it says about speed. */
#include "evolve/receipt.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <whet/attention.h>
#include <whet/machine.h>

#include "base/shape.h"
#include "base/utf8.h"
#include "kernels/attention.h"

enum { MAX_HEADS = 256, MAX_HEAD_DIM = 1024, MAX_CONTEXT = 1 << 17, MAX_PAIRS = 1 << 20 };

static const double most = 1e15; /* of what is measured: beyond it nothing is */

/* ---- asking it ---- */

const char *whet_receipt_dtype(const whet_receipt *r) {
    return whet_dtype_name((whet_dtype)r->problem.dtype);
}

const whet_measured *whet_receipt_find(const whet_receipt *r, const char *shape,
                                       const char *rival) {
    for (int i = 0; i < r->n_measured; i++)
        if (strcmp(r->measured[i].shape, shape) == 0 && strcmp(r->measured[i].rival, rival) == 0)
            return &r->measured[i];
    return NULL;
}

/* The first measurement of that op over the rival. */
static double low_of(const whet_receipt *r, const char *op, const char *rival) {
    for (int i = 0; i < r->n_measured; i++) {
        const whet_measured *m = &r->measured[i];
        if (strncmp(m->shape, op, strlen(op)) == 0 && strcmp(m->rival, rival) == 0)
            return m->ratio.low;
    }
    return 0;
}

/* The engine's own kernel, where it was measured; else the best there is. */
static const char *rival_of(const whet_receipt *r, const char *measured) {
    static const char *const families[] = { "grouped", "fused", "repeat" };
    whet_problem problem = r->problem;
    problem.n_rows = 1;
    const char *first = whet_attention_choose(&problem, measured)->name;
    for (int i = 0; i < 3; i++)
        if (strncmp(first, families[i], strlen(families[i])) == 0 &&
            low_of(r, "decode", families[i]) > 0)
            return families[i];
    return low_of(r, "decode", "fused") > 0 ? "fused" : "repeat";
}

/* A loss in prefill may be the price, or one in decode that nobody notices. */
bool whet_receipt_is_faster(const whet_receipt *r, const char *measured) {
    const char *rival = rival_of(r, measured);
    const double decode = low_of(r, "decode", rival), prefill = low_of(r, "prefill", rival);
    return decode > 1 - WHET_DECODE_LOSS && prefill > 0 &&
           WHET_DECODE_WEIGHT * log(decode) + (1 - WHET_DECODE_WEIGHT) * log(prefill) > 0;
}

/* ---- making it ---- */

void whet_receipt_add(whet_receipt *r, const whet_measured *measured) {
    if (r->n_measured < WHET_MAX_MEASURED) r->measured[r->n_measured++] = *measured;
}

whet_status whet_receipt_sign(whet_ctx *ctx, whet_receipt *r) {
    whet_machine machine;
    const time_t now = time(NULL);
    struct tm t;
    WHET_TRY(whet_machine_read(ctx, &machine));
    snprintf(r->fingerprint, sizeof r->fingerprint, "%s", machine.fingerprint);
    snprintf(r->cpu, sizeof r->cpu, "%s", machine.cpu);
    gmtime_r(&now, &t);
    strftime(r->date, sizeof r->date, "%Y-%m-%dT%H:%M:%SZ", &t);
    return WHET_OK;
}

/* ---- writing ---- */

static whet_status put_text(whet_ctx *ctx, whet_buf *json, const char *key, const char *text) {
    char printable[512];
    snprintf(printable, sizeof printable, "%s", text);
    whet_utf8_make_printable(printable);
    WHET_TRY(whet_buf_printf(ctx, json, "\"%s\":", key));
    return whet_json_quote(ctx, json, printable, strlen(printable));
}

static whet_status put_measured(whet_ctx *ctx, whet_buf *json, const whet_measured *m) {
    WHET_TRY(whet_buf_puts(ctx, json, "{"));
    WHET_TRY(put_text(ctx, json, "shape", m->shape));
    WHET_TRY(whet_buf_puts(ctx, json, ","));
    WHET_TRY(put_text(ctx, json, "rival", m->rival));
    return whet_buf_printf(ctx, json,
                           ",\"ratio\":%.6g,\"low\":%.6g,\"high\":%.6g,\"ns\":%.6g,"
                           "\"rival_ns\":%.6g,\"kv_bytes\":%.9g,\"pairs\":%d,\"seed\":\"%" PRIu64
                           "\"}",
                           m->ratio.ratio, m->ratio.low, m->ratio.high, m->ns, m->rival_ns,
                           m->kv_bytes, m->n_pairs, m->seed);
}

static whet_status put_ancestor(whet_ctx *ctx, whet_buf *json, const whet_ancestor *a) {
    WHET_TRY(whet_buf_puts(ctx, json, "{"));
    WHET_TRY(put_text(ctx, json, "program", a->hash));
    WHET_TRY(whet_buf_puts(ctx, json, ","));
    WHET_TRY(put_text(ctx, json, "operator", a->operator_name));
    WHET_TRY(whet_buf_puts(ctx, json, ","));
    WHET_TRY(put_text(ctx, json, "change", a->change));
    return whet_buf_puts(ctx, json, "}");
}

whet_status whet_receipt_write(whet_ctx *ctx, const whet_receipt *r, whet_buf *json) {
    const char *const keys[] = { "whet",    "dtype", "program",  "source", "object",
                                 "machine", "cpu",   "compiler", "judged" };
    const char *const texts[] = { r->version,       whet_receipt_dtype(r), r->program_hash,
                                  r->source_sha256, r->object_sha256,      r->fingerprint,
                                  r->cpu,           r->compiler,           r->date };
    const whet_problem *p = &r->problem;
    for (int i = 0; i < 9; i++) {
        WHET_TRY(whet_buf_puts(ctx, json, i ? ",\n" : "{"));
        WHET_TRY(put_text(ctx, json, keys[i], texts[i]));
    }
    WHET_TRY(whet_buf_printf(ctx, json,
                             ",\n\"abi\":%d,\"heads\":%d,\"kv_heads\":%d,\"head_dim\":%d,"
                             "\"context\":%d,\"seed\":\"%" PRIu64 "\",\n\"measured\":[",
                             r->abi, p->n_heads, p->n_kv_heads, p->head_dim, p->n_context,
                             r->seed));
    for (int i = 0; i < r->n_measured; i++) {
        WHET_TRY(whet_buf_puts(ctx, json, i ? ",\n" : "\n"));
        WHET_TRY(put_measured(ctx, json, &r->measured[i]));
    }
    WHET_TRY(whet_buf_puts(ctx, json, "],\n\"lineage\":["));
    for (int i = 0; i < r->n_lineage; i++) {
        WHET_TRY(whet_buf_puts(ctx, json, i ? ",\n" : "\n"));
        WHET_TRY(put_ancestor(ctx, json, &r->lineage[i]));
    }
    return whet_buf_puts(ctx, json, "]}");
}

/* ---- reading ---- */

/* The first fault stays. */
typedef struct reader {
    whet_ctx *ctx;
    const char *name;
    const whet_json *from; /* the object at hand */
    whet_status st;
} reader;

static void refuse(reader *r, const char *key, const char *what) {
    if (r->st == WHET_OK)
        r->st = whet_fail(r->ctx, WHET_E_FORMAT, "%s: the receipt's \"%s\" is not %s", r->name, key,
                          what);
}

static void take_text(reader *r, const char *key, char *out, size_t n) {
    size_t len = 0;
    char what[64];
    const char *text = whet_json_string(whet_json_get(r->from, key), &len);
    snprintf(what, sizeof what, "a text of less than %zu bytes", n);
    *out = '\0';
    if (!text || len >= n || strlen(text) != len) {
        refuse(r, key, what);
        return;
    }
    memcpy(out, text, len + 1);
    whet_utf8_make_printable(out);
    if (memcmp(out, text, len) != 0) refuse(r, key, "printable");
}

static void take_hash(reader *r, const char *key, char out[WHET_HASH_HEX]) {
    take_text(r, key, out, WHET_HASH_HEX);
    if (r->st == WHET_OK && strspn(out, "0123456789abcdef") != WHET_HASH_HEX - 1)
        refuse(r, key, "64 hexadecimal digits");
}

static void take_int(reader *r, const char *key, int low, int high, int *out) {
    int64_t n = 0;
    char what[64];
    snprintf(what, sizeof what, "a whole number from %d to %d", low, high);
    if (!whet_json_integer(whet_json_get(r->from, key), &n) || n < low || n > high)
        refuse(r, key, what);
    else
        *out = (int)n;
}

static void take_number(reader *r, const char *key, double *out) {
    if (!whet_json_number(whet_json_get(r->from, key), out) || !(*out >= 0 && *out <= most))
        refuse(r, key, "a number from 0 on");
}

static void take_seed(reader *r, const char *key, uint64_t *out) {
    char text[24], *end;
    take_text(r, key, text, sizeof text);
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno) refuse(r, key, "a seed in decimal digits");
}

static void take_dtype(reader *r, whet_receipt *receipt) {
    char name[8];
    take_text(r, "dtype", name, sizeof name);
    for (int i = WHET_F32; i <= WHET_F16; i++)
        if (strcmp(name, whet_dtype_name((whet_dtype)i)) == 0) {
            receipt->problem.dtype = i;
            return;
        }
    refuse(r, "dtype", "f32, bf16 or f16");
}

static void take_measured(reader *r, whet_measured *m) {
    take_text(r, "shape", m->shape, sizeof m->shape);
    take_text(r, "rival", m->rival, sizeof m->rival);
    take_number(r, "ratio", &m->ratio.ratio);
    take_number(r, "low", &m->ratio.low);
    take_number(r, "high", &m->ratio.high);
    take_number(r, "ns", &m->ns);
    take_number(r, "rival_ns", &m->rival_ns);
    take_number(r, "kv_bytes", &m->kv_bytes);
    take_int(r, "pairs", 0, MAX_PAIRS, &m->n_pairs);
    take_seed(r, "seed", &m->seed);
}

static void take_ancestor(reader *r, whet_ancestor *a) {
    take_hash(r, "program", a->hash);
    take_text(r, "operator", a->operator_name, sizeof a->operator_name);
    take_text(r, "change", a->change, sizeof a->change);
}

/* The list of that key; *n: its length, at most n_max. */
static const whet_json *take_list(reader *r, const char *key, int n_max, int *n) {
    char what[64];
    const whet_json *list = whet_json_get(r->from, key);
    *n = 0;
    snprintf(what, sizeof what, "a list of at most %d", n_max);
    if (!whet_json_is(list, WHET_JSON_ARRAY) || whet_json_len(list) > (size_t)n_max)
        refuse(r, key, what);
    else
        *n = (int)whet_json_len(list);
    return list;
}

static void take_lists(reader *r, whet_receipt *receipt) {
    const whet_json *whole = r->from;
    const whet_json *measured = take_list(r, "measured", WHET_MAX_MEASURED, &receipt->n_measured);
    const whet_json *lineage = take_list(r, "lineage", WHET_MAX_LINEAGE, &receipt->n_lineage);
    for (int i = 0; i < receipt->n_measured; i++) {
        r->from = whet_json_at(measured, (size_t)i);
        take_measured(r, &receipt->measured[i]);
    }
    for (int i = 0; i < receipt->n_lineage; i++) {
        r->from = whet_json_at(lineage, (size_t)i);
        take_ancestor(r, &receipt->lineage[i]);
    }
    r->from = whole;
}

whet_status whet_receipt_take(whet_ctx *ctx, const char *name, const whet_json *json,
                              whet_receipt *receipt) {
    reader r = { ctx, name, json, WHET_OK };
    whet_problem *p = &receipt->problem;
    *receipt = (whet_receipt){ 0 };
    take_text(&r, "whet", receipt->version, sizeof receipt->version);
    take_dtype(&r, receipt);
    take_hash(&r, "program", receipt->program_hash);
    take_hash(&r, "source", receipt->source_sha256);
    take_hash(&r, "object", receipt->object_sha256);
    take_text(&r, "machine", receipt->fingerprint, sizeof receipt->fingerprint);
    take_text(&r, "cpu", receipt->cpu, sizeof receipt->cpu);
    take_text(&r, "compiler", receipt->compiler, sizeof receipt->compiler);
    take_text(&r, "judged", receipt->date, sizeof receipt->date);
    take_int(&r, "abi", 0, INT16_MAX, &receipt->abi);
    take_int(&r, "heads", 1, MAX_HEADS, &p->n_heads);
    take_int(&r, "kv_heads", 1, MAX_HEADS, &p->n_kv_heads);
    take_int(&r, "head_dim", 1, MAX_HEAD_DIM, &p->head_dim);
    take_int(&r, "context", 0, MAX_CONTEXT, &p->n_context);
    take_seed(&r, "seed", &receipt->seed);
    take_lists(&r, receipt);
    if (r.st == WHET_OK && p->n_heads % p->n_kv_heads)
        refuse(&r, "kv_heads", "a divisor of \"heads\"");
    return r.st;
}

whet_status whet_receipt_parse(whet_ctx *ctx, const char *name, const char *text, size_t n_bytes,
                               whet_receipt *receipt) {
    whet_json *json;
    WHET_TRY(whet_json_parse(ctx, name, text, n_bytes, true, &json));
    const whet_status st = whet_receipt_take(ctx, name, json, receipt);
    whet_json_close(json);
    return st;
}
