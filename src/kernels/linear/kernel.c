/* SPDX-License-Identifier: MIT */
/* The source of all linear kernels, compiled once for each instruction set. */

/* The build defines LANES and N_REGISTERS of the vectors, KERNEL (the object's name), KERNEL_NAME,
 * KERNEL_FEATURES, KERNEL_FAMILY, and MANY (the part for many rows).
 *
 * A few rows (decode) are bound by memory: the weight streams by once, as N_STREAMS rows at a time,
 * far apart, which the hardware's own prefetcher follows best; where software prefetch makes it
 * faster, the build says by FETCH_AHEAD how many bytes ahead, else 0.
 * Many rows (prefill) are bound by arithmetic, in f32, by bf16 dot products or by AMX
 * tiles: many_*.c, which say IS_BF16_ONLY and MANY_UNIT, too. */
#include <assert.h>
#include <string.h>

#include <whet/machine.h>

#include "kernels/linear/list.h"
#include "kernels/linear/share.h"

typedef float vf __attribute__((vector_size(LANES * 4)));
typedef uint32_t vu __attribute__((vector_size(LANES * 4)));
typedef float v4 __attribute__((vector_size(16)));
typedef uint16_t vh __attribute__((vector_size(LANES * 2)));

enum {
    N_VECTORS = N_REGISTERS == 32 ? 4 : 2, /* vectors of tokens in a panel */
    PANEL = N_VECTORS * LANES,
    N_BROADCAST = 6,  /* weight rows of a tile */
    K_BLOCK = 1024,   /* inputs of a widened panel: 24 KiB */
    PACK_INPUTS = 16, /* one cache line */

    FEW_ROWS = N_REGISTERS == 32 ? 8 : 4, /* tokens that share one pass over the weights */
    STEP = 2 * LANES,                     /* weights of one load_step */
    X_BLOCK = 4096,                       /* activations spread at a time: 16 KiB of L1 */
};

/* What few_rows works on: inputs from i0; k of them are whole steps. */
typedef struct few_rows_block {
    const whet_linear_args *args;
    const float *spread;
    int32_t i0, k, n_tail;
} few_rows_block;

#define INLINE static inline __attribute__((always_inline))

