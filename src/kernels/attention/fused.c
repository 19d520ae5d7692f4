/* SPDX-License-Identifier: MIT */
/* `fused`: the baseline. Online softmax over tiles of keys, one query head at a time, heads and
 * keys dealt out to the workers; compiled once for each instruction set (src/kernels/meson.build
 * defines the name of the table, the kernel's name and the features it needs). */

/* The cache is [tile of 64 tokens][kv head][K, V]. K of 32 tokens is [dim][32 in pair order], so
 * that a vector runs over keys and scores need no folding; V rows are in pair order by 32
 * dimensions. The last tile has only the rows that the capacity leaves to it; a last block of fewer
 * than 32 tokens and dimensions past the last 32 lie in plain order and are computed one by one.
 *
 * Decode splits the keys into chunks: a task is (chunk, rows, head), heads running fastest, so that
 * the next head finds the keys it shares in the second-level cache. A second phase merges. */
#include "kernels/attention.h"
#include "kernels/attention/vector.h"
#include "platform/cpu.h"

enum {
    TILE = 64,
    N_BLOCKS = TILE / PAIR,
    N_SUB = PAIR / 2 / LANES, /* vectors in half a pair row */
    ROWS = 16,                /* query rows of a task */
    SPLIT_ROWS = 8,           /* at most so many rows have their keys split */
    MIN_CHUNK = 256,
    MAX_CHUNKS = 64,
    STREAM_LOCALITY = 2, /* prefetch to the second level */
};

/* One head's rows row .. row + n_rows - 1 with the keys begin .. end - 1. */
typedef struct task {
    const whet_run_args *args;
    int32_t head, row, n_rows, begin, end;
    bool is_stream; /* memory is the limit: prefetch */
} task;

typedef struct scratch {
    float *q; /* [ROWS][dim], scaled */
    float *o; /* [ROWS][dim]: sum e^(s - m) v */
    float *s; /* [ROWS][TILE] */
    float m[ROWS], l[ROWS];
} scratch;

/* One KV head's part of a tile. */
typedef struct tile {
    const char *k, *v;
    int32_t n; /* tokens that have room here */
} tile;

INLINE int32_t min32(int32_t a, int32_t b) {
    return a < b ? a : b;
}
INLINE int64_t round_up(int64_t n, int64_t to) {
    return (n + to - 1) / to * to;
}
INLINE int64_t element_bytes(whet_dtype dtype) {
    return dtype == WHET_F32 ? 4 : 2;
}

INLINE tile tile_at(const whet_problem *p, int64_t capacity, const void *kv, int32_t group,
                    int64_t t0, whet_dtype dtype, int32_t dim) {
    const int32_t n = capacity - t0 < TILE ? (int32_t)(capacity - t0) : TILE;
    const int64_t row = dim * element_bytes(dtype);
    const char *k = (const char *)kv + (t0 * p->n_kv_heads + (int64_t)group * n) * 2 * row;
    return (tile){ k, k + n * row, n };
}

/* Scores of one whole block of keys for n_rows (a constant) rows. The dimensions take turns in
 * n_chains (a constant) sums: one row alone would wait for its own additions. */
