/* SPDX-License-Identifier: MIT */
/* Bytes and operations of text, and the roofline over them. */
#include <whet/bench.h>

#include "model/tensor_list.h"

/* Elements of all linear layers of one transformer layer. */
static double layer_elements(const whet_config *c) {
    const double q_width = (double)c->n_heads * c->head_dim;
    const double kv_width = (double)c->n_kv_heads * c->head_dim;
    return (double)c->hidden_size * (2 * q_width + 2 * kv_width + 3.0 * c->intermediate_size);
}

static double head_elements(const whet_config *c) {
    return (double)c->vocab_size * c->hidden_size;
}

/* Of each n rows behind n_context keys: n_context + 1, n_context + 2, ... */
static double keys_seen(size_t n_context, size_t n) {
    return (double)n * (double)n_context + 0.5 * (double)n * ((double)n + 1);
}

static double attention_flop(const whet_config *c, double n_keys) {
    return 4.0 * c->n_layers * c->n_heads * c->head_dim * n_keys;
}

/* n_steps passes over the layers and n_heads passes over the logits' matrix. The embedding is not
 * read but for single rows, unless it is that matrix. */
static double weight_bytes(const whet_checkpoint_facts *f, double n_steps, double n_heads) {
    const whet_config *c = &f->config;
    const double head = head_elements(c) * (f->weight_dtype == WHET_F32 ? 4 : 2);
    /* Besides the layers: the embedding, the last norm, and perhaps an lm_head. */
    const bool has_head = f->n_tensors > WHET_TENSORS_PER_LAYER * c->n_layers + 2;
    return n_steps * ((double)f->weight_bytes - (has_head ? 2 : 1) * head) + n_heads * head;
}

whet_work whet_work_decode(const whet_checkpoint_facts *f, size_t n_context, size_t n) {
    const whet_config *c = &f->config;
    const double n_keys = keys_seen(n_context, n);
    return (whet_work){
        .weight_bytes = weight_bytes(f, (double)n, (double)n),
        .kv_bytes = (double)f->kv_bytes_per_token * n_keys,
        .linear_flop = 2.0 * (double)n * (c->n_layers * layer_elements(c) + head_elements(c)),
        .attention_flop = attention_flop(c, n_keys),
    };
}

whet_work whet_work_prompt(const whet_checkpoint_facts *f, size_t n_context, size_t n,
                           size_t chunk) {
    const whet_config *c = &f->config;
    whet_work w = { .weight_bytes = weight_bytes(f, 0, n > 0) };
    for (size_t done = 0; done < n;) {
        const size_t rows = n - done < chunk ? n - done : chunk;
        w.weight_bytes += weight_bytes(f, 1, 0);
        w.kv_bytes += (double)f->kv_bytes_per_token * (double)(n_context + done + rows);
        w.attention_flop += attention_flop(c, keys_seen(n_context + done, rows));
        done += rows;
    }
    w.linear_flop =
        2.0 * ((double)n * c->n_layers * layer_elements(c) + (n > 0) * head_elements(c));
    return w;
}

double whet_work_limit_ns(const whet_work *w, const whet_peaks *peaks, bool *is_reading) {
    const double read_ns = (w->weight_bytes + w->kv_bytes) / peaks->bytes_per_second * 1e9;
    const double flop_ns = (w->linear_flop + w->attention_flop) / peaks->flop_per_second * 1e9;
    if (is_reading) *is_reading = read_ns >= flop_ns;
    return read_ns >= flop_ns ? read_ns : flop_ns;
}
