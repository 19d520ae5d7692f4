/* SPDX-License-Identifier: MIT */
/* Attention as an op: each kernel with caches in its own layout, filled by its own append. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "bench/op.h"
#include "kernels/attention.h"

/* Sizes past these are no attention that anybody has. */
enum { MAX_HEADS = 1 << 12, MAX_HEAD_DIM = 1 << 12, MAX_CONTEXT = 1 << 22 };

typedef struct contestant {
    whet_attention attention;
    whet_attention_library *library; /* when it came from a file */
    char *caches;                    /* n_copies of them, cache_bytes apart */
    size_t cache_bytes;
    char *workspace;
} contestant;

typedef struct state {
    whet_problem problem;
    contestant contestants[WHET_OP_MAX_KERNELS];
    whet_arena arena;
    char *q, *k, *v, *out; /* n_context rows of k and v, n_rows of q and out */
    contestant *filled;
} state;

static size_t page_up(size_t bytes) {
    return (bytes + 4095) / 4096 * 4096;
}

static int64_t kv_width(const whet_problem *p) {
    return (int64_t)p->n_kv_heads * p->head_dim;
}

static int64_t q_width(const whet_problem *p) {
    return (int64_t)p->n_heads * p->head_dim;
}

/* ---- which kernels ---- */

static whet_status add(whet_ctx *ctx, whet_op_bench *b, const whet_attention_kernel *kernel,
                       whet_attention_library *library, const char *name) {
    state *s = b->state;
    if (b->n_kernels == WHET_OP_MAX_KERNELS)
        return whet_fail(ctx, WHET_E_ARG, "more than %d kernels", WHET_OP_MAX_KERNELS);
    contestant *c = &s->contestants[b->n_kernels];
    c->attention.kernel = kernel;
    c->library = library;
    snprintf(b->names[b->n_kernels++], sizeof b->names[0], "%s", name);
    return WHET_OK;
}

static whet_status add_file(whet_ctx *ctx, whet_op_bench *b, const char *path) {
    const char *slash = strrchr(path, '/');
    whet_attention_library *library;
    WHET_TRY(whet_attention_compile(ctx, path, b->opts->compiler, &library));
    const whet_status st =
        add(ctx, b, whet_attention_library_kernel(library), library, slash ? slash + 1 : path);
    if (st != WHET_OK) whet_attention_unload(library);
    return st;
}

static whet_status add_named(whet_ctx *ctx, whet_op_bench *b, const char *word) {
    state *s = b->state;
    const size_t len = strlen(word);
    if (len > 2 && strcmp(word + len - 2, ".c") == 0) {
        WHET_TRY(add_file(ctx, b, word));
    } else {
        const whet_attention_kernel *kernel = whet_attention_find(word);
        if (!kernel)
            return whet_fail(ctx, WHET_E_ARG, "no attention kernel \"%s\" runs here", word);
        WHET_TRY(add(ctx, b, kernel, NULL, kernel->name));
    }
    const whet_attention_kernel *kernel = s->contestants[b->n_kernels - 1].attention.kernel;
    if (kernel->supports(&s->problem)) return WHET_OK;
    return whet_fail(ctx, WHET_E_UNSUPPORTED, "kernel %s does not do %d:%d heads of %d",
                     kernel->name, s->problem.n_heads, s->problem.n_kv_heads, s->problem.head_dim);
}

static whet_status add_all(whet_ctx *ctx, whet_op_bench *b) {
    state *s = b->state;
    for (const whet_attention_kernel *const *k = whet_attention_kernels; *k; k++)
        if ((*k)->supports(&s->problem)) WHET_TRY(add(ctx, b, *k, NULL, (*k)->name));
    return WHET_OK;
}

/* ---- their data ---- */

static whet_append_args append_args(const state *s, const contestant *c, int copy, int32_t pos,
                                    int32_t n) {
    const int64_t offset = pos * kv_width(&s->problem) * 2;
    return (whet_append_args){
        .problem = &s->problem,
        .capacity = s->problem.n_context,
        .kv = c->caches + (size_t)copy * c->cache_bytes,
        .k = s->k + offset,
        .v = s->v + offset,
        .k_stride = kv_width(&s->problem),
        .v_stride = kv_width(&s->problem),
        .pos = pos,
        .n = n,
    };
}

static void fill(void *arg, int worker, int n_workers) {
    const whet_op_bench *b = arg;
    const state *s = b->state;
    for (int copy = 0; copy < b->n_copies; copy++) {
        const whet_append_args args = append_args(s, s->filled, copy, 0, s->problem.n_context);
        s->filled->attention.kernel->append(&args, worker, n_workers);
    }
}

