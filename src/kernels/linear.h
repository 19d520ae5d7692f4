/* SPDX-License-Identifier: MIT */
/* Linear layers: rows of f32 activations times a row-major weight that stays where it lies. */
#ifndef WHET_KERNELS_LINEAR_H
#define WHET_KERNELS_LINEAR_H

#include <stdatomic.h>
#include <stdbool.h>

#include <whet/kernel.h>

/* A weight [n_out][n_in], row-major, borrowed, at any byte address. */
typedef struct whet_weight {
    const void *data;
    whet_dtype dtype;
    int32_t n_out;
    int32_t n_in;
} whet_weight;

/* Counts what has been dealt out; zero at first, and again behind a barrier after each use. */
typedef struct whet_deal {
    _Alignas(128) _Atomic int32_t next;
} whet_deal;

/* out[t][n] = sum over i of x[t][i] w[n][i], or += when is_added, for t < n_rows.
 * For one row x is read as it is. For more it is read from `packed`, made before by pack. */
typedef struct whet_linear_args {
    whet_weight w;
    const float *x;      /* [n_rows][n_in], contiguous */
    const float *packed; /* whet_linear_packed_floats(n_rows, n_in), 64-byte aligned */
    float *out;          /* [n_rows][...], rows out_stride floats apart */
    int64_t out_stride;
    whet_deal *deal; /* for whet_linear_parts */
    int32_t n_rows;
    bool is_added;
} whet_linear_args;

/* One instruction set's code. Nobody waits: the caller puts a barrier where another worker reads.
 */
typedef struct whet_linear_kernel {
    const char *name;
    uint32_t features; /* whet_cpu_feature bits that it needs */
    uint32_t family;   /* of the x86 processors whose first choice it may be; 0: of all */
    /* Takes bf16 weights alone, and rounds the activations of many rows to bf16. */
    bool is_bf16_only;
    int32_t many_unit; /* least outputs of a part with many rows; 0: shares only */
    /* Rearranges this worker's share of x [n_rows][n_in] for the arithmetic of many rows; nothing
     * to do for one row. */
    void (*pack)(const float *x, int32_t n_rows, int32_t n_in, float *packed, int worker,
                 int n_workers);
    /* Computes the outputs begin .. end - 1. */
    void (*run)(const whet_linear_args *args, int32_t begin, int32_t end);
    /* SwiGLU (Shazeer, "GLU Variants Improve Transformer", 2020) on the columns begin .. end - 1:
     * gate[t][n] = silu(gate[t][n]) * up[t][n]; rows of n floats. */
    void (*swiglu)(float *gate, const float *up, int32_t n_rows, int32_t n, int32_t begin,
                   int32_t end);
} whet_linear_kernel;

/* A worker's parts of a layer's outputs: a share of most of them, then pieces of the rest, dealt to
 * whoever is free, since workers are never equally fast and all wait for the slowest. Every worker
 * walks through its parts to the end; together they are everything, once. */
typedef struct whet_parts {
    int32_t begin, end; /* the part at hand: outputs begin .. end - 1, perhaps none */
    whet_deal *deal;
    int32_t n_out, unit;                 /* parts begin at multiples of unit */
    int32_t n_units, n_shared, n_pieces; /* units in all, and those not dealt; pieces of the rest */
    int worker, n_workers;
    bool has_share;
} whet_parts;

whet_parts whet_linear_parts(const whet_linear_kernel *kernel, const whet_linear_args *args,
                             int worker, int n_workers);
bool whet_linear_next(whet_parts *parts); /* false: there are no more */

/* Floats that pack writes: rows are rounded up to whole panels of every kernel. */
size_t whet_linear_packed_floats(int32_t n_rows, int32_t n_in);

/* The built-in kernels, best first; the last one runs everywhere. NULL at the end. */
extern const whet_linear_kernel *const whet_linear_kernels[];

/* The first one that this processor can run for weights all bf16 or not. */
const whet_linear_kernel *whet_linear_default(bool is_all_bf16);

/* The one of that name where it can run for these weights, else the default; NULL is fine. */
const whet_linear_kernel *whet_linear_choose(const char *name, bool is_all_bf16);

/* The portable one, used by --precise. */
const whet_linear_kernel *whet_linear_precise(void);

/* Widens n elements of a dtype, at any byte address, to f32; and narrows (to nearest even). */
void whet_widen(whet_dtype dtype, const void *from, float *to, int64_t n);
void whet_narrow(whet_dtype dtype, const float *from, void *to, int64_t n);

#endif