INLINE void dot_rows(int n_rows, int n_chains, const float *q, const char *k, float *s,
                     int64_t ahead, whet_dtype dtype, int32_t dim) {
    const int64_t line = PAIR * element_bytes(dtype);
    for (int j = 0; j < N_SUB; j++) {
        vec sum[4][4][2] = { 0 };
        int32_t c = 0;
        for (; c + n_chains <= dim; c += n_chains)
            for (int chain = 0; chain < n_chains; chain++) {
                const char *at = k + (c + chain) * line;
                vec low, high;
                if (ahead && j == 0) __builtin_prefetch(at + ahead, 0, STREAM_LOCALITY);
                load_pair(dtype, at, j, &low, &high);
                for (int i = 0; i < n_rows; i++) {
                    sum[chain][i][0] += low * q[i * dim + c + chain];
                    sum[chain][i][1] += high * q[i * dim + c + chain];
                }
            }
        for (; c < dim; c++) {
            vec low, high;
            load_pair(dtype, k + c * line, j, &low, &high);
            for (int i = 0; i < n_rows; i++) {
                sum[0][i][0] += low * q[i * dim + c];
                sum[0][i][1] += high * q[i * dim + c];
            }
        }
        for (int i = 0; i < n_rows; i++) {
            for (int chain = 1; chain < n_chains; chain++) {
                sum[0][i][0] += sum[chain][i][0];
                sum[0][i][1] += sum[chain][i][1];
            }
            store(s + i * TILE + j * LANES, sum[0][i][0]);
            store(s + i * TILE + PAIR / 2 + j * LANES, sum[0][i][1]);
        }
    }
}

/* A short block at the end of the capacity: n of its `width` keys. */
INLINE void dot_rest(int32_t n_rows, const float *q, const char *k, int32_t width, int32_t n,
                     float *s, whet_dtype dtype, int32_t dim) {
    for (int32_t i = 0; i < n_rows; i++)
        for (int32_t t = 0; t < n; t++) {
            float sum = 0;
            for (int32_t c = 0; c < dim; c++)
                sum += q[i * dim + c] * whet_load_f32(dtype, k, (int64_t)c * width + t);
            s[i * TILE + t] = sum;
        }
}

INLINE void dot_tile(const task *a, const scratch *w, tile kv, int32_t n_keys, whet_dtype dtype,
                     int32_t dim) {
    const int64_t bytes = PAIR * dim * element_bytes(dtype);
    /* The V of this tile follows its K: it is fetched while K is used. */
    const int64_t ahead = a->is_stream ? kv.v - kv.k : 0;
    for (int32_t b = 0; b * PAIR < n_keys; b++) {
        const char *k = kv.k + b * bytes;
        float *s = w->s + b * PAIR;
        if ((b + 1) * PAIR > kv.n) {
            dot_rest(a->n_rows, w->q, k, kv.n - b * PAIR, n_keys - b * PAIR, s, dtype, dim);
            return;
        }
        int32_t i = 0;
        for (; i + 4 <= a->n_rows; i += 4)
            dot_rows(4, 1, w->q + i * dim, k, s + i * TILE, 0, dtype, dim);
        for (; i + 2 <= a->n_rows; i += 2)
            dot_rows(2, 2, w->q + i * dim, k, s + i * TILE, 0, dtype, dim);
        if (i < a->n_rows) dot_rows(1, 4, w->q + i * dim, k, s + i * TILE, ahead, dtype, dim);
    }
}

/* Scores of n keys become weights under the running maximum; what lies behind becomes 0. Returns
 * what the sums so far are to be multiplied by. */
INLINE float weigh(float *s, int32_t n, float *m, float *l) {
    if (n <= 0) {
        memset(s, 0, TILE * sizeof *s);
        return 1;
    }
    for (int32_t t = n; t < TILE; t++)
        s[t] = -__builtin_inff();
    vec max = load(s);
    for (int32_t t = LANES; t < TILE; t += LANES)
        max = max_vec(load(s + t), max);
    const float before = *m, top = max_lanes(max);
    if (top > before) *m = top;
    vec sum = { 0 };
    for (int32_t t = 0; t < TILE; t += LANES) {
        const vec e = exp_vec(load(s + t) - *m);
        store(s + t, e);
        sum += e;
    }
    for (int32_t t = n; t < TILE; t++)
        s[t] = 0;
    const float rescale = top > before && *l > 0 ? exp_vec(splat(before - top))[0] : 1;
    *l = *l * rescale + sum_lanes(sum);
    return rescale;
}

/* Adds n weighted V rows to the outputs of n_rows rows, n_v vector pairs from number v on (n_rows
 * and n_v are constants). */
