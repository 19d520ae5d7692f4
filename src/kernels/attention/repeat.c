/* SPDX-License-Identifier: MIT */
/* repeat: attention as the textbook has it: K and V repeated for every query head, product, mask,
 * softmax, product. The starting program of an evolution. */
#include <whet/kernel.h>

float expf(float x);
void *memcpy(void *to, const void *from, size_t n);

// EVOLVE-BLOCK-START
/* How the segments meet. A work item is some query heads of one KV head, some rows, and a range of
 * keys; its queries are numbered head first, then row. Keys are taken in blocks of BLOCK.
 *
 * - flags: what the compiler is told about all that follows.
 * - layout: LAYOUT_ID; append(); layout_block(): where a block of keys lies in the cache.
 * - items: QUERIES, the most that a work item has.
 * - share: how a work item gets the K and V of its KV head: share_heads(): query heads to an item;
 *   share_elements(): scratch of a worker; share_begin(): before an item; share_block().
 * - fetch: fetch(): is told what bytes of K and V are being read, and may fetch others.
 * - dot: dot_block(): scores of one block for some queries of the item.
 * - mix: mix_keys(): adds V rows of some keys, weighted, to the outputs of some queries.
 * - exp: exp_one(); exp_sum(): s[j] = e^(s[j] * scale - max) for j < n, and the sum of them; no
 *   power is above 8.
 * - softmax: attend(): from queries to o = sum e^(s - m) v, l = sum e^(s - m), m = max s or at most
 * 8 less, for the keys of the item; softmax_floats(): its scratch for scores.
 * - split: which worker does what: split_phases(), split_floats(), split_run().
 *
 * dtype and dim are constants where it matters: everything below run() is inlined into it. A block
 * may be the last, short one: nothing past its n keys may be read, with one exception: where K is
 * [dim][token], which k_dim > 1 says, each row may be read as if the block were whole. Behind a
 * short one lies its V, so that this stays in the cache where (dim + 1) * k_dim >= BLOCK.
 *
 * Pair order: a row of 32 elements of 16 bits, where element i lies at i % 16 * 2 + i / 16: read as
 * words, one shift gives the first half of the row as floats, and one mask the second half.
 *
 * Words, of 16 bits and whole 32 dimensions: K is [pair of dimensions][token][2], V [32
 * dimensions][pair of tokens][dimension][2], as units that multiply pairs take them. K of a block
 * may be read as if it were whole. */

// SEGMENT-START items
/* items/few: a work item has a few queries */
#define QUERIES 16 // knob: 8 16 32
// SEGMENT-END items

enum { BLOCK = 32, HALF = BLOCK / 2 };

// SEGMENT-START flags
/* flags/none: as the compiler thinks best */
// SEGMENT-END flags

#define INLINE static inline __attribute__((always_inline, unused))
/* Where the sums of a loop take nearly all registers: within a large function the compiler keeps
 * some of them in memory. */
#define APART static __attribute__((noinline, unused))

/* Where K and V of key t, dimension c lie: k_index() and v_index() elements behind k and v. */
typedef struct block {
    const void *k;
    const void *v;
    int64_t k_token; /* elements from key t to t + 1 */
    int64_t k_half;  /* from key t to t + HALF */
    int64_t k_dim;   /* from dimension c to c + 1 */
    int64_t v_token;
    int is_v_pairs;  /* V rows are in pair order, up to the last whole 32 dimensions */
    int64_t v_chunk; /* from dimension c to c + 32; is 32 where dim is not a multiple of it */
    int is_words;    /* K and V are words; k_dim is how many tokens a pair of K has */
} block;

