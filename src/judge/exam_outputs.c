/* SPDX-License-Identifier: MIT */
/* Exact truths about outputs. What changes places, is scaled by a power of two, or must not be
 * seen, changes no other bit of a sum in any order. */
#include "judge/exam.h"

#include <math.h>
#include <string.h>

#include "kernels/attention.h"
#include "kernels/dtype.h"

static int64_t kv_row(const whet_bank_case *c) {
    return (int64_t)c->problem.n_kv_heads * c->problem.head_dim;
}

static int64_t q_row(const whet_bank_case *c) {
    return (int64_t)c->problem.n_heads * c->problem.head_dim;
}

/* to[i] = from[i] * factor, which must be exact. */
static void scale_rows(const whet_bank_case *c, const void *from, int64_t n, float factor,
                       void *to) {
    const whet_dtype dtype = (whet_dtype)c->problem.dtype;
    for (int64_t i = 0; i < n; i++)
        whet_store_f32(dtype, to, i, factor * whet_load_f32(dtype, from, i));
}

/* Rows first .. of k or v become finite numbers that have nothing to do with what was there. */
static void *change_keys(whet_ctx *ctx, whet_exam *e, const whet_bank_case *c, const void *rows,
                         int32_t first, float size) {
    char *to = whet_exam_room(ctx, e, c, false);
    if (!to) return NULL;
    const whet_dtype dtype = (whet_dtype)c->problem.dtype;
    const int64_t row = kv_row(c), begin = first * row, end = c->problem.n_context * row;
    memcpy(to, rows, (size_t)end * whet_dtype_bytes(dtype));
    for (int64_t i = begin; i < end; i++)
        whet_store_f32(dtype, to, i, size * (float)whet_rng_bell(&e->rng));
    return to;
}

/* Rows do not see what comes after them. */
static whet_status ask_future(whet_ctx *ctx, whet_exam *e, whet_exam_shape shape) {
    whet_bank_case c, changed;
    WHET_TRY(whet_exam_make(ctx, e, shape, &c));
    void *want = whet_exam_room(ctx, e, &c, true), *got = whet_exam_room(ctx, e, &c, true);
    const int32_t first_row = c.problem.n_context - c.problem.n_rows;
    const int32_t n_before = 1 + (int32_t)whet_rng_below(&e->rng, (uint64_t)c.problem.n_rows - 1);
    changed = c;
    changed.k = change_keys(ctx, e, &c, c.k, first_row + n_before, 20);
    changed.v = change_keys(ctx, e, &c, c.v, first_row + n_before, 1000);
    if (!want || !got || !changed.k || !changed.v) return WHET_E_NOMEM;
    WHET_TRY(whet_exam_ask(ctx, e, &c, whet_bank_scale(&c), want));
    WHET_TRY(whet_exam_ask(ctx, e, &changed, whet_bank_scale(&c), got));
    if (e->verdict->code == WHET_V_PASS)
        whet_exam_agrees(e, &c, got, want, n_before, 0, "later keys change an earlier row");
    return WHET_OK;
}

/* KV heads and their query heads move up by one, the last ones to the front. */
static void rotate(const whet_bank_case *c, const void *from, int n_rows, int64_t row, void *to) {
    const size_t bytes = (size_t)row * whet_dtype_bytes((whet_dtype)c->problem.dtype);
    const size_t group = bytes / (size_t)c->problem.n_kv_heads;
    for (size_t r = 0; r < (size_t)n_rows; r++) {
        memcpy((char *)to + r * bytes + group, (const char *)from + r * bytes, bytes - group);
        memcpy((char *)to + r * bytes, (const char *)from + (r + 1) * bytes - group, group);
    }
}

static whet_status ask_heads(whet_ctx *ctx, whet_exam *e, whet_exam_shape shape) {
    whet_bank_case c, changed;
    if (e->judge->opts.problem.n_kv_heads == 1) return WHET_OK;
    WHET_TRY(whet_exam_make(ctx, e, shape, &c));
    void *out = whet_exam_room(ctx, e, &c, true), *got = whet_exam_room(ctx, e, &c, true);
    void *want = whet_exam_room(ctx, e, &c, true), *q = whet_exam_room(ctx, e, &c, true);
    void *k = whet_exam_room(ctx, e, &c, false), *v = whet_exam_room(ctx, e, &c, false);
    if (!out || !got || !want || !q || !k || !v) return WHET_E_NOMEM;
    rotate(&c, c.q, c.problem.n_rows, q_row(&c), q);
    rotate(&c, c.k, c.problem.n_context, kv_row(&c), k);
    rotate(&c, c.v, c.problem.n_context, kv_row(&c), v);
    changed = c;
    changed.q = q;
    changed.k = k;
    changed.v = v;
    WHET_TRY(whet_exam_ask(ctx, e, &c, whet_bank_scale(&c), out));
    WHET_TRY(whet_exam_ask(ctx, e, &changed, whet_bank_scale(&c), got));
    if (e->verdict->code != WHET_V_PASS) return WHET_OK;
    rotate(&c, out, c.problem.n_rows, q_row(&c), want);
    whet_exam_agrees(e, &c, got, want, c.problem.n_rows, 0,
                     "heads that change places do not keep their outputs");
    return WHET_OK;
}

