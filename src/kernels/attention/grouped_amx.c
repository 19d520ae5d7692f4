/* SPDX-License-Identifier: MIT */
/* `grouped` with AMX tiles for many rows; a few rows, and so decoding, are as in grouped-avx512,
 * but for longer tiles: the cache's panels are what a tile product takes on its right. */
#define WHET_BUILT_IN
#define NO_DOTS /* bf16 dot products are slower than f32 where there are tiles */
#include "kernels/attention/grouped.c"

#include <stdbool.h>

#include "kernels/square.c"
#include "platform/cpu.h"
#include "platform/tiles.h"

/* A block of BLOCK queries of one KV head goes through its keys, KEYS at a time: the scores of SIDE
 * queries and PANEL keys are one square of tiles, and become weights while the next square is
 * multiplied; then the weights of all KEYS times V. A square of scores stays in L1, keys in L2.
 * What a product takes on its left lies as tiles: [16 queries][STEP] one behind the other. */
enum { BLOCK = 128, KEYS = 256 };
enum { HALF = 16, SIDE = 2 * HALF, STEP = 32 /* bf16 of a tile's row */, TILE_SIZE = HALF * STEP };
_Static_assert(PANEL == SIDE && KEYS % TILE == 0 && BLOCK % SIDE == 0, "squares fit");

typedef struct block {
    item it;
    float *o;           /* [BLOCK][dim]: sum of 2^(s - m) v */
    float *s;           /* [2][SIDE][PANEL] */
    float *m, *l;       /* [BLOCK] */
    uint16_t *q;        /* [BLOCK / HALF][dim / STEP] tiles */
    uint16_t *p;        /* [2][KEYS / STEP] tiles */
    uint32_t *v_padded; /* [dim / PANEL][TILE / 2][PANEL]: the V of a short tile */
    int32_t t0, n_keys; /* of the step; the tile at key t of it is tiles[t / TILE] */
    tile tiles[KEYS / TILE];
} block;

/* Up to SIDE queries of a block in a step. */
typedef struct side {
    const block *b;
    int32_t x, n;  /* the first query, how many */
    int32_t seen;  /* keys of the step that the block's first row sees; each other one, one more */
    int32_t limit; /* keys that any of them sees */
    int32_t from;  /* weights of keys before this one are in the sums already */
} side;

INLINE int64_t block_bytes(const whet_problem *p) {
    const int64_t dim = p->head_dim;
    return 4 * (BLOCK * (dim + 2) + 2 * SIDE * PANEL + dim * TILE / 2) +
           2 * (BLOCK * dim + SIDE * KEYS);
}

INLINE void place_block(const whet_run_args *a, int worker, block *b) {
    const int64_t dim = a->problem->head_dim;
    *b = (block){ .it = { .args = a } };
    b->o = (float *)a->workspace + COUNTER_FLOATS + worker * block_bytes(a->problem) / 4;
    b->s = b->o + BLOCK * dim;
    b->v_padded = (uint32_t *)(b->s + 2 * SIDE * PANEL);
    b->q = (uint16_t *)(b->v_padded + dim * TILE / 2);
    b->p = b->q + BLOCK * dim;
    b->m = (float *)(b->p + SIDE * KEYS);
    b->l = b->m + BLOCK;
}

INLINE void begin_block(const block *b) {
    const whet_run_args *a = b->it.args;
    const int32_t dim = a->problem->head_dim;
    for (int32_t x = 0; x < b->it.n_queries; x++) {
        const uint16_t *q = (const uint16_t *)a->q + row_of(&b->it, x) * a->q_stride +
                            (int64_t)head_of(&b->it, x) * dim;
        for (int32_t c = 0; c < dim; c += STEP)
            memcpy(b->q + x / HALF * HALF * dim + c * HALF + x % HALF * STEP, q + c, STEP * 2);
        b->m[x] = -__builtin_inff();
        b->l[x] = 0;
    }
}

/* V of a tile as long as any other: what a weight of zero meets is zero. */
INLINE void pad(const block *b, tile *kv) {
    const int32_t n_pairs = kv->n / 2;
    for (int32_t c = 0; c < b->it.args->problem->head_dim; c += PANEL) {
        uint32_t *to = b->v_padded + c * (TILE / 2);
        memcpy(to, kv->v + c * n_pairs, (size_t)n_pairs * PANEL * 4);
        for (int32_t i = n_pairs * PANEL; i < TILE / 2 * PANEL; i++)
            to[i] = 0;
    }
    kv->v = b->v_padded;
}