typedef struct item {
    const whet_run_args *args;
    int32_t group;           /* the KV head */
    int32_t head, n_heads;   /* query heads head .. head + n_heads - 1 of that group */
    int32_t row, n_rows;     /* rows row .. row + n_rows - 1 of the run */
    int32_t begin, end;      /* keys begin .. end - 1; begin is a multiple of BLOCK */
    int32_t n_queries;       /* n_heads * n_rows, at most QUERIES */
    int32_t n_keys[QUERIES]; /* query i sees the first n_keys[i] of these keys: the causal mask */
} item;

/* One worker's memory. */
typedef struct scratch {
    float *q;    /* [n_queries][dim], scaled; as o and raw with room for whole 32 queries */
    float *o;    /* [n_queries][dim] */
    void *raw;   /* [n_queries][dim], q of the problem's dtype, as it came */
    float *m;    /* [n_queries] */
    float *l;    /* [n_queries] */
    float *s;    /* softmax_floats() */
    void *share; /* share_elements() of the problem's dtype */
} scratch;

INLINE int32_t min32(int32_t a, int32_t b) {
    return a < b ? a : b;
}
INLINE int64_t round_up(int64_t n, int64_t to) {
    return (n + to - 1) / to * to;
}
INLINE int64_t element_bytes(int dtype) {
    return dtype == WHET_F32 ? 4 : 2;
}

INLINE int64_t pair_order(int64_t i) {
    return i / 32 * 32 + i % 16 * 2 + i % 32 / 16;
}

INLINE int64_t k_index(const block *b, int32_t t, int32_t c) {
    if (b->is_words) return (c / 2 * b->k_dim + t) * 2 + c % 2;
    return t % HALF * b->k_token + t / HALF * b->k_half + c * b->k_dim;
}

INLINE int64_t v_index(const block *b, int32_t t, int32_t c, int dim) {
    if (b->is_words) return c / 32 * b->v_chunk + (t / 2 * 32 + c % 32) * 2 + t % 2;
    const int64_t pairs = b->is_v_pairs & (c < dim / 32 * 32);
    return t * b->v_token + c / 32 * (b->v_chunk - 32) + c + pairs * (pair_order(c) - c);
}

INLINE const void *at(int dtype, const void *p, int64_t i) {
    return (const char *)p + i * element_bytes(dtype);
}

typedef union bits {
    float f;
    uint32_t u;
} bits;

