/* SPDX-License-Identifier: MIT */
/* The oracle: attention in float64, plain, with the tolerance that every kernel must keep. */
#include "kernels/attention.h"

#include <math.h>

#include "kernels/dtype.h"

/* One query head at one position. Row t of this head's K is at k + t * stride elements. */
typedef struct query {
    whet_dtype dtype;
    int32_t head_dim;
    int32_t n_keys;
    double scale;
    const void *q;
    const void *k;
    const void *v;
    int64_t stride;
} query;

static const void *element(whet_dtype dtype, const void *p, int64_t i) {
    return (const char *)p + i * (int64_t)whet_dtype_bytes(dtype);
}

/* p[j] = softmax of the scores; error[j], if wanted, is e_j of the design's tolerance. */
static void weights(const query *a, double *p, double *error) {
    const double u_s = 0x1p-24;
    double max = -HUGE_VAL;
    for (int32_t j = 0; j < a->n_keys; j++) {
        double sum = 0, squares = 0;
        for (int32_t c = 0; c < a->head_dim; c++) {
            const double qk = (double)whet_load_f32(a->dtype, a->q, c) *
                              (double)whet_load_f32(a->dtype, a->k, j * a->stride + c);
            sum += qk;
            squares += qk * qk;
        }
        p[j] = a->scale * sum;
        if (error) error[j] = 12 * fabs(a->scale) * sqrt(squares) + 4 * fabs(p[j]);
        if (p[j] > max) max = p[j];
    }
    double total = 0;
    for (int32_t j = 0; j < a->n_keys; j++) {
        if (error) error[j] = u_s * (error[j] + fabs(p[j] - max));
        p[j] = exp(p[j] - max);
        total += p[j];
    }
    for (int32_t j = 0; j < a->n_keys; j++)
        p[j] /= total;
}

static double mean_of_column(const query *a, const double *p, int32_t c) {
    double sum = 0;
    for (int32_t j = 0; j < a->n_keys; j++)
        sum += p[j] * (double)whet_load_f32(a->dtype, a->v, j * a->stride + c);
    return sum;
}

/* Design, section 6. u is the rounding of the output type. An f32 output has no rounding of its own
 * that would hide the f32 sums: 2^-20 leaves four bits to them (a running f32 sum of n terms errs
 * by about sqrt(n / 12) units of 2^-24). f16 also rounds to multiples of 2^-24 near zero. */
static double tolerance(const query *a, const double *p, const double *error, int32_t c, double o) {
    static const double u[] = { [WHET_F32] = 0x1p-20, [WHET_BF16] = 0x1p-8, [WHET_F16] = 0x1p-11 };
    double squares = 0, scores = 0;
    for (int32_t j = 0; j < a->n_keys; j++) {
        const double v = (double)whet_load_f32(a->dtype, a->v, j * a->stride + c);
        squares += p[j] * v * p[j] * v;
        scores += p[j] * fabs(v - o) * error[j];
    }
    const double least = a->dtype == WHET_F16 ? 1.1 * 0x1p-25 : 1e-30;
    return 1.1 * u[a->dtype] * fabs(o) + 4 * u[a->dtype] * sqrt(squares) + 4 * scores + least;
}

void whet_attention_oracle(const whet_problem *problem, double scale, const void *q, const void *k,
                           const void *v, int64_t stride, int32_t pos, double *out, double *tol,
                           double *scratch) {
    const whet_dtype dtype = (whet_dtype)problem->dtype;
    const int32_t ratio = problem->n_heads / problem->n_kv_heads;
    double *p = scratch, *error = scratch + pos + 1;
    for (int32_t h = 0; h < problem->n_heads; h++) {
        const int64_t column = (int64_t)(h / ratio) * problem->head_dim;
        const int64_t row = (int64_t)h * problem->head_dim;
        const query a = {
            .dtype = dtype,
            .head_dim = problem->head_dim,
            .n_keys = pos + 1,
            .scale = scale,
            .q = element(dtype, q, row),
            .k = element(dtype, k, column),
            .v = element(dtype, v, column),
            .stride = stride,
        };
        weights(&a, p, error);
        for (int32_t c = 0; c < problem->head_dim; c++) {
            out[row + c] = mean_of_column(&a, p, c);
            tol[row + c] = tolerance(&a, p, error, c, out[row + c]);
        }
    }
}

/* The same arithmetic behind the ABI. The cache is [token][K, V][n_kv_heads][head_dim]. */

static int supports(const whet_problem *problem) {
    return whet_problem_is_valid(problem);
}

static int64_t row_elements(const whet_problem *problem) {
    return (int64_t)problem->n_kv_heads * problem->head_dim;
}

static size_t kv_bytes(const whet_problem *problem, int64_t capacity) {
    return (size_t)(2 * row_elements(problem) * capacity) *
           whet_dtype_bytes((whet_dtype)problem->dtype);
}

static size_t workspace_bytes(const whet_problem *problem, int n_workers) {
    return (size_t)n_workers * (size_t)problem->n_context * sizeof(double);
}

static void append(const whet_append_args *args, int worker, int n_workers) {
    const whet_dtype dtype = (whet_dtype)args->problem->dtype;
    const int64_t row = row_elements(args->problem);
    const size_t bytes = (size_t)row * whet_dtype_bytes(dtype);
    for (int32_t i = worker; i < args->n; i += n_workers) {
        char *to = (char *)args->kv + 2 * bytes * (size_t)(args->pos + i);
        memcpy(to, element(dtype, args->k, i * args->k_stride), bytes);
        memcpy(to + bytes, element(dtype, args->v, i * args->v_stride), bytes);
    }
}

static int n_phases(const whet_problem *problem, int32_t n_rows, int32_t n_context) {
    (void)problem, (void)n_rows, (void)n_context;
    return 1;
}

/* Worker w takes every n_workers-th pair of row and head. */
static void run(const whet_run_args *args, int phase, int worker, int n_workers) {
    (void)phase;
    const whet_problem *problem = args->problem;
    const whet_dtype dtype = (whet_dtype)problem->dtype;
    const int32_t ratio = problem->n_heads / problem->n_kv_heads, dim = problem->head_dim;
    const int64_t n = (int64_t)args->n_rows * problem->n_heads;
    double *p = (double *)args->workspace + (int64_t)worker * problem->n_context;
    for (int64_t i = worker; i < n; i += n_workers) {
        const int32_t r = (int32_t)(i / problem->n_heads), h = (int32_t)(i % problem->n_heads);
        const int64_t k = (int64_t)(h / ratio) * dim;
        const query a = {
            .dtype = dtype,
            .head_dim = dim,
            .n_keys = args->pos + r + 1,
            .scale = (double)args->scale,
            .q = element(dtype, args->q, r * args->q_stride + (int64_t)h * dim),
            .k = element(dtype, args->kv, k),
            .v = element(dtype, args->kv, k + row_elements(problem)),
            .stride = 2 * row_elements(problem),
        };
        weights(&a, p, NULL);
        for (int32_t c = 0; c < dim; c++)
            whet_store_f32(dtype, args->out, r * args->out_stride + (int64_t)h * dim + c,
                           (float)mean_of_column(&a, p, c));
    }
}

extern const whet_attention_kernel whet_attention_oracle_kernel;
const whet_attention_kernel whet_attention_oracle_kernel = {
    .abi = WHET_KERNEL_ABI,
    .name = "oracle",
    .layout_id = "oracle-rows-1",
    .supports = supports,
    .kv_bytes = kv_bytes,
    .workspace_bytes = workspace_bytes,
    .append = append,
    .n_phases = n_phases,
    .run = run,
};
