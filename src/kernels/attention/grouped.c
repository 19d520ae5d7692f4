/* SPDX-License-Identifier: MIT */
/* grouped: one load of K and V serves all query heads of the group; keys are split over workers and
 * merged. The expert kernel, and a program that an evolution can start from. */
#include <whet/kernel.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#include <arm_neon.h>
#endif

void *memcpy(void *to, const void *from, size_t n);

// EVOLVE-BLOCK-START
/* The cache is [tile][KV head][K, V], bf16, and everything in it is a panel: PANEL words for every
 * pair, a word being two neighbours. K of PANEL tokens is [pair of dims][token][2], V of a tile is
 * [PANEL dims][pair of tokens][dim][2]. So q K and p V are the same product: vectors run over the
 * panel's words, pairs are summed up, nothing is ever added across lanes, and each tile is read as
 * one stream. bf16 units take a word as it is; others widen it by a shift and a mask.
 *
 * A work item is some rows, a KV head with all its query heads, and a range of keys. Its queries
 * are numbered by row, query head. PANELS are read side by side where registers allow it, each
 * fetched AHEAD pairs before it is read; where AHEAD is 0, while a tile is read the next one is.
 * With long tiles a processor's own prefetcher may do better than FETCH: each is one long stream.
 */
#ifndef TILE       /* the library's builds have what was measured for their processors */
#define TILE   128 // knob: 64 128 256 512
#define PANELS 4   // knob: 1 2 4
#define AHEAD  16  // knob: 0 8 16 32
#define FETCH  1   // knob: 0 1 2
#endif
#define PANEL     32  // knob: 32 64
#define QUERIES   48  // knob: 24 48 96
#define ITEMS     256 // knob: 64 128 256 512
#define MIN_CHUNK 128 // knob: 32 64 128 256
#define MIN_SPLIT 256 // knob: 64 128 256 512
#define EXP       3   // knob: 3 4 5
#define P_PARTS   1   // knob: 1 2
#define SLACK     8   // knob: 0 8
#define USE_BF16  1   // knob: 0 1

#define INLINE static inline __attribute__((always_inline, unused))
#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
typedef float vec __attribute__((vector_size(LANES * 4)));
typedef uint32_t words __attribute__((vector_size(LANES * 4)));
#if (defined(__AVX512BF16__) || defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)) && USE_BF16 &&      \
    !defined(NO_DOTS)
#define IS_BF16 1
typedef uint16_t operand; /* of the products: q and p */
#else
#define IS_BF16 0
typedef float operand;
#endif
/* Queries of a product whose sums stay in registers, two vectors each; FEW have four. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define N_REGISTERS 32
#else
#define N_REGISTERS 16
#endif
enum { ROWS = N_REGISTERS == 32 ? 12 : 6, FEW = LANES == 16 ? 0 : ROWS / 2 };
enum { N_PARTS = IS_BF16 ? P_PARTS : 1, PART_EXTRA = 16, COUNTER_FLOATS = 32 };

typedef struct item {
    const whet_run_args *args;
    int32_t row, group;   /* the first row; KV head */
    int32_t begin, end;   /* keys; begin is a multiple of TILE */
    int32_t n_queries;    /* n_rows * ratio */
    const uint32_t *next; /* K of what this worker reads behind them; the last time, its own */
} item;

/* One worker's memory; QUERIES rows each. */
typedef struct scratch {
    float *o;   /* [dim]: sum of 2^(s - m) v */
    float *s;   /* [TILE] */
    operand *q; /* [dim] */
    operand *p; /* [N_PARTS][TILE] */
    float *m, *l;
} scratch;

/* One KV head's part of a tile. */
typedef struct tile {
    const uint32_t *k, *v;
    int32_t n; /* tokens that have room here, even */
} tile;