INLINE void begin_step(block *b, int32_t t0) {
    const whet_run_args *a = b->it.args;
    b->t0 = t0;
    b->n_keys = min32(KEYS, b->it.end - t0);
    for (int32_t t = 0; t < b->n_keys; t += TILE) {
        tile *kv = &b->tiles[t / TILE];
        *kv = tile_at(a->problem, a->capacity, a->kv, b->it.group, t0 + t);
        if (kv->n < TILE) pad(b, kv);
    }
}

/* 2^x in bf16's precision: 2^floor(x) times a minimax polynomial in what is left of x. */
INLINE vec power_of_two(vec x) {
    const vec r = (vec)_mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEG_INF);
    const vec p = ((r * 0.0780245227f + 0.226067155f) * r + 0.69583354f) * r + 0.999925219f;
    return (vec)_mm512_scalef_ps((__m512)p, (__m512)x);
}

/* Queries j .. end - 1 of a square of scores: their weights of the keys from t on, and none behind
 * what a query sees. Returns lane by lane the largest exponents. */
INLINE vec weigh_queries(const side *a, const float *s, int32_t t, int32_t j, int32_t end,
                         bool is_whole) {
    const vec factor = splat(a->b->it.args->scale * 1.44269504f), least = splat(-__builtin_inff());
    const int32_t ratio = ratio_of(a->b->it.args->problem);
    vec top = least;
    for (; j < end; j++) {
        const vec at = splat(a->b->m[a->x + j]);
        vec e = load(s + j * PANEL) * factor - at, f = load(s + j * PANEL + LANES) * factor - at;
        if (!is_whole) {
            const int32_t n = max32(0, min32(PANEL, a->seen + (a->x + j) / ratio - t));
            const uint32_t mask = (uint32_t)(((uint64_t)1 << n) - 1);
            e = (vec)_mm512_mask_mov_ps((__m512)least, (__mmask16)mask, (__m512)e);
            f = (vec)_mm512_mask_mov_ps((__m512)least, (__mmask16)(mask >> LANES), (__m512)f);
        }
        top = max_vec(e, max_vec(f, top));
        e = power_of_two(e);
        f = power_of_two(f);
        const words w = (words)_mm512_cvtne2ps_pbh((__m512)f, (__m512)e);
        memcpy(a->b->p + j / HALF * HALF * KEYS + t * HALF + j % HALF * STEP, &w, sizeof w);
    }
    return top;
}

/* The scores of the keys from t on, PANEL of them, at `scores`; meanwhile those at `before`, of the
 * keys before them, become weights. Returns whether any of these is above 2^SLACK. */
INLINE bool score(const side *a, int32_t t, float *scores, const float *before, bool is_whole) {
    const block *b = a->b;
    const int32_t dim = b->it.args->problem->head_dim, at = t % TILE, n_steps = dim / STEP;
    const bool is_any = t < a->limit;
    const tile kv = b->tiles[is_any ? t / TILE : 0];
    const int32_t width = min32(PANEL, kv.n - at);
    const uint16_t *q = b->q + (int64_t)a->x * dim;
    const uint32_t *k = kv.k + (int64_t)at * dim / 2;
    vec top = splat(-__builtin_inff());
    if (is_any) tiles_clear_sums();
    for (int32_t i = 0; i < n_steps; i++, q += TILE_SIZE, k += HALF * width) {
        if (is_any) tiles_multiply(q, q + HALF * dim, STEP * 2, k, k + HALF, (size_t)width * 4);
        if (before)
            top = max_vec(top, weigh_queries(a, before, t - PANEL, a->n * i / n_steps,
                                             a->n * (i + 1) / n_steps, is_whole));
    }
    if (is_any) tiles_store_sums(scores, PANEL * 4);
    return _mm512_cmp_ps_mask((__m512)top, (__m512)splat(SLACK), _CMP_GT_OQ) != 0;
}

/* The sums += weights of the keys from `from` to `to` times V. */
static void mix(const side *a, int32_t from, int32_t to) {
    const block *b = a->b;
    const int32_t dim = b->it.args->problem->head_dim;
    for (int32_t c = 0; c < dim && from < to; c += PANEL) {
        float *o = b->o + (int64_t)a->x * dim + c;
        if (b->t0 + from > 0)
            tiles_load_sums(o, (size_t)dim * 4);
        else
            tiles_clear_sums();
        for (int32_t t = from; t < to; t += STEP) {
            const uint16_t *p = b->p + t * HALF;
            const uint32_t *v = b->tiles[t / TILE].v + c * (TILE / 2) + t % TILE / 2 * PANEL;
            tiles_multiply(p, p + HALF * KEYS, STEP * 2, v, v + HALF, PANEL * 4);
        }
        tiles_store_sums(o, (size_t)dim * 4);
    }
}

