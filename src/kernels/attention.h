/* SPDX-License-Identifier: MIT */
/* Attention kernels: the list, the choice, the dispatch, the oracle. */
#ifndef WHET_KERNELS_ATTENTION_H
#define WHET_KERNELS_ATTENTION_H

#include <stdatomic.h>

#include <whet/attention.h>
#include <whet/kernel.h>
#include <whet/machine.h>

/* The built-in kernels, from src/kernels/attention/attention.def, best first; NULL at the end.
 * The last one supports every problem. */
extern const whet_attention_kernel *const whet_attention_kernels[];

/* Whether the numbers make sense: positive, n_heads a multiple of n_kv_heads, known dtype. */
bool whet_problem_is_valid(const whet_problem *problem);

size_t whet_dtype_bytes(whet_dtype dtype);
const char *whet_dtype_name(whet_dtype dtype); /* "f32", "bf16", "f16" */

/* A kernel as the engine uses it, with the proof of its use: the count is made inside dispatch. */
typedef struct whet_attention {
    const whet_attention_kernel *kernel;
    _Atomic uint64_t n_calls; /* runs dispatched to this kernel's own function pointer */
} whet_attention;

/* One append and one run by the whole team: every worker calls this, from inside a team function.
 * Barriers after append and after every phase (also the last) are made here. */
void whet_attention_dispatch(whet_attention *attention, const whet_append_args *append,
                             const whet_run_args *run, whet_team *team, int worker, int n_workers);

/* Compiles FILE.c with the system's compiler ($CC is the caller's business: cc may be NULL = "cc")
 * and loads it: trusted code of the user. WHET_E_FORMAT with the compiler's words if it does not
 * compile, WHET_E_UNSUPPORTED if it exports no kernel of this ABI. */
whet_status whet_attention_compile(whet_ctx *ctx, const char *path, const char *cc,
                                   whet_attention_library **library);

/* Loads a shared object that exports whet_kernel. */
whet_status whet_attention_load(whet_ctx *ctx, const char *path, whet_attention_library **library);

/* Another symbol of a library, or NULL. */
void *whet_attention_library_find(const whet_attention_library *library, const char *symbol);

/* The oracle: float64, plain, K and V as rows. For one row at position pos: reads q [n_heads]
 * [head_dim], k and v rows 0 .. pos (row t at t * stride elements), all in problem->dtype; writes
 * out and tol, both [n_heads][head_dim] double. tol is the design's condition-aware tolerance
 * (design, section 6) for outputs in problem->dtype. scratch: pos + 1 doubles, twice. */
void whet_attention_oracle(const whet_problem *problem, double scale, const void *q, const void *k,
                           const void *v, int64_t stride, int32_t pos, double *out, double *tol,
                           double *scratch);

#endif
