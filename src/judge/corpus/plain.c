/* SPDX-License-Identifier: MIT */
/* A plain, right kernel with places where the files beside it put a cheat or an oddity: the judge
 * compiles it behind their #defines. */
#include <whet/kernel.h>

float expf(float x);

#ifndef KV_HEAD
#define KV_HEAD(h) ((h) / (p->n_heads / p->n_kv_heads))
#endif
#ifndef SCALE
#define SCALE a->scale
#endif
#ifndef LAST
#define LAST (a->pos + r)
#endif
#ifndef FIRST
#define FIRST 0
#endif
#ifndef BEFORE_RUN
#define BEFORE_RUN
#endif
#ifndef AFTER_ROW
#define AFTER_ROW
#endif
#ifndef BEFORE_APPEND
#define BEFORE_APPEND
#endif
#ifndef MAX
#define MAX m
#endif
#ifndef DIMS
#define DIMS d
#endif
#ifndef EXP
#define EXP(x) expf(x)
#endif
#ifndef SCORE
#define SCORE(x) (x)
#endif
#ifndef SEES
#define SEES(t) 1
#endif
#ifndef ADD
#define ADD(x, y) ((x) + (y))
#endif
#ifndef KEY
#define KEY(x) (x)
#endif
#ifndef OWNS
#define OWNS(h) ((h) % n_workers == worker)
#endif
#ifndef SUPPORTS
#define SUPPORTS p->dtype == WHET_BF16
#endif
#ifndef KV_BYTES
#define KV_BYTES 4 * capacity * p->n_kv_heads * p->head_dim
#endif
#ifndef WORKSPACE
#define WORKSPACE 4L * p->n_context *n_workers
#endif

static float get(uint16_t x) {
    union {
        uint32_t u;
        float f;
    } y = { (uint32_t)x << 16 };
    return y.f;
}

static uint16_t put(float x) {
    union {
        float f;
        uint32_t u;
    } y = { x };
    return (uint16_t)((y.u + 0x7fff + (y.u >> 16 & 1)) >> 16);
}

static int supports(const whet_problem *p) {
    return SUPPORTS;
}

static size_t kv_bytes(const whet_problem *p, int64_t capacity) {
    return KV_BYTES;
}

static size_t workspace_bytes(const whet_problem *p, int n_workers) {
    return WORKSPACE;
}

static void append(const whet_append_args *a, int worker, int n_workers) {
    const whet_problem *p = a->problem;
    const int n = p->n_kv_heads * p->head_dim;
    uint16_t *kv = a->kv;
    BEFORE_APPEND;
    for (int t = worker; t < a->n; t += n_workers)
        for (int i = 0; i < n; i++) {
            kv[(a->pos + t) * 2L * n + i] = ((const uint16_t *)a->k)[t * a->k_stride + i];
            kv[(a->pos + t) * 2L * n + n + i] = ((const uint16_t *)a->v)[t * a->v_stride + i];
        }
}

static int n_phases(const whet_problem *p, int32_t n_rows, int32_t n_context) {
    return 1;
}

static void run(const whet_run_args *a, int phase, int worker, int n_workers) {
    const whet_problem *p = a->problem;
    const int n = p->n_kv_heads * p->head_dim, d = p->head_dim;
    const uint16_t *kv = a->kv;
    float *s = (float *)a->workspace + (long)worker * p->n_context;
    BEFORE_RUN;
    for (int r = 0; r < a->n_rows; r++)
        for (int h = 0; h < p->n_heads; h++) {
            if (!OWNS(h)) continue;
            const uint16_t *q = (const uint16_t *)a->q + r * a->q_stride + h * d;
            uint16_t *out = (uint16_t *)a->out + r * a->out_stride + h * d;
            const int g = KV_HEAD(h), last = LAST;
#ifdef ROW
            ROW;
#else
            float m = -1e30f, l = 0;
            for (int t = FIRST; t <= last; t++) {
                float x = 0;
                for (int c = 0; c < DIMS; c++)
                    x += get(q[c]) * KEY(get(kv[t * 2L * n + g * d + c]));
                s[t] = SCORE(x * SCALE);
                if (s[t] > m) m = s[t];
            }
            for (int t = FIRST; t <= last; t++) {
                s[t] = SEES(t) ? EXP(s[t] - MAX) : 0;
                l += s[t];
            }
            for (int c = 0; c < d; c++) {
                float x = 0;
                for (int t = FIRST; t <= last; t++)
                    x = ADD(x, s[t] * get(kv[t * 2L * n + n + g * d + c]));
                out[c] = put(x / l);
            }
#endif
            AFTER_ROW;
        }
}

const whet_attention_kernel whet_kernel = {
    .abi = WHET_KERNEL_ABI,
    .name = "plain",
    .layout_id = "plain-1",
    .supports = supports,
    .kv_bytes = kv_bytes,
    .workspace_bytes = workspace_bytes,
    .append = append,
    .n_phases = n_phases,
    .run = run,
};
