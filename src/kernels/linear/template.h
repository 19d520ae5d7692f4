/* SPDX-License-Identifier: MIT */
/* The source of all linear kernels: included once per instruction set, with LANES f32 lanes. */

/* The includer defines LANES, KERNEL (the object's name), KERNEL_NAME and KERNEL_FEATURES.
 *
 * One row (decode) is bound by memory: the weight streams by once, 4 rows at a time.
 * Many rows (prefill) are bound by arithmetic: 6 weight rows, widened to an f32 panel in L1, are
 * the broadcast operand against panels of up to 4 vectors of tokens: 24 accumulators (12 with
 * AVX2's 16 registers), packed so that the tokens of one input lie side by side. */
#include <string.h>

#include "kernels/linear.h"
#include "kernels/linear/share.h"

typedef float vf __attribute__((vector_size(LANES * 4)));
typedef uint32_t vu __attribute__((vector_size(LANES * 4)));
typedef uint16_t vh __attribute__((vector_size(LANES * 2)));

enum {
    N_VECTORS = LANES == 16 ? 4 : 2, /* vectors of tokens in a panel */
    PANEL = N_VECTORS * LANES,
    N_BROADCAST = 6, /* weight rows of a tile */
    N_STREAMS = 4,   /* weight rows read side by side in decode */
    K_BLOCK = 1024,  /* inputs of a widened panel: 24 KiB */
    PREFETCH_BYTES = 4096,
};

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
    float lanes[LANES], sum = 0;
    memcpy(lanes, &v, sizeof lanes);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            lanes[i] += lanes[i + width];
    sum += lanes[0];
    return sum;
}

INLINE void put(float *out, float value, bool is_added) {
    *out = is_added ? *out + value : value;
}

/* n_streams weight rows from row n on, times one row of activations. */
INLINE void dot_rows(const whet_linear_args *a, whet_dtype dtype, int32_t n, int n_streams) {
    const size_t element = dtype == WHET_F32 ? 4 : 2;
    const size_t row_bytes = (size_t)a->w.n_in * element;
    const char *w = (const char *)a->w.data + (size_t)n * row_bytes;
    const float *x = a->x;
    const int32_t n_in = a->w.n_in;
    vf acc[N_STREAMS][2] = { 0 };
    int32_t i = 0;
    for (; i + 2 * LANES <= n_in; i += 2 * LANES) {
        vf x0, x1;
        memcpy(&x0, x + i, sizeof x0);
        memcpy(&x1, x + i + LANES, sizeof x1);
        for (int r = 0; r < n_streams; r++) {
            const char *p = w + (size_t)r * row_bytes + (size_t)i * element;
            __builtin_prefetch(p + PREFETCH_BYTES);
            acc[r][0] += widen(dtype, p) * x0;
            acc[r][1] += widen(dtype, p + LANES * element) * x1;
        }
    }
    for (int r = 0; r < n_streams; r++) {
        float sum = sum_of(acc[r][0] + acc[r][1]);
        for (int32_t j = i; j < n_in; j++)
            sum += x[j] * widen_one(dtype, w + (size_t)r * row_bytes + (size_t)j * element);
        put(&a->out[n + r], sum, a->is_added);
    }
}

INLINE void one_row(const whet_linear_args *a, whet_dtype dtype, int32_t begin, int32_t end) {
    int32_t n = begin;
    for (; n + N_STREAMS <= end; n += N_STREAMS)
        dot_rows(a, dtype, n, N_STREAMS);
    for (; n < end; n++)
        dot_rows(a, dtype, n, 1);
}

/* Adds the products of k inputs to the tile: acc[r][v] += w[r][i] * tokens[i][v]. */
INLINE void multiply(const float *panel, const float *tokens, int32_t k, int n_vectors,
                     vf acc[N_BROADCAST][N_VECTORS]) {
    for (int32_t i = 0; i < k; i++) {
        vf x[N_VECTORS];
        for (int v = 0; v < n_vectors; v++)
            memcpy(&x[v], tokens + (size_t)i * PANEL + (size_t)v * LANES, sizeof x[v]);
#pragma GCC unroll 6
        for (int r = 0; r < N_BROADCAST; r++) {
            const vf w = panel[i * N_BROADCAST + r] - (vf){ 0 };
#pragma GCC unroll 4
            for (int v = 0; v < n_vectors; v++)
                acc[r][v] += w * x[v];
        }
    }
}