INLINE void mix_rows(int n_rows, int n_v, const float *s, tile kv, int32_t n, float *o, int32_t v,
                     int64_t ahead, whet_dtype dtype, int32_t dim) {
    vec sum[4][4][2];
    for (int i = 0; i < n_rows; i++)
        for (int j = 0; j < n_v; j++) {
            const float *from = o + i * dim + (v + j) / N_SUB * PAIR + (v + j) % N_SUB * LANES;
            sum[i][j][0] = load(from);
            sum[i][j][1] = load(from + PAIR / 2);
        }
    for (int32_t t = 0; t < n; t++) {
        const char *row = kv.v + t * dim * element_bytes(dtype);
        for (int j = 0; j < n_v; j++) {
            const char *at = row + (v + j) / N_SUB * PAIR * element_bytes(dtype);
            vec low, high;
            if (ahead && (v + j) % N_SUB == 0) __builtin_prefetch(at + ahead, 0, STREAM_LOCALITY);
            load_pair(dtype, at, (v + j) % N_SUB, &low, &high);
            for (int i = 0; i < n_rows; i++) {
                sum[i][j][0] += low * s[i * TILE + t];
                sum[i][j][1] += high * s[i * TILE + t];
            }
        }
    }
    for (int i = 0; i < n_rows; i++)
        for (int j = 0; j < n_v; j++) {
            float *to = o + i * dim + (v + j) / N_SUB * PAIR + (v + j) % N_SUB * LANES;
            store(to, sum[i][j][0]);
            store(to + PAIR / 2, sum[i][j][1]);
        }
}

/* All dimensions of n_rows (a constant) rows. */
INLINE void mix_dims(int n_rows, const float *s, tile kv, int32_t n, float *o, int64_t ahead,
                     whet_dtype dtype, int32_t dim) {
    const int32_t n_pairs = dim / PAIR * N_SUB;
    const int n_v = n_rows == 1 ? 4 : LANES == 16 ? 2 : 1;
    int32_t v = 0;
    for (; v + n_v <= n_pairs; v += n_v)
        mix_rows(n_rows, n_v, s, kv, n, o, v, ahead, dtype, dim);
    for (; v < n_pairs; v++)
        mix_rows(n_rows, 1, s, kv, n, o, v, ahead, dtype, dim);
    for (int i = 0; i < n_rows; i++)
        for (int32_t c = dim / PAIR * PAIR; c < dim; c++)
            for (int32_t t = 0; t < n; t++)
                o[i * dim + c] += s[i * TILE + t] * whet_load_f32(dtype, kv.v, t * dim + c);
}

INLINE void mix_tile(const task *a, const scratch *w, tile kv, int32_t n_keys, int64_t ahead,
                     whet_dtype dtype, int32_t dim) {
    int32_t i = 0;
    for (; i + 4 <= a->n_rows; i += 4)
        mix_dims(4, w->s + i * TILE, kv, n_keys, w->o + i * dim, 0, dtype, dim);
    for (; i + 2 <= a->n_rows; i += 2)
        mix_dims(2, w->s + i * TILE, kv, n_keys, w->o + i * dim, 0, dtype, dim);
    if (i < a->n_rows) mix_dims(1, w->s + i * TILE, kv, n_keys, w->o + i * dim, ahead, dtype, dim);
}

