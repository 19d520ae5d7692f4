/* SPDX-License-Identifier: MIT */
/* The cache is a function of its rows: the same bytes however they came, and what is void or to
 * come leaves no trace in it. Its size is a function of the capacity. */
#include "judge/exam.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernels/attention.h"
#include "kernels/dtype.h"

/* One way to bring the rows into the cache. */
typedef struct way {
    const char *name;
    int n_workers, chunk;
    bool is_repeated;  /* everything once more */
    bool is_back;      /* other rows first, then these */
    bool is_other_use; /* the problem as told has other rows and context */
} way;

static const way ways[] = {
    { .name = "one by one", .n_workers = 1, .chunk = 1 },
    { .name = "by threes", .n_workers = 2, .chunk = 3 },
    { .name = "in chunks of 16", .n_workers = 5, .chunk = 16 },
    { .name = "in chunks of 64", .n_workers = 1, .chunk = 64 },
    { .name = "by 33 workers", .n_workers = 33 },
    { .name = "twice", .n_workers = 2, .chunk = 40, .is_repeated = true },
    { .name = "after others that were taken back", .n_workers = 3, .is_back = true },
    { .name = "for a larger use", .n_workers = 2, .is_other_use = true },
};

static bool is_going(const whet_exam *e) {
    return e->verdict->code == WHET_V_PASS;
}

static void reject(whet_exam *e, const char *what, const char *how) {
    whet_verdict_reject(e->verdict, WHET_V_INCONSISTENT, WHET_GATE_PROPERTY, "%s%s", what, how);
}

/* A trial of the case in that memory, its cache empty. */
static whet_status begin(whet_ctx *ctx, whet_exam *e, const whet_bank_case *c,
                         const whet_memory *memory, whet_trial *t) {
    WHET_TRY(whet_trial_open(ctx, e->judge, c, e->link, e->verdict, t));
    return is_going(e) ? whet_trial_lay_out(ctx, t, memory) : WHET_OK;
}

static whet_status go_way(whet_ctx *ctx, const whet_bank_case *c, const way *w, whet_trial *t) {
    const int32_t n = c->problem.n_context;
    const whet_rows all = { .n = n, .chunk = w->chunk };
    if (w->is_back)
        WHET_TRY(whet_trial_append(ctx, t, (whet_rows){ .first = n / 3, .n = n - n / 3 }));
    if (w->is_repeated) WHET_TRY(whet_trial_append(ctx, t, (whet_rows){ .n = n }));
    return whet_trial_append(ctx, t, all);
}

/* Equal leftovers before, equal rows: equal bytes. */
static whet_status ask_ways(whet_ctx *ctx, whet_exam *e) {
    whet_bank_case c;
    whet_trial t;
    WHET_TRY(whet_exam_make(
        ctx, e, (whet_exam_shape){ .n_context = 140, .n_rows = 1, .n_workers = 1 }, &c));
    whet_memory memory = whet_exam_memory(e);
    WHET_TRY(begin(ctx, e, &c, &memory, &t));
    if (is_going(e)) WHET_TRY(go_way(ctx, &c, &(way){ .n_workers = 1 }, &t));
    if (!is_going(e)) return WHET_OK;
    const size_t n = t.parts[WHET_SECTION_KV].n_bytes;
    char *want = whet_arena_alloc(ctx, &e->arena, n);
    if (!want) return WHET_E_NOMEM;
    memcpy(want, t.parts[WHET_SECTION_KV].data, n);
    for (size_t i = 0; i < sizeof ways / sizeof *ways && is_going(e); i++) {
        whet_bank_case other = c;
        other.n_workers = ways[i].n_workers;
        if (ways[i].is_other_use) other.bounds.n_context += 4097;
        if (ways[i].is_other_use) other.bounds.n_rows = 77;
        WHET_TRY(begin(ctx, e, &other, &memory, &t));
        if (is_going(e) && t.parts[WHET_SECTION_KV].n_bytes != n)
            reject(e, "its cache has another size when it is filled ", ways[i].name);
        if (is_going(e)) WHET_TRY(go_way(ctx, &other, &ways[i], &t));
        if (is_going(e) && memcmp(want, t.parts[WHET_SECTION_KV].data, n) != 0)
            reject(e, "the bytes of its cache are others when it is filled ", ways[i].name);
    }
    return WHET_OK;
}