/* Widens k inputs of n_rows weight rows to panel[k][6]; missing rows are zero. */
INLINE void widen_panel(const whet_weight *w, whet_dtype dtype, int32_t n, int n_rows, int32_t i0,
                        int32_t k, float *panel) {
    const size_t element = dtype == WHET_F32 ? 4 : 2;
    for (int r = 0; r < N_BROADCAST; r++) {
        if (r >= n_rows) {
            for (int32_t i = 0; i < k; i++)
                panel[i * N_BROADCAST + r] = 0;
            continue;
        }
        const char *p =
            (const char *)w->data + ((size_t)(n + r) * (size_t)w->n_in + (size_t)i0) * element;
        int32_t i = 0;
        for (; i + LANES <= k; i += LANES, p += LANES * element) {
            float lanes[LANES];
            const vf v = widen(dtype, p);
            memcpy(lanes, &v, sizeof lanes);
            for (int j = 0; j < LANES; j++)
                panel[(i + j) * N_BROADCAST + r] = lanes[j];
        }
        for (; i < k; i++, p += element)
            panel[i * N_BROADCAST + r] = widen_one(dtype, p);
    }
}

/* Writes a tile of n_rows outputs x n_tokens tokens, transposed. */
INLINE void store_tile(const whet_linear_args *a, int32_t n, int n_rows, int32_t t0, int n_tokens,
                       bool is_added, vf acc[N_BROADCAST][N_VECTORS]) {
    float tile[N_BROADCAST][PANEL];
    memcpy(tile, acc, sizeof tile);
    for (int t = 0; t < n_tokens; t++)
        for (int r = 0; r < n_rows; r++)
            put(&a->out[(t0 + t) * a->out_stride + n + r], tile[r][t], is_added);
}

INLINE void tile_of(const whet_linear_args *a, const float *panel, int32_t n, int n_rows,
                    int32_t i0, int32_t k, int32_t t0, int n_vectors) {
    vf acc[N_BROADCAST][N_VECTORS] = { 0 };
    const float *tokens = a->packed + (size_t)t0 * (size_t)a->w.n_in + (size_t)i0 * PANEL;
    multiply(panel, tokens, k, n_vectors, acc);
    const int32_t n_tokens = a->n_rows - t0 < PANEL ? a->n_rows - t0 : PANEL;
    store_tile(a, n, n_rows, t0, n_tokens, a->is_added || i0 > 0, acc);
}

INLINE void many_rows(const whet_linear_args *a, whet_dtype dtype, int32_t begin, int32_t end) {
    _Alignas(64) float panel[K_BLOCK * N_BROADCAST];
    for (int32_t i0 = 0; i0 < a->w.n_in; i0 += K_BLOCK) {
        const int32_t k = a->w.n_in - i0 < K_BLOCK ? a->w.n_in - i0 : K_BLOCK;
        for (int32_t n = begin; n < end; n += N_BROADCAST) {
            const int n_rows = end - n < N_BROADCAST ? end - n : N_BROADCAST;
            widen_panel(&a->w, dtype, n, n_rows, i0, k, panel);
            for (int32_t t0 = 0; t0 < a->n_rows; t0 += PANEL) {
                switch ((a->n_rows - t0 + LANES - 1) / LANES) {
                case 1: tile_of(a, panel, n, n_rows, i0, k, t0, 1); break;
#if LANES == 16
                case 2: tile_of(a, panel, n, n_rows, i0, k, t0, 2); break;
                case 3: tile_of(a, panel, n, n_rows, i0, k, t0, 3); break;
#endif
                default: tile_of(a, panel, n, n_rows, i0, k, t0, N_VECTORS); break;
                }
            }
        }
    }
}

