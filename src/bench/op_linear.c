/* SPDX-License-Identifier: MIT */
/* A linear layer as an op: one row is a stream of weights, many rows are arithmetic. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "bench/op.h"
#include "kernels/linear.h"
#include "platform/cpu.h"

enum { MAX_SIDE = 1 << 20, MAX_ROWS = 1 << 16 };

typedef struct state {
    const whet_linear_kernel *kernels[WHET_OP_MAX_KERNELS];
    whet_arena arena;
    char *weights; /* n_copies matrices, weight_bytes apart */
    size_t weight_bytes;
    float *x, *packed, *out;
    whet_deal *deal;
} state;

static size_t page_up(size_t bytes) {
    return (bytes + 4095) / 4096 * 4096;
}

static bool runs_here(const whet_linear_kernel *kernel) {
    return (kernel->features & whet_cpu_features()) == kernel->features;
}

static void add(whet_op_bench *b, const whet_linear_kernel *kernel) {
    state *s = b->state;
    s->kernels[b->n_kernels] = kernel;
    snprintf(b->names[b->n_kernels++], sizeof b->names[0], "%s", kernel->name);
}

static whet_status add_named(whet_ctx *ctx, whet_op_bench *b, const char *word) {
    if (b->n_kernels == WHET_OP_MAX_KERNELS)
        return whet_fail(ctx, WHET_E_ARG, "more than %d kernels", WHET_OP_MAX_KERNELS);
    for (const whet_linear_kernel *const *k = whet_linear_kernels; *k; k++)
        if (strcmp((*k)->name, word) == 0 && runs_here(*k)) {
            add(b, *k);
            return WHET_OK;
        }
    return whet_fail(ctx, WHET_E_ARG, "no linear kernel \"%s\" runs here", word);
}

static whet_status reserve(whet_ctx *ctx, whet_op_bench *b) {
    state *s = b->state;
    const whet_op_opts *o = b->opts;
    const size_t n_rows = (size_t)o->n_rows;
    const size_t x = page_up(n_rows * (size_t)o->n_in * sizeof(float));
    const size_t packed = page_up(whet_linear_packed_floats(o->n_rows, o->n_in) * sizeof(float));
    const size_t out = page_up(n_rows * (size_t)o->n_out * sizeof(float));
    s->weight_bytes = page_up((size_t)o->n_out * (size_t)o->n_in * 2);
    const size_t total =
        s->weight_bytes * (size_t)b->n_copies + x + packed + out + page_up(sizeof *s->deal);
    WHET_TRY(whet_op_check_memory(ctx, (double)total));
    WHET_TRY(whet_arena_init(ctx, &s->arena, total));
    s->weights = whet_arena_alloc(ctx, &s->arena, s->weight_bytes * (size_t)b->n_copies);
    s->x = whet_arena_alloc(ctx, &s->arena, x);
    s->packed = whet_arena_alloc(ctx, &s->arena, packed);
    s->out = whet_arena_alloc(ctx, &s->arena, out);
    s->deal = whet_arena_alloc(ctx, &s->arena, page_up(sizeof *s->deal));
    return s->weights && s->x && s->packed && s->out && s->deal ? WHET_OK : WHET_E_NOMEM;
}

static whet_status open_linear(whet_ctx *ctx, whet_op_bench *b) {
    const whet_op_opts *o = b->opts;
    if (o->n_out < 1 || o->n_in < 1 || o->n_rows < 1 || o->n_out > MAX_SIDE || o->n_in > MAX_SIDE ||
        o->n_rows > MAX_ROWS)
        return whet_fail(ctx, WHET_E_ARG, "%d x %d weights and %d rows: no linear layer", o->n_out,
                         o->n_in, o->n_rows);
    state *s = b->state = whet_alloc_zero(ctx, 1, sizeof *s);
    if (!s) return WHET_E_NOMEM;
    if (o->kernels) WHET_TRY(whet_op_each_word(ctx, b, o->kernels, add_named));
    for (const whet_linear_kernel *const *k = whet_linear_kernels; *k && !o->kernels; k++)
        if (runs_here(*k)) add(b, *k);
    b->bytes = 2.0 * o->n_out * o->n_in;
    b->flop = 2.0 * o->n_out * o->n_in * o->n_rows;
    b->n_copies = whet_op_copies(b, (size_t)b->bytes);
    WHET_TRY(reserve(ctx, b));
    whet_op_fill(s->weights, (size_t)o->n_out * (size_t)o->n_in, o->seed);
    for (int i = 1; i < b->n_copies; i++)
        memcpy(s->weights + (size_t)i * s->weight_bytes, s->weights, s->weight_bytes);
    whet_rng rng;
    whet_rng_init(&rng, o->seed + 1);
    for (size_t i = 0; i < (size_t)o->n_rows * (size_t)o->n_in; i++)
        s->x[i] = (float)(2 * whet_rng_uniform(&rng) - 1);
    return WHET_OK;
}

static void call(whet_op_bench *b, int kernel, int copy, int worker, int n_workers) {
    const state *s = b->state;
    const whet_op_opts *o = b->opts;
    const whet_linear_kernel *k = s->kernels[kernel];
    const whet_linear_args args = {
        .w = { s->weights + (size_t)copy * s->weight_bytes, WHET_BF16, o->n_out, o->n_in },
        .x = s->x,
        .packed = s->packed,
        .out = s->out,
        .out_stride = o->n_out,
        .n_rows = o->n_rows,
        .deal = s->deal,
    };
    if (o->n_rows > 1) {
        k->pack(s->x, o->n_rows, o->n_in, s->packed, worker, n_workers);
        whet_team_barrier(b->team, worker);
    }
    whet_parts parts = whet_linear_parts(k, &args, worker, n_workers);
    while (whet_linear_next(&parts))
        k->run(&args, parts.begin, parts.end);
    whet_team_barrier(b->team, worker);
}

static void close_linear(whet_ctx *ctx, whet_op_bench *b) {
    state *s = b->state;
    if (!s) return;
    whet_arena_fini(&s->arena);
    whet_free(ctx, s);
}

const whet_op_table whet_op_linear = {
    .open = open_linear,
    .call = call,
    .close = close_linear,
};
