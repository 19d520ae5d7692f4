/* SPDX-License-Identifier: MIT */
/* Every tensor of a dense Qwen3 model by name and shape, for those who walk over all of them. */
#ifndef WHET_MODEL_TENSOR_LIST_H
#define WHET_MODEL_TENSOR_LIST_H

#include <whet/checkpoint.h>

typedef enum whet_tensor_role {
    WHET_TENSOR_EMBEDDING,
    WHET_TENSOR_NORM,      /* [n_rows] */
    WHET_TENSOR_HEAD_NORM, /* q_norm and k_norm */
    WHET_TENSOR_LINEAR,    /* q, k, v, gate, up: rows are outputs, columns inputs */
    WHET_TENSOR_RESIDUAL,  /* o and down: what is added to the residual stream */
    WHET_TENSOR_HEAD,      /* lm_head */
} whet_tensor_role;

enum { WHET_TENSORS_PER_LAYER = 11 };

typedef struct whet_tensor_spec {
    char name[64];
    whet_tensor_role role;
    int64_t n_rows, n_cols; /* n_cols 0: a vector */
} whet_tensor_spec;

/* Number of tensors the model needs; a tied one has no lm_head. */
size_t whet_tensor_count(const whet_config *config);

/* The i-th of them: embedding, layers in order, final norm, lm_head. */
void whet_tensor_spec_at(const whet_config *config, size_t i, whet_tensor_spec *spec);

int64_t whet_tensor_elements(const whet_tensor_spec *spec);

#endif
