/* SPDX-License-Identifier: MIT */
/* softmax/tiles: as one-pass, where there are many queries with both products by AMX tiles, for
 * which K and V in pair order are woven block by block; on a machine without, one-pass it is */
// fits: layout/tiles-pairs dot/over-keys mix/vectors share/grouped split/keys exp/short-poly
#define TILE         128 // knob: 64 128 256 512
#define TILE_QUERIES 8   // knob: 4 8 16
/* From so many queries on. */

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
#include <immintrin.h>
#endif

enum { TILE_ROWS = 16, N_BLOCKS = TILE / BLOCK };

/* Scores of a tile of keys, over which weights of bf16 are written. */
INLINE int64_t softmax_floats(int64_t n_keys) {
    (void)n_keys;
    return QUERIES * TILE;
}

INLINE float max_of(const float *s, int32_t n, float max) {
    vec top = (vec){ 0 } + max;
    int32_t t = 0;
    for (; t + LANES <= n; t += LANES)
        top = max_vec(load(s + t), top);
    float lane[LANES];
    store(lane, top);
    for (int32_t half = LANES / 2; half > 0; half /= 2)
        for (int32_t j = 0; j < half; j++)
            lane[j] = lane[j + half] > lane[j] ? lane[j + half] : lane[j];
    max = lane[0];
    for (; t < n; t++)
        max = s[t] > max ? s[t] : max;
    return max;
}

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)

/* The compiler does not know that tiles read memory: what was stored before is sent there. */
INLINE void tiles_wait(void) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Sums are tiles 0 and 1, of a second 16 queries 2 and 3; the left factors 4 and 5. */
INLINE void tiles_begin(int32_t n_queries) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t n_rows[16];
    } shapes = { .palette = 1 };
    const int32_t n = min32(n_queries, TILE_ROWS), n_more = n_queries - n;
    for (int32_t i = 0; i < 8; i++) {
        const int32_t is_more = i == 2 || i == 3 || i == 5;
        shapes.n_rows[i] = (uint8_t)(i > 5 ? TILE_ROWS : is_more ? n_more : n);
        shapes.row_bytes[i] = shapes.n_rows[i] ? 64 : 0;
    }
    tiles_wait();
    _tile_loadconfig(&shapes);
}

/* The sums += 32 columns of `left`, rows `stride` elements apart, times 32 rows in pair order,
 * `step` elements apart. Of two rows the first halves make one tile's pairs, the second ones
 * another's. */
