/* SPDX-License-Identifier: MIT */
/* Gates 2 to 4: every case twice, with other leftovers in memory; every output compared. */
#include "judge/judge_int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "judge/link.h"
#include "judge/object.h"
#include "kernels/attention.h"

enum { CANARY = 0x5c, MAX_WORKSPACE_BYTES = 1 << 30 };

/* What lies in memory before a pass: the cache finite, workspace and output anything. */
typedef struct leftovers {
    int kv, workspace, out;
    bool is_at_end; /* data end at the guard page behind them, not begin behind the one before */
} leftovers;

static const leftovers passes[] = { { 0x00, 0xff, 0xff, false }, { 0x3c, 0xa5, 0x7f, true } };

enum { N_PASSES = sizeof passes / sizeof *passes };

/* One section's data in the shared memory, and how many bytes they are. */
typedef struct part {
    char *data;
    size_t bytes;
} part;

typedef struct trial {
    const whet_judge *judge;
    const whet_bank_case *c;
    whet_link *link;
    whet_verdict *verdict;
    whet_request request;
    part parts[WHET_N_SECTIONS];
} trial;

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

/* Bytes from the first element of the first row to the last of the last. */
static size_t rows_bytes(const whet_problem *p, int n_rows, int n_heads, int padding) {
    const size_t row = (size_t)n_heads * (size_t)p->head_dim;
    return ((size_t)n_rows * (row + (size_t)padding) - (size_t)padding) *
           whet_dtype_bytes((whet_dtype)p->dtype);
}

static whet_status ask_sizes(whet_ctx *ctx, trial *t, whet_link_end *end, whet_reply *reply) {
    whet_request request = t->request;
    request.op = WHET_OP_SIZES;
    return whet_link_ask(ctx, t->link, &request, t->judge->opts.case_seconds, end, reply, NULL);
}

/* The cache is bounded by the rows it holds, the workspace by reason. */
static bool sizes_reject(trial *t, const whet_reply *reply) {
    const whet_bank_case *c = t->c;
    const double raw = 2.0 * (double)c->capacity * c->problem.n_kv_heads * c->problem.head_dim *
                       (double)whet_dtype_bytes((whet_dtype)c->problem.dtype);
    const double limit = 1.1 * raw + 65536;
    if ((double)reply->kv_bytes > limit || reply->kv_bytes == 0) {
        whet_verdict_reject(t->verdict, WHET_V_OUT_OF_BOUNDS, c->gate,
                            "it asks for %.0f bytes of cache, between 1 and %.0f are allowed",
                            (double)reply->kv_bytes, limit);
        return true;
    }
    if (reply->workspace_bytes > MAX_WORKSPACE_BYTES) {
        whet_verdict_reject(t->verdict, WHET_V_OUT_OF_BOUNDS, c->gate,
                            "it asks for %.0f bytes of workspace, at most %d are allowed",
                            (double)reply->workspace_bytes, MAX_WORKSPACE_BYTES);
        return true;
    }
    return false;
}

/* Lays the sections out one after the other; everything is canary at first. */
static whet_status lay_out(whet_ctx *ctx, trial *t, const whet_reply *sizes, bool is_at_end) {
    const whet_bank_case *c = t->c;
    const whet_problem *p = &c->problem;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t bytes[WHET_N_SECTIONS] = {
        [WHET_SECTION_K] = rows_bytes(p, p->n_context, p->n_kv_heads, c->padding),
        [WHET_SECTION_V] = rows_bytes(p, p->n_context, p->n_kv_heads, c->padding),
        [WHET_SECTION_Q] = rows_bytes(p, p->n_rows, p->n_heads, c->padding),
        [WHET_SECTION_OUT] = rows_bytes(p, p->n_rows, p->n_heads, c->padding),
        [WHET_SECTION_KV] = sizes->kv_bytes,
        [WHET_SECTION_WORKSPACE] = sizes->workspace_bytes,
    };
    size_t at = 0;
    for (int i = 0; i < WHET_N_SECTIONS; i++) {
        whet_span *span = &t->request.sections[i];
        const size_t whole = round_up(bytes[i], page);
        size_t skip = is_at_end ? whole - bytes[i] : 0;
        if (i >= WHET_SECTION_KV) skip = skip / 64 * 64; /* these are promised to be aligned */
        *span = (whet_span){ .offset = at, .bytes = whole, .skip = skip };
        at += whole;
    }
    WHET_TRY(whet_link_reserve(ctx, t->link, at));
    memset(t->link->region, CANARY, at);
    for (int i = 0; i < WHET_N_SECTIONS; i++) {
        const whet_span *span = &t->request.sections[i];
        t->parts[i] = (part){ t->link->region + span->offset + span->skip, bytes[i] };
    }
    return WHET_OK;
}