INLINE int32_t min32(int32_t a, int32_t b) {
    return a < b ? a : b;
}
INLINE int32_t max32(int32_t a, int32_t b) {
    return a > b ? a : b;
}
INLINE int64_t round_up(int64_t n, int64_t to) {
    return (n + to - 1) / to * to;
}
INLINE int32_t ratio_of(const whet_problem *p) {
    return p->n_heads / p->n_kv_heads;
}
INLINE vec load(const float *p) {
    vec x;
    memcpy(&x, p, sizeof x);
    return x;
}
INLINE words load_words(const uint32_t *p) {
    words x;
    memcpy(&x, p, sizeof x);
    return x;
}
INLINE void store(float *p, vec x) {
    memcpy(p, &x, sizeof x);
}
INLINE vec splat(float x) {
    return (vec){ 0 } + x;
}
INLINE vec choose(words mask, vec yes, vec no) {
    return (vec)(((words)yes & mask) | ((words)no & ~mask));
}
INLINE vec max_vec(vec a, vec b) {
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#else
    return choose((words)(a > b), a, b);
#endif
}
INLINE vec low_of(words x) {
    return (vec)(x << 16);
}
INLINE vec high_of(words x) {
    return (vec)(x & 0xffff0000);
}
#if IS_BF16
/* sum + the products of each pair of x with the pair w. */
INLINE vec add_dots(vec sum, words x, uint32_t w) {
#if defined(__AVX512BF16__)
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)_mm512_set1_epi32((int)w));
#else
    return (vec)vbfdotq_f32((float32x4_t)sum, (bfloat16x8_t)x, (bfloat16x8_t)vdupq_n_u32(w));
#endif
}
/* The elements of e, then those of f. */
INLINE words round_vecs(vec e, vec f) {
#if defined(__AVX512BF16__)
    return (words)_mm512_cvtne2ps_pbh((__m512)f, (__m512)e);
#else
    return (words)vcvtq_high_bf16_f32(vcvtq_low_bf16_f32((float32x4_t)e), (float32x4_t)f);
#endif
}
#endif
/* The sum of all lanes, or the largest. */
INLINE float fold(vec x, int is_sum) {
    float lane[LANES];
    store(lane, x);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) {
            const float a = lane[i], b = lane[i + half];
            lane[i] = is_sum ? a + b : a > b ? a : b;
        }
    return lane[0];
}

// SEGMENT-START exp
/* exp/poly2: 2^x = 2^n 2^r with |r| <= 1/2 and a minimax polynomial for 2^r */
/* x <= SLACK; below -126 the result stays at 2^-126. */
INLINE vec exp2_vec(vec x) {
    const vec magic = splat(0x1.8p23f); /* adding it rounds to an integer in the low bits */
    x = max_vec(x, splat(-126));
    const vec shifted = x + magic, r = x - (shifted - magic);
    vec p;
    if (EXP == 3)
        p = r * 0.0551716691f + 0.242611122f;
    else if (EXP == 4)
        p = (r * 0.00957010191f + 0.0559178603f) * r + 0.240247448f;
    else
        p = ((r * 0.0013276472f + 0.00967554133f) * r + 0.0555071327f) * r + 0.240221197f;
    p = p * r + (EXP == 3 ? 0.693260985f : EXP == 4 ? 0.693121815f : 0.693146967f);
    p = p * r + (EXP == 3 ? 0.999928074f : EXP == 4 ? 0.999999261f : 1.00000007f);
    return (vec)((words)p + ((words)shifted << 23));
}
// SEGMENT-END exp

// SEGMENT-START layout
/* layout/panels: [tile][KV head][K panels, V panels]; one stream a tile, grows with its tokens */
#define LAYOUT_ID  "panels-" TEXT(TILE) "-" TEXT(PANEL) "-1"
#define TEXT(x)    TEXT_OF(x)
#define TEXT_OF(x) #x

/* The last tile has only the rows that the capacity leaves to it, an even number. Its last K panel
 * may be narrow; reading it at full width ends in the V behind it. */
INLINE tile tile_at(const whet_problem *p, int64_t capacity, const void *kv, int32_t group,
                    int32_t t0) {
    const int64_t room = round_up(capacity, 2) - t0;
    const int32_t n = room < TILE ? (int32_t)room : TILE;
    const uint32_t *k =
        (const uint32_t *)kv + ((int64_t)t0 * p->n_kv_heads + (int64_t)group * n) * p->head_dim;
    return (tile){ k, k + (int64_t)n * p->head_dim / 2, n };
}