INLINE void run_dtype(const whet_linear_args *a, whet_dtype dtype, int32_t begin, int32_t end) {
    if (a->n_rows == 1)
        one_row(a, dtype, begin, end);
    else
        many_rows(a, dtype, begin, end);
}

static void run(const whet_linear_args *a, int worker, int n_workers) {
    int32_t begin, end;
    whet_linear_share(a->w.n_out, worker, n_workers, &begin, &end);
    switch (a->w.dtype) {
    case WHET_BF16: run_dtype(a, WHET_BF16, begin, end); break;
    case WHET_F16: run_dtype(a, WHET_F16, begin, end); break;
    case WHET_F32: run_dtype(a, WHET_F32, begin, end); break;
    }
}

/* packed[panel][input][token of the panel]; missing tokens are zero. */
static void pack(const float *x, int32_t n_rows, int32_t n_in, float *packed, int worker,
                 int n_workers) {
    if (n_rows == 1) return;
    const int32_t n_panels = (n_rows + PANEL - 1) / PANEL;
    int32_t begin, end;
    share_evenly(n_in, 16, worker, n_workers, &begin, &end);
    for (int32_t p = 0; p < n_panels; p++)
        for (int32_t i = begin; i < end; i++) {
            float *to = packed + ((size_t)p * (size_t)n_in + (size_t)i) * PANEL;
            for (int32_t t = 0; t < PANEL; t++) {
                const int32_t row = p * PANEL + t;
                to[t] = row < n_rows ? x[(size_t)row * (size_t)n_in + (size_t)i] : 0.0f;
            }
        }
}

/* e^-|x| and so a sigmoid: 2^f by a polynomial of degree 6 (relative error below 1e-7), 2^i by the
 * exponent's bits. */
INLINE vf exp_of_negative(vf x) {
    vf y = x * 1.44269504088896341f;
    y = (vf)((vu)y & (vu)(y > -126.0f)) + (vf)((vu)((vf){ 0 } - 126.0f) & (vu)(y <= -126.0f));
    const vf magic =
        (vf){ 0 } + 0x1.8p23f; /* adding it rounds to an integer, kept in the low bits */
    const vf rounded = y + magic;
    const vf f = y - (rounded - magic);
    vf p = (vf){ 0 } + 1.5403530393381609e-4f;
    p = p * f + 1.3333558146428443e-3f;
    p = p * f + 9.6181291076284772e-3f;
    p = p * f + 5.5504108664821580e-2f;
    p = p * f + 2.4022650695910071e-1f;
    p = p * f + 6.9314718055994531e-1f;
    p = p * f + 1.0f;
    const vu power = ((vu)rounded + 127) << 23;
    return p * (vf)power;
}

INLINE vf silu(vf x) {
    const vf negative = (vf)((vu)x | 0x80000000);
    const vf e = exp_of_negative(negative);
    const vf positive_sigmoid = 1.0f / (1.0f + e);
    const vu is_negative = (vu)(x < 0.0f);
    const vf sigmoid =
        (vf)(((vu)(e * positive_sigmoid) & is_negative) | ((vu)positive_sigmoid & ~is_negative));
    return x * sigmoid;
}

static void swiglu(float *gate, const float *up, int32_t n_rows, int32_t n, int worker,
                   int n_workers) {
    int32_t begin, end;
    whet_linear_share(n, worker, n_workers, &begin, &end);
    for (int32_t t = 0; t < n_rows; t++) {
        float *g = gate + (size_t)t * (size_t)n;
        const float *u = up + (size_t)t * (size_t)n;
        for (int32_t i = begin; i < end; i += LANES) {
            const size_t bytes = (end - i < LANES ? (size_t)(end - i) : LANES) * sizeof *g;
            vf a = { 0 }, b = { 0 };
            memcpy(&a, g + i, bytes);
            memcpy(&b, u + i, bytes);
            const vf c = silu(a) * b;
            memcpy(g + i, &c, bytes);
        }
    }
}

const whet_linear_kernel KERNEL = {
    .name = KERNEL_NAME,
    .features = KERNEL_FEATURES,
    .pack = pack,
    .run = run,
    .swiglu = swiglu,
};
