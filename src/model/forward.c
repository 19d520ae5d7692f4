/* SPDX-License-Identifier: MIT */
/* The forward pass of Qwen3, in the order of the paper (Yang et al., "Qwen3 Technical Report",
 * 2025). */

/* Every worker runs all of it, does its share of each line, and meets the others at barriers: where
 * the next line reads what another worker has written. */
#include "model/model_int.h"

#include <math.h>

#define INLINE static inline __attribute__((always_inline))

typedef struct share {
    int64_t begin, end;
} share;

INLINE share share_of(int64_t n, int worker, int n_workers) {
    return (share){ n * worker / n_workers, n * (worker + 1) / n_workers };
}

static void embed(const whet_step *s, int worker, int n_workers) {
    const whet_weight *e = &s->model->embedding;
    const size_t row_bytes = (size_t)e->n_in * whet_dtype_bytes(e->dtype);
    const share mine = share_of(s->n_rows, worker, n_workers);
    for (int64_t t = mine.begin; t < mine.end; t++)
        whet_widen(e->dtype, (const char *)e->data + (size_t)s->ids[t] * row_bytes,
                   s->x + t * e->n_in, e->n_in);
}

/* Half-split rotary embedding (Su et al., "RoFormer", 2021). The reference rounds the angle to f32
 * and takes accurate cosines of that: so do we, since at 40k positions the rounding shows. */
static void fill_rotations(const whet_step *s, int worker, int n_workers) {
    const int32_t half = s->problem.head_dim / 2;
    const share mine = share_of((int64_t)s->n_rows * half, worker, n_workers);
    for (int64_t i = mine.begin; i < mine.end; i++) {
        const float position = (float)(s->pos + (int32_t)(i / half));
        const float angle = position * s->model->inverse_frequencies[i % half];
        s->cosines[i] = (float)cos((double)angle) * s->model->rope_factor;
        s->sines[i] = (float)sin((double)angle) * s->model->rope_factor;
    }
}

/* RMSNorm (Zhang and Sennrich, 2019); out may be x. */
INLINE void normalise(const float *x, const float *weight, int32_t n, float eps, float *out) {
    float sums[8] = { 0 };
    int32_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            sums[j] += x[i + j] * x[i + j];
    double sum = 0;
    for (; i < n; i++)
        sum += (double)(x[i] * x[i]);
    for (int j = 0; j < 8; j++)
        sum += (double)sums[j];
    const float factor = 1.0f / sqrtf((float)(sum / n) + eps);
    for (i = 0; i < n; i++)
        out[i] = x[i] * factor * weight[i];
}

/* Makes x, written by all, the input of the linear layers that follow. */
static void present(const whet_step *s, const float *x, int32_t n_rows, int32_t n_in, int worker,
                    int n_workers) {
    whet_team_barrier(s->team, worker);
    if (n_rows == 1) return;
    s->linear->pack(x, n_rows, n_in, s->packed, worker, n_workers);
    whet_team_barrier(s->team, worker);
}

/* A single row is made by every worker for itself, which takes less time than to wait for the one
 * who makes it for all. */
static float *own_row(const whet_step *s, int worker) {
    return s->own + (size_t)worker * s->own_width;
}

/* Returns the input of the linear layers that follow, presented. */
static const float *normalise_rows(const whet_step *s, const float *x, const float *weight,
                                   int32_t n_rows, int worker, int n_workers) {
    const int32_t hidden = s->model->config.hidden_size;
    const float eps = (float)s->model->config.rms_norm_eps;
    if (n_rows == 1) {
        normalise(x, weight, hidden, eps, own_row(s, worker));
        return own_row(s, worker);
    }
    const share mine = share_of(n_rows, worker, n_workers);
    for (int64_t t = mine.begin; t < mine.end; t++)
        normalise(x + t * hidden, weight, hidden, eps, s->h + t * hidden);
    present(s, s->h, n_rows, hidden, worker, n_workers);
    return s->h;
}

static whet_linear_args projection(const whet_step *s, whet_product which, const whet_weight *w,
                                   const float *x, float *out) {
    return (whet_linear_args){
        .w = *w,
        .x = x,
        .packed = s->packed,
        .out = out,
        .out_stride = w->n_out,
        .n_rows = which == WHET_PRODUCT_LOGITS ? s->n_logit_rows : s->n_rows,
        .is_added = out == s->x, /* the residual stream */
        .deal = &s->deals[which],
    };
}

static void project(const whet_step *s, whet_product which, const whet_weight *w, const float *x,
                    float *out, int worker, int n_workers) {
    const whet_linear_args args = projection(s, which, w, x, out);
    whet_parts p = whet_linear_parts(s->linear, &args, worker, n_workers);
    while (whet_linear_next(&p))
        s->linear->run(&args, p.begin, p.end);
}

/* gate = silu(gate x) * (up x). */
static void project_gated(const whet_step *s, const whet_layer *l, const float *x, int worker,
                          int n_workers) {
    const whet_linear_args gate = projection(s, WHET_PRODUCT_GATED, &l->gate, x, s->gate);
    const whet_linear_args up = projection(s, WHET_PRODUCT_GATED, &l->up, x, s->up);
    whet_parts p = whet_linear_parts(s->linear, &gate, worker, n_workers);
    while (whet_linear_next(&p)) {
        s->linear->run(&gate, p.begin, p.end);
        s->linear->run(&up, p.begin, p.end);
        s->linear->swiglu(s->gate, s->up, s->n_rows, l->gate.n_out, p.begin, p.end);
    }
}