INLINE vf widen(whet_dtype dtype, const char *p) {
    if (dtype == WHET_F32) {
        vf v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    vh half;
    memcpy(&half, p, sizeof half);
    const vu bits = __builtin_convertvector(half, vu);
    if (dtype == WHET_BF16) return (vf)(bits << 16);
    /* f16: the exponent is rebiased by a multiplication, which is exact for subnormals too. */
    const vf magnitude = (vf)((bits & 0x7FFF) << 13) * 0x1p112f;
    const vu infinite = (vu)((bits & 0x7C00) == 0x7C00) & 0x7F800000;
    return (vf)((vu)magnitude | infinite | (bits & 0x8000) << 16);
}

INLINE float widen_one(whet_dtype dtype, const char *p) {
    float f;
    whet_widen(dtype, p, &f, 1);
    return f;
}

INLINE float sum_of(vf v) {
    v4 parts[LANES / 4];
    memcpy(parts, &v, sizeof v);
    for (int i = 1; i < LANES / 4; i++)
        parts[0] += parts[i];
    return (parts[0][0] + parts[0][1]) + (parts[0][2] + parts[0][3]);
}

INLINE void put(float *out, float value, bool is_added) {
    *out = is_added ? *out + value : value;
}

/* 2 LANES weights: a bf16 pair is its even element shifted and its odd one masked, which is half
 * the work of widening each, and the activations are laid out to match by spread. */
INLINE void load_step(whet_dtype dtype, const char *p, vf w[2]) {
    if (dtype == WHET_BF16) {
        vu bits;
        memcpy(&bits, p, sizeof bits);
        w[0] = (vf)(bits << 16);
        w[1] = (vf)(bits & 0xFFFF0000);
        return;
    }
    w[0] = widen(dtype, p);
    w[1] = widen(dtype, p + LANES * (dtype == WHET_F32 ? 4 : 2));
}

/* n activations, whole steps, in the order of load_step. */
INLINE void spread(whet_dtype dtype, const float *x, int32_t n, float *to) {
    if (dtype != WHET_BF16) {
        memcpy(to, x, (size_t)n * sizeof *x);
        return;
    }
    for (int32_t i = 0; i < n; i += STEP)
        for (int j = 0; j < LANES; j++) {
            to[i + j] = x[i + 2 * j];
            to[i + LANES + j] = x[i + 2 * j + 1];
        }
}

/* sums[s][t] = n weights at rows[s] times n activations of token t, spread at xs + t * n. */
INLINE void dots(whet_dtype dtype, const char *const rows[N_STREAMS], const float *xs, int32_t n,
                 int n_streams, int n_tokens, float sums[N_STREAMS][FEW_ROWS]) {
    const size_t element = dtype == WHET_F32 ? 4 : 2;
    vf acc[N_STREAMS][FEW_ROWS][2] = { 0 };
#pragma GCC unroll 2
    for (int32_t i = 0; i < n; i += STEP)
#pragma GCC unroll 4
        for (int s = 0; s < n_streams; s++) {
            vf w[2];
            if (FETCH_AHEAD) __builtin_prefetch(rows[s] + (size_t)i * element + FETCH_AHEAD, 0, 3);
            load_step(dtype, rows[s] + (size_t)i * element, w);
#pragma GCC unroll 8
            for (int t = 0; t < n_tokens; t++)
#pragma GCC unroll 2
                for (int half = 0; half < 2; half++) {
                    vf x;
                    memcpy(&x, xs + t * n + i + half * LANES, sizeof x);
                    acc[s][t][n_tokens > 2 ? 0 : half] += w[half] * x;
                }
        }
    for (int s = 0; s < n_streams; s++)
        for (int t = 0; t < n_tokens; t++)
            sums[s][t] = sum_of(acc[s][t][0] + acc[s][t][1]);
}

/* Outputs n, n + distance, and so on, of n_tokens tokens: inputs i0 .. i0 + k - 1,
 * the last n_tail of which are no whole step. */
INLINE void outputs(const few_rows_block *b, whet_dtype dtype, int32_t n, int32_t distance,
                    int n_streams, int n_tokens) {
    const whet_linear_args *a = b->args;
    const size_t element = dtype == WHET_F32 ? 4 : 2;
    const char *rows[N_STREAMS];
    float sums[N_STREAMS][FEW_ROWS];
    for (int s = 0; s < n_streams; s++)
        rows[s] = (const char *)a->w.data +
                  ((size_t)(n + s * distance) * (size_t)a->w.n_in + (size_t)b->i0) * element;
    dots(dtype, rows, b->spread, b->k, n_streams, n_tokens, sums);
    for (int s = 0; s < n_streams; s++)
        for (int t = 0; t < n_tokens; t++) {
            const float *x = a->x + (size_t)t * (size_t)a->w.n_in + b->i0;
            float sum = sums[s][t];
            for (int32_t i = b->k; i < b->k + b->n_tail; i++)
                sum += x[i] * widen_one(dtype, rows[s] + (size_t)i * element);
            put(&a->out[t * a->out_stride + n + s * distance], sum, a->is_added || b->i0 > 0);
        }
}

INLINE void block_of(few_rows_block *b, whet_dtype dtype, int32_t begin, int32_t end,
                     int n_tokens) {
    const whet_linear_args *a = b->args;
    _Alignas(64) float spread_x[X_BLOCK];
    b->spread = spread_x;
    const int32_t block = X_BLOCK / n_tokens / STEP * STEP;
    for (b->i0 = 0; b->i0 < a->w.n_in; b->i0 += block) {
        const int32_t k = a->w.n_in - b->i0 < block ? a->w.n_in - b->i0 : block;
        b->k = k / STEP * STEP;
        b->n_tail = k - b->k;
        for (int t = 0; t < n_tokens; t++)
            spread(dtype, a->x + (size_t)t * (size_t)a->w.n_in + b->i0, b->k, spread_x + t * b->k);
        /* Two streams where the registers hold more sums than streams. */
        const int n_streams = n_tokens <= 2 ? N_STREAMS : 2;
        const int32_t distance = (end - begin) / n_streams;
        for (int32_t n = begin; n < begin + distance; n++)
            outputs(b, dtype, n, distance, n_streams, n_tokens);
        for (int32_t n = begin + distance * n_streams; n < end; n++)
            outputs(b, dtype, n, 0, 1, n_tokens);
    }
}

/* Every weight is read once for up to FEW_ROWS tokens. */
INLINE void few_rows(const whet_linear_args *a, whet_dtype dtype, int32_t begin, int32_t end) {
    few_rows_block b = { .args = a };
    switch (a->n_rows) {
    case 1: block_of(&b, dtype, begin, end, 1); break;
    case 2: block_of(&b, dtype, begin, end, 2); break;
    case 3: block_of(&b, dtype, begin, end, 3); break;
    case 4: block_of(&b, dtype, begin, end, 4); break;
#if N_REGISTERS == 32
    case 5: block_of(&b, dtype, begin, end, 5); break;
    case 6: block_of(&b, dtype, begin, end, 6); break;
    case 7: block_of(&b, dtype, begin, end, 7); break;
    case 8: block_of(&b, dtype, begin, end, 8); break;
#endif
    }
}

#include MANY

INLINE void run_dtype(const whet_linear_args *a, whet_dtype dtype, int32_t begin, int32_t end) {
    if (a->n_rows <= FEW_ROWS)
        few_rows(a, dtype, begin, end);
    else
        many_rows(a, dtype, begin, end);
}

static void run(const whet_linear_args *a, int32_t begin, int32_t end) {
    switch (a->w.dtype) {
    case WHET_BF16: run_dtype(a, WHET_BF16, begin, end); break;
    case WHET_F16:
        assert(!IS_BF16_ONLY);
        if (!IS_BF16_ONLY) run_dtype(a, WHET_F16, begin, end);
        break;
    case WHET_F32:
        assert(!IS_BF16_ONLY);
        if (!IS_BF16_ONLY) run_dtype(a, WHET_F32, begin, end);
        break;
    }
}

INLINE vf choose(vu mask, vf yes, vf no) {
    return (vf)(((vu)yes & mask) | ((vu)no & ~mask));
}

/* e^x for x <= 0; 0 below -87. x = i ln 2 + f with ln 2 in two parts (Cody and Waite, 1980), then
 * the polynomial of Cephes' expf: relative error about 1e-7. */
INLINE vf exp_of_negative(vf x) {
    const vu is_normal = (vu)(x > -87.0f);
    const vf y = choose(is_normal, x, (vf){ 0 });
    const vf magic = (vf){ 0 } + 0x1.8p23f; /* adding it rounds to an integer, in the low bits */
    const vf shifted = y * 1.44269504f + magic;
    const vf i = shifted - magic;
    const vf f = (y - i * 0.693359375f) + i * 2.12194440e-4f;
    vf p = f * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    p = (p * f) * f + f + 1.0f;
    const vu power = ((vu)shifted + 127) << 23;
    return choose(is_normal, p * (vf)power, (vf){ 0 });
}

/* x times its sigmoid, which is 1 / (1 + e^-|x|) or, for negative x, e^-|x| times that. */
INLINE vf silu(vf x) {
    const vf e = exp_of_negative((vf)((vu)x | 0x80000000));
    const vf sigmoid = 1.0f / (1.0f + e);
    return x * choose((vu)(x < 0.0f), e * sigmoid, sigmoid);
}

/* `bytes` is a constant where there are whole vectors: what is copied by parts waits when it is
 * read as a whole. */
INLINE void swiglu_vector(float *gate, const float *up, size_t bytes) {
    vf a = { 0 }, b = { 0 };
    memcpy(&a, gate, bytes);
    memcpy(&b, up, bytes);
    const vf c = silu(a) * b;
    memcpy(gate, &c, bytes);
}

static void swiglu(float *gate, const float *up, int32_t n_rows, int32_t n, int32_t begin,
                   int32_t end) {
    for (int32_t t = 0; t < n_rows; t++) {
        float *g = gate + (size_t)t * (size_t)n;
        const float *u = up + (size_t)t * (size_t)n;
        int32_t i = begin;
        for (; i + LANES <= end; i += LANES)
            swiglu_vector(g + i, u + i, sizeof(vf));
        if (i < end) swiglu_vector(g + i, u + i, (size_t)(end - i) * sizeof *g);
    }
}

const whet_linear_kernel KERNEL = {
    .name = KERNEL_NAME,
    .features = KERNEL_FEATURES,
    .family = KERNEL_FAMILY,
    .is_bf16_only = IS_BF16_ONLY,
    .many_unit = MANY_UNIT,
    .pack = pack,
    .run = run,
    .swiglu = swiglu,
};