INLINE void tiles_add(const uint16_t *left, int64_t stride, const uint16_t *rows, int64_t step,
                      int32_t n_queries) {
    words woven[2][TILE_ROWS];
    for (int32_t i = 0; i < TILE_ROWS; i++) {
        words x, y;
        const uint16_t *row = rows + 2 * i * step;
        memcpy(&x, row, sizeof x);
        memcpy(&y, row + step, sizeof y);
        fetch(row, 64);
        fetch(row + step, 64);
        woven[0][i] = (x & 0xffff) | y << 16;
        woven[1][i] = x >> 16 | (y & 0xffff0000);
    }
    tiles_wait();
    _tile_loadd(4, left, stride * 2);
    _tile_loadd(6, woven[0], 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, woven[1], 64);
    _tile_dpbf16ps(1, 4, 7);
    if (n_queries > TILE_ROWS) {
        _tile_loadd(5, left + TILE_ROWS * stride, stride * 2);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
}

/* The sums go to 32 columns of `to`, and come from there. */
INLINE void tiles_put(float *to, int64_t stride, int32_t n_queries) {
    _tile_stored(0, to, stride * 4);
    _tile_stored(1, to + 16, stride * 4);
    if (n_queries > TILE_ROWS) {
        _tile_stored(2, to + TILE_ROWS * stride, stride * 4);
        _tile_stored(3, to + TILE_ROWS * stride + 16, stride * 4);
    }
}

INLINE void tiles_take(const float *from, int64_t stride, int32_t n_queries) {
    tiles_wait();
    _tile_loadd(0, from, stride * 4);
    _tile_loadd(1, from + 16, stride * 4);
    if (n_queries > TILE_ROWS) {
        _tile_loadd(2, from + TILE_ROWS * stride, stride * 4);
        _tile_loadd(3, from + TILE_ROWS * stride + 16, stride * 4);
    }
}

INLINE void tiles_dot(const uint16_t *q, float scale, int32_t n_queries, block b, float *s,
                      int dim) {
    _tile_zero(0);
    _tile_zero(1);
    if (n_queries > TILE_ROWS) {
        _tile_zero(2);
        _tile_zero(3);
    }
    for (int32_t c = 0; c < dim; c += 32)
        tiles_add(q + c, dim, (const uint16_t *)b.k + c * b.k_dim, b.k_dim, n_queries);
    tiles_put(s, TILE, n_queries);
    for (int32_t i = 0; i < n_queries; i++)
        for (int32_t j = 0; j < BLOCK; j += LANES)
            store(s + i * TILE + j, load(s + i * TILE + j) * scale);
}

/* n_blocks blocks' V rows, with the weights that stand over the scores. */
INLINE void tiles_mix(const float *s, int32_t n_queries, const block *b, int32_t n_blocks, float *o,
                      int dim) {
    for (int32_t c = 0; c < dim; c += 32) {
        tiles_take(o + c, dim, n_queries);
        for (int32_t i = 0; i < n_blocks; i++)
            tiles_add((const uint16_t *)s + i * BLOCK, 2 * TILE,
                      (const uint16_t *)b[i].v + c / 32 * b[i].v_chunk, b[i].v_token, n_queries);
        tiles_put(o + c, dim, n_queries);
    }
}

/* The first n weights become bf16, over what they were; their sum as they are then. */
INLINE float tiles_round(float *s, int32_t n) {
    vec sum = { 0 };
    for (int32_t t = 0; t < n; t += 2 * LANES) {
        const words x =
            (words)_mm512_cvtne2ps_pbh((__m512)load(s + t + LANES), (__m512)load(s + t));
        memcpy((uint16_t *)s + t, &x, sizeof x);
        sum += (vec)(x << 16) + (vec)(x & 0xffff0000);
    }
    return sum_vec(sum);
}

INLINE void tiles_end(void) {
    _tile_release();
}

enum { HAS_TILES = 1 };

#else

#define tiles_begin(n_queries)                       (void)0
#define tiles_dot(q, scale, n_queries, b, s, dim)    (void)0
#define tiles_mix(s, n_queries, b, n_blocks, o, dim) (void)0
#define tiles_round(s, n)                            0
#define tiles_end()                                  (void)0
enum { HAS_TILES = 0 };

#endif

/* Whether tiles can take a block: whole, K and V in pair order. */
INLINE int is_woven(const block *b) {
    return b->k_token == 2 && b->is_v_pairs;
}

/* Query i's scores of the tile become weights; returns what its sums so far are multiplied by. */
INLINE float tile_weights(float *s, int32_t n_keys, int32_t n, int32_t n_woven, float *m, float *l,
                          int dtype) {
    float rescale = 1, sum = 0;
    if (n_keys > 0) {
        const float max = max_of(s, n_keys, *m);
        if (max > *m) {
            rescale = *l > 0 ? exp_one(*m - max) : 0;
            *m = max;
        }
        sum = exp_sum(s, n_keys, 1, max, dtype);
    }
    for (int32_t t = n_keys > 0 ? n_keys : 0; t < n; t++)
        s[t] = 0;
    if (n_woven > 0) {
        sum = tiles_round(s, n_woven);
        for (int32_t t = n_woven; t < n; t++)
            sum += s[t];
    }
    *l = *l * rescale + sum;
    return rescale;
}

/* n keys, at most a tile, from number `first` of the item on. */
INLINE void attend_tile(const item *it, const scratch *w, int32_t first, int32_t n, int by_tiles,
                        int dtype, int dim) {
    const int32_t n_queries = it->n_queries;
    block woven[N_BLOCKS];
    int32_t n_woven = 0;
    for (int32_t t = 0; t < n; t += BLOCK) {
        const block one = share_block(it, w, it->begin + first + t, dtype, dim);
        if (by_tiles && n_woven == t && n - t >= BLOCK && is_woven(&one)) {
            tiles_dot((const uint16_t *)w->raw, it->args->scale, n_queries, one, w->s + t, dim);
            woven[t / BLOCK] = one;
            n_woven += BLOCK;
        } else {
            dot_block(it, w, 0, n_queries, one, min32(BLOCK, n - t), w->s + t, TILE, dtype, dim);
        }
    }
    for (int32_t i = 0; i < n_queries; i++) {
        const float rescale = tile_weights(w->s + i * TILE, min32(it->n_keys[i] - first, n), n,
                                           n_woven, &w->m[i], &w->l[i], dtype);
        float *o = w->o + (int64_t)i * dim;
        if (rescale != 1)
            for (int32_t c = 0; c < dim; c++)
                o[c] *= rescale;
    }
    if (n_woven > 0) tiles_mix(w->s, n_queries, woven, n_woven / BLOCK, w->o, dim);
    mix_keys(it, w, it->begin + first + n_woven, n - n_woven, w->s + n_woven, TILE, n_queries, w->o,
             dtype, dim);
}

INLINE void attend(const item *it, const scratch *w, int dtype, int dim) {
    const int by_tiles = HAS_TILES && dtype == WHET_BF16 && dim % 32 == 0 &&
                         it->n_queries >= TILE_QUERIES && it->n_queries <= 2 * TILE_ROWS;
    for (int32_t i = 0; i < it->n_queries; i++) {
        w->m[i] = -__builtin_inff();
        w->l[i] = 0;
        for (int32_t c = 0; c < dim; c++)
            w->o[(int64_t)i * dim + c] = 0;
    }
    if (by_tiles) tiles_begin(it->n_queries);
    for (int32_t first = 0, n; first < it->end - it->begin; first += n) {
        n = min32(min32(TILE, LAYOUT_RUN(it->begin + first)), it->end - it->begin - first);
        attend_tile(it, w, first, n, by_tiles, dtype, dim);
    }
    if (by_tiles) tiles_end();
}
