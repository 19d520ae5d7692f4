/* SPDX-License-Identifier: MIT */
/* softmax/squares: as one-pass, some queries at a time; where there are many, both products go by
 * AMX tiles, 32 queries by 32 columns of words as they lie; on a machine without, by `dot` and
 * `mix` */
// fits: layout/words dot/words mix/words share/grouped split/keys
// fits: items/many exp/short-poly fetch/ahead flags/none
#define TILE         512 // knob: 64 128 256 512
#define TILE_QUERIES 8   // knob: 4 8 16
#define TILES_STEP   256 // knob: 64 128 256 512
#define SIDE_QUERIES 16  // knob: 8 16 32
/* Tiles from so many queries on; so many keys a step of theirs, that the scores of 32 queries stay
 * in the first-level cache; queries at a time without tiles: with few registers, those of
 * whole products. */

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
#include <immintrin.h>
#define HAS_TILES 1
#else
#define HAS_TILES 0
#endif

/* A maximum that grows by less than SLACK rescales nothing. Rows of scores that lie whole pages
 * apart would share a few sets of the cache. */
enum {
    SIDE = HAS_TILES       ? 32
           : MOST_SUMS < 8 ? SIDE_QUERIES / MOST_SUMS * MOST_SUMS
                           : SIDE_QUERIES,
    N_BLOCKS = TILES_STEP / BLOCK,
    SLACK = 8,
    STRIDE = (HAS_TILES && TILES_STEP > TILE ? TILES_STEP : TILE) + 16,
};

/* Scores of a side, over which weights of bf16 are written. */
INLINE int64_t softmax_floats(int64_t n_keys) {
    (void)n_keys;
    return SIDE * STRIDE;
}

/* Some consecutive blocks of keys, and how they are taken. */
typedef struct step {
    block blocks[N_BLOCKS]; /* by tiles */
    int32_t first, n;       /* keys, counted from the item's first one */
    int32_t by_tiles;
    float scale; /* of the scores as they are made */
} step;

#if HAS_TILES

INLINE float largest_of(vec x) {
    return _mm512_reduce_max_ps((__m512)x);
}

/* The compiler does not know that tiles read memory: what was stored before is sent there. */
INLINE void tiles_wait(void) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Sums are tiles 0 to 3, a square; left factors 4 and 5, right ones 6 and 7. */
INLINE void tiles_begin(void) {
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t n_rows[16];
    } whole = {
        .palette = 1,
        .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
        .n_rows = { 16, 16, 16, 16, 16, 16, 16, 16 },
    };
    _tile_loadconfig(&whole);
}

/* The sums += 32 columns of `left`, rows `stride` elements apart, times 16 rows of 32 words. */
INLINE void tiles_add(const uint16_t *left, int64_t stride, const uint16_t *right) {
    _tile_loadd(4, left, stride * 2);
    _tile_loadd(6, right, 128);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, right + 32, 128);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, left + 16 * stride, stride * 2);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
}

INLINE void tiles_put(float *to, int64_t stride) {
    _tile_stored(0, to, stride * 4);
    _tile_stored(1, to + 16, stride * 4);
    _tile_stored(2, to + 16 * stride, stride * 4);
    _tile_stored(3, to + 16 * stride + 16, stride * 4);
}

/* Scores of SIDE queries, for the first n keys and up to a whole block. */
INLINE void tiles_dot(const uint16_t *q, const step *st, int32_t n, int is_first, float *s,
                      int dim) {
    tiles_wait();
    for (int32_t t = 0; t < n; t += BLOCK) {
        const uint16_t *k = (const uint16_t *)st->blocks[t / BLOCK].k;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int32_t c = 0; c < dim; c += 32) {
            if (is_first) fetch(k + c * BLOCK, BLOCK * 64);
            tiles_add(q + c, dim, k + c * BLOCK);
        }
        tiles_put(s + t, STRIDE);
    }
}

/* V rows of as many keys, with the weights that stand over the scores. */
INLINE void tiles_mix(const float *s, const step *st, int32_t n, int is_first, float *o, int dim) {
    tiles_wait();
    for (int32_t c = 0; c < dim; c += 32) {
        _tile_loadd(0, o + c, dim * 4);
        _tile_loadd(1, o + c + 16, dim * 4);
        _tile_loadd(2, o + 16 * dim + c, dim * 4);
        _tile_loadd(3, o + 16 * dim + c + 16, dim * 4);
        for (int32_t t = 0; t < n; t += BLOCK) {
            const block *b = &st->blocks[t / BLOCK];
            const uint16_t *v = (const uint16_t *)b->v + c / 32 * b->v_chunk;
            if (is_first) fetch(v, BLOCK * 64);
            tiles_add((const uint16_t *)s + t, 2 * STRIDE, v);
        }
        tiles_put(o + c, dim);
    }
}

/* The first n weights, and up to a whole block, become bf16 where they are; their sum then. */
INLINE float tiles_round(float *s, int32_t n) {
    vec sum = { 0 };
    for (int32_t t = 0; t < n; t += 2 * LANES) {
        const words x =
            (words)_mm512_cvtne2ps_pbh((__m512)load(s + t + LANES), (__m512)load(s + t));
        memcpy((uint16_t *)s + t, &x, sizeof x);
        sum += (vec)(x << 16) + (vec)(x & 0xffff0000);
    }
    return _mm512_reduce_add_ps((__m512)sum);
}