static void put_rows(const trial *t, whet_section section, const void *rows, int n_rows,
                     int n_heads) {
    const whet_problem *p = &t->c->problem;
    const size_t element = whet_dtype_bytes((whet_dtype)p->dtype);
    const size_t row = (size_t)n_heads * (size_t)p->head_dim * element;
    const size_t step = row + (size_t)t->c->padding * element;
    for (int r = 0; r < n_rows; r++)
        memcpy(t->parts[section].data + (size_t)r * step, (const char *)rows + (size_t)r * row,
               row);
}

static void fill(const trial *t, const leftovers *left) {
    const whet_bank_case *c = t->c;
    const whet_problem *p = &c->problem;
    put_rows(t, WHET_SECTION_K, c->k, p->n_context, p->n_kv_heads);
    put_rows(t, WHET_SECTION_V, c->v, p->n_context, p->n_kv_heads);
    put_rows(t, WHET_SECTION_Q, c->q, p->n_rows, p->n_heads);
    memset(t->parts[WHET_SECTION_KV].data, left->kv, t->parts[WHET_SECTION_KV].bytes);
    memset(t->parts[WHET_SECTION_WORKSPACE].data, left->workspace,
           t->parts[WHET_SECTION_WORKSPACE].bytes);
    /* between the rows of the output the canary stays */
    const size_t element = whet_dtype_bytes((whet_dtype)p->dtype);
    const size_t row = (size_t)p->n_heads * (size_t)p->head_dim * element;
    for (int r = 0; r < p->n_rows; r++)
        memset(t->parts[WHET_SECTION_OUT].data + (size_t)r * (row + (size_t)c->padding * element),
               left->out, row);
}

static bool is_canary(const char *from, const char *to) {
    for (; from < to; from++)
        if (*from != CANARY) return false;
    return true;
}

static bool padding_is_intact(const trial *t) {
    const whet_problem *p = &t->c->problem;
    const size_t element = whet_dtype_bytes((whet_dtype)p->dtype);
    const size_t row = (size_t)p->n_heads * (size_t)p->head_dim * element;
    const size_t step = row + (size_t)t->c->padding * element;
    const char *out = t->parts[WHET_SECTION_OUT].data;
    for (int r = 0; r + 1 < p->n_rows; r++)
        if (!is_canary(out + (size_t)r * step + row, out + ((size_t)r + 1) * step)) return false;
    return true;
}

/* Whether it stayed inside what it was given. */
static bool bounds_reject(trial *t) {
    static const struct {
        whet_section section;
        const char *name;
    } written[] = { { WHET_SECTION_OUT, "out" },
                    { WHET_SECTION_KV, "the cache" },
                    { WHET_SECTION_WORKSPACE, "the workspace" } };
    const char *where = padding_is_intact(t) ? NULL : "the rows of out";
    for (size_t i = 0; i < sizeof written / sizeof *written && !where; i++) {
        const whet_span *span = &t->request.sections[written[i].section];
        const part *data = &t->parts[written[i].section];
        const char *begin = t->link->region + span->offset;
        if (!is_canary(begin, data->data) ||
            !is_canary(data->data + data->bytes, begin + span->bytes))
            where = written[i].name;
    }
    if (where)
        whet_verdict_reject(t->verdict, WHET_V_OUT_OF_BOUNDS, t->c->gate, "it wrote outside of %s",
                            where);
    return where != NULL;
}

/* The first pass is kept, the second must give the same bits. */
static bool repeat_rejects(trial *t, char *first, int pass) {
    const part *out = &t->parts[WHET_SECTION_OUT];
    if (pass == 0) memcpy(first, out->data, out->bytes);
    if (memcmp(first, out->data, out->bytes) == 0) return false;
    whet_verdict_reject(t->verdict, WHET_V_NOT_REPEATABLE, t->c->gate,
                        "other leftovers in cache, workspace and output gave other bits (%s, %d "
                        "keys, %d workers)",
                        t->verdict->family, t->verdict->n_context, t->verdict->n_workers);
    return true;
}

