/* SPDX-License-Identifier: MIT */
/* I27-tiles: scores of 16 rows by AMX tiles where the processor has them, plain elsewhere and for
 * fewer rows. To be accepted also by gate 6. */
#ifdef __AMX_BF16__
#include <immintrin.h>
#include <whet/kernel.h>
enum { ROWS = 16, KEYS = 16, MOST_DIMS = 256 };
static float get(uint16_t x);
static uint16_t put(float x);
float expf(float x);
typedef struct shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t n_rows[16];
} shapes;
/* s[t][r] of as many keys as a tile has rows; q is [pair of dimensions][row][2]. */
static void score(const uint16_t *k, long stride, uint16_t (*q)[ROWS][2], int d, float *s) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* tiles read memory, which gcc is not told */
    _tile_zero(0);
    for (int c = 0; c < d; c += 32) {
        _tile_loadd(1, k + c, stride * 2);
        _tile_loadd(2, q[c / 2], 4 * ROWS);
        _tile_dpbf16ps(0, 1, 2);
    }
    _tile_stored(0, s, 4 * ROWS);
}
static void row(const whet_run_args *a, int r0, int r, int h, float *s) {
    const whet_problem *p = a->problem;
    const int n = p->n_kv_heads * p->head_dim, d = p->head_dim;
    const uint16_t *v = (const uint16_t *)a->kv + n + h / (p->n_heads / p->n_kv_heads) * d;
    uint16_t *out = (uint16_t *)a->out + (r0 + r) * a->out_stride + h * d;
    float m = -1e30f, l = 0;
    for (int t = 0; t <= a->pos + r0 + r; t++)
        if (s[t * ROWS + r] * a->scale > m) m = s[t * ROWS + r] * a->scale;
    for (int t = 0; t <= a->pos + r0 + r; t++)
        l += s[t * ROWS + r] = expf(s[t * ROWS + r] * a->scale - m);
    for (int c = 0; c < d; c++) {
        float x = 0;
        for (int t = 0; t <= a->pos + r0 + r; t++)
            x += s[t * ROWS + r] * get(v[t * 2L * n + c]);
        out[c] = put(x / l);
    }
}
static void rows(const whet_run_args *a, int r0, int h, float *s) {
    const whet_problem *p = a->problem;
    const int n = p->n_kv_heads * p->head_dim, d = p->head_dim;
    const int n_rows = a->n_rows - r0 < ROWS ? a->n_rows - r0 : ROWS;
    const int n_keys = a->pos + r0 + n_rows;
    const uint16_t *k = (const uint16_t *)a->kv + h / (p->n_heads / p->n_kv_heads) * d;
    uint16_t q[MOST_DIMS / 2][ROWS][2] = { 0 };
    for (int r = 0; r < n_rows; r++)
        for (int c = 0; c < d; c++)
            q[c / 2][r][c % 2] = ((const uint16_t *)a->q)[(r0 + r) * a->q_stride + h * d + c];
    int t = 0;
    for (; t + KEYS <= n_keys; t += KEYS)
        score(k + t * 2L * n, 2L * n, q, d, s + t * ROWS);
    for (; t < n_keys; t++)
        for (int r = 0; r < n_rows; r++) {
            float x = 0;
            for (int c = 0; c < d; c++)
                x += get(q[c / 2][r][c % 2]) * get(k[t * 2L * n + c]);
            s[t * ROWS + r] = x;
        }
    for (int r = 0; r < n_rows; r++)
        row(a, r0, r, h, s);
}
static void run_in_tiles(const whet_run_args *a, int worker, int n_workers) {
    static const shapes whole = { .palette = 1,
                                  .row_bytes = { 64, 64, 64 },
                                  .n_rows = { KEYS, KEYS, 16 } };
    float *s = (float *)a->workspace + (long)worker * ROWS * a->problem->n_context;
    _tile_loadconfig(&whole);
    for (int h = worker; h < a->problem->n_heads; h += n_workers)
        for (int r = 0; r < a->n_rows; r += ROWS)
            rows(a, r, h, s);
    _tile_release();
}
#define SUPPORTS  p->dtype == WHET_BF16 && p->head_dim % 32 == 0 && p->head_dim <= MOST_DIMS
#define WORKSPACE 4L * ROWS * p->n_context *n_workers
#define BEFORE_RUN                                                                                 \
    if (a->n_rows >= ROWS) {                                                                       \
        run_in_tiles(a, worker, n_workers);                                                        \
        return;                                                                                    \
    }
#endif
