/* SPDX-License-Identifier: MIT */
/* The attention-kernel ABI: the one header that a candidate includes, freestanding. */
#ifndef WHET_KERNEL_H
#define WHET_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define WHET_KERNEL_ABI 1

/* Element types. bf16 and f16 travel as uint16_t. */
typedef enum whet_dtype { WHET_F32 = 0, WHET_BF16 = 1, WHET_F16 = 2 } whet_dtype;

/* What is asked: causal grouped-query attention. Pure data.
 * n_rows and n_context are upper bounds for the use at hand: the workspace may depend on them, the
 * layout of the KV cache never does (it is a function of dtype, heads, head_dim and capacity). */
typedef struct whet_problem {
    int32_t dtype;      /* whet_dtype of q, k, v and out; arithmetic is f32 at least */
    int32_t n_heads;    /* query heads; query head h reads KV head h / (n_heads / n_kv_heads) */
    int32_t n_kv_heads; /* divides n_heads */
    int32_t head_dim;
    int32_t n_rows;    /* at most so many query rows in one run */
    int32_t n_context; /* at most so many keys seen by a run: pos + n_rows <= n_context */
} whet_problem;

/* Stores rows pos .. pos + n - 1 in the cache. Rows that were there from pos on become void.
 * Row t of k is [n_kv_heads][head_dim], contiguous, at k + t * k_stride elements; v likewise. */
typedef struct whet_append_args {
    const whet_problem *problem;
    int64_t capacity; /* tokens the cache was sized for */
    void *kv;         /* kv_bytes(problem, capacity) bytes, 64-byte aligned, finite when fresh */
    const void *k;
    const void *v;
    int64_t k_stride; /* elements between rows of k */
    int64_t v_stride;
    int32_t pos;
    int32_t n;
} whet_append_args;

/* Row r, at position pos + r, attends to the keys 0 .. pos + r; they are all in the cache.
 * Row r of q is [n_heads][head_dim], contiguous, at q + r * q_stride elements; out likewise. */
typedef struct whet_run_args {
    const whet_problem *problem;
    int64_t capacity;
    const void *kv;
    const void *q;
    void *out;
    void *workspace;  /* workspace_bytes(problem, n_workers) bytes, 64-byte aligned, any content */
    int64_t q_stride; /* elements between rows of q */
    int64_t out_stride;
    float scale; /* multiplies q.k, usually head_dim^-0.5 */
    int32_t pos;
    int32_t n_rows;
} whet_run_args;

/* One compiled implementation of attention. Stateless and re-entrant: allocates nothing, starts no
 * thread, writes no global. Every worker 0 .. n_workers - 1 calls append once, then every worker
 * calls run once for each phase; the caller puts a barrier after append and after every phase. */
typedef struct whet_attention_kernel {
    int32_t abi; /* WHET_KERNEL_ABI */
    const char *name;
    const char *layout_id; /* equal ids promise equal cache bytes */
    /* 1 or 0; no side effects. No other function is called for an unsupported problem. */
    int (*supports)(const whet_problem *problem);
    /* Bytes of one layer's cache: at most 1.1 x the raw rows + 64 KiB. */
    size_t (*kv_bytes)(const whet_problem *problem, int64_t capacity);
    /* Scratch for one run with at most problem->n_rows rows and problem->n_context keys. */
    size_t (*workspace_bytes)(const whet_problem *problem, int n_workers);
    void (*append)(const whet_append_args *args, int worker, int n_workers);
    /* Number of phases of a run of n_rows rows that ends at key n_context - 1; at least 1. */
    int (*n_phases)(const whet_problem *problem, int32_t n_rows, int32_t n_context);
    void (*run)(const whet_run_args *args, int phase, int worker, int n_workers);
} whet_attention_kernel;

/* A candidate exports exactly this symbol; built-in kernels have names of their own. */
#define WHET_KERNEL_SYMBOL "whet_kernel"

#endif
