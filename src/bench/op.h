/* SPDX-License-Identifier: MIT */
/* An op with its kernels and their data, ready to be called: what attention and linear have alike.
 */
#ifndef WHET_BENCH_OP_H
#define WHET_BENCH_OP_H

#include <whet/bench.h>

enum { WHET_OP_MAX_KERNELS = 32 };

/* What an op's file fills in. */
typedef struct whet_op_bench {
    const whet_op_opts *opts;
    whet_team *team;
    size_t cold_bytes; /* copies of the data together are at least so large */
    int n_kernels;
    char names[WHET_OP_MAX_KERNELS][48];
    int n_copies;
    double bytes, flop; /* of one call */
    void *state;        /* of the op's file */
} whet_op_bench;

typedef struct whet_op_table {
    whet_status (*open)(whet_ctx *ctx, whet_op_bench *b);
    /* One call on a copy of the data: every worker calls it, a barrier stands at its end. */
    void (*call)(whet_op_bench *b, int kernel, int copy, int worker, int n_workers);
    /* WHET_E_INTERNAL unless the dispatch counted n_calls calls; NULL: there is no dispatch. */
    whet_status (*prove)(whet_ctx *ctx, whet_op_bench *b, int kernel, uint64_t n_calls);
    void (*close)(whet_ctx *ctx, whet_op_bench *b); /* also after open has not worked */
} whet_op_table;

extern const whet_op_table whet_op_attention, whet_op_linear;

/* How many copies of so many bytes make cold_bytes. */
int whet_op_copies(const whet_op_bench *b, size_t bytes);

/* Calls fn for every word of a list apart by commas. */
typedef whet_status (*whet_op_word_fn)(whet_ctx *ctx, whet_op_bench *b, const char *word);
whet_status whet_op_each_word(whet_ctx *ctx, whet_op_bench *b, const char *list,
                              whet_op_word_fn fn);

/* WHET_E_NOMEM with a sentence when so many bytes are not free. */
whet_status whet_op_check_memory(whet_ctx *ctx, double bytes);

/* bf16, uniform in -1 .. 1. */
void whet_op_fill(void *values, size_t n, uint64_t seed);

#endif