/* 8 V gives 8 times the output; 2 Q and half the scale give the same. */
static whet_status ask_scales(whet_ctx *ctx, whet_exam *e, whet_exam_shape shape) {
    const float eight = 8;
    whet_bank_case c, changed;
    WHET_TRY(whet_exam_make(ctx, e, shape, &c));
    void *out = whet_exam_room(ctx, e, &c, true), *got = whet_exam_room(ctx, e, &c, true);
    void *want = whet_exam_room(ctx, e, &c, true), *q = whet_exam_room(ctx, e, &c, true);
    void *v = whet_exam_room(ctx, e, &c, false);
    if (!out || !got || !want || !q || !v) return WHET_E_NOMEM;
    const int64_t n = c.problem.n_rows * q_row(&c);
    WHET_TRY(whet_exam_ask(ctx, e, &c, whet_bank_scale(&c), out));
    changed = c;
    changed.v = v;
    scale_rows(&c, c.v, c.problem.n_context * kv_row(&c), eight, v);
    WHET_TRY(whet_exam_ask(ctx, e, &changed, whet_bank_scale(&c), got));
    if (e->verdict->code != WHET_V_PASS) return WHET_OK;
    scale_rows(&c, out, n, eight, want);
    /* an output among f16's subnormals has lost bits that 8 times as much keeps */
    if (c.problem.dtype == WHET_F16)
        for (int64_t i = 0; i < n; i++)
            if (fabsf(whet_load_f32(WHET_F16, out, i)) < 0x1p-13f)
                ((uint16_t *)want)[i] = ((const uint16_t *)got)[i];
    if (!whet_exam_agrees(e, &c, got, want, c.problem.n_rows, 0, "8 V is not 8 times the output"))
        return WHET_OK;
    changed = c;
    changed.q = q;
    scale_rows(&c, c.q, n, 2, q);
    WHET_TRY(whet_exam_ask(ctx, e, &changed, whet_bank_scale(&c) / 2, got));
    if (e->verdict->code == WHET_V_PASS)
        whet_exam_agrees(e, &c, got, out, c.problem.n_rows, 0,
                         "2 Q and half the scale is not the same");
    return WHET_OK;
}

/* All V rows are the first one: that is the output, as weights sum to 1. f32 outputs show the
 * rounding of that sum, narrower types do not. */
static whet_status ask_equal_values(whet_ctx *ctx, whet_exam *e, whet_exam_shape shape,
                                    bool is_constant) {
    whet_bank_case c, changed;
    WHET_TRY(whet_exam_make(ctx, e, shape, &c));
    char *v = whet_exam_room(ctx, e, &c, false);
    char *got = whet_exam_room(ctx, e, &c, true), *want = whet_exam_room(ctx, e, &c, true);
    if (!v || !got || !want) return WHET_E_NOMEM;
    const size_t element = whet_dtype_bytes((whet_dtype)c.problem.dtype);
    const size_t row = (size_t)kv_row(&c) * element;
    const size_t head = (size_t)c.problem.head_dim * element;
    memcpy(v, c.v, row);
    for (size_t at = element; is_constant && at < row; at += element)
        memcpy(v + at, v, element);
    for (int32_t t = 1; t < c.problem.n_context; t++)
        memcpy(v + (size_t)t * row, v, row);
    const int ratio = c.problem.n_heads / c.problem.n_kv_heads;
    for (int i = 0; i < c.problem.n_rows * c.problem.n_heads; i++)
        memcpy(want + (size_t)i * head, v + (size_t)(i % c.problem.n_heads / ratio) * head, head);
    changed = c;
    changed.v = v;
    WHET_TRY(whet_exam_ask(ctx, e, &changed, whet_bank_scale(&c), got));
    if (e->verdict->code != WHET_V_PASS) return WHET_OK;
    const double of_sums = 0x1p-22 * sqrt(c.problem.n_context);
    whet_exam_agrees(e, &c, got, want, c.problem.n_rows, c.problem.dtype == WHET_F32 ? of_sums : 0,
                     c.problem.n_context == 1 ? "one key does not give its V row"
                                              : "equal V rows do not give that row");
    return WHET_OK;
}

static whet_exam_shape shape_of(int32_t n_context, int32_t n_rows, int n_workers, int chunk) {
    return (whet_exam_shape){ n_context, n_rows, n_workers, chunk };
}

whet_status whet_exam_outputs(whet_ctx *ctx, whet_exam *e) {
    const whet_mark mark = whet_arena_mark(&e->arena);
    const whet_verdict *v = e->verdict;
#define ASK(question)                                                                              \
    do {                                                                                           \
        whet_arena_reset(&e->arena, mark);                                                         \
        if (v->code == WHET_V_PASS) WHET_TRY(question);                                            \
    } while (0)
    ASK(ask_future(ctx, e, shape_of(60, 40, 1, 16)));
    ASK(ask_future(ctx, e, shape_of(150, 33, 3, 0)));
    ASK(ask_future(ctx, e, shape_of(20, 20, 2, 1)));
    ASK(ask_heads(ctx, e, shape_of(70, 1, 1, 0)));
    ASK(ask_heads(ctx, e, shape_of(130, 19, 1, 64)));
    ASK(ask_scales(ctx, e, shape_of(100, 1, 2, 0)));
    ASK(ask_scales(ctx, e, shape_of(60, 21, 1, 3)));
    ASK(ask_equal_values(ctx, e, shape_of(1, 1, 1, 0), false));
    ASK(ask_equal_values(ctx, e, shape_of(1, 1, 5, 1), false));
    ASK(ask_equal_values(ctx, e, shape_of(180, 1, 3, 0), false));
    ASK(ask_equal_values(ctx, e, shape_of(50, 30, 1, 16), false));
    ASK(ask_equal_values(ctx, e, shape_of(700, 1, 2, 64), true));
#undef ASK
    whet_arena_reset(&e->arena, mark);
    return WHET_OK;
}