/* The weights of the keys from `from` to `to`, as they are used, are added to each query's l. */
INLINE void add_weights(const side *a, int32_t from, int32_t to) {
    for (int32_t j = 0; j < a->n; j++) {
        vec sum = splat(0), other = splat(0);
        for (int32_t t = from; t < to; t += STEP) {
            words w;
            memcpy(&w, a->b->p + j / HALF * HALF * KEYS + t * HALF + j % HALF * STEP, sizeof w);
            sum += low_of(w);
            other += high_of(w);
        }
        a->b->l[a->x + j] += _mm512_reduce_add_ps((__m512)(sum + other));
    }
}

INLINE void finish_weights(side *a, int32_t to) {
    add_weights(a, a->from, to);
    mix(a, a->from, to);
    a->from = to;
}

/* Some score of the keys from t on is too large beside m: sums go by a new one. */
static __attribute__((noinline)) void raise_tops(side *a, const float *s, int32_t t) {
    const block *b = a->b;
    const int32_t dim = b->it.args->problem->head_dim, ratio = ratio_of(b->it.args->problem);
    const float factor = b->it.args->scale * 1.44269504f;
    finish_weights(a, t);
    for (int32_t j = 0; j < a->n; j++) {
        const int32_t x = a->x + j, n = min32(PANEL, a->seen + x / ratio - t);
        const float before = b->m[x];
        const vec low = scores_at(s + j * PANEL, 0, n, factor, -__builtin_inff());
        const vec high = scores_at(s + j * PANEL, LANES, n, factor, -__builtin_inff());
        const float max = _mm512_reduce_max_ps((__m512)max_vec(low, high));
        float *o = b->o + (int64_t)x * dim;
        if (!(max > before + SLACK)) continue;
        b->m[x] = max;
        if (b->l[x] == 0) continue;
        const float rescale = power_of_two(splat(before - max))[0];
        b->l[x] *= rescale;
        for (int32_t c = 0; c < dim; c++)
            o[c] *= rescale;
    }
}

/* The step's keys for the SIDE queries from x on. */
static void attend_side(const block *b, int32_t x) {
    const whet_run_args *args = b->it.args;
    const int32_t ratio = ratio_of(args->problem);
    side a = { .b = b, .x = x, .n = min32(SIDE, b->it.n_queries - x) };
    a.seen = args->pos + b->it.row + 1 - b->t0;
    a.limit = min32(b->n_keys, a.seen + (x + a.n - 1) / ratio);
    if (a.limit <= 0) return;
    float *scores = b->s, *before = b->s + SIDE * PANEL;
    score(&a, 0, before, NULL, true);
    for (int32_t t = 0; t < a.limit; t += PANEL) {
        const bool is_whole = t + PANEL <= min32(b->n_keys, a.seen + x / ratio);
        const bool is_above = is_whole ? score(&a, t + PANEL, scores, before, true)
                                       : score(&a, t + PANEL, scores, before, false);
        if (is_above) {
            raise_tops(&a, before, t);
            weigh_queries(&a, before, t, 0, a.n, false);
        }
        float *const done = before;
        before = scores;
        scores = done;
    }
    finish_weights(&a, (int32_t)round_up(a.limit, PANEL));
}

static void run_block(block *b) {
    const whet_run_args *a = b->it.args;
    const int64_t dim = a->problem->head_dim;
    begin_block(b);
    for (int32_t t = 0; t < b->it.end; t += KEYS) {
        begin_step(b, t);
        for (int32_t x = 0; x < b->it.n_queries; x += SIDE)
            attend_side(b, x);
    }
    for (int32_t x = 0; x < b->it.n_queries; x++)
        put_row(a, row_of(&b->it, x), head_of(&b->it, x), b->o + x * dim, b->l[x]);
}

/* Blocks go to whoever is free, the last rows, which see most keys, first. */
static void run_blocks(const whet_run_args *a, int worker) {
    int32_t *counter = a->workspace;
    const int32_t n_rows = BLOCK / ratio_of(a->problem), n_groups = a->problem->n_kv_heads;
    const int32_t n_blocks = (a->n_rows + n_rows - 1) / n_rows;
    block b;
    place_block(a, worker, &b);
    tiles_begin();
    for (int32_t i = worker; i < n_blocks * n_groups;
         i = __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED)) {
        b.it.group = i % n_groups;
        b.it.row = (n_blocks - 1 - i / n_groups) * n_rows;
        const int32_t n_here = min32(n_rows, a->n_rows - b.it.row);
        b.it.n_queries = n_here * ratio_of(a->problem);
        b.it.end = a->pos + b.it.row + n_here;
        run_block(&b);
    }
    tiles_end();
}