/* Tokens t .. t + n - 1 of one K panel and the V rows beside it. */
INLINE void append_panel(const whet_append_args *a, int32_t group, int32_t t, int32_t n) {
    const whet_problem *p = a->problem;
    const int32_t dim = p->head_dim, t0 = t / TILE * TILE, first = (t - t0) / PANEL * PANEL;
    const tile kv = tile_at(p, a->capacity, a->kv, group, t0);
    const int32_t width = min32(PANEL, kv.n - first);
    uint32_t *to_k = (uint32_t *)(uintptr_t)kv.k + (int64_t)first * dim / 2 + (t - t0 - first);
    const uint16_t *k = (const uint16_t *)a->k + (t - a->pos) * a->k_stride + (int64_t)group * dim;
    const uint16_t *v = (const uint16_t *)a->v + (t - a->pos) * a->v_stride + (int64_t)group * dim;
    for (int32_t c = 0; c < dim / 2; c++)
        for (int32_t j = 0; j < n; j++)
            memcpy(to_k + (int64_t)c * width + j, k + j * a->k_stride + 2 * c, 4);
    uint16_t *to_v = (uint16_t *)(uintptr_t)kv.v;
    for (int32_t j = 0; j < n; j++)
        for (int32_t c0 = 0; c0 < dim; c0 += PANEL) {
            const int32_t token = t - t0 + j;
            uint16_t *to = to_v + ((int64_t)c0 * (kv.n / 2) + token / 2 * PANEL) * 2 + token % 2;
            for (int32_t c = 0; c < PANEL; c++)
                to[2 * c] = v[j * a->v_stride + c0 + c];
        }
}

/* A worker takes every n_workers-th pair of a panel of tokens and a KV head. */
static void append(const whet_append_args *a, int worker, int n_workers) {
    const int32_t end = a->pos + a->n, first = a->pos / PANEL, n_groups = a->problem->n_kv_heads;
    const int64_t n = (int64_t)((end + PANEL - 1) / PANEL - first) * n_groups;
    for (int64_t i = worker; i < n; i += n_workers) {
        const int32_t panel = (first + (int32_t)(i / n_groups)) * PANEL;
        const int32_t t = max32(panel, a->pos);
        append_panel(a, (int32_t)(i % n_groups), t, min32(end, panel + PANEL) - t);
    }
}
// SEGMENT-END layout

// SEGMENT-START product
/* product/registers: the sums of up to ROWS queries stay in registers over all pairs of a panel, or
 * of some panels */
typedef struct panels {
    const uint32_t *at; /* [pair][PANEL] */
    int64_t stride;     /* words from panel to panel */
} panels;

typedef struct factors {
    const operand *a; /* [n_queries][2 * n_pairs] */
    int64_t a_stride;
    panels b, next;   /* next is fetched behind b, or in its stead */
    int64_t b_stride; /* words from pair to pair */
    int32_t n_panels, n_pairs;
    float *c; /* [n_queries][n_panels * PANEL] */
    int64_t c_stride;
    int is_add; /* c is added to, not set */
} factors;

enum { MOST_VECS = 8 }; /* of a query's sums */

INLINE void fetch(const void *line) {
    if (FETCH) __builtin_prefetch(line, 0, (4 - FETCH) & 3);
}

/* A pair of n_q queries times n_v vectors of a panel, onto their sums from `to` on. Where words are
 * widened all even elements come first, so that sums keep their registers. */
INLINE void add_pair(int n_q, int n_v, const uint32_t *b, const operand *a, int64_t a_stride,
                     int to, vec (*sum)[MOST_VECS]) {
#if IS_BF16
    words x[4];
    for (int v = 0; v < n_v; v++)
        x[v] = load_words(b + v * LANES);
    for (int i = 0; i < n_q; i++) {
        uint32_t w;
        memcpy(&w, a + i * a_stride, 4);
        for (int v = 0; v < n_v; v++)
            sum[i][to + v] = add_dots(sum[i][to + v], x[v], w);
    }
#else
    for (int is_odd = 0; is_odd < 2; is_odd++) {
        vec x[4];
        for (int v = 0; v < n_v; v++)
            x[v] = is_odd ? high_of(load_words(b + v * LANES)) : low_of(load_words(b + v * LANES));
        for (int i = 0; i < n_q; i++)
            for (int v = 0; v < n_v; v++)
                sum[i][to + v] += x[v] * a[i * a_stride + is_odd];
    }
#endif
}

