/* SPDX-License-Identifier: MIT */
/* Names and shapes as transformers gives them to Qwen3ForCausalLM. */
#include "model/tensor_list.h"

#include <stdio.h>

/* Shapes in terms of the config. */
typedef enum dim { NONE, HIDDEN, INNER, HEAD, Q_WIDTH, KV_WIDTH, VOCAB } dim;

typedef struct row {
    const char *name;
    whet_tensor_role role;
    dim n_rows, n_cols;
} row;

static const row layer_rows[WHET_TENSORS_PER_LAYER] = {
    { "input_layernorm", WHET_TENSOR_NORM, HIDDEN, NONE },
    { "self_attn.q_proj", WHET_TENSOR_LINEAR, Q_WIDTH, HIDDEN },
    { "self_attn.k_proj", WHET_TENSOR_LINEAR, KV_WIDTH, HIDDEN },
    { "self_attn.v_proj", WHET_TENSOR_LINEAR, KV_WIDTH, HIDDEN },
    { "self_attn.q_norm", WHET_TENSOR_HEAD_NORM, HEAD, NONE },
    { "self_attn.k_norm", WHET_TENSOR_HEAD_NORM, HEAD, NONE },
    { "self_attn.o_proj", WHET_TENSOR_RESIDUAL, HIDDEN, Q_WIDTH },
    { "post_attention_layernorm", WHET_TENSOR_NORM, HIDDEN, NONE },
    { "mlp.gate_proj", WHET_TENSOR_LINEAR, INNER, HIDDEN },
    { "mlp.up_proj", WHET_TENSOR_LINEAR, INNER, HIDDEN },
    { "mlp.down_proj", WHET_TENSOR_RESIDUAL, HIDDEN, INNER },
};

static const row embedding_row = { "model.embed_tokens", WHET_TENSOR_EMBEDDING, VOCAB, HIDDEN };
static const row end_rows[] = {
    { "model.norm", WHET_TENSOR_NORM, HIDDEN, NONE },
    { "lm_head", WHET_TENSOR_HEAD, VOCAB, HIDDEN },
};

static int64_t size_of(const whet_config *c, dim d) {
    switch (d) {
    case HIDDEN: return c->hidden_size;
    case INNER: return c->intermediate_size;
    case HEAD: return c->head_dim;
    case Q_WIDTH: return (int64_t)c->n_heads * c->head_dim;
    case KV_WIDTH: return (int64_t)c->n_kv_heads * c->head_dim;
    case VOCAB: return c->vocab_size;
    case NONE: break;
    }
    return 0;
}

size_t whet_tensor_count(const whet_config *config) {
    const size_t n_ends = config->tie_word_embeddings ? 1 : 2;
    return 1 + (size_t)config->n_layers * WHET_TENSORS_PER_LAYER + n_ends;
}

void whet_tensor_spec_at(const whet_config *config, size_t i, whet_tensor_spec *spec) {
    const size_t in_layers = (size_t)config->n_layers * WHET_TENSORS_PER_LAYER;
    const bool is_in_layer = i > 0 && i <= in_layers;
    const row *r = i == 0        ? &embedding_row
                   : is_in_layer ? &layer_rows[(i - 1) % WHET_TENSORS_PER_LAYER]
                                 : &end_rows[i - 1 - in_layers];
    if (is_in_layer)
        snprintf(spec->name, sizeof spec->name, "model.layers.%zu.%s.weight",
                 (i - 1) / WHET_TENSORS_PER_LAYER, r->name);
    else
        snprintf(spec->name, sizeof spec->name, "%s.weight", r->name);
    spec->role = r->role;
    spec->n_rows = size_of(config, r->n_rows);
    spec->n_cols = size_of(config, r->n_cols);
}

int64_t whet_tensor_elements(const whet_tensor_spec *spec) {
    return spec->n_cols ? spec->n_rows * spec->n_cols : spec->n_rows;
}