INLINE void tiles_end(void) {
    _tile_release();
}

#else

INLINE float largest_of(vec x) {
    float lane[LANES];
    store(lane, x);
    for (int32_t half = LANES / 2; half > 0; half /= 2)
        for (int32_t j = 0; j < half; j++)
            lane[j] = lane[j + half] > lane[j] ? lane[j + half] : lane[j];
    return lane[0];
}

#define tiles_begin()                      (void)0
#define tiles_dot(q, st, n, first, s, dim) (void)0
#define tiles_mix(s, st, n, first, o, dim) (void)0
#define tiles_round(s, n)                  0
#define tiles_end()                        (void)0

#endif

/* The first n of `width` scores of a query become weights; returns what its sums so far are
 * multiplied by. */
INLINE float weigh(float *s, int32_t n, int32_t width, const step *st, float *m, float *l,
                   int dtype) {
    float rescale = 1, sum = 0;
    if (n > 0) {
        vec top = (vec){ 0 } - __builtin_inff();
        int32_t t = 0;
        for (; t + LANES <= n; t += LANES)
            top = max_vec(load(s + t) * st->scale, top);
        float max = largest_of(top);
        for (; t < n; t++)
            max = s[t] * st->scale > max ? s[t] * st->scale : max;
        if (max > *m + SLACK) {
            rescale = exp_one(*m - max); /* at first, of sums that are 0 */
            *m = max;
        }
        if (st->by_tiles)
            exp_sum(s, n, st->scale, *m, dtype); /* what is rounded is added up below */
        else
            sum = exp_sum(s, n, st->scale, *m, dtype);
    }
    for (int32_t t = n > 0 ? n : 0; t < width; t++)
        s[t] = 0;
    if (st->by_tiles) sum = tiles_round(s, width);
    *l = *l * rescale + sum;
    return rescale;
}

/* The step's keys for n_queries, at most SIDE, from number x on; n of them, or none where n is not
 * above 0, are seen. */
INLINE void attend_side(const item *it, const scratch *w, const step *st, int32_t x, int dtype,
                        int dim) {
    const int32_t n_queries = min32(SIDE, it->n_queries - x);
    const int32_t n = min32(st->n, it->n_keys[x + n_queries - 1] - st->first);
    const int32_t width = st->by_tiles ? (int32_t)round_up(n, BLOCK) : n;
    float *o = w->o + (int64_t)x * dim;
    if (st->by_tiles)
        tiles_dot((const uint16_t *)w->raw + (int64_t)x * dim, st, n, x == 0, w->s, dim);
    for (int32_t t = 0; t < n && !st->by_tiles; t += BLOCK)
        dot_block(it, w, x, n_queries, share_block(it, w, it->begin + st->first + t, dtype, dim),
                  min32(BLOCK, n - t), w->s + t, STRIDE, dtype, dim);
    for (int32_t i = 0; i < n_queries; i++) {
        const float rescale = weigh(w->s + i * STRIDE, min32(n, it->n_keys[x + i] - st->first),
                                    width, st, &w->m[x + i], &w->l[x + i], dtype);
        if (rescale != 1)
            for (int32_t c = 0; c < dim; c++)
                o[(int64_t)i * dim + c] *= rescale;
    }
    if (st->by_tiles)
        tiles_mix(w->s, st, n, x == 0, o, dim);
    else
        mix_keys(it, w, it->begin + st->first, n, w->s, STRIDE, n_queries, o, dtype, dim);
}

/* Tiles take as many whole blocks of words as there are; else a step is a tile of keys, and one
 * block where tiles are in use. */
INLINE step step_at(const item *it, const scratch *w, int32_t first, int by_tiles, int dtype,
                    int dim) {
    const int32_t most = min32(by_tiles ? TILES_STEP : TILE, LAYOUT_RUN(it->begin + first));
    const int32_t n = min32(most, it->end - it->begin - first);
    step st = { .first = first, .n = n, .by_tiles = by_tiles, .scale = 1 };
    for (int32_t t = 0; t < n && by_tiles; t += BLOCK) {
        st.blocks[t / BLOCK] = share_block(it, w, it->begin + first + t, dtype, dim);
        if (st.blocks[t / BLOCK].is_words && st.blocks[t / BLOCK].k_dim == BLOCK) continue;
        st.by_tiles = t > 0;
        st.n = t > 0 ? t : min32(BLOCK, n);
        break;
    }
    if (st.by_tiles) st.scale = it->args->scale;
    return st;
}

INLINE void attend(const item *it, const scratch *w, int dtype, int dim) {
    const int by_tiles =
        HAS_TILES && dtype == WHET_BF16 && dim % 32 == 0 && it->n_queries >= TILE_QUERIES;
    for (int32_t i = 0; i < it->n_queries; i++) {
        w->m[i] = -__builtin_inff();
        w->l[i] = 0;
        for (int32_t c = 0; c < dim; c++)
            w->o[(int64_t)i * dim + c] = 0;
    }
    if (by_tiles) tiles_begin();
    int32_t first = 0;
    while (first < it->end - it->begin) {
        const step st = step_at(it, w, first, by_tiles, dtype, dim);
        for (int32_t x = 0; x < it->n_queries; x += SIDE)
            attend_side(it, w, &st, x, dtype, dim);
        first += st.n;
    }
    if (by_tiles) tiles_end();
}