/* n_q queries and n_v vectors of n_p panels (constants), from word j of panel k on. */
INLINE void product_some(int n_q, int n_p, int n_v, const factors *f, int32_t k, int32_t j) {
    vec sum[ROWS][MOST_VECS];
    const operand *a = f->a;
    const uint32_t *b = f->b.at + k * f->b.stride + j, *ahead = b + AHEAD * f->b_stride;
    float *c = f->c + k * PANEL + j;
    for (int i = 0; i < n_q; i++)
        for (int v = 0; v < n_p * n_v; v++)
            sum[i][v] = f->is_add ? load(c + i * f->c_stride + v / n_v * PANEL + v % n_v * LANES)
                                  : splat(0);
    int64_t stride = f->b.stride;
    const int32_t turn = AHEAD ? max32(f->n_pairs - AHEAD, 0) : 0;
    for (int32_t p = 0; p < f->n_pairs; p++, b += f->b_stride, ahead += f->b_stride, a += 2) {
        if (p == turn) {
            ahead = f->next.at + k * f->next.stride + j;
            stride = f->next.stride;
        }
#pragma GCC unroll 4
        for (int panel = 0; panel < n_p; panel++) {
            for (int line = 0; line < n_v * LANES; line += 16)
                fetch(ahead + panel * stride + line);
            add_pair(n_q, n_v, b + panel * f->b.stride, a, f->a_stride, panel * n_v, sum);
        }
    }
    for (int i = 0; i < n_q; i++)
        for (int v = 0; v < n_p * n_v; v++)
            store(c + i * f->c_stride + v / n_v * PANEL + v % n_v * LANES, sum[i][v]);
}

/* As many panels at once as sums have registers: a processor's own prefetcher follows each of them,
 * but for the first lines of a page of 4 KiB. */
INLINE void product_panels(int n_q, const factors *f) {
    const int n_v = n_q <= FEW ? 4 : 2, n_vecs = min32(MOST_VECS, 2 * ROWS / n_q);
    const int most = n_vecs / n_v >= 4 ? 4 : n_vecs / n_v >= 2 ? 2 : 1;
    const int n_p = min32(most, PANELS);
    int32_t k = 0;
    for (; n_p > 1 && k + n_p <= f->n_panels; k += n_p)
        for (int32_t j = 0; j < PANEL; j += n_v * LANES)
            product_some(n_q, n_p, n_v, f, k, j);
    for (; k < f->n_panels; k++)
        for (int32_t j = 0; j < PANEL; j += n_v * LANES)
            product_some(n_q, 1, n_v, f, k, j);
}

#define PRODUCT(n)                                                                                 \
    case n: product_panels(n, f); break;
static __attribute__((noinline)) void product(int32_t n_q, const factors *f) {
    switch (n_q) {
        PRODUCT(1)
        PRODUCT(2)
        PRODUCT(3)
        PRODUCT(4)
        PRODUCT(5)
        PRODUCT(6)
#if N_REGISTERS == 32
        PRODUCT(7) PRODUCT(8) PRODUCT(9) PRODUCT(10) PRODUCT(11) PRODUCT(12)
#endif
    }
}
// SEGMENT-END product

// SEGMENT-START softmax
/* softmax/one-pass: a tile of keys at a time; a maximum that grows by more than 2^SLACK rescales */
INLINE vec scores_at(const float *s, int32_t t, int32_t n, float factor, float beyond) {
    const vec x = load(s + t) * factor;
    if (t + LANES <= n) return x;
    words lane;
    for (int i = 0; i < LANES; i++)
        lane[i] = (uint32_t)i;
    return choose((words)(lane < (uint32_t)max32(n - t, 0)), x, splat(beyond));
}