INLINE float get(int dtype, const void *p, int64_t i) {
    if (dtype == WHET_F32) return ((const float *)p)[i];
    const uint32_t x = ((const uint16_t *)p)[i];
    if (dtype == WHET_BF16) return (bits){ .u = x << 16 }.f;
    /* f16: 2^112 moves the exponent's origin and makes subnormals right */
    const bits magnitude = { .f = (bits){ .u = (x & 0x7fff) << 13 }.f * 0x1p112f };
    const uint32_t special = (x & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
    return (bits){ .u = magnitude.u | special | (x & 0x8000) << 16 }.f;
}

INLINE void put(int dtype, void *p, int64_t i, float x) {
    if (dtype == WHET_F32) {
        ((float *)p)[i] = x;
        return;
    }
    const uint32_t u = (bits){ .f = x }.u, sign = u >> 16 & 0x8000, size = u & 0x7fffffff;
    uint32_t y = (u + 0x7fff + (u >> 16 & 1)) >> 16;
    if (dtype == WHET_F16) {
        y = sign | ((size - 0x38000000 + 0xfff + (size >> 13 & 1)) >> 13);
        if (size < 0x38800000) /* subnormal: adding 0.5 aligns the last places */
            y = sign | ((bits){ .f = (bits){ .u = size }.f + 0.5f }.u - 0x3f000000);
    }
    if (size >= 0x7f800000) y = 0x7fff; /* not finite; an f16 that is fits, as all of V did */
    ((uint16_t *)p)[i] = (uint16_t)y;
}

/* LANES floats in one register of the machine that compiles this, for segments that want them. */
#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES 16
#elif defined(__AVX__)
#include <immintrin.h>
#define LANES 8
#else
#define LANES 4
#endif
typedef float vec __attribute__((vector_size(LANES * 4)));
typedef uint32_t words __attribute__((vector_size(LANES * 4)));
typedef uint16_t halves __attribute__((vector_size(LANES * 2)));
enum { HALF_VECS = HALF / LANES };

/* Sums of so many queries, two vectors each, have a register, with what is multiplied. */
#if defined(__AVX512F__) || defined(__aarch64__)
enum { MOST_SUMS = 12 };
#else
enum { MOST_SUMS = 6 };
#endif

INLINE vec load(const float *p) {
    vec x;
    memcpy(&x, p, sizeof x);
    return x;
}

INLINE void store(float *p, vec x) {
    memcpy(p, &x, sizeof x);
}

/* What memcpy loads, a compiler may load once for each use. */
INLINE words load_words(const uint16_t *p) {
    typedef words anywhere __attribute__((aligned(2), may_alias));
    return *(const anywhere *)p;
}

INLINE vec f16_vec(words x) {
    const vec magnitude = (vec)((x & 0x7fff) << 13) * 0x1p112f;
    const words special = (words)((x & 0x7c00) == 0x7c00) & 0x7f800000;
    return (vec)((words)magnitude | special | (x & 0x8000) << 16);
}

/* Elements i .. i + LANES - 1. */
INLINE vec get_vec(int dtype, const void *p, int64_t i) {
    if (dtype == WHET_F32) return load((const float *)p + i);
    halves h;
    memcpy(&h, (const uint16_t *)p + i, sizeof h);
    const words x = __builtin_convertvector(h, words);
    return dtype == WHET_BF16 ? (vec)(x << 16) : f16_vec(x);
}

/* Pairs of bf16 are multiplied as they are; not on a processor with tiles of AMX, whose vectors
 * take floats twice as fast. */
#if defined(__AVX512BF16__) && !defined(__AMX_BF16__)
#define HAS_DOTS 1

INLINE vec add_dots(vec sum, words x, uint32_t pair) {
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)_mm512_set1_epi32((int)pair));
}

INLINE words round_vecs(vec first, vec second) {
    return (words)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
}
#else
#define HAS_DOTS                0
#define add_dots(sum, x, pair)  (sum)
#define round_vecs(first, last) ((words)(first))
#endif

/* Elements j * LANES .. of the row's first 16 and of its second 16, in pair order or plain. */
INLINE void get_pair(int dtype, const void *row, int is_pairs, int32_t j, vec *low, vec *high) {
    if (is_pairs) {
        words x;
        memcpy(&x, (const uint16_t *)row + 2 * j * LANES, sizeof x);
        *low = dtype == WHET_BF16 ? (vec)(x << 16) : f16_vec(x & 0xffff);
        *high = dtype == WHET_BF16 ? (vec)(x & 0xffff0000) : f16_vec(x >> 16);
    } else {
        *low = get_vec(dtype, row, j * LANES);
        *high = get_vec(dtype, row, 16 + j * LANES);
    }
}

INLINE vec max_vec(vec a, vec b) {
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    const words is_a = (words)(a > b);
    return (vec)(((words)a & is_a) | ((words)b & ~is_a));
#endif
}

INLINE float sum_vec(vec x) {
    float lane[LANES];
    store(lane, x);
    for (int32_t half = LANES / 2; half > 0; half /= 2)
        for (int32_t j = 0; j < half; j++)
            lane[j] += lane[j + half];
    return lane[0];
}

// SEGMENT-START layout
/* layout/token-rows: K, then V, each [token][kv head][dim], as the rows arrive */
#define LAYOUT_ID "token-rows-1"

INLINE block layout_block(const whet_problem *p, int64_t capacity, const void *kv, int32_t group,
                          int32_t t, int dtype, int dim) {
    const int64_t row = (int64_t)p->n_kv_heads * dim;
    const void *k = at(dtype, kv, t * row + (int64_t)group * dim);
    return (block){ k, at(dtype, k, capacity * row), row, HALF * row, 1, row, 0, 32 };
}