INLINE void attend(const task *a, scratch *w, whet_dtype dtype, int32_t dim) {
    const whet_run_args *args = a->args;
    const whet_problem *p = args->problem;
    const int32_t group = a->head / (p->n_heads / p->n_kv_heads);
    for (int32_t i = 0; i < a->n_rows; i++) {
        const int64_t first = (a->row + i) * args->q_stride + (int64_t)a->head * dim;
        for (int32_t c = 0; c < dim; c++) {
            w->q[i * dim + c] = args->scale * whet_load_f32(dtype, args->q, first + c);
            w->o[i * dim + c] = 0;
        }
        w->m[i] = -__builtin_inff();
        w->l[i] = 0;
    }
    for (int32_t t0 = a->begin; t0 < a->end; t0 += TILE) {
        const tile kv = tile_at(p, args->capacity, args->kv, group, t0, dtype, dim);
        const int32_t n_keys = min32(TILE, a->end - t0);
        dot_tile(a, w, kv, n_keys, dtype, dim);
        for (int32_t i = 0; i < a->n_rows; i++) {
            const int32_t n = min32(n_keys, args->pos + a->row + i + 1 - t0);
            const float rescale = weigh(w->s + i * TILE, n, &w->m[i], &w->l[i]);
            if (rescale != 1)
                for (int32_t c = 0; c < dim; c++)
                    w->o[i * dim + c] *= rescale;
        }
        /* The K of the next tile is fetched while V is used. */
        int64_t ahead = 0;
        if (a->is_stream && t0 + TILE < a->end)
            ahead = tile_at(p, args->capacity, args->kv, group, t0 + TILE, dtype, dim).k - kv.v;
        mix_tile(a, w, kv, n_keys, ahead, dtype, dim);
    }
}

INLINE void put_row(const whet_run_args *a, int32_t row, int32_t head, const float *o, float l,
                    whet_dtype dtype, int32_t dim) {
    const int64_t first = row * a->out_stride + (int64_t)head * dim;
    const float factor = 1 / l;
    for (int32_t c = 0; c < dim; c++)
        whet_store_f32(dtype, a->out, first + c, o[c] * factor);
}

/* Keys of a chunk; at most MAX_CHUNKS of them make n_keys. */
INLINE int32_t chunk_of(int32_t n_rows, int32_t n_keys) {
    if (n_rows > SPLIT_ROWS) return n_keys;
    const int32_t least = (int32_t)round_up((n_keys + MAX_CHUNKS - 1) / MAX_CHUNKS, TILE);
    return least > MIN_CHUNK ? least : MIN_CHUNK;
}

INLINE int32_t n_chunks_of(int32_t n_rows, int32_t n_keys) {
    const int32_t chunk = chunk_of(n_rows, n_keys);
    return (n_keys + chunk - 1) / chunk;
}

/* Parts of split rows: [row][head][chunk][dim + 2]: o, m, l. */
INLINE int64_t part_floats(const whet_problem *p) {
    const int32_t n_chunks = min32(MAX_CHUNKS, (p->n_context + MIN_CHUNK - 1) / MIN_CHUNK);
    return round_up(
        (int64_t)min32(p->n_rows, SPLIT_ROWS) * p->n_heads * n_chunks * (p->head_dim + 2), 16);
}

INLINE int64_t scratch_floats(const whet_problem *p) {
    return round_up(2 * (int64_t)ROWS * p->head_dim + ROWS * TILE, 16);
}

INLINE void run_task(const task *a, scratch *w, float *parts, int32_t n_chunks, int32_t chunk,
                     whet_dtype dtype, int32_t dim) {
    attend(a, w, dtype, dim);
    for (int32_t i = 0; i < a->n_rows; i++) {
        const float *o = w->o + i * dim;
        if (n_chunks == 1) {
            put_row(a->args, a->row + i, a->head, o, w->l[i], dtype, dim);
            continue;
        }
        const int64_t row = (int64_t)(a->row + i) * a->args->problem->n_heads + a->head;
        float *part = parts + (row * n_chunks + chunk) * (dim + 2);
        memcpy(part, o, (size_t)dim * sizeof *o);
        part[dim] = w->m[i];
        part[dim + 1] = w->l[i];
    }
}