/* The bytes that hold the first rows: those that other rows would make others. */
static whet_status ask_older_rows(whet_ctx *ctx, whet_exam *e) {
    whet_bank_case c, other;
    whet_trial t;
    WHET_TRY(whet_exam_make(ctx, e,
                            (whet_exam_shape){ .n_context = 90, .n_rows = 1, .n_workers = 2 }, &c));
    const int32_t n_rows = c.problem.n_context, n_old = 40 + (int32_t)whet_rng_below(&e->rng, 20);
    const whet_memory memory = whet_exam_memory(e);
    other = c;
    other.k = c.v;
    other.v = c.k;
    WHET_TRY(begin(ctx, e, &other, &memory, &t));
    WHET_TRY(whet_trial_append(ctx, &t, (whet_rows){ .n = n_old }));
    if (!is_going(e)) return WHET_OK;
    const size_t n = t.parts[WHET_SECTION_KV].n_bytes;
    char *others = whet_arena_alloc(ctx, &e->arena, n), *old = whet_arena_alloc(ctx, &e->arena, n);
    if (!others || !old) return WHET_E_NOMEM;
    memcpy(others, t.parts[WHET_SECTION_KV].data, n);
    WHET_TRY(begin(ctx, e, &c, &memory, &t));
    WHET_TRY(whet_trial_append(ctx, &t, (whet_rows){ .n = n_old }));
    if (!is_going(e)) return WHET_OK;
    memcpy(old, t.parts[WHET_SECTION_KV].data, n);
    WHET_TRY(whet_trial_append(
        ctx, &t, (whet_rows){ .first = n_old, .pos = n_old, .n = n_rows - n_old, .chunk = 7 }));
    const char *now = t.parts[WHET_SECTION_KV].data;
    for (size_t i = 0; i < n && is_going(e); i++)
        if (old[i] != others[i] && now[i] != old[i])
            reject(e, "an append changes bytes that hold older rows", "");
    return WHET_OK;
}

/* Rows that were taken back are as if they had never been. */
static whet_status ask_void_rows(whet_ctx *ctx, whet_exam *e) {
    whet_bank_case c;
    whet_trial t;
    WHET_TRY(whet_exam_make(ctx, e,
                            (whet_exam_shape){ .n_context = 75, .n_rows = 6, .n_workers = 2 }, &c));
    const int32_t n = c.problem.n_context;
    const whet_memory memory = whet_exam_memory(e);
    void *want = whet_exam_room(ctx, e, &c, true), *got = whet_exam_room(ctx, e, &c, true);
    if (!want || !got) return WHET_E_NOMEM;
    WHET_TRY(begin(ctx, e, &c, &memory, &t));
    WHET_TRY(whet_trial_append(ctx, &t, (whet_rows){ .n = n }));
    WHET_TRY(whet_trial_run(ctx, &t));
    if (is_going(e)) whet_trial_take(&t, want);
    if (is_going(e)) WHET_TRY(begin(ctx, e, &c, &memory, &t));
    const int32_t kept = n - 9, beyond = (int32_t)c.capacity - kept;
    WHET_TRY(whet_trial_append(ctx, &t, (whet_rows){ .n = n }));
    WHET_TRY(whet_trial_append(ctx, &t, (whet_rows){ .first = 5, .pos = kept, .n = beyond }));
    WHET_TRY(whet_trial_append(
        ctx, &t, (whet_rows){ .first = kept, .pos = kept, .n = n - kept, .chunk = 4 }));
    WHET_TRY(whet_trial_run(ctx, &t));
    if (!is_going(e)) return WHET_OK;
    whet_trial_take(&t, got);
    whet_exam_agrees(e, &c, got, want, c.problem.n_rows, 0, "rows that were taken back are seen");
    return WHET_OK;
}

whet_status whet_exam_cache(whet_ctx *ctx, whet_exam *e) {
    static whet_status (*const questions[])(whet_ctx *, whet_exam *) = {
        ask_ways,
        ask_older_rows,
        ask_void_rows,
    };
    const whet_mark mark = whet_arena_mark(&e->arena);
    for (size_t i = 0; i < sizeof questions / sizeof *questions && is_going(e); i++) {
        WHET_TRY(questions[i](ctx, e));
        whet_arena_reset(&e->arena, mark);
    }
    return WHET_OK;
}