static void append(const whet_append_args *a, int worker, int n_workers) {
    const int dtype = a->problem->dtype;
    const int64_t row = (int64_t)a->problem->n_kv_heads * a->problem->head_dim;
    const size_t bytes = (size_t)(row * element_bytes(dtype));
    for (int32_t i = worker; i < a->n; i += n_workers) {
        char *k = (char *)a->kv + (size_t)(a->pos + i) * bytes;
        memcpy(k, at(dtype, a->k, i * a->k_stride), bytes);
        memcpy(k + (size_t)a->capacity * bytes, at(dtype, a->v, i * a->v_stride), bytes);
    }
}
// SEGMENT-END layout

/* A cache has room for a multiple of LAYOUT_ROWS keys; V of LAYOUT_RUN(t) keys, from the first one
 * of a block on, is one stream for each 32 dimensions, if it is words. */
#ifndef LAYOUT_ROWS
#define LAYOUT_ROWS   1
#define LAYOUT_RUN(t) (1 << 30)
#endif

// SEGMENT-START share
/* share/repeat: every query head gets a copy of K and V, as rows */
INLINE int32_t share_heads(const whet_problem *p) {
    (void)p;
    return 1;
}

INLINE int64_t share_elements(const whet_problem *p) {
    return 2 * round_up(p->n_context, BLOCK) * p->head_dim;
}

INLINE block share_block(const item *it, const scratch *w, int32_t t, int dtype, int dim) {
    const void *k = at(dtype, w->share, (int64_t)(t - it->begin) * dim);
    const int64_t n = round_up(it->end - it->begin, BLOCK);
    return (block){ k, at(dtype, k, n * dim), dim, HALF * dim, 1, dim, 0, 32 };
}

INLINE void share_begin(const item *it, const scratch *w, int dtype, int dim) {
    const whet_run_args *a = it->args;
    for (int32_t t = it->begin; t < it->end; t += BLOCK) {
        const block from = layout_block(a->problem, a->capacity, a->kv, it->group, t, dtype, dim);
        const block to = share_block(it, w, t, dtype, dim);
        for (int32_t j = 0; j < min32(BLOCK, it->end - t); j++)
            for (int32_t c = 0; c < dim; c++) {
                const int64_t i = (int64_t)j * dim + c;
                const int64_t k = k_index(&from, j, c), v = v_index(&from, j, c, dim);
                if (dtype == WHET_F32) {
                    ((float *)to.k)[i] = ((const float *)from.k)[k];
                    ((float *)to.v)[i] = ((const float *)from.v)[v];
                } else {
                    ((uint16_t *)to.k)[i] = ((const uint16_t *)from.k)[k];
                    ((uint16_t *)to.v)[i] = ((const uint16_t *)from.v)[v];
                }
            }
    }
}
// SEGMENT-END share

// SEGMENT-START fetch
/* fetch/none: what is read comes when it is read */
INLINE void fetch(const void *read, int64_t n_bytes) {
    (void)read, (void)n_bytes;
}
// SEGMENT-END fetch

// SEGMENT-START dot
/* dot/plain: one query, one key at a time, sixteen sums */
/* s[i * stride + t] = scale * q . k_t for t < n, of n_queries queries from number x of the item on;
 * s has room for whole blocks. */
