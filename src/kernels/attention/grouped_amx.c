/* SPDX-License-Identifier: MIT */
/* `grouped` with AMX tiles for many rows; a few rows, and so decoding, are as in grouped-avx512,
 * but for longer tiles: the cache's panels are what a tile product takes on its right. */
#define WHET_BUILT_IN
#define NO_DOTS /* bf16 dot products are slower than f32 where there are tiles */
#include "kernels/attention/grouped.c"

#include <stdbool.h>

#include "platform/cpu.h"
#include "platform/tiles.h"

/* A block of BLOCK queries of one KV head goes through its keys, KEYS at a time. SIDE queries by
 * PANEL keys are one square of tiles: scores of all KEYS, their weights, then weights times V. The
 * scores of a side stay in L1, its sums and the keys in L2. */
enum { BLOCK = 128, KEYS = 256 };
enum { SIDE = 32, STEP = 32 /* bf16 of a tile's row */ };
_Static_assert(PANEL == SIDE && KEYS % TILE == 0 && BLOCK % SIDE == 0, "squares fit");

typedef struct block {
    item it;
    float *o;           /* [BLOCK][dim]: sum of 2^(s - m) v */
    float *s;           /* [SIDE][KEYS] */
    float *m, *l;       /* [BLOCK] */
    uint16_t *q;        /* [BLOCK][dim] */
    uint16_t *p;        /* [SIDE][KEYS] */
    uint32_t *v_padded; /* [dim / PANEL][TILE / 2][PANEL]: the V of a short tile */
    int32_t t0, n_keys; /* of the step; the tile at key t of it is tiles[t / TILE] */
    tile tiles[KEYS / TILE];
} block;

INLINE int64_t block_bytes(const whet_problem *p) {
    const int64_t dim = p->head_dim;
    return 4 * (BLOCK * (dim + 2) + SIDE * KEYS + dim * TILE / 2) + 2 * (BLOCK * dim + SIDE * KEYS);
}

INLINE void place_block(const whet_run_args *a, int worker, block *b) {
    const int64_t dim = a->problem->head_dim;
    *b = (block){ .it = { .args = a } };
    b->o = (float *)((char *)a->workspace + worker * block_bytes(a->problem));
    b->s = b->o + BLOCK * dim;
    b->v_padded = (uint32_t *)(b->s + SIDE * KEYS);
    b->q = (uint16_t *)(b->v_padded + dim * TILE / 2);
    b->p = b->q + BLOCK * dim;
    b->m = (float *)(b->p + SIDE * KEYS);
    b->l = b->m + BLOCK;
}

