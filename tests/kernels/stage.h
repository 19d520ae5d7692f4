/* SPDX-License-Identifier: MIT */
/* A kernel on the test stage: guarded buffers, poisoned workspace, serial workers, the comparison.
 */
#ifndef WHET_TESTS_KERNELS_STAGE_H
#define WHET_TESTS_KERNELS_STAGE_H

#include <sys/mman.h>

#include "kernels/attention.h"
#include "kernels/cases.h"
#include "kernels/dtype.h"
#include "tests/test.h"

enum { PAGE = 4096, GUARD_BYTE = 0xFF, POISON = 0xFF };

static inline void *must(void *p) {
    if (!p) abort();
    return p;
}

static inline size_t pages_of(size_t bytes) {
    return (bytes + 63 + PAGE - 1) / PAGE * PAGE;
}

/* 64-byte aligned; ends at most 63 bytes before a page that nobody may touch, begins after such a
 * page. The bytes between are NaN in every dtype. Freed by unguard(). */
static inline unsigned char *guarded(size_t bytes) {
    const size_t whole = pages_of(bytes);
    unsigned char *p = mmap(NULL, whole + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + PAGE, whole, PROT_READ | PROT_WRITE) != 0) abort();
    memset(p + PAGE, GUARD_BYTE, whole);
    unsigned char *start = p + PAGE + (whole - bytes) / 64 * 64;
    memset(start, 0, bytes);
    return start;
}

static inline void unguard(const char *kernel, const char *what, unsigned char *start,
                           size_t bytes) {
    const size_t whole = pages_of(bytes), lead = (whole - bytes) / 64 * 64;
    int n = 0;
    for (unsigned char *p = start - lead; p < start - lead + whole; p++)
        n += (p < start || p >= start + bytes) && *p != GUARD_BYTE;
    if (n) TEST_FAIL("%s writes %d bytes outside of %s", kernel, n, what);
    munmap(start - lead - PAGE, whole + 2 * PAGE);
}

/* One input of one family with n_rows = n_context, and the oracle's answers for some positions. */
typedef struct stage_case {
    whet_problem problem;
    whet_case_family family;
    void *q; /* [n_context][n_heads][head_dim] */
    void *k; /* [n_context][n_kv_heads][head_dim] */
    void *v;
    int n_positions;
    int32_t positions[64];
    double *out; /* [n_positions][n_heads][head_dim] */
    double *tol;
} stage_case;

/* A kernel with its cache and its workers. */
typedef struct stage {
    const whet_attention_kernel *kernel;
    const stage_case *input;
    int n_workers;
    int64_t capacity;
    whet_problem problem; /* with the bounds given at open */
    unsigned char *kv;    /* between guards */
    unsigned char *workspace;
    unsigned char *out; /* [n_rows][n_heads][head_dim], of the last run */
    size_t kv_bytes, workspace_bytes, out_bytes;
} stage;

static inline int64_t q_row(const whet_problem *p) {
    return (int64_t)p->n_heads * p->head_dim;
}
static inline int64_t kv_row(const whet_problem *p) {
    return (int64_t)p->n_kv_heads * p->head_dim;
}
static inline int64_t element_bytes(const whet_problem *p) {
    return (int64_t)whet_dtype_bytes((whet_dtype)p->dtype);
}

static inline float stage_scale(const stage_case *c) {
    return 1 / sqrtf((float)c->problem.head_dim);
}

static inline void stage_case_open(stage_case *c, const whet_problem *problem,
                                   whet_case_family family, const int32_t *positions,
                                   int n_positions) {
    const size_t n = (size_t)problem->n_context, bytes = (size_t)element_bytes(problem);
    *c = (stage_case){ .problem = *problem, .family = family, .n_positions = n_positions };
    c->problem.n_rows = problem->n_context;
    c->q = must(malloc(n * (size_t)q_row(problem) * bytes));
    c->k = must(malloc(n * (size_t)kv_row(problem) * bytes));
    c->v = must(malloc(n * (size_t)kv_row(problem) * bytes));
    whet_case_fill(family, &c->problem, test_seed, c->q, c->k, c->v);
    const size_t answers = (size_t)n_positions * (size_t)q_row(problem);
    c->out = must(malloc(answers * sizeof(double)));
    c->tol = must(malloc(answers * sizeof(double)));
    double *scratch = must(malloc(2 * n * sizeof(double)));
    for (int i = 0; i < n_positions; i++) {
        const int32_t pos = c->positions[i] = positions[i];
        const int64_t at = i * q_row(problem);
        whet_attention_oracle(&c->problem, (double)stage_scale(c),
                              (char *)c->q + pos * q_row(problem) * element_bytes(problem), c->k,
                              c->v, kv_row(problem), pos, c->out + at, c->tol + at, scratch);
    }
    free(scratch);
}

static inline void stage_case_close(stage_case *c) {
    free(c->q);
    free(c->k);
    free(c->v);
    free(c->out);
    free(c->tol);
}