INLINE void dot_block(const item *it, const scratch *w, int32_t x, int32_t n_queries, block b,
                      int32_t n, float *s, int64_t stride, int dtype, int dim) {
    (void)it;
    for (int32_t i = 0; i < n_queries; i++)
        for (int32_t t = 0; t < n; t++) {
            const float *qi = w->q + (int64_t)(x + i) * dim;
            float sum[16] = { 0 };
            int32_t c = 0;
            for (; c + 16 <= dim; c += 16)
                for (int32_t j = 0; j < 16; j++)
                    sum[j] += qi[c + j] * get(dtype, b.k, k_index(&b, t, c + j));
            for (; c < dim; c++)
                sum[0] += qi[c] * get(dtype, b.k, k_index(&b, t, c));
            for (int32_t half = 8; half > 0; half /= 2)
                for (int32_t j = 0; j < half; j++)
                    sum[j] += sum[j + half];
            s[i * stride + t] = sum[0];
        }
}
// SEGMENT-END dot

// SEGMENT-START mix
/* mix/plain: one query, one key at a time */
/* o_i += sum of p[i * stride + t] v_t over t < n <= LAYOUT_RUN(first), the item's keys from `first`
 * on, where a block begins. */
INLINE void mix_keys(const item *it, const scratch *w, int32_t first, int32_t n, const float *p,
                     int64_t stride, int32_t n_queries, float *o, int dtype, int dim) {
    for (int32_t t = 0; t < n; t += BLOCK) {
        const block b = share_block(it, w, first + t, dtype, dim);
        for (int32_t i = 0; i < n_queries; i++)
            for (int32_t j = 0; j < min32(BLOCK, n - t); j++) {
                float *restrict oi = o + (int64_t)i * dim;
                const float weight = p[i * stride + t + j];
                for (int32_t c = 0; c < dim; c++)
                    oi[c] += weight * get(dtype, b.v, v_index(&b, j, c, dim));
            }
    }
}
// SEGMENT-END mix

// SEGMENT-START exp
/* exp/libm: the C library's expf, one value at a time */
INLINE float exp_one(float x) {
    return expf(x);
}

INLINE float exp_sum(float *s, int32_t n, float scale, float max, int dtype) {
    (void)dtype;
    float sum = 0;
    for (int32_t j = 0; j < n; j++) {
        s[j] = expf(s[j] * scale - max);
        sum += s[j];
    }
    return sum;
}
// SEGMENT-END exp

// SEGMENT-START softmax
/* softmax/three-pass: all scores, then their maximum and exponentials, then all of V */
INLINE int64_t softmax_floats(int64_t n_keys) {
    return QUERIES * round_up(n_keys, BLOCK);
}

INLINE void attend(const item *it, const scratch *w, int dtype, int dim) {
    const int32_t n = it->end - it->begin;
    const int64_t stride = round_up(n, BLOCK);
    for (int32_t t = 0; t < n; t += BLOCK)
        dot_block(it, w, 0, it->n_queries, share_block(it, w, it->begin + t, dtype, dim),
                  min32(BLOCK, n - t), w->s + t, stride, dtype, dim);
    for (int32_t i = 0; i < it->n_queries; i++) {
        float *s = w->s + i * stride;
        const int32_t n_keys = it->n_keys[i];
        float max = -__builtin_inff();
        for (int32_t t = 0; t < n_keys; t++)
            max = s[t] > max ? s[t] : max;
        w->m[i] = max;
        w->l[i] = exp_sum(s, n_keys, 1, max, dtype);
        for (int32_t t = n_keys; t < n; t++)
            s[t] = 0;
    }
    for (int64_t c = 0; c < (int64_t)it->n_queries * dim; c++)
        w->o[c] = 0;
    for (int32_t t = 0, n_run; t < n; t += n_run) {
        n_run = min32(n - t, LAYOUT_RUN(it->begin + t));
        mix_keys(it, w, it->begin + t, n_run, w->s + t, stride, it->n_queries, w->o, dtype, dim);
    }
}
// SEGMENT-END softmax

/* A group's query heads are taken share_heads() at a time; rows as many as make QUERIES. */
INLINE int32_t items_per_group(const whet_problem *p) {
    const int32_t ratio = p->n_heads / p->n_kv_heads, n = share_heads(p);
    return (ratio + n - 1) / n;
}

