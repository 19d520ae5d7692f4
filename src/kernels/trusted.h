/* SPDX-License-Identifier: MIT */
/* Attention that is trusted: f32, plain, fast enough to check every output that is timed. */
#ifndef WHET_KERNELS_TRUSTED_H
#define WHET_KERNELS_TRUSTED_H

#include <stddef.h>

#include <whet/kernel.h>

enum { WHET_TRUSTED_STRETCHES = 3 };

/* Tokens that lie one after another: rows [n_kv_heads][head_dim] of K and V. Borrowed. */
typedef struct whet_stretch {
    const void *k;
    const void *v;
    int32_t n;
} whet_stretch;

/* The last n_rows rows of n_context. out and miss are [n_rows][n_heads][head_dim]: the answer, and
 * how far a kernel's answer in the problem's dtype may be from it: what the oracle allows that
 * kernel, with sums where the oracle has sums, with upper bounds (Cauchy and Schwarz) for what is
 * small beside them; twice as much of rounding in f32, half of it for this answer itself. */
typedef struct whet_trusted {
    whet_problem problem;
    float scale;
    const void *q;                                  /* [n_rows][n_heads][head_dim] */
    whet_stretch stretches[WHET_TRUSTED_STRETCHES]; /* n_context tokens, the unused ones 0 */
    float *out, *miss;
} whet_trusted;

/* Bytes of scratch that each worker needs, 64-byte aligned. */
size_t whet_trusted_bytes(const whet_problem *problem);

/* Every worker 0 .. n_workers - 1 calls it, in any order, each with scratch of its own. */
void whet_trusted_run(const whet_trusted *task, void *scratch, int worker, int n_workers);

/* The same in one instruction set (src/kernels/meson.build), and the sizes of its scratch. */
enum {
    WHET_TRUSTED_TILE = 64,    /* tokens widened at once */
    WHET_TRUSTED_QUERIES = 32, /* of one KV head */
    WHET_TRUSTED_WIDEST = 16,  /* floats of the widest vector: rows are padded to them */
};

typedef struct whet_trusted_way {
    uint32_t needs; /* whet_cpu_feature bits */
    void (*run)(const whet_trusted *task, void *scratch, int worker, int n_workers);
} whet_trusted_way;

#endif