/* Weights of two vectors of scores; returns them as they will be used. */
INLINE vec put_weights(operand *p, vec e, vec f) {
#if IS_BF16
    const words w = round_vecs(e, f);
    memcpy(p, &w, sizeof w);
    if (N_PARTS == 1) return low_of(w) + high_of(w);
    const vec halves[2] = { low_of(w), high_of(w) }; /* elements in turn */
    for (int i = 0; i < 2 * LANES; i++)
        *(i < LANES ? &((float *)&e)[i] : &((float *)&f)[i - LANES]) -=
            ((const float *)&halves[i % 2])[i / 2];
    const words rest = round_vecs(e, f);
    memcpy(p + TILE, &rest, sizeof rest);
    return low_of(w) + high_of(w) + low_of(rest) + high_of(rest);
#else
    store(p, e);
    store(p + LANES, f);
    return e + f;
#endif
}

/* The first n of `width` scores (times factor, in powers of two) become weights, the others 0.
 * Returns what the sums so far are to be multiplied by. */
INLINE float weigh(const float *s, int32_t n, int32_t width, float factor, operand *p, float *m,
                   float *l) {
    const float inf = __builtin_inff();
    vec top = splat(-inf), sum = splat(0);
    for (int32_t t = 0; t < width; t += LANES)
        top = max_vec(scores_at(s, t, n, factor, -inf), top);
    const float max = fold(top, 0), before = *m;
    float rescale = 1;
    if (n > 0 && !(max <= before + SLACK)) {
        *m = max;
        rescale = *l > 0 ? exp2_vec(splat(before - max))[0] : 1;
    }
    const vec at = splat(n > 0 ? *m : 0);
    for (int32_t t = 0; t < width; t += 2 * LANES) {
        vec e = splat(0), f = splat(0);
        if (t < n) e = exp2_vec(scores_at(s, t, n, factor, -inf) - at);
        if (t + LANES < n) f = exp2_vec(scores_at(s, t + LANES, n, factor, -inf) - at);
        if (t + 2 * LANES > n) { /* what is masked is nothing at all */
            e = scores_at((const float *)&e, 0, n - t, 1, 0);
            f = scores_at((const float *)&f, 0, n - t - LANES, 1, 0);
        }
        sum += put_weights(p + t, e, f);
    }
    *l = *l * rescale + fold(sum, 1);
    return rescale;
}

/* The keys from t0 on, of a tile, for the n_q queries from i on, which are a product's. The worker
 * reads the tile whose K is `next` behind it. */
INLINE void attend_some(const item *it, const scratch *w, tile kv, int32_t t0, const uint32_t *next,
                        int32_t i, int32_t n_q) {
    const whet_run_args *a = it->args;
    const int32_t dim = a->problem->head_dim, ratio = ratio_of(a->problem);
    const int32_t seen = a->pos + it->row + 1 - t0; /* by the first row */
    const int32_t limit = min32(min32(TILE, it->end - t0), seen + (i + n_q - 1) / ratio);
    if (limit <= 0) return;
    const int32_t width = (int32_t)round_up(limit, PANEL);
    const panels k = { kv.k, (int64_t)PANEL * dim / 2 }, next_k = { next, k.stride };
    const panels v = { kv.v, (int64_t)kv.n / 2 * PANEL };
    const panels next_v = { next + TILE * dim / 2, v.stride };
    factors f = { w->q + i * dim, dim, k, AHEAD ? v : next_k, PANEL, 0, dim / 2, w->s, TILE, 0 };
    f.n_panels = min32(width, kv.n) / PANEL;
    product(n_q, &f);
    if (f.n_panels * PANEL < width) { /* the last one is narrow */
        f.b.at += f.n_panels * k.stride;
        f.b_stride = kv.n % PANEL;
        f.c += f.n_panels * PANEL;
        f.n_panels = 1;
        product(n_q, &f);
    }
    for (int32_t j = 0; j < n_q; j++) {
        const int32_t n = min32(limit, seen + (i + j) / ratio);
        const float rescale = weigh(w->s + j * TILE, max32(n, 0), width, a->scale * 1.44269504f,
                                    w->p + j * N_PARTS * TILE, &w->m[i + j], &w->l[i + j]);
        float *o = w->o + (int64_t)(i + j) * dim;
        if (rescale != 1)
            for (int32_t c = 0; c < dim; c++)
                o[c] *= rescale;
    }
    for (int32_t part = 0; part < N_PARTS; part++) {
        const factors g = { .a = w->p + part * TILE,
                            .a_stride = N_PARTS * TILE,
                            .b = v,
                            .next = AHEAD ? next_k : next_v,
                            .b_stride = PANEL,
                            .n_panels = dim / PANEL,
                            .c = w->o + i * dim,
                            .n_pairs = (limit + 1) / 2,
                            .c_stride = dim,
                            .is_add = 1 };
        product(n_q, &g);
    }
}