INLINE int32_t rows_per_item(const whet_problem *p) {
    return QUERIES / share_heads(p);
}

/* The item of all keys up to `end` for heads number h (of n_kv_heads * items_per_group) and rows
 * from `row`. */
INLINE item item_at(const whet_run_args *a, int32_t h, int32_t row, int32_t begin, int32_t end) {
    const whet_problem *p = a->problem;
    const int32_t ratio = p->n_heads / p->n_kv_heads, per_group = items_per_group(p);
    const int32_t first = h % per_group * share_heads(p);
    item it = { .args = a, .group = h / per_group, .row = row, .begin = begin };
    it.head = it.group * ratio + first;
    it.n_heads = min32(share_heads(p), ratio - first);
    it.n_rows = min32(rows_per_item(p), a->n_rows - row);
    it.end = min32(end, a->pos + row + it.n_rows);
    if (it.end < begin) it.end = begin; /* rows before these keys */
    it.n_queries = it.n_heads * it.n_rows;
    for (int32_t i = 0; i < it.n_queries; i++) {
        const int32_t n = min32(it.end, a->pos + row + i / it.n_heads + 1) - begin;
        it.n_keys[i] = n > 0 ? n : 0;
    }
    return it;
}

INLINE void run_item(const item *it, const scratch *w, int dtype, int dim) {
    const whet_run_args *a = it->args;
    for (int32_t i = 0; i < it->n_queries; i++) {
        const int32_t row = it->row + i / it->n_heads, head = it->head + i % it->n_heads;
        const void *q = at(dtype, a->q, row * a->q_stride + (int64_t)head * dim);
        for (int32_t c = 0; c < dim; c++)
            w->q[(int64_t)i * dim + c] = a->scale * get(dtype, q, c);
        memcpy((char *)w->raw + i * dim * element_bytes(dtype), q,
               (size_t)(dim * element_bytes(dtype)));
    }
    share_begin(it, w, dtype, dim);
    attend(it, w, dtype, dim);
}

INLINE void put_row(const whet_run_args *a, int32_t row, int32_t head, const float *o, float l,
                    int dtype, int dim) {
    const int64_t first = row * a->out_stride + (int64_t)head * dim;
    for (int32_t c = 0; c < dim; c++)
        put(dtype, a->out, first + c, o[c] / l);
}

// SEGMENT-START split
/* split/heads: heads and rows are dealt out, every item sees all its keys */
INLINE int32_t split_keys(const whet_problem *p, int32_t n_rows) {
    (void)n_rows;
    return p->n_context;
}

INLINE int split_phases(int32_t n_rows, int32_t n_context) {
    (void)n_rows, (void)n_context;
    return 1;
}

INLINE int64_t split_floats(const whet_problem *p) {
    (void)p;
    return 0;
}

INLINE void split_run(const whet_run_args *a, int phase, int worker, int n_workers, float *shared,
                      const scratch *w, int dtype, int dim) {
    (void)phase, (void)shared;
    const whet_problem *p = a->problem;
    const int32_t n_heads = p->n_kv_heads * items_per_group(p), n_rows = rows_per_item(p);
    const int64_t n = (int64_t)((a->n_rows + n_rows - 1) / n_rows) * n_heads;
    for (int64_t i = worker; i < n; i += n_workers) {
        const item it = item_at(a, (int32_t)(i % n_heads), (int32_t)(i / n_heads) * n_rows, 0,
                                a->pos + a->n_rows);
        run_item(&it, w, dtype, dim);
        for (int32_t j = 0; j < it.n_queries; j++)
            put_row(a, it.row + j / it.n_heads, it.head + j % it.n_heads, w->o + (int64_t)j * dim,
                    w->l[j], dtype, dim);
    }
}
// SEGMENT-END split

/* A program for one problem alone is smaller, and built in a fraction of the time. */
#define ONLY_DTYPE    -1 // problem: dtype
#define ONLY_HEAD_DIM 0  // problem: head_dim

