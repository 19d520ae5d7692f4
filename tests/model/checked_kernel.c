/* SPDX-License-Identifier: MIT */
/* The wrapper kernel of the model tests. */
#include "tests/model/checked_kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/attention.h"
#include "kernels/dtype.h"

enum { MAX_CACHES = 64 };

/* The rows of one layer's cache, known by the cache's address. */
typedef struct remembered {
    const void *kv;
    char *k, *v; /* [capacity][n_kv_heads][head_dim] */
} remembered;

static struct {
    const whet_attention_kernel *inner;
    remembered caches[MAX_CACHES];
    checked_kernel_result result;
} state;

static remembered *cache_of(const void *kv, size_t bytes) {
    for (int i = 0; i < MAX_CACHES; i++) {
        remembered *c = &state.caches[i];
        if (c->kv == kv) return c;
        if (c->kv) continue;
        *c = (remembered){ .kv = kv, .k = calloc(1, bytes), .v = calloc(1, bytes) };
        return c;
    }
    abort();
}

static size_t row_bytes(const whet_problem *p) {
    return (size_t)p->n_kv_heads * (size_t)p->head_dim * whet_dtype_bytes((whet_dtype)p->dtype);
}

static void append(const whet_append_args *a, int worker, int n_workers) {
    state.inner->append(a, worker, n_workers);
    if (worker != 0) return;
    const size_t bytes = row_bytes(a->problem),
                 element = whet_dtype_bytes((whet_dtype)a->problem->dtype);
    remembered *c = cache_of(a->kv, bytes * (size_t)a->capacity);
    for (int32_t t = 0; t < a->n; t++) {
        memcpy(c->k + (size_t)(a->pos + t) * bytes,
               (const char *)a->k + (size_t)(t * a->k_stride) * element, bytes);
        memcpy(c->v + (size_t)(a->pos + t) * bytes,
               (const char *)a->v + (size_t)(t * a->v_stride) * element, bytes);
    }
}

static int n_phases(const whet_problem *p, int32_t n_rows, int32_t n_context) {
    return state.inner->n_phases(p, n_rows, n_context) + 1;
}

static void compare(const whet_run_args *a) {
    const whet_problem *p = a->problem;
    const whet_dtype dtype = (whet_dtype)p->dtype;
    const size_t element = whet_dtype_bytes(dtype);
    const int n = p->n_heads * p->head_dim;
    const remembered *c = cache_of(a->kv, row_bytes(p) * (size_t)a->capacity);
    double *want = malloc((size_t)n * sizeof *want), *tol = malloc((size_t)n * sizeof *tol);
    double *scratch = malloc(2 * (size_t)(a->pos + a->n_rows) * sizeof *scratch);
    for (int32_t r = 0; r < a->n_rows; r++) {
        whet_attention_oracle(p, (double)a->scale,
                              (const char *)a->q + (size_t)(r * a->q_stride) * element, c->k, c->v,
                              (int64_t)p->n_kv_heads * p->head_dim, a->pos + r, want, tol, scratch);
        bool is_wrong = false;
        for (int i = 0; i < n; i++) {
            const double got = (double)whet_load_f32(dtype, a->out, r * a->out_stride + i);
            const double part = fabs(got - want[i]) / tol[i];
            if (!(part <= 1)) is_wrong = true;
            if (!(part <= state.result.worst)) state.result.worst = part;
        }
        state.result.n_rows++;
        state.result.n_wrong += is_wrong;
    }
    free(want);
    free(tol);
    free(scratch);
}

static void run(const whet_run_args *a, int phase, int worker, int n_workers) {
    if (phase + 1 < n_phases(a->problem, a->n_rows, a->pos + a->n_rows))
        state.inner->run(a, phase, worker, n_workers);
    else if (worker == 0)
        compare(a);
}

const whet_attention_kernel *checked_kernel_open(const whet_attention_kernel *inner) {
    static whet_attention_kernel wrapper;
    memset(&state, 0, sizeof state);
    state.inner = inner;
    wrapper = *inner;
    wrapper.append = append;
    wrapper.run = run;
    wrapper.n_phases = n_phases;
    return &wrapper;
}

checked_kernel_result checked_kernel_close(void) {
    for (int i = 0; i < MAX_CACHES; i++) {
        free(state.caches[i].k);
        free(state.caches[i].v);
    }
    return state.result;
}