/* Every row from all its chunks. */
INLINE void merge(const whet_run_args *a, int worker, int n_workers, const float *parts,
                  int32_t n_chunks, float *o, whet_dtype dtype, int32_t dim) {
    const int32_t n_heads = a->problem->n_heads;
    for (int32_t i = worker; i < a->n_rows * n_heads; i += n_workers) {
        const float *first = parts + (int64_t)i * n_chunks * (dim + 2);
        float m = -__builtin_inff(), l = 0;
        for (int32_t c = 0; c < n_chunks; c++)
            m = first[c * (dim + 2) + dim] > m ? first[c * (dim + 2) + dim] : m;
        for (int32_t c = 0; c < dim; c++)
            o[c] = 0;
        for (int32_t k = 0; k < n_chunks; k++) {
            const float *part = first + k * (dim + 2);
            if (part[dim + 1] == 0) continue; /* this row sees none of these keys */
            const float weight = exp_vec(splat(part[dim] - m))[0];
            l += weight * part[dim + 1];
            for (int32_t c = 0; c < dim; c++)
                o[c] += weight * part[c];
        }
        put_row(a, i / n_heads, i % n_heads, o, l, dtype, dim);
    }
}

INLINE void run_phase(const whet_run_args *a, int phase, int worker, int n_workers,
                      whet_dtype dtype, int32_t dim) {
    const whet_problem *p = a->problem;
    float *parts = a->workspace;
    scratch w = { .q = parts + part_floats(p) + worker * scratch_floats(p) };
    w.o = w.q + ROWS * dim;
    w.s = w.o + ROWS * dim;
    const int32_t n_keys = a->pos + a->n_rows, chunk = chunk_of(a->n_rows, n_keys);
    const int32_t n_chunks = n_chunks_of(a->n_rows, n_keys);
    if (phase == 1) {
        merge(a, worker, n_workers, parts, n_chunks, w.o, dtype, dim);
        return;
    }
    const int32_t n_blocks = (a->n_rows + ROWS - 1) / ROWS;
    const int64_t n_tasks = (int64_t)n_chunks * n_blocks * p->n_heads;
    /* Decode: a contiguous share, for the caches. Prefill: every n_workers-th, since later rows see
     * more keys. */
    const bool is_dealt = a->n_rows > SPLIT_ROWS;
    const int64_t begin = is_dealt ? worker : n_tasks * worker / n_workers;
    const int64_t end = is_dealt ? n_tasks : n_tasks * (worker + 1) / n_workers;
    for (int64_t i = begin; i < end; i += is_dealt ? n_workers : 1) {
        const int32_t c = (int32_t)(i / p->n_heads / n_blocks);
        const int32_t row = (int32_t)(i / p->n_heads % n_blocks) * ROWS;
        const int32_t n_rows = min32(ROWS, a->n_rows - row);
        const task one = {
            .args = a,
            .head = (int32_t)(i % p->n_heads),
            .row = row,
            .n_rows = n_rows,
            .begin = c * chunk,
            .end = min32(a->pos + row + n_rows, (c + 1) * chunk),
            .is_stream = a->n_rows == 1,
        };
        run_task(&one, &w, parts, n_chunks, c, dtype, dim);
    }
}

static int supports(const whet_problem *p) {
    return (whet_cpu_features() & (WHET_ISA_FEATURES)) == (WHET_ISA_FEATURES) &&
           whet_problem_is_valid(p);
}

static size_t kv_bytes(const whet_problem *p, int64_t capacity) {
    return (size_t)(2 * capacity * p->n_kv_heads * p->head_dim *
                    element_bytes((whet_dtype)p->dtype));
}

static size_t workspace_bytes(const whet_problem *p, int n_workers) {
    return (size_t)(part_floats(p) + n_workers * scratch_floats(p)) * sizeof(float);
}

static int n_phases(const whet_problem *p, int32_t n_rows, int32_t n_context) {
    (void)p;
    return n_chunks_of(n_rows, n_context) > 1 ? 2 : 1;
}

INLINE void copy_element(whet_dtype dtype, char *to, int64_t i, const char *from, int64_t j) {
    if (dtype == WHET_F32)
        ((float *)(void *)to)[i] = ((const float *)(const void *)from)[j];
    else
        ((uint16_t *)(void *)to)[i] = ((const uint16_t *)(const void *)from)[j];
}