INLINE void attend(const item *it, const scratch *w) {
    const whet_run_args *a = it->args;
    const int32_t n = it->n_queries, n_some = (n + ROWS - 1) / ROWS;
    tile kv = tile_at(a->problem, a->capacity, a->kv, it->group, it->begin), next;
    for (int32_t t0 = it->begin; t0 < it->end; t0 += TILE, kv = next) {
        next = t0 + TILE < it->end ? tile_at(a->problem, a->capacity, a->kv, it->group, t0 + TILE)
                                   : (tile){ .k = it->next };
        for (int32_t i = 0; i < n_some; i++) {
            const int32_t from = n * i / n_some, to = n * (i + 1) / n_some;
            attend_some(it, w, kv, t0, next.k, from, to - from);
        }
    }
}
// SEGMENT-END softmax

/* Row and query head of query x of the item. */
INLINE int32_t row_of(const item *it, int32_t x) {
    return it->row + x / ratio_of(it->args->problem);
}
INLINE int32_t head_of(const item *it, int32_t x) {
    const int32_t ratio = ratio_of(it->args->problem);
    return it->group * ratio + x % ratio;
}

INLINE void begin_item(const item *it, const scratch *w) {
    const whet_run_args *a = it->args;
    const int32_t dim = a->problem->head_dim;
    for (int32_t x = 0; x < it->n_queries; x++) {
        const uint16_t *q =
            (const uint16_t *)a->q + row_of(it, x) * a->q_stride + (int64_t)head_of(it, x) * dim;
        operand *to = w->q + (int64_t)x * dim;
        for (int32_t c = 0; c < dim; c++) {
#if IS_BF16
            to[c] = q[c];
#else
            const uint32_t bits = (uint32_t)q[c] << 16;
            memcpy(to + c, &bits, 4);
#endif
            w->o[(int64_t)x * dim + c] = 0;
        }
        w->m[x] = -__builtin_inff();
        w->l[x] = 0;
    }
}

INLINE void put_row(const whet_run_args *a, int32_t row, int32_t head, const float *o, float l) {
    const int32_t dim = a->problem->head_dim;
    uint16_t *out = (uint16_t *)a->out + row * a->out_stride + (int64_t)head * dim;
    const float factor = 1 / l;
    for (int32_t c = 0; c < dim; c++) {
        const float x = o[c] * factor;
        uint32_t u;
        memcpy(&u, &x, 4);
        const uint32_t y = (u + 0x7fff + (u >> 16 & 1)) >> 16;
        out[c] = (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? 0x7fff : y);
    }
}

// SEGMENT-START split
/* split/dealt: keys of a few rows are cut into chunks, dealt as memory lies, and merged */
INLINE int32_t rows_per_item(const whet_problem *p) {
    return QUERIES / ratio_of(p);
}

/* Keys begin .. end - 1. */
typedef struct chunk {
    int32_t index, begin, end;
} chunk;

/* Chunks are a function of the rows and keys alone, so that bits do not depend on workers. Each is
 * a share of what is left, so that workers end together, but as long as MIN_CHUNK, since a chunk's
 * sums go through memory. A fifth of all chunks as the share leaves little to the last one. */
