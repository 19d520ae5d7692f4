/* SPDX-License-Identifier: MIT */
/* Opening a checkpoint: every tensor by its name, its shape checked against the config. */
#include "model/model_int.h"

#include <stdio.h>
#include <string.h>

/* What the tensors of one model are looked up with. */
typedef struct opener {
    whet_ctx *ctx;
    whet_model *model;
    whet_status st; /* of the first one that was not as it should be */
    int layer;      /* -1: outside the layers */
} opener;

static void name_of(const opener *o, const char *part, char name[128]) {
    if (o->layer < 0)
        snprintf(name, 128, "%s.weight", part);
    else
        snprintf(name, 128, "model.layers.%d.%s.weight", o->layer, part);
}

static whet_weight matrix(opener *o, const char *part, int64_t n_out, int64_t n_in) {
    char name[128];
    name_of(o, part, name);
    whet_tensor t = { 0 };
    if (o->st == WHET_OK)
        o->st = whet_checkpoint_expect(o->ctx, o->model->checkpoint, name, n_out, n_in, &t);
    return (whet_weight){
        .data = t.data, .dtype = t.dtype, .n_out = (int32_t)n_out, .n_in = (int32_t)n_in
    };
}

static const float *vector(opener *o, const char *part, int64_t n) {
    char name[128];
    name_of(o, part, name);
    whet_tensor t = { 0 };
    if (o->st == WHET_OK)
        o->st = whet_checkpoint_expect(o->ctx, o->model->checkpoint, name, n, 0, &t);
    float *values = o->st == WHET_OK
                        ? whet_arena_alloc(o->ctx, &o->model->arena, (size_t)n * sizeof *values)
                        : NULL;
    if (values)
        whet_widen(t.dtype, t.data, values, n);
    else if (o->st == WHET_OK)
        o->st = WHET_E_NOMEM;
    return values;
}

static void open_layer(opener *o, whet_layer *l) {
    const whet_config *c = &o->model->config;
    const int64_t hidden = c->hidden_size, n_inner = c->intermediate_size;
    const int64_t q_width = (int64_t)c->n_heads * c->head_dim;
    const int64_t kv_width = (int64_t)c->n_kv_heads * c->head_dim;
    l->input_norm = vector(o, "input_layernorm", hidden);
    l->q = matrix(o, "self_attn.q_proj", q_width, hidden);
    l->k = matrix(o, "self_attn.k_proj", kv_width, hidden);
    l->v = matrix(o, "self_attn.v_proj", kv_width, hidden);
    l->q_norm = vector(o, "self_attn.q_norm", c->head_dim);
    l->k_norm = vector(o, "self_attn.k_norm", c->head_dim);
    l->o = matrix(o, "self_attn.o_proj", hidden, q_width);
    l->post_norm = vector(o, "post_attention_layernorm", hidden);
    l->gate = matrix(o, "mlp.gate_proj", n_inner, hidden);
    l->up = matrix(o, "mlp.up_proj", n_inner, hidden);
    l->down = matrix(o, "mlp.down_proj", hidden, n_inner);
}

static whet_status open_tensors(whet_ctx *ctx, whet_model *m) {
    const whet_config *c = &m->config;
    const size_t per_layer =
        sizeof *m->layers + (2 * (size_t)c->hidden_size + 2 * (size_t)c->head_dim) * 4;
    const size_t slack = 64 * (8 * (size_t)c->n_layers + 16); /* alignment of each piece */
    const size_t ends = ((size_t)c->hidden_size + (size_t)c->head_dim) * 4;
    WHET_TRY(whet_arena_init(ctx, &m->arena, per_layer * (size_t)c->n_layers + slack + ends));
    m->layers = whet_arena_alloc(ctx, &m->arena, (size_t)c->n_layers * sizeof *m->layers);
    m->inverse_frequencies =
        whet_arena_alloc(ctx, &m->arena, (size_t)c->head_dim / 2 * sizeof(float));
    if (!m->layers || !m->inverse_frequencies) return WHET_E_NOMEM;
    opener o = { .ctx = ctx, .model = m, .layer = -1 };
    m->embedding = matrix(&o, "model.embed_tokens", c->vocab_size, c->hidden_size);
    for (o.layer = 0; o.layer < c->n_layers; o.layer++)
        open_layer(&o, &m->layers[o.layer]);
    o.layer = -1;
    m->final_norm = vector(&o, "model.norm", c->hidden_size);
    /* A tied model may carry an lm_head all the same; the reference then uses the file's. */
    const bool has_head = whet_checkpoint_find(m->checkpoint, "lm_head.weight", NULL);
    m->lm_head = c->tie_word_embeddings && !has_head
                     ? m->embedding
                     : matrix(&o, "lm_head", c->vocab_size, c->hidden_size);
    return o.st;
}

whet_status whet_model_open(whet_ctx *ctx, const char *dir, whet_model **model) {
    *model = NULL;
    whet_model *m = whet_alloc_zero(ctx, 1, sizeof *m);
    if (!m) return WHET_E_NOMEM;
    m->ctx = ctx;
    whet_status st = whet_config_read(ctx, dir, &m->config);
    if (st == WHET_OK) st = whet_checkpoint_open(ctx, dir, &m->checkpoint);
    if (st == WHET_OK) st = open_tensors(ctx, m);
    if (st != WHET_OK) {
        whet_model_close(m);
        return st;
    }
    whet_rope_inverse_frequencies(&m->config, m->inverse_frequencies, &m->rope_factor);
    *model = m;
    return WHET_OK;
}

void whet_model_close(whet_model *m) {
    if (!m) return;
    whet_checkpoint_close(m->checkpoint);
    whet_arena_fini(&m->arena);
    whet_free(m->ctx, m);
}

const whet_config *whet_model_config(const whet_model *m) {
    return &m->config;
}

whet_problem whet_model_problem(const whet_model *m, whet_dtype dtype, int32_t n_rows,
                                int32_t n_context) {
    return (whet_problem){
        .dtype = dtype,
        .n_heads = m->config.n_heads,
        .n_kv_heads = m->config.n_kv_heads,
        .head_dim = m->config.head_dim,
        .n_rows = n_rows,
        .n_context = n_context,
    };
}