/* Room for `capacity` keys and runs of up to max_rows rows. */
static inline void stage_open(stage *s, const whet_attention_kernel *kernel,
                              const stage_case *input, int64_t capacity, int32_t max_rows,
                              int n_workers) {
    *s = (stage){ .kernel = kernel,
                  .input = input,
                  .n_workers = n_workers,
                  .capacity = capacity,
                  .problem = input->problem };
    s->problem.n_rows = max_rows;
    s->problem.n_context = (int32_t)capacity;
    s->kv_bytes = kernel->kv_bytes(&s->problem, capacity);
    s->workspace_bytes = kernel->workspace_bytes(&s->problem, n_workers);
    s->out_bytes = (size_t)(max_rows * q_row(&s->problem) * element_bytes(&s->problem));
    s->kv = guarded(s->kv_bytes);
    s->workspace = guarded(s->workspace_bytes);
    s->out = guarded(s->out_bytes);
    const double raw = (double)(2 * capacity * kv_row(&s->problem) * element_bytes(&s->problem));
    if ((double)s->kv_bytes > 1.1 * raw + 65536)
        TEST_FAIL("%s: %zu cache bytes for %.0f of rows", kernel->name, s->kv_bytes, raw);
}

/* Checks the guards too. */
static inline void stage_close(stage *s) {
    unguard(s->kernel->name, "the cache", s->kv, s->kv_bytes);
    unguard(s->kernel->name, "the workspace", s->workspace, s->workspace_bytes);
    unguard(s->kernel->name, "the output", s->out, s->out_bytes);
}

/* Rows pos .. pos + n - 1 of the input. */
static inline void stage_append(stage *s, int32_t pos, int32_t n) {
    const int64_t row = kv_row(&s->problem), bytes = element_bytes(&s->problem);
    const whet_append_args args = {
        .problem = &s->problem,
        .capacity = s->capacity,
        .kv = s->kv,
        .k = (char *)s->input->k + pos * row * bytes,
        .v = (char *)s->input->v + pos * row * bytes,
        .k_stride = row,
        .v_stride = row,
        .pos = pos,
        .n = n,
    };
    for (int w = 0; w < s->n_workers; w++)
        s->kernel->append(&args, w, s->n_workers);
}

/* Runs rows pos .. pos + n - 1; the keys before and of them must be in the cache. */
static inline void stage_run(stage *s, int32_t pos, int32_t n, float scale) {
    const int64_t row = q_row(&s->problem);
    memset(s->workspace, POISON, s->workspace_bytes);
    memset(s->out, POISON, s->out_bytes);
    const whet_run_args args = {
        .problem = &s->problem,
        .capacity = s->capacity,
        .kv = s->kv,
        .q = (char *)s->input->q + pos * row * element_bytes(&s->problem),
        .out = s->out,
        .workspace = s->workspace,
        .q_stride = row,
        .out_stride = row,
        .scale = scale,
        .pos = pos,
        .n_rows = n,
    };
    const int n_phases = s->kernel->n_phases(&s->problem, n, pos + n);
    for (int phase = 0; phase < n_phases; phase++)
        for (int w = 0; w < s->n_workers; w++)
            s->kernel->run(&args, phase, w, s->n_workers);
}

/* Largest error / tolerance over the answered positions in the last run's rows pos .. pos + n - 1;
 * infinity for a NaN. */
static inline double stage_worst(const stage *s, int32_t pos, int32_t n) {
    const stage_case *c = s->input;
    const int64_t row = q_row(&s->problem);
    double worst = 0;
    for (int i = 0; i < c->n_positions; i++) {
        const int32_t r = c->positions[i] - pos;
        if (r < 0 || r >= n) continue;
        for (int64_t j = 0; j < row; j++) {
            const float got = whet_load_f32((whet_dtype)s->problem.dtype, s->out, r * row + j);
            const double error = fabs((double)got - c->out[i * row + j]) / c->tol[i * row + j];
            if (!(error <= worst)) worst = isnan(error) ? HUGE_VAL : error;
        }
    }
    return worst;
}

/* Appends all, then decodes each answered position alone; the largest error / tolerance. */
static inline double stage_decode_worst(const whet_attention_kernel *kernel,
                                        const stage_case *input, int n_workers) {
    stage s;
    double worst = 0;
    stage_open(&s, kernel, input, input->problem.n_context, 1, n_workers);
    stage_append(&s, 0, input->problem.n_context);
    for (int i = 0; i < input->n_positions; i++) {
        stage_run(&s, input->positions[i], 1, stage_scale(input));
        worst = fmax(worst, stage_worst(&s, input->positions[i], 1));
    }
    stage_close(&s);
    return worst;
}

/* Appends and runs everything from `pos` in one call. */
static inline double stage_prefill_worst(const whet_attention_kernel *kernel,
                                         const stage_case *input, int32_t pos, int n_workers) {
    stage s;
    const int32_t n = input->problem.n_context - pos;
    stage_open(&s, kernel, input, input->problem.n_context, n, n_workers);
    if (pos > 0) stage_append(&s, 0, pos);
    stage_append(&s, pos, n);
    stage_run(&s, pos, n, stage_scale(input));
    const double worst = stage_worst(&s, pos, n);
    stage_close(&s);
    return worst;
}

#endif
