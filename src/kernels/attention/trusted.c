/* SPDX-License-Identifier: MIT */
/* Trusted attention: all scores, then the softmax, then the mean, in f32, for some queries of one
 * KV head at a time; with the sums that the tolerance is made of. */
#include "kernels/trusted.h"

#include <math.h>

#include "kernels/attention/vector.h"
#include "platform/cpu.h"

enum {
    TILE = WHET_TRUSTED_TILE,
    QUERIES = WHET_TRUSTED_QUERIES,
    WIDEST = WHET_TRUSTED_WIDEST,
    KEYS = 4,
};

/* Of one worker; rows are padded to `dim` floats. */
typedef struct scratch {
    float *tile;   /* [TILE][dim] rows of K or V */
    float *q;      /* [QUERIES][dim] */
    float *scores; /* [QUERIES][n_keys], later weights */
    float *norms;  /* [n_keys] of the rows of K */
    float *sums;   /* [QUERIES][3][dim] of x = p v: x, x^2, |x| */
    int64_t dim, n_keys;
} scratch;

/* Queries first .. first + n - 1 of a KV head, which has n_rows * ratio of them. */
typedef struct part {
    const whet_trusted *task;
    whet_dtype dtype;
    int32_t head, ratio, first, n;
    float largest_v;
    float largest_q[QUERIES];
    float error[QUERIES]; /* largest e_j of the design's tolerance */
    float lost[QUERIES];  /* weights below a unit of f32 */
} part;

static int64_t round_up(int64_t n, int64_t to) {
    return (n + to - 1) / to * to;
}

static scratch lay_out(const whet_problem *p, float *at) {
    scratch w = { .dim = round_up(p->head_dim, WIDEST), .n_keys = round_up(p->n_context, WIDEST) };
    w.tile = at;
    w.q = w.tile + TILE * w.dim;
    w.sums = w.q + QUERIES * w.dim;
    w.norms = w.sums + (int64_t)3 * QUERIES * w.dim;
    w.scores = w.norms + w.n_keys;
    return w;
}

/* Keys that a query sees. */
static int32_t n_seen(const part *a, int32_t i) {
    const whet_problem *p = &a->task->problem;
    return p->n_context - p->n_rows + (a->first + i) / a->ratio + 1;
}

/* Where a query's row begins in q and in the outputs. */
static int64_t place(const part *a, int32_t i) {
    const whet_problem *p = &a->task->problem;
    const int64_t row = (a->first + i) / a->ratio,
                  head = a->head * a->ratio + (a->first + i) % a->ratio;
    return (row * p->n_heads + head) * p->head_dim;
}

INLINE void widen_row(whet_dtype dtype, const void *from, int64_t at, int32_t n, float *to) {
    for (int32_t c = 0; c < n; c++)
        to[c] = whet_load_f32(dtype, from, at + c);
}

static void widen(whet_dtype dtype, const void *from, int64_t at, int32_t n, float *to) {
    if (dtype == WHET_BF16)
        widen_row(WHET_BF16, from, at, n, to);
    else if (dtype == WHET_F16)
        widen_row(WHET_F16, from, at, n, to);
    else
        widen_row(WHET_F32, from, at, n, to);
}

/* The next tokens of a stretch as a tile of f32; how many. */
static int32_t take_tile(const part *a, const void *rows, int32_t t, int32_t n, scratch *w) {
    const whet_problem *p = &a->task->problem;
    const int32_t taken = n - t < TILE ? n - t : TILE;
    for (int32_t i = 0; i < taken; i++)
        widen(a->dtype, rows, ((int64_t)(t + i) * p->n_kv_heads + a->head) * p->head_dim,
              p->head_dim, w->tile + i * w->dim);
    return taken;
}

/* ---- scores ---- */