/* ---- sizes ---- */

enum { MAX_CAPACITY = 1 << 17 };

static whet_status ask(whet_ctx *ctx, whet_exam *e, const whet_request *request,
                       whet_reply *reply) {
    const whet_limits limits = whet_judge_limits(e->judge, request);
    whet_link_end end;
    WHET_TRY(whet_link_ask(ctx, e->link, request, &limits, &end, reply, NULL));
    whet_link_blame(end, reply, WHET_GATE_PROPERTY, e->verdict);
    return WHET_OK;
}

/* What is supported is supported for all rows and contexts. */
static whet_status ask_support(whet_ctx *ctx, whet_exam *e) {
    static const int32_t rows[] = { 1, 2, 3, 16, 17, 64, 512, 8192 };
    static const int32_t contexts[] = { 1, 5, 64, 65, 1000, 4096, 40960, 131072 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t j = 0; j < sizeof contexts / sizeof *contexts && is_going(e); j++) {
            whet_request request = { .op = WHET_OP_LOAD, .problem = e->judge->opts.problem };
            whet_reply reply;
            request.problem.n_rows = rows[i];
            request.problem.n_context = contexts[j];
            if (rows[i] > contexts[j]) continue;
            WHET_TRY(ask(ctx, e, &request, &reply));
            if (e->verdict->code == WHET_V_UNSUPPORTED)
                whet_verdict_reject(e->verdict, WHET_V_UNSUPPORTED, WHET_GATE_PROPERTY,
                                    "it supports these heads, but not %d rows at %d keys", rows[i],
                                    contexts[j]);
        }
    return WHET_OK;
}

/* Every capacity up to 2^17, as for an engine of any size, whatever the use. */
static whet_status ask_capacities(whet_ctx *ctx, whet_exam *e) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), n_bytes = MAX_CAPACITY * sizeof(uint64_t);
    const whet_problem *p = &e->judge->opts.problem;
    whet_reply reply;
    whet_request request = { .op = WHET_OP_CAPACITIES, .problem = *p, .n = MAX_CAPACITY };
    request.sections[WHET_SECTION_OUT].bytes = (n_bytes + page - 1) / page * page;
    uint64_t *first = whet_arena_alloc(ctx, &e->arena, n_bytes);
    if (!first) return WHET_E_NOMEM;
    WHET_TRY(whet_link_place(ctx, e->link, &request));
    char *out = whet_link_section(e->link, &request, WHET_SECTION_OUT);
    for (int use = 0; use < 2 && is_going(e); use++) {
        request.problem.n_rows = use ? 1 : p->n_rows;
        request.problem.n_context = use ? MAX_CAPACITY : p->n_context;
        memset(out, 0, n_bytes);
        WHET_TRY(ask(ctx, e, &request, &reply));
        const uint64_t *bytes = (const uint64_t *)out;
        for (int i = 0; i < MAX_CAPACITY && is_going(e); i++) {
            const double limit = whet_judge_kv_limit(p, i + 1);
            if (bytes[i] == 0 || (double)bytes[i] > limit)
                whet_verdict_reject(e->verdict, WHET_V_OUT_OF_BOUNDS, WHET_GATE_PROPERTY,
                                    "it asks for %.0f bytes of cache for %d tokens, between 1 "
                                    "and %.0f are allowed",
                                    (double)bytes[i], i + 1, limit);
            else if (use && bytes[i] != first[i])
                reject(e, "the size of its cache depends on rows or context", "");
        }
        memcpy(first, bytes, n_bytes);
    }
    return WHET_OK;
}

whet_status whet_exam_sizes(whet_ctx *ctx, whet_exam *e) {
    const whet_mark mark = whet_arena_mark(&e->arena);
    e->verdict->gate = WHET_GATE_PROPERTY;
    whet_status st = ask_support(ctx, e);
    if (st == WHET_OK && is_going(e)) st = ask_capacities(ctx, e);
    whet_arena_reset(&e->arena, mark);
    return st;
}