/* Token t of a tile: K as a column of its block, V as a row. */
INLINE void append_token(tile kv, int32_t t, const char *k, const char *v, whet_dtype dtype,
                         int32_t dim) {
    const int32_t first = t / PAIR * PAIR, width = min32(PAIR, kv.n - first);
    const int32_t column = width == PAIR ? pair_order(dtype, t - first) : t - first;
    char *to_k = (char *)(uintptr_t)kv.k + first * dim * element_bytes(dtype);
    char *to_v = (char *)(uintptr_t)kv.v + t * dim * element_bytes(dtype);
    for (int32_t c = 0; c < dim; c++)
        copy_element(dtype, to_k, (int64_t)c * width + column, k, c);
    int32_t c = 0;
    for (; c + PAIR <= dim; c += PAIR)
        for (int32_t i = 0; i < PAIR; i++)
            copy_element(dtype, to_v, c + pair_order(dtype, i), v, c + i);
    for (; c < dim; c++)
        copy_element(dtype, to_v, c, v, c);
}

/* A worker takes every n_workers-th pair of a block of tokens and a KV head: the tokens of a block
 * write to the same lines. */
INLINE void append_rows(const whet_append_args *a, int worker, int n_workers, whet_dtype dtype,
                        int32_t dim) {
    const whet_problem *p = a->problem;
    const int32_t end = a->pos + a->n, first = a->pos / PAIR;
    const int64_t n = (int64_t)((end + PAIR - 1) / PAIR - first) * p->n_kv_heads;
    for (int64_t i = worker; i < n; i += n_workers) {
        const int32_t group = (int32_t)(i % p->n_kv_heads);
        const int32_t b = (first + (int32_t)(i / p->n_kv_heads)) * PAIR, t0 = b / TILE * TILE;
        const tile kv = tile_at(p, a->capacity, a->kv, group, t0, dtype, dim);
        for (int32_t t = b > a->pos ? b : a->pos; t < min32(end, b + PAIR); t++) {
            const int64_t r = t - a->pos, column = (int64_t)group * dim;
            append_token(
                kv, t - t0, (const char *)a->k + (r * a->k_stride + column) * element_bytes(dtype),
                (const char *)a->v + (r * a->v_stride + column) * element_bytes(dtype), dtype, dim);
        }
    }
}

static void append(const whet_append_args *a, int worker, int n_workers) {
    const whet_dtype dtype = (whet_dtype)a->problem->dtype;
    if (dtype == WHET_F32)
        append_rows(a, worker, n_workers, WHET_F32, a->problem->head_dim);
    else /* 16 bits are 16 bits */
        append_rows(a, worker, n_workers, WHET_BF16, a->problem->head_dim);
}

static void run(const whet_run_args *a, int phase, int worker, int n_workers) {
    const whet_problem *p = a->problem;
    if (p->dtype == WHET_BF16 && p->head_dim == 128)
        run_phase(a, phase, worker, n_workers, WHET_BF16, 128);
    else if (p->dtype == WHET_BF16 && p->head_dim == 64)
        run_phase(a, phase, worker, n_workers, WHET_BF16, 64);
    else if (p->dtype == WHET_BF16)
        run_phase(a, phase, worker, n_workers, WHET_BF16, p->head_dim);
    else if (p->dtype == WHET_F32)
        run_phase(a, phase, worker, n_workers, WHET_F32, p->head_dim);
    else
        run_phase(a, phase, worker, n_workers, WHET_F16, p->head_dim);
}

extern const whet_attention_kernel WHET_ISA_TABLE;
const whet_attention_kernel WHET_ISA_TABLE = {
    .abi = WHET_KERNEL_ABI,
    .name = WHET_ISA_KERNEL,
    .layout_id = "fused-pairs-64-1",
    .supports = supports,
    .kv_bytes = kv_bytes,
    .workspace_bytes = workspace_bytes,
    .append = append,
    .n_phases = n_phases,
    .run = run,
};