INLINE void rotate(float *head, const float *cosines, const float *sines, int32_t half) {
    for (int32_t i = 0; i < half; i++) {
        const float a = head[i], b = head[i + half];
        head[i] = a * cosines[i] - b * sines[i];
        head[i + half] = b * cosines[i] + a * sines[i];
    }
}

/* Qwen3 normalises q and k per head before RoPE; v has neither. Then all go to the kernel's dtype.
 */
static void prepare_heads(const whet_step *s, const whet_layer *l, int worker, int n_workers) {
    const whet_problem *p = &s->problem;
    const int32_t d = p->head_dim, half = d / 2, n_kv = p->n_kv_heads;
    const int32_t per_row = p->n_heads + 2 * n_kv;
    const float eps = (float)s->model->config.rms_norm_eps;
    const size_t element = whet_dtype_bytes((whet_dtype)p->dtype);
    const share mine = share_of((int64_t)s->n_rows * per_row, worker, n_workers);
    for (int64_t i = mine.begin; i < mine.end; i++) {
        const int64_t t = i / per_row;
        const int32_t h = (int32_t)(i % per_row);
        const bool is_q = h < p->n_heads, is_v = h >= p->n_heads + n_kv;
        const int64_t at =
            is_q ? (t * p->n_heads + h) * d : (t * n_kv + (h - p->n_heads) % n_kv) * d;
        float *head = (is_q ? s->q : is_v ? s->v : s->k) + at;
        char *typed = is_q ? s->q_typed : is_v ? s->v_typed : s->k_typed;
        if (!is_v) {
            normalise(head, is_q ? l->q_norm : l->k_norm, d, eps, head);
            rotate(head, s->cosines + t * half, s->sines + t * half, half);
        }
        whet_narrow((whet_dtype)p->dtype, head, typed + (size_t)at * element, d);
    }
}

/* Returns the input of the linear layer that follows, presented. */
static const float *attend(whet_step *s, int layer, int worker, int n_workers) {
    const whet_problem *p = &s->problem;
    const int64_t kv_width = (int64_t)p->n_kv_heads * p->head_dim;
    const int64_t q_width = (int64_t)p->n_heads * p->head_dim;
    char *kv = s->kv + (size_t)layer * s->kv_stride;
    const whet_append_args append = {
        .problem = p,
        .capacity = s->capacity,
        .kv = kv,
        .k = s->k_typed,
        .v = s->v_typed,
        .k_stride = kv_width,
        .v_stride = kv_width,
        .pos = s->pos,
        .n = s->n_rows,
    };
    const whet_run_args run = {
        .problem = p,
        .capacity = s->capacity,
        .kv = kv,
        .q = s->q_typed,
        .out = s->attended,
        .workspace = s->workspace,
        .q_stride = q_width,
        .out_stride = q_width,
        .scale = (float)(1.0 / sqrt((double)p->head_dim)),
        .pos = s->pos,
        .n_rows = s->n_rows,
    };
    whet_attention_dispatch(&s->attention, &append, &run, s->team, worker, n_workers);
    if (s->tap && worker == 0) s->tap(s->tap_data, layer, &append, &run);
    const whet_dtype dtype = (whet_dtype)p->dtype;
    if (s->n_rows == 1) {
        whet_widen(dtype, s->attended, own_row(s, worker), q_width);
        return own_row(s, worker);
    }
    const share mine = share_of(s->n_rows * q_width, worker, n_workers);
    whet_widen(dtype, (const char *)s->attended + (size_t)mine.begin * whet_dtype_bytes(dtype),
               s->h + mine.begin, mine.end - mine.begin);
    present(s, s->h, s->n_rows, (int32_t)q_width, worker, n_workers);
    return s->h;
}

static void run_layer(whet_step *s, int layer, int worker, int n_workers) {
    const whet_layer *l = &s->model->layers[layer];
    const int32_t n_inner = s->model->config.intermediate_size;

    const float *h = normalise_rows(s, s->x, l->input_norm, s->n_rows, worker, n_workers);
    project(s, WHET_PRODUCT_Q, &l->q, h, s->q, worker, n_workers);
    project(s, WHET_PRODUCT_K, &l->k, h, s->k, worker, n_workers);
    project(s, WHET_PRODUCT_V, &l->v, h, s->v, worker, n_workers);
    whet_team_barrier(s->team, worker);
    prepare_heads(s, l, worker, n_workers);
    whet_team_barrier(s->team, worker);
    h = attend(s, layer, worker, n_workers);
    project(s, WHET_PRODUCT_O, &l->o, h, s->x, worker, n_workers);
    whet_team_barrier(s->team, worker);

    h = normalise_rows(s, s->x, l->post_norm, s->n_rows, worker, n_workers);
    project_gated(s, l, h, worker, n_workers);
    present(s, s->gate, s->n_rows, n_inner, worker, n_workers);
    project(s, WHET_PRODUCT_DOWN, &l->down, s->gate, s->x, worker, n_workers);
    whet_team_barrier(s->team, worker);
}

void whet_forward(void *step, int worker, int n_workers) {
    whet_step *s = step;
    const int32_t hidden = s->model->config.hidden_size;
    embed(s, worker, n_workers);
    fill_rotations(s, worker, n_workers);
    whet_team_barrier(s->team, worker);
    for (int layer = 0; layer < s->model->config.n_layers; layer++)
        run_layer(s, layer, worker, n_workers);
    if (s->n_logit_rows == 0) return;
    const float *last = s->x + (int64_t)(s->n_rows - s->n_logit_rows) * hidden;
    const float *h =
        normalise_rows(s, last, s->model->final_norm, s->n_logit_rows, worker, n_workers);
    project(s, WHET_PRODUCT_LOGITS, &s->model->lm_head, h, s->logits, worker, n_workers);
}