INLINE void begin_block(const block *b) {
    const whet_run_args *a = b->it.args;
    const int32_t dim = a->problem->head_dim;
    for (int32_t x = 0; x < b->it.n_queries; x++) {
        const uint16_t *q = (const uint16_t *)a->q + row_of(&b->it, x) * a->q_stride;
        memcpy(b->q + x * dim, q + (int64_t)head_of(&b->it, x) * dim, (size_t)dim * 2);
        b->m[x] = -__builtin_inff();
        b->l[x] = 0;
    }
    for (int64_t i = 0; i < (int64_t)round_up(b->it.n_queries, SIDE) * dim; i++)
        b->o[i] = 0;
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

/* n steps of 32 pairs' halves: rows of a, a_stride bf16 apart, times pairs of b. */
INLINE void add_products(const uint16_t *a, int64_t a_stride, const uint32_t *b, int64_t b_stride,
                         int32_t n) {
    for (int32_t i = 0; i < n; i++, a += STEP, b += STEP / 2 * b_stride)
        tiles_multiply(a, a + SIDE / 2 * a_stride, (size_t)a_stride * 2, b, b + SIDE / 2,
                       (size_t)b_stride * 4);
}

INLINE void score(const block *b, int32_t x, int32_t width) {
    const int32_t dim = b->it.args->problem->head_dim;
    for (int32_t t = 0; t < width; t += PANEL) {
        const tile *kv = &b->tiles[t / TILE];
        const int32_t at = t % TILE;
        tiles_clear_sums();
        add_products(b->q + (int64_t)x * dim, dim, kv->k + (int64_t)at * dim / 2,
                     min32(PANEL, kv->n - at), dim / STEP);
        tiles_store_sums(b->s + t, KEYS * 4);
    }
}

INLINE void mix(const block *b, int32_t x, int32_t width) {
    const int32_t dim = b->it.args->problem->head_dim;
    for (int32_t c = 0; c < dim; c += PANEL) {
        float *o = b->o + (int64_t)x * dim + c;
        tiles_load_sums(o, (size_t)dim * 4);
        for (int32_t t = 0; t < width; t += TILE)
            add_products(b->p + t, KEYS, b->tiles[t / TILE].v + c * (TILE / 2), PANEL,
                         min32(TILE, width - t) / STEP);
        tiles_store_sums(o, (size_t)dim * 4);
    }
}

/* The first n lanes of x, and nothing behind them. */
INLINE __m512 first_lanes(vec x, int32_t n) {
    const uint32_t mask = n < LANES ? ((uint32_t)1 << max32(n, 0)) - 1 : 0xffff;
    return _mm512_maskz_mov_ps((__mmask16)mask, (__m512)x);
}

/* Two vectors of scores become weights of bf16, those behind the first n nothing; returns their sum
 * as they will be used. */
INLINE vec weigh_pair(const float *s, int32_t n, bool is_whole, vec factor, vec at, uint16_t *p) {
    const vec e = exp2_vec(load(s) * factor - at), f = exp2_vec(load(s + LANES) * factor - at);
    const words w = is_whole
                        ? (words)_mm512_cvtne2ps_pbh((__m512)f, (__m512)e)
                        : (words)_mm512_cvtne2ps_pbh(first_lanes(f, n - LANES), first_lanes(e, n));
    memcpy(p, &w, sizeof w);
    return low_of(w) + high_of(w);
}

/* The first n of `width` scores of query x, at s, become weights at p. Returns what the query's
 * sums so far are to be multiplied by. */
INLINE float weigh_query(const block *b, int32_t x, const float *s, int32_t n, int32_t width,
                         uint16_t *p) {
    const float scale = b->it.args->scale * 1.44269504f, inf = __builtin_inff();
    const vec factor = splat(scale), least = splat(-inf);
    const int32_t n_whole = n / (2 * LANES) * (2 * LANES);
    vec top = least, other = least, sum = splat(0), rest = splat(0);
    for (int32_t t = 0; t < n_whole; t += 2 * LANES) {
        top = max_vec(load(s + t) * factor, top);
        other = max_vec(load(s + t + LANES) * factor, other);
    }
    for (int32_t t = n_whole; t < n; t += LANES)
        top = max_vec(scores_at(s, t, n, scale, -inf), top);
    const float max = _mm512_reduce_max_ps((__m512)max_vec(top, other)), before = b->m[x];
    float rescale = 1;
    if (!(max <= before + SLACK)) {
        b->m[x] = max;
        rescale = b->l[x] > 0 ? exp2_vec(splat(before - max))[0] : 1;
    }
    const vec at = splat(b->m[x]);
    for (int32_t t = 0; t < n_whole; t += 2 * LANES)
        sum += weigh_pair(s + t, 0, true, factor, at, p + t);
    for (int32_t t = n_whole; t < width; t += 2 * LANES)
        rest += weigh_pair(s + t, n - t, false, factor, at, p + t);
    b->l[x] = b->l[x] * rescale + _mm512_reduce_add_ps((__m512)(sum + rest));
    return rescale;
}

/* The step's keys for the SIDE queries from x on. */
static void attend_side(const block *b, int32_t x) {
    const whet_run_args *a = b->it.args;
    const int32_t dim = a->problem->head_dim, ratio = ratio_of(a->problem);
    const int32_t n_queries = min32(SIDE, b->it.n_queries - x);
    const int32_t seen = a->pos + b->it.row + 1 - b->t0; /* by the first row */
    const int32_t limit = min32(b->n_keys, seen + (x + n_queries - 1) / ratio);
    if (limit <= 0) return;
    const int32_t width = (int32_t)round_up(limit, PANEL);
    score(b, x, width);
    for (int32_t j = 0; j < n_queries; j++) {
        const int32_t n = max32(0, min32(limit, seen + (x + j) / ratio));
        const float rescale = weigh_query(b, x + j, b->s + j * KEYS, n, width, b->p + j * KEYS);
        float *o = b->o + (int64_t)(x + j) * dim;
        if (rescale != 1)
            for (int32_t c = 0; c < dim; c++)
                o[c] *= rescale;
    }
    mix(b, x, width);
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

/* The last rows, which see most keys, first; every other round of workers goes backwards. */
static void run_blocks(const whet_run_args *a, int worker, int n_workers) {
    const int32_t n_rows = BLOCK / ratio_of(a->problem), n_groups = a->problem->n_kv_heads;
    const int32_t n_blocks = (a->n_rows + n_rows - 1) / n_rows;
    block b;
    place_block(a, worker, &b);
    tiles_begin();
    for (int64_t i = worker, round = 0; i < (int64_t)n_blocks * n_groups; round++) {
        b.it.group = (int32_t)(i % n_groups);
        b.it.row = (n_blocks - 1 - (int32_t)(i / n_groups)) * n_rows;
        const int32_t n_here = min32(n_rows, a->n_rows - b.it.row);
        b.it.n_queries = n_here * ratio_of(a->problem);
        b.it.end = a->pos + b.it.row + n_here;
        run_block(&b);
        i += round % 2 ? 2 * worker + 1 : 2 * (n_workers - worker) - 1;
    }
    tiles_end();
}

static size_t workspace_bytes_here(const whet_problem *p, int n_workers) {
    const size_t few = workspace_bytes(p, n_workers);
    const size_t many = (size_t)(n_workers * block_bytes(p));
    return p->n_rows > rows_per_item(p) && many > few ? many : few;
}

static void run_here(const whet_run_args *a, int phase, int worker, int n_workers) {
    if (a->n_rows > rows_per_item(a->problem))
        run_blocks(a, worker, n_workers);
    else
        run(a, phase, worker, n_workers);
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
    .append = append,
    .n_phases = n_phases,
    .run = run_here,
};