static whet_status run_pass(whet_ctx *ctx, trial *t, const whet_reply *sizes, int pass,
                            char *first) {
    const double seconds = t->judge->opts.case_seconds;
    whet_link_end end;
    whet_reply reply;
    WHET_TRY(lay_out(ctx, t, sizes, passes[pass].is_at_end));
    fill(t, &passes[pass]);
    static const whet_op ops[] = { WHET_OP_APPEND, WHET_OP_RUN };
    for (int i = 0; i < 2; i++) {
        t->request.op = ops[i];
        WHET_TRY(whet_link_ask(ctx, t->link, &t->request, seconds, &end, &reply, NULL));
        if (whet_link_blame(end, &reply, seconds, t->c->gate, t->verdict)) return WHET_OK;
    }
    if (bounds_reject(t)) return WHET_OK;
    if (repeat_rejects(t, first, pass)) return WHET_OK;
    whet_compare(&t->c->problem, t->parts[WHET_SECTION_OUT].data, t->request.out_stride,
                 t->c->problem.n_rows, &t->c->truth, t->c->gate, t->verdict);
    return WHET_OK;
}

/* The request of a case; strides say how far rows lie apart. */
static whet_request make_request(const whet_bank_case *c) {
    const whet_problem *p = &c->problem;
    return (whet_request){
        .problem = c->bounds,
        .capacity = c->capacity,
        .kv_stride = (int64_t)p->n_kv_heads * p->head_dim + c->padding,
        .q_stride = (int64_t)p->n_heads * p->head_dim + c->padding,
        .out_stride = (int64_t)p->n_heads * p->head_dim + c->padding,
        .scale = (float)(1 / sqrt(p->head_dim)),
        .n_workers = c->n_workers,
        .n_context = p->n_context,
        .n_rows = p->n_rows,
        .chunk = c->chunk,
        .is_rewound = c->is_rewound,
    };
}

static whet_status run_case(whet_ctx *ctx, const whet_judge *judge, const whet_bank_case *c,
                            whet_link *link, whet_verdict *v) {
    trial t = { .judge = judge, .c = c, .link = link, .verdict = v, .request = make_request(c) };
    snprintf(v->family, sizeof v->family, "%s", whet_case_name(c->family));
    v->gate = c->gate;
    v->seed = c->seed;
    v->n_context = c->problem.n_context;
    v->n_rows = c->problem.n_rows;
    v->n_workers = c->n_workers;
    whet_link_end end;
    whet_reply sizes;
    WHET_TRY(ask_sizes(ctx, &t, &end, &sizes));
    if (whet_link_blame(end, &sizes, judge->opts.case_seconds, c->gate, v)) return WHET_OK;
    if (sizes_reject(&t, &sizes)) return WHET_OK;
    char *first =
        whet_alloc(ctx, rows_bytes(&c->problem, c->problem.n_rows, c->problem.n_heads, c->padding));
    if (!first) return WHET_E_NOMEM;
    whet_status st = WHET_OK;
    for (int pass = 0; pass < N_PASSES && st == WHET_OK && v->code == WHET_V_PASS; pass++)
        st = run_pass(ctx, &t, &sizes, pass, first);
    whet_free(ctx, first);
    return st;
}

whet_status whet_judge_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                             whet_verdict *verdict) {
    *verdict = (whet_verdict){ .gate = WHET_GATE_OBJECT };
    const double start_ns = whet_clock_ns();
    if (!object->built_in && !judge->opts.skips_object_gate) {
        WHET_TRY(whet_object_check(ctx, object->bytes, object->n_bytes, verdict));
        if (verdict->code != WHET_V_PASS) return WHET_OK;
    }
    whet_link link;
    whet_link_end end;
    whet_reply reply;
    WHET_TRY(
        whet_link_open(ctx, judge->opts.worker, object, &judge->opts.problem, &link, &end, &reply));
    whet_status st = whet_judge_trust(ctx, judge, &link);
    verdict->jail = link.jail;
    const bool is_over =
        whet_link_blame(end, &reply, judge->opts.case_seconds, WHET_GATE_OBJECT, verdict);
    if (!is_over)
        for (int i = 0; i < judge->bank.n_cases && st == WHET_OK && verdict->code == WHET_V_PASS;
             i++)
            st = run_case(ctx, judge, &judge->bank.cases[i], &link, verdict);
    whet_link_close(&link);
    whet_log(ctx, WHET_LOG_DEBUG, "judge", "check: %s, checked in %.0f ms",
             whet_verdict_name(verdict->code), (whet_clock_ns() - start_ns) * 1e-6);
    return st;
}