static void score_tile(const float *q, const float *tile, int64_t dim, int32_t n, float *s) {
    int32_t t = 0;
    for (; t + KEYS <= n; t += KEYS) {
        vec sum[KEYS] = { { 0 } };
        for (int64_t c = 0; c < dim; c += LANES)
            for (int i = 0; i < KEYS; i++)
                sum[i] += load(q + c) * load(tile + (t + i) * dim + c);
        for (int i = 0; i < KEYS; i++)
            s[t + i] = sum_lanes(sum[i]);
    }
    for (; t < n; t++) {
        vec sum = { 0 };
        for (int64_t c = 0; c < dim; c += LANES)
            sum += load(q + c) * load(tile + t * dim + c);
        s[t] = sum_lanes(sum);
    }
}

static float norm(const float *row, int64_t dim) {
    vec sum = { 0 };
    for (int64_t c = 0; c < dim; c += LANES)
        sum += load(row + c) * load(row + c);
    return sqrtf(sum_lanes(sum));
}

static void score(part *a, scratch *w) {
    const whet_trusted *task = a->task;
    for (int32_t i = 0; i < a->n; i++) {
        float *q = w->q + i * w->dim;
        widen(a->dtype, task->q, place(a, i), task->problem.head_dim, q);
        a->largest_q[i] = 0;
        for (int32_t c = 0; c < task->problem.head_dim; c++) {
            a->largest_q[i] = fmaxf(a->largest_q[i], fabsf(q[c]));
            q[c] *= task->scale;
        }
    }
    int32_t at = 0;
    for (int s = 0; s < WHET_TRUSTED_STRETCHES; at += task->stretches[s++].n)
        for (int32_t t = 0; t < task->stretches[s].n; t += TILE) {
            const int32_t n = take_tile(a, task->stretches[s].k, t, task->stretches[s].n, w);
            for (int32_t j = 0; j < n; j++)
                w->norms[at + t + j] = norm(w->tile + j * w->dim, w->dim);
            for (int32_t i = 0; i < a->n; i++)
                if (at + t < n_seen(a, i))
                    score_tile(w->q + i * w->dim, w->tile, w->dim, n,
                               w->scores + i * w->n_keys + at + t);
        }
}

/* ---- weights ---- */

#define UNIT 0x1p-24f /* half the distance of f32 numbers near 1 */

static void weigh(part *a, scratch *w, int32_t i) {
    float *s = w->scores + i * w->n_keys;
    const int32_t n = n_seen(a, i);
    for (int32_t t = n; t < round_up(n, LANES); t++)
        s[t] = -__builtin_inff();
    vec top = splat(s[0]);
    for (int32_t t = 0; t < n; t += LANES)
        top = max_vec(load(s + t), top);
    const float max = max_lanes(top), of_q = 12 * a->task->scale * a->largest_q[i];
    const words positive = (words){ 0 } + 0x7fffffff;
    vec error = { 0 }, total = { 0 };
    for (int32_t t = 0; t < n; t += LANES) {
        const vec x = max_vec(load(s + t), splat(-3e38f)); /* what lies behind n stays small */
        const words mask = (words)(load(s + t) > splat(-3e38f));
        const vec size = (vec)((words)x & positive);
        error = max_vec(error,
                        choose(mask, load(w->norms + t) * of_q + 4 * size + (max - x), splat(0)));
        const vec e = choose(mask, exp_vec(x - max), splat(0));
        store(s + t, e);
        total += e;
    }
    const vec of_total = splat(1 / sum_lanes(total));
    vec lost = { 0 };
    for (int32_t t = 0; t < n; t += LANES) {
        const vec p = load(s + t) * of_total;
        lost += choose((words)(p < splat(16 * UNIT)), p, splat(0));
        store(s + t, p);
    }
    a->error[i] = UNIT * max_lanes(error);
    a->lost[i] = sum_lanes(lost);
}

/* ---- the mean ---- */

/* Adds n weighted rows to the three sums. */
static void mix_tile(const float *p, const float *tile, int64_t dim, int32_t n, float *sums) {
    const words positive = (words){ 0 } + 0x7fffffff;
    for (int64_t c = 0; c < dim; c += LANES) {
        vec mean = load(sums + c), squares = load(sums + dim + c), sizes = load(sums + 2 * dim + c);
        for (int32_t t = 0; t < n; t++) {
            const vec x = p[t] * load(tile + t * dim + c);
            mean += x;
            squares += x * x;
            sizes += (vec)((words)x & positive);
        }
        store(sums + c, mean);
        store(sums + dim + c, squares);
        store(sums + 2 * dim + c, sizes);
    }
}