static whet_status reserve(whet_ctx *ctx, whet_op_bench *b) {
    state *s = b->state;
    const whet_problem *p = &s->problem;
    const size_t kv = page_up((size_t)(p->n_context * kv_width(p)) * 2);
    const size_t q = page_up((size_t)(p->n_rows * q_width(p)) * 2);
    size_t total = 2 * kv + 2 * q;
    for (int i = 0; i < b->n_kernels; i++) {
        contestant *c = &s->contestants[i];
        c->cache_bytes = page_up(c->attention.kernel->kv_bytes(p, p->n_context));
        total += c->cache_bytes * (size_t)b->n_copies +
                 page_up(c->attention.kernel->workspace_bytes(p, whet_team_size(b->team)) + 1);
    }
    WHET_TRY(whet_op_check_memory(ctx, (double)total));
    WHET_TRY(whet_arena_init(ctx, &s->arena, total));
    whet_arena_prefer_huge(&s->arena); /* as a session's */
    s->k = whet_arena_alloc(ctx, &s->arena, kv);
    s->v = whet_arena_alloc(ctx, &s->arena, kv);
    s->q = whet_arena_alloc(ctx, &s->arena, q);
    s->out = whet_arena_alloc(ctx, &s->arena, q);
    for (int i = 0; i < b->n_kernels; i++) {
        contestant *c = &s->contestants[i];
        const size_t workspace =
            c->attention.kernel->workspace_bytes(p, whet_team_size(b->team)) + 1;
        c->caches = whet_arena_alloc(ctx, &s->arena, c->cache_bytes * (size_t)b->n_copies);
        c->workspace = whet_arena_alloc(ctx, &s->arena, page_up(workspace));
        if (!c->caches || !c->workspace) return WHET_E_NOMEM;
    }
    return s->k && s->v && s->q && s->out ? WHET_OK : WHET_E_NOMEM;
}

static whet_status check(whet_ctx *ctx, const whet_problem *p) {
    if (whet_problem_is_valid(p) && p->n_heads <= MAX_HEADS && p->head_dim <= MAX_HEAD_DIM &&
        p->n_context <= MAX_CONTEXT)
        return WHET_OK;
    return whet_fail(ctx, WHET_E_ARG, "%d:%d heads of %d, the last %d of %d rows: no attention",
                     p->n_heads, p->n_kv_heads, p->head_dim, p->n_rows, p->n_context);
}

static whet_status open_attention(whet_ctx *ctx, whet_op_bench *b) {
    whet_problem problem = b->opts->attention;
    problem.dtype = WHET_BF16;
    WHET_TRY(check(ctx, &problem));
    state *s = b->state = whet_alloc_zero(ctx, 1, sizeof *s);
    if (!s) return WHET_E_NOMEM;
    s->problem = problem;
    WHET_TRY(b->opts->kernels ? whet_op_each_word(ctx, b, b->opts->kernels, add_named)
                              : add_all(ctx, b));
    const double n = problem.n_rows, pos = problem.n_context - problem.n_rows;
    b->bytes = 4.0 * problem.n_context * (double)kv_width(&problem);
    b->flop = 4.0 * (double)q_width(&problem) * (n * pos + n * (n + 1) / 2);
    b->n_copies = whet_op_copies(b, (size_t)b->bytes);
    WHET_TRY(reserve(ctx, b));
    whet_op_fill(s->k, (size_t)(problem.n_context * kv_width(&problem)), b->opts->seed);
    whet_op_fill(s->v, (size_t)(problem.n_context * kv_width(&problem)), b->opts->seed + 1);
    whet_op_fill(s->q, (size_t)(problem.n_rows * q_width(&problem)), b->opts->seed + 2);
    for (int i = 0; i < b->n_kernels; i++) {
        s->filled = &s->contestants[i];
        whet_team_run(b->team, fill, b);
    }
    return WHET_OK;
}

static void call(whet_op_bench *b, int kernel, int copy, int worker, int n_workers) {
    state *s = b->state;
    contestant *c = &s->contestants[kernel];
    const whet_problem *p = &s->problem;
    const int32_t pos = p->n_context - p->n_rows;
    const whet_append_args append = append_args(s, c, copy, pos, p->n_rows);
    const whet_run_args run = {
        .problem = p,
        .capacity = p->n_context,
        .kv = append.kv,
        .q = s->q,
        .out = s->out,
        .workspace = c->workspace,
        .q_stride = q_width(p),
        .out_stride = q_width(p),
        .scale = 1 / sqrtf((float)p->head_dim),
        .pos = pos,
        .n_rows = p->n_rows,
    };
    whet_attention_dispatch(&c->attention, &append, &run, b->team, worker, n_workers);
}

static whet_status prove(whet_ctx *ctx, whet_op_bench *b, int kernel, uint64_t n_calls) {
    const state *s = b->state;
    const uint64_t n = s->contestants[kernel].attention.n_calls;
    if (n == n_calls) return WHET_OK;
    return whet_fail(ctx, WHET_E_INTERNAL, "the dispatch counted %llu runs of kernel %s, not %llu",
                     (unsigned long long)n, b->names[kernel], (unsigned long long)n_calls);
}

static void close_attention(whet_ctx *ctx, whet_op_bench *b) {
    state *s = b->state;
    if (!s) return;
    for (int i = 0; i < b->n_kernels; i++)
        whet_attention_unload(s->contestants[i].library);
    whet_arena_fini(&s->arena);
    whet_free(ctx, s);
}

const whet_op_table whet_op_attention = {
    .open = open_attention,
    .call = call,
    .prove = prove,
    .close = close_attention,
};
