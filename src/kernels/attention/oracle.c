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

/* For each type its own copy of the loops, without a choice in them. */
#define IN_EACH_TYPE static inline __attribute__((always_inline))

static const void *element(whet_dtype dtype, const void *p, int64_t i) {
    return (const char *)p + i * (int64_t)whet_dtype_bytes(dtype);
}

/* p[j] = softmax of the scores; error[j], if wanted, is e_j of the design's tolerance. */
IN_EACH_TYPE void weights(const query *a, double *p, double *error) {
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

/* out[c] = sum of p[j] v_j[c] */
IN_EACH_TYPE void mean_of_rows(const query *a, const double *p, double *out) {
    for (int32_t c = 0; c < a->head_dim; c++)
        out[c] = 0;
    for (int32_t j = 0; j < a->n_keys; j++)
        for (int32_t c = 0; c < a->head_dim; c++)
            out[c] += p[j] * (double)whet_load_f32(a->dtype, a->v, j * a->stride + c);
}

/* Design, section 6. u is the rounding of the output type. An f32 output has no rounding of its own
 * that would hide that of the weights: 2^-20 leaves four bits to them. f16 also rounds to multiples
 * of 2^-24 near zero. A running f32 sum of n terms of one sign errs by about sqrt(n / 3) units of
 * 2^-24 of the sum, and that of the weights below it as much: 2 sqrt(n) leaves room for the worst
 * of thousands of elements. Terms below one such unit may be lost altogether, in the sum of the
 * weights and in that of V; a large V at a small weight may not, but for what weights may be lost
 * of whatever V they have: e^-20 of the largest, by kernels that skip such keys, and 2^-25, half of
 * f16's last place, where weights may be kept in f16. Larger ones have the rounding's tolerance. */
enum { COLUMNS = 64 };

/* Columns first .. first + n - 1, at most COLUMNS of them. */
IN_EACH_TYPE void tolerances_of(const query *a, const double *p, const double *error, int32_t first,
                                int32_t n, const double *out, double *tol) {
    const double skipped = a->dtype == WHET_F32 ? 2.0611536e-9 : 0x1p-25;
    static const double of_type[] = {
        [WHET_F32] = 0x1p-20, [WHET_BF16] = 0x1p-8, [WHET_F16] = 0x1p-11
    };
    const double u = of_type[a->dtype], least = a->dtype == WHET_F16 ? 1.2 * 0x1p-25 : 1e-30;
    const double unit = 0x1p-24, of_sums = 2 * unit * sqrt(a->n_keys);
    double squares[COLUMNS] = { 0 }, sizes[COLUMNS] = { 0 }, lost = 0, top = 0;
    for (int32_t j = 0; j < a->n_keys; j++) {
        if (p[j] < unit) lost += p[j];
        top = fmax(top, p[j]);
        for (int32_t c = 0; c < n; c++) {
            const double x =
                p[j] * (double)whet_load_f32(a->dtype, a->v, j * a->stride + first + c);
            squares[c] += x * x;
            sizes[c] += fabs(x);
        }
    }
    for (int32_t c = 0; c < n; c++)
        tol[c] = 1.2 * u * fabs(out[c]) + 4 * u * sqrt(squares[c]) + of_sums * sizes[c] +
                 lost * fabs(out[c]) + least;
    for (int32_t j = 0; j < a->n_keys; j++)
        for (int32_t c = 0; c < n; c++) {
            const double v = (double)whet_load_f32(a->dtype, a->v, j * a->stride + first + c);
            const double x = p[j] * fabs(v), most = skipped * top * fabs(v);
            double gone = p[j] < 64 * skipped * top ? fmin(x, most) : 0;
            if (x < unit * sizes[c]) gone = x;
            tol[c] += 4 * p[j] * fabs(v - out[c]) * error[j] + gone;
        }
}

IN_EACH_TYPE void tolerances(const query *a, const double *p, const double *error,
                             const double *out, double *tol) {
    for (int32_t c = 0; c < a->head_dim; c += COLUMNS) {
        const int32_t n = a->head_dim - c < COLUMNS ? a->head_dim - c : COLUMNS;
        tolerances_of(a, p, error, c, n, out + c, tol + c);
    }
}

IN_EACH_TYPE void answer(const query *any, whet_dtype dtype, double *p, double *error, double *out,
                         double *tol) {
    query a = *any;
    a.dtype = dtype;
    weights(&a, p, error);
    mean_of_rows(&a, p, out);
    tolerances(&a, p, error, out, tol);
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
        switch (dtype) {
        case WHET_F32: answer(&a, WHET_F32, p, error, out + row, tol + row); break;
        case WHET_BF16: answer(&a, WHET_BF16, p, error, out + row, tol + row); break;
        case WHET_F16: answer(&a, WHET_F16, p, error, out + row, tol + row); break;
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
    return (size_t)n_workers * (size_t)(problem->n_context + problem->head_dim) * sizeof(double);
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
    double *p =
        (double *)args->workspace + (int64_t)worker * (problem->n_context + problem->head_dim);
    double *mean = p + problem->n_context;
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
        mean_of_rows(&a, p, mean);
        for (int32_t c = 0; c < dim; c++)
            whet_store_f32(dtype, args->out, r * args->out_stride + (int64_t)h * dim + c,
                           (float)mean[c]);
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