/* append_panel for PANEL tokens at once, whose panel is whole. */
INLINE void append_whole(const whet_append_args *a, int32_t group, int32_t t) {
    const whet_problem *p = a->problem;
    const int32_t dim = p->head_dim, first = t % TILE;
    const tile kv = tile_at(p, a->capacity, a->kv, group, t - first);
    uint32_t *to_k = (uint32_t *)(uintptr_t)kv.k + (int64_t)first * dim / 2;
    uint32_t *to_v = (uint32_t *)(uintptr_t)kv.v + first / 2 * PANEL;
    const uint16_t *k = (const uint16_t *)a->k + (t - a->pos) * a->k_stride + (int64_t)group * dim;
    const uint16_t *v = (const uint16_t *)a->v + (t - a->pos) * a->v_stride + (int64_t)group * dim;
    __m512i low; /* words of two tokens' first 16 dims */
    for (int i = 0; i < 2 * SQUARE; i++)
        ((uint16_t *)&low)[i] = (uint16_t)(i / 2 + i % 2 * 2 * SQUARE);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(SQUARE));
    for (int32_t c = 0; c < dim; c += PANEL) {
        for (int32_t j = 0; j < PANEL; j += SQUARE) {
            __m512i rows[SQUARE];
#pragma GCC unroll 16
            for (int r = 0; r < SQUARE; r++)
                rows[r] = _mm512_loadu_si512(k + (j + r) * a->k_stride + c);
            transpose_square(rows);
#pragma GCC unroll 16
            for (int r = 0; r < SQUARE; r++)
                _mm512_storeu_si512(to_k + (c / 2 + r) * PANEL + j, rows[r]);
        }
        for (int32_t j = 0; j < PANEL; j += 2) {
            const __m512i even = _mm512_loadu_si512(v + j * a->v_stride + c);
            const __m512i odd = _mm512_loadu_si512(v + (j + 1) * a->v_stride + c);
            uint32_t *to = to_v + c * (kv.n / 2) + j / 2 * PANEL;
            _mm512_storeu_si512(to, _mm512_permutex2var_epi16(even, low, odd));
            _mm512_storeu_si512(to + LANES, _mm512_permutex2var_epi16(even, high, odd));
        }
    }
}

INLINE void append_between(const whet_append_args *a, int32_t from, int32_t to, int worker,
                           int n_workers) {
    whet_append_args part = *a;
    part.pos = from;
    part.n = to - from;
    part.k = (const uint16_t *)a->k + (from - a->pos) * a->k_stride;
    part.v = (const uint16_t *)a->v + (from - a->pos) * a->v_stride;
    if (from < to) append(&part, worker, n_workers);
}

static void append_here(const whet_append_args *a, int worker, int n_workers) {
    const int32_t end = a->pos + a->n, n_groups = a->problem->n_kv_heads;
    const int32_t first = min32(end, (int32_t)round_up(a->pos, PANEL));
    const int32_t last = max32(first, end / PANEL * PANEL);
    append_between(a, a->pos, first, worker, n_workers);
    for (int32_t i = worker; i < (last - first) / PANEL * n_groups; i += n_workers)
        append_whole(a, i % n_groups, first + i / n_groups * PANEL);
    append_between(a, last, end, worker, n_workers);
}

static bool is_many(const whet_problem *p, int32_t n_rows) {
    return n_rows > rows_per_item(p);
}

static size_t workspace_bytes_here(const whet_problem *p, int n_workers) {
    const size_t few = workspace_bytes(p, n_workers);
    const size_t many = (size_t)(COUNTER_FLOATS * 4 + n_workers * block_bytes(p));
    return is_many(p, p->n_rows) && many > few ? many : few;
}

static int n_phases_here(const whet_problem *p, int32_t n_rows, int32_t n_context) {
    return is_many(p, n_rows) ? 2 : n_phases(p, n_rows, n_context);
}

static void run_here(const whet_run_args *a, int phase, int worker, int n_workers) {
    if (!is_many(a->problem, a->n_rows))
        run(a, phase, worker, n_workers);
    else if (phase == 1)
        run_blocks(a, worker);
    else if (worker == 0)
        *(int32_t *)a->workspace = n_workers; /* the first block of each is its own */
}

static int supports_here(const whet_problem *problem) {
    return (whet_cpu_features() & (WHET_ISA_FEATURES)) == (WHET_ISA_FEATURES) && supports(problem);
}

extern const whet_attention_kernel WHET_ISA_TABLE;
const whet_attention_kernel WHET_ISA_TABLE = {
    .abi = WHET_KERNEL_ABI,
    .name = WHET_ISA_KERNEL,
    .layout_id = LAYOUT_ID,
    .supports = supports_here,
    .kv_bytes = kv_bytes,
    .workspace_bytes = workspace_bytes_here,
    .append = append_here,
    .n_phases = n_phases_here,
    .run = run_here,
};
