/* SPDX-License-Identifier: MIT */
/* The insides of a model and of a step with it. */
#ifndef WHET_MODEL_MODEL_INT_H
#define WHET_MODEL_MODEL_INT_H

#include <whet/model.h>

#include "base/arena.h"
#include "kernels/attention.h"
#include "kernels/linear.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "model/tap.h"

/* Weights are borrowed from the mapped files; norm weights are widened to f32 once. */
typedef struct whet_layer {
    const float *input_norm;      /* [hidden] */
    const float *post_norm;       /* [hidden] */
    const float *q_norm, *k_norm; /* [head_dim] */
    whet_weight q, k, v, o, gate, up, down;
} whet_layer;

struct whet_model {
    whet_config config;
    whet_checkpoint *checkpoint;
    whet_arena arena; /* layers, norms, frequencies */
    whet_layer *layers;
    whet_weight embedding, lm_head; /* [vocab][hidden] */
    const float *final_norm;
    float *inverse_frequencies; /* [head_dim / 2] */
    float rope_factor;          /* yarn's attention factor on cos and sin */
    whet_ctx *ctx;              /* borrowed: the context it was opened with */
};

/* The products with weights between two barriers, each of which deals its outputs out. */
typedef enum whet_product {
    WHET_PRODUCT_Q = 0,
    WHET_PRODUCT_K,
    WHET_PRODUCT_V,
    WHET_PRODUCT_O,
    WHET_PRODUCT_GATED,
    WHET_PRODUCT_DOWN,
    WHET_PRODUCT_LOGITS,
    WHET_N_PRODUCTS,
} whet_product;

/* All that one pass over a chunk of tokens reads and writes. Buffers belong to the session's arena;
 * T = n_rows, H and G query and KV heads, D head_dim, I intermediate size, V vocabulary. */
typedef struct whet_step {
    const whet_model *model;
    const whet_linear_kernel *linear;
    whet_attention attention;
    whet_problem problem;
    int64_t capacity;
    whet_team *team;
    const int32_t *ids; /* [T] */
    int32_t pos, n_rows;
    int32_t n_logit_rows; /* logits for the last so many rows */
    float *x;             /* [T][hidden]: the residual stream */
    float *h;             /* [T][max(hidden, H D)]: input of a linear layer */
    float *packed;        /* the same, rearranged for many rows */
    whet_deal *deals;     /* [WHET_N_PRODUCTS] */
    float *q, *k, *v;     /* [T][H D], [T][G D], [T][G D] */
    void *q_typed, *k_typed, *v_typed, *attended; /* the same shapes in the problem's dtype */
    float *gate, *up;                             /* [T][I] */
    float *cosines, *sines;                       /* [T][D / 2] */
    float *logits;                                /* [n_logit_rows][V] */
    char *kv;                                     /* n_layers caches, kv_stride bytes apart */
    size_t kv_stride;
    float *own;       /* a row for each worker: the input of linear layers when there is one row */
    size_t own_width; /* floats from worker to worker */
    void *workspace;
    whet_tap_fn tap; /* or NULL */
    void *tap_data;
} whet_step;

/* The forward pass over step->ids, by every worker of the team. */
void whet_forward(void *step, int worker, int n_workers);

/* Appends n tokens of seeded K and V from position pos on, to every layer. */
whet_status whet_fill(whet_ctx *ctx, whet_step *step, int32_t pos, int32_t n, uint64_t seed);

#endif