static int supports(const whet_problem *p) {
    if (ONLY_HEAD_DIM > 0 && (p->dtype != ONLY_DTYPE || p->head_dim != ONLY_HEAD_DIM)) return 0;
    return p->dtype >= WHET_F32 && p->dtype <= WHET_F16 && p->n_kv_heads > 0 && p->head_dim > 0 &&
           p->n_heads > 0 && p->n_heads % p->n_kv_heads == 0;
}

static size_t kv_bytes(const whet_problem *p, int64_t capacity) {
    const int64_t rows = round_up(capacity, LAYOUT_ROWS);
    return (size_t)(2 * rows * p->n_kv_heads * p->head_dim * element_bytes(p->dtype));
}

/* Workspace: what the workers share, then each worker's scratch, every part on a cache line. */
INLINE int64_t shared_bytes(const whet_problem *p) {
    return round_up(split_floats(p) * 4, 64);
}

INLINE int64_t query_floats(const whet_problem *p) {
    return round_up(QUERIES, 32) * p->head_dim;
}

INLINE int64_t score_floats(const whet_problem *p) {
    const int64_t n = softmax_floats(
        split_keys(p, p->n_rows) < p->n_context ? split_keys(p, p->n_rows) : p->n_context);
    return round_up(n, 16);
}

INLINE int64_t scratch_bytes(const whet_problem *p) {
    return (2 * query_floats(p) + 2 * round_up(QUERIES, 16) + score_floats(p)) * 4 +
           round_up((query_floats(p) + share_elements(p)) * element_bytes(p->dtype), 64);
}

static size_t workspace_bytes(const whet_problem *p, int n_workers) {
    return (size_t)(shared_bytes(p) + n_workers * scratch_bytes(p));
}

static int n_phases(const whet_problem *p, int32_t n_rows, int32_t n_context) {
    (void)p;
    return split_phases(n_rows, n_context);
}

static void run(const whet_run_args *a, int phase, int worker, int n_workers) {
    const whet_problem *p = a->problem;
    float *shared = a->workspace;
    char *mine = (char *)a->workspace + shared_bytes(p) + worker * scratch_bytes(p);
    scratch w = { .q = (float *)mine };
    w.o = w.q + query_floats(p);
    w.m = w.o + query_floats(p);
    w.l = w.m + round_up(QUERIES, 16);
    w.s = w.l + round_up(QUERIES, 16);
    w.raw = w.s + score_floats(p);
    w.share = (char *)w.raw + query_floats(p) * element_bytes(p->dtype);
#if ONLY_HEAD_DIM > 0
    split_run(a, phase, worker, n_workers, shared, &w, ONLY_DTYPE, ONLY_HEAD_DIM);
#else
    if (p->dtype == WHET_BF16 && p->head_dim == 128)
        split_run(a, phase, worker, n_workers, shared, &w, WHET_BF16, 128);
    else if (p->dtype == WHET_BF16)
        split_run(a, phase, worker, n_workers, shared, &w, WHET_BF16, p->head_dim);
    else if (p->dtype == WHET_F32)
        split_run(a, phase, worker, n_workers, shared, &w, WHET_F32, p->head_dim);
    else
        split_run(a, phase, worker, n_workers, shared, &w, WHET_F16, p->head_dim);
#endif
}
// EVOLVE-BLOCK-END

#ifndef WHET_BUILT_IN /* the library makes tables of its own, one for each instruction set */
const whet_attention_kernel whet_kernel = {
    .abi = WHET_KERNEL_ABI,
    .name = "repeat",
    .layout_id = LAYOUT_ID,
    .supports = supports,
    .kv_bytes = kv_bytes,
    .workspace_bytes = workspace_bytes,
    .append = append,
    .n_phases = n_phases,
    .run = run,
};
#endif