static float largest(const float *tile, int64_t n) {
    const words positive = (words){ 0 } + 0x7fffffff;
    vec top = { 0 };
    for (int64_t c = 0; c < n; c += LANES)
        top = max_vec((vec)((words)load(tile + c) & positive), top);
    return max_lanes(top);
}

static void mix(part *a, scratch *w) {
    const whet_trusted *task = a->task;
    int32_t at = 0;
    memset(w->sums, 0, (size_t)(3 * QUERIES * w->dim) * sizeof *w->sums);
    for (int s = 0; s < WHET_TRUSTED_STRETCHES; at += task->stretches[s++].n)
        for (int32_t t = 0; t < task->stretches[s].n; t += TILE) {
            const int32_t n = take_tile(a, task->stretches[s].v, t, task->stretches[s].n, w);
            a->largest_v = fmaxf(a->largest_v, largest(w->tile, n * w->dim));
            for (int32_t i = 0; i < a->n; i++) {
                const int32_t left = n_seen(a, i) - at - t;
                mix_tile(w->scores + i * w->n_keys + at + t, w->tile, w->dim, left < n ? left : n,
                         w->sums + 3 * i * w->dim);
            }
        }
}

/* Rounding of the output type, of it and of f32's weights here. */
static float unit_of(whet_dtype dtype) {
    return (dtype == WHET_BF16 ? 0x1p-8f : dtype == WHET_F16 ? 0x1p-11f : 0x1p-20f) + 0x1p-20f;
}

static void put(const part *a, const scratch *w, int32_t i) {
    const whet_trusted *task = a->task;
    const int32_t dim = task->problem.head_dim;
    const float u = unit_of(a->dtype), of_sums = 2 * UNIT * sqrtf((float)n_seen(a, i));
    const float least = a->dtype == WHET_F16 ? 1.2f * 0x1p-25f : 1e-30f;
    const float *mean = w->sums + 3 * i * w->dim;
    const float *squares = mean + w->dim, *sizes = squares + w->dim;
    float *out = task->out + place(a, i), *miss = task->miss + place(a, i);
    for (int32_t c = 0; c < dim; c++) {
        const float size = fabsf(mean[c]);
        out[c] = mean[c];
        miss[c] = u * (1.2f * size + 4 * sqrtf(squares[c])) + least +
                  2 * (of_sums * sizes[c] + a->lost[i] * (size + a->largest_v) +
                       4 * a->error[i] * (sizes[c] + size));
    }
}

static void run(const whet_trusted *task, void *memory, int worker, int n_workers) {
    const whet_problem *p = &task->problem;
    const int32_t ratio = p->n_heads / p->n_kv_heads, n_queries = p->n_rows * ratio;
    const int32_t n_parts = (n_queries + QUERIES - 1) / QUERIES;
    scratch w = lay_out(p, memory);
    memset(w.tile, 0, (size_t)((TILE + QUERIES) * w.dim) * sizeof *w.tile); /* the padding */
    for (int64_t i = worker; i < (int64_t)n_parts * p->n_kv_heads; i += n_workers) {
        part a = { .task = task, .dtype = (whet_dtype)p->dtype, .ratio = ratio };
        a.head = (int32_t)(i % p->n_kv_heads);
        a.first = (int32_t)(i / p->n_kv_heads) * QUERIES;
        a.n = n_queries - a.first < QUERIES ? n_queries - a.first : QUERIES;
        score(&a, &w);
        for (int32_t q = 0; q < a.n; q++)
            weigh(&a, &w, q);
        mix(&a, &w);
        for (int32_t q = 0; q < a.n; q++)
            put(&a, &w, q);
    }
}

extern const whet_trusted_way WHET_ISA_TABLE;
const whet_trusted_way WHET_ISA_TABLE = { .needs = WHET_ISA_FEATURES, .run = run };