INLINE chunk next_chunk(const whet_problem *p, int32_t n_rows, int32_t n_keys, chunk before) {
    chunk it = { before.index + 1, before.end, n_keys };
    const int32_t most = ITEMS / p->n_kv_heads / n_rows;
    if (it.index + 1 >= most || n_keys <= MIN_SPLIT || n_rows > rows_per_item(p)) return it;
    const int32_t n = max32((n_keys - it.begin) / max32(most / 5, 1), MIN_CHUNK);
    it.end = min32((int32_t)round_up(it.begin + n, TILE), n_keys);
    return it;
}

INLINE chunk chunk_at(const whet_problem *p, int32_t n_rows, int32_t n_keys, chunk from,
                      int32_t index) {
    while (from.index < index)
        from = next_chunk(p, n_rows, n_keys, from);
    return from;
}

static const chunk before_all = { -1, 0, 0 };

INLINE int32_t n_chunks_of(const whet_problem *p, int32_t n_rows, int32_t n_keys) {
    chunk last = before_all;
    while (last.end < n_keys)
        last = next_chunk(p, n_rows, n_keys, last);
    return last.index + 1;
}

/* Parts: [row][head][chunk][head_dim + PART_EXTRA]: o, m, l. No run has more than ITEMS rows times
 * KV heads times chunks. */
INLINE int64_t part_floats(const whet_problem *p) {
    return p->n_context > MIN_SPLIT ? (int64_t)ITEMS * ratio_of(p) * (p->head_dim + PART_EXTRA) : 0;
}

INLINE void run_item(const item *it, const scratch *w, float *parts, int32_t n_chunks, int32_t c) {
    const whet_problem *p = it->args->problem;
    const int32_t dim = p->head_dim;
    begin_item(it, w);
    attend(it, w);
    for (int32_t x = 0; x < it->n_queries; x++) {
        const int32_t row = row_of(it, x), head = head_of(it, x);
        const float *o = w->o + (int64_t)x * dim;
        if (n_chunks == 1) {
            put_row(it->args, row, head, o, w->l[x]);
            continue;
        }
        float *part =
            parts + (((int64_t)row * p->n_heads + head) * n_chunks + c) * (dim + PART_EXTRA);
        memcpy(part, o, (size_t)dim * 4);
        part[dim] = w->m[x];
        part[dim + 1] = w->l[x];
    }
}

INLINE void merge(const whet_run_args *a, int worker, int n_workers, const float *parts,
                  int32_t n_chunks, float *o) {
    const int32_t n_heads = a->problem->n_heads, dim = a->problem->head_dim;
    const int64_t size = dim + PART_EXTRA;
    for (int32_t i = worker; i < a->n_rows * n_heads; i += n_workers) {
        const float *part = parts + (int64_t)i * n_chunks * size;
        float m = -__builtin_inff(), l = 0;
        for (int64_t c = 0; c < n_chunks * size; c += 16)
            fetch(part + c); /* from other cores */
        for (int32_t c = 0; c < n_chunks; c++)
            m = part[c * size + dim] > m ? part[c * size + dim] : m;
        for (int32_t c = 0; c < dim; c++)
            o[c] = 0;
        for (int32_t k = 0; k < n_chunks; k++, part += size) {
            if (part[dim + 1] == 0) continue; /* this row sees none of these keys */
            const float weight = exp2_vec(splat(part[dim] - m))[0];
            l += weight * part[dim + 1];
            for (int32_t c = 0; c < dim; c++)
                o[c] += weight * part[c];
        }
        put_row(a, i / n_heads, i % n_heads, o, l);
    }
}

/* KV heads of one block of rows and its chunks of keys, or of many blocks, the last ones first,
 * since they see most keys. Chunks go, as memory lies, to whoever is free, for workers are never
 * equally fast; each knows its next one early enough to fetch it. */
