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
    LINE = 64,
    AHEAD = 12,  /* rows, also past the last, where fetching is harmless */
    COLUMNS = 4, /* vectors of a row that are summed up side by side */
};

/* Of one worker; rows are padded to `dim` floats. */
typedef struct scratch {
    float *tile;   /* [TILE][dim] rows of K or V */
    float *q;      /* [QUERIES][dim] */
    float *scores; /* [QUERIES][n_keys], later weights; room for a vector behind the last */
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
    float lost[QUERIES];  /* weights that may be lost of any V, and then some */
} part;

static int64_t round_up(int64_t n, int64_t to) {
    return (n + to - 1) / to * to;
}

static scratch lay_out(const whet_problem *p, float *at) {
    scratch w = { .dim = round_up(p->head_dim, WIDEST),
                  .n_keys = round_up(p->n_context, WIDEST) + WIDEST };
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

typedef uint16_t halves __attribute__((vector_size(LANES * 2)));

static void widen(whet_dtype dtype, const void *from, int64_t at, int32_t n, float *to) {
    int32_t c = 0;
    for (; dtype != WHET_F32 && c + LANES <= n; c += LANES) {
        halves x;
        memcpy(&x, (const uint16_t *)from + at + c, sizeof x);
        const words wide = __builtin_convertvector(x, words);
        store(to + c, dtype == WHET_BF16 ? (vec)(wide << 16) : f16_vec(wide));
    }
    for (; c < n; c++)
        to[c] = whet_load_f32(dtype, from, at + c);
}

/* The next tokens of a stretch as a tile of f32; how many. A head's rows lie far apart, which no
 * processor foresees: they are fetched some rows ahead. */
static int32_t take_tile(const part *a, const void *rows, int32_t t, int32_t n, scratch *w) {
    const whet_problem *p = &a->task->problem;
    const int32_t taken = n - t < TILE ? n - t : TILE;
    const int64_t element = a->dtype == WHET_F32 ? 4 : 2,
                  step = (int64_t)p->n_kv_heads * p->head_dim;
    for (int32_t i = 0; i < taken; i++) {
        const int64_t at = (t + i) * step + (int64_t)a->head * p->head_dim;
        const char *ahead = (const char *)rows + (at + AHEAD * step) * element;
        for (int64_t c = 0; c < p->head_dim * element; c += LINE)
            __builtin_prefetch(ahead + c);
        widen(a->dtype, rows, at, p->head_dim, w->tile + i * w->dim);
    }
    return taken;
}

/* ---- scores ---- */

#if LANES == 16
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD  1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#elif LANES == 8
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD  1, 3, 5, 7, 9, 11, 13, 15
#else
#define EVEN 0, 2, 4, 6
#define ODD  1, 3, 5, 7
#endif

/* Lane i: the sum of all lanes of x[i]. Neighbours are added, then neighbours of those. */
INLINE vec sums_of_lanes(vec x[LANES]) {
#pragma GCC unroll 4
    for (int n = LANES / 2; n > 0; n /= 2)
#pragma GCC unroll 8
        for (int i = 0; i < n; i++)
            x[i] = __builtin_shufflevector(x[2 * i], x[2 * i + 1], EVEN) +
                   __builtin_shufflevector(x[2 * i], x[2 * i + 1], ODD);
    return x[0];
}

/* Rows behind the n-th are of other tokens, and their scores are not read. */
static void score_tile(const float *q, const float *tile, int64_t dim, int32_t n, float *s) {
    for (int32_t t = 0; t < n; t += LANES) {
        vec sums[LANES] = { { 0 } };
        for (int64_t c = 0; c < dim; c += LANES) {
            const vec x = load(q + c);
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++)
                sums[i] += x * load(tile + (t + i) * dim + c);
        }
        store(s + t, sums_of_lanes(sums));
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
        lost += choose((words)(p < splat(32 * UNIT)), p, splat(0));
        store(s + t, p);
    }
    a->error[i] = UNIT * max_lanes(error);
    a->lost[i] = sum_lanes(lost);
}

/* ---- the mean ---- */

/* Adds n weighted rows to the three sums of n_vec (a constant) vectors. */
INLINE void mix_columns(int n_vec, const float *p, const float *tile, int64_t dim, int32_t n,
                        float *sums) {
    const words positive = (words){ 0 } + 0x7fffffff;
    vec mean[COLUMNS], squares[COLUMNS], sizes[COLUMNS];
    for (int i = 0; i < n_vec; i++) {
        mean[i] = load(sums + i * LANES);
        squares[i] = load(sums + dim + i * LANES);
        sizes[i] = load(sums + 2 * dim + i * LANES);
    }
    for (int32_t t = 0; t < n; t++)
        for (int i = 0; i < n_vec; i++) {
            const vec x = p[t] * load(tile + t * dim + i * LANES);
            mean[i] += x;
            squares[i] += x * x;
            sizes[i] += (vec)((words)x & positive);
        }
    for (int i = 0; i < n_vec; i++) {
        store(sums + i * LANES, mean[i]);
        store(sums + dim + i * LANES, squares[i]);
        store(sums + 2 * dim + i * LANES, sizes[i]);
    }
}

static void mix_tile(const float *p, const float *tile, int64_t dim, int32_t n, float *sums) {
    int64_t c = 0;
    for (; c + COLUMNS * LANES <= dim; c += COLUMNS * LANES)
        mix_columns(COLUMNS, p, tile + c, dim, n, sums + c);
    for (; c < dim; c += LANES)
        mix_columns(1, p, tile + c, dim, n, sums + c);
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
        a.head = (int32_t)(i / n_parts);
        a.first = (int32_t)(i % n_parts) * QUERIES;
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