INLINE void run_items(const whet_run_args *a, int worker, int n_workers, float *parts,
                      const scratch *w) {
    int32_t *counter = a->workspace;
    const whet_problem *p = a->problem;
    const int32_t n_groups = p->n_kv_heads, n_keys = a->pos + a->n_rows;
    const int32_t rows = rows_per_item(p), n_blocks = (a->n_rows + rows - 1) / rows;
    const int32_t n_chunks = n_chunks_of(p, a->n_rows, n_keys), n = n_blocks * n_chunks * n_groups;
    chunk now = before_all, then;
    item it = { .args = a };
    for (int32_t i = worker, next; i < n; i = next, now = then) {
        next = n_chunks > 1 ? __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED) : i + n_workers;
        now = chunk_at(p, a->n_rows, n_keys, now, i / n_groups % n_chunks);
        then = next < n ? chunk_at(p, a->n_rows, n_keys, now, next / n_groups % n_chunks) : now;
        it.row = (n_blocks - 1 - i / n_groups / n_chunks) * rows;
        const int32_t n_rows = min32(rows, a->n_rows - it.row);
        it.n_queries = n_rows * ratio_of(p);
        it.group = i % n_groups;
        it.begin = now.begin;
        it.end = min32(now.end, a->pos + it.row + n_rows);
        const int32_t next_group = next < n ? next % n_groups : it.group;
        it.next = tile_at(p, a->capacity, a->kv, next_group, then.begin).k;
        run_item(&it, w, parts, n_chunks, now.index);
    }
}
// SEGMENT-END split

INLINE int64_t scratch_bytes(const whet_problem *p) {
    const int64_t dim = p->head_dim;
    return round_up(4 * (dim + 2) * QUERIES, 64) + 4 * ROWS * TILE +
           (int64_t)sizeof(operand) * (dim * QUERIES + N_PARTS * TILE * ROWS);
}

static int supports(const whet_problem *p) {
    return p->dtype == WHET_BF16 && p->n_kv_heads > 0 && p->n_heads > 0 && p->head_dim > 0 &&
           p->n_heads % p->n_kv_heads == 0 && p->head_dim % PANEL == 0 &&
           ratio_of(p) <= QUERIES && /* one padding token, and reading past a narrow panel */
           (int64_t)p->n_kv_heads * p->head_dim <= 16384;
}

static size_t kv_bytes(const whet_problem *p, int64_t capacity) {
    return (size_t)(round_up(capacity, 2) * p->n_kv_heads * p->head_dim * 4);
}

static size_t workspace_bytes(const whet_problem *p, int n_workers) {
    return (size_t)((COUNTER_FLOATS + part_floats(p)) * 4 +
                    n_workers * round_up(scratch_bytes(p), 64));
}

static int n_phases(const whet_problem *p, int32_t n_rows, int32_t n_context) {
    return n_chunks_of(p, n_rows, n_context) > 1 ? 3 : 1;
}

static void run(const whet_run_args *a, int phase, int worker, int n_workers) {
    const whet_problem *p = a->problem;
    const int64_t dim = p->head_dim;
    float *parts = (float *)a->workspace + COUNTER_FLOATS;
    char *mine = (char *)(parts + part_floats(p)) + worker * round_up(scratch_bytes(p), 64);
    scratch w = { .o = (float *)mine };
    w.m = w.o + QUERIES * dim;
    w.l = w.m + QUERIES;
    w.s = (float *)(mine + round_up(4 * (dim + 2) * QUERIES, 64));
    w.q = (operand *)(w.s + ROWS * TILE);
    w.p = w.q + QUERIES * dim;
    const int32_t n_chunks = n_chunks_of(p, a->n_rows, a->pos + a->n_rows);
    if (n_chunks == 1 || phase == 1)
        run_items(a, worker, n_workers, parts, &w);
    else if (phase == 2)
        merge(a, worker, n_workers, parts, n_chunks, w.o);
    else if (worker == 0)
        *(int32_t *)a->workspace = n_workers; /* the first chunk of each is its own */
}
// EVOLVE-BLOCK-END

#ifndef WHET_BUILT_IN /* the library makes tables of its own, one for each instruction set */
const whet_attention_kernel whet_kernel = {
    .abi = WHET_KERNEL_ABI,
    .name = "grouped",
    .layout_id = LAYOUT_ID,
    .supports = supports,
    .kv_bytes = kv_bytes,
    .workspace_bytes = workspace_bytes,
    .append = append,
    .n_phases = n_phases,
    .run = run,
};
#endif
