/* SPDX-License-Identifier: MIT */
/* Checkpoints: finding a model's folder, reading its config, checking it. */
#ifndef WHET_CHECKPOINT_H
#define WHET_CHECKPOINT_H

#include <whet/kernel.h>
#include <whet/text.h>
#include <whet/whet.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum whet_rope_kind { WHET_ROPE_DEFAULT = 0, WHET_ROPE_YARN } whet_rope_kind;

/* YaRN (Peng et al., arXiv 2309.00071) with every default resolved as transformers 5 does it.
 * All zero for WHET_ROPE_DEFAULT, except attention_factor, which is then 1. */
typedef struct whet_rope_scaling {
    whet_rope_kind kind;
    double factor;
    double original_max_position;
    double beta_fast;
    double beta_slow;
    double attention_factor; /* multiplies both cos and sin, at every position */
    bool is_truncated;       /* the correction range is rounded to whole dimensions */
} whet_rope_scaling;

enum { WHET_MAX_EOS = 16 };

/* What generation_config.json asks for, with the reference's defaults for what it leaves out;
 * without that file: greedy. */
typedef struct whet_generation_defaults {
    bool do_sample;
    double temperature;
    int32_t top_k; /* 0 = all */
    double top_p;
    double min_p;
    double repetition_penalty; /* 1 = none */
} whet_generation_defaults;

/* The shape of a dense Qwen3 model and what belongs to it, from config.json and
 * generation_config.json. Pure data; every number has been checked. */
typedef struct whet_config {
    int32_t hidden_size;
    int32_t intermediate_size;
    int32_t n_layers;
    int32_t n_heads;
    int32_t n_kv_heads; /* divides n_heads */
    int32_t head_dim;   /* even; not hidden_size / n_heads */
    int32_t vocab_size; /* rows of the embedding, padding included */
    int32_t max_position_embeddings;
    double rms_norm_eps;
    double rope_theta;
    whet_rope_scaling scaling;
    bool tie_word_embeddings;
    whet_dtype dtype; /* what config.json says; the tensors' own types count */
    int32_t eos[WHET_MAX_EOS];
    int32_t n_eos;
    int32_t bos; /* -1 = none */
    whet_generation_defaults generation;
} whet_config;

/* One thing that is wrong with a checkpoint, as a sentence borrowed for the call. */
typedef void (*whet_fault_fn)(void *data, const char *sentence);

#ifdef __cplusplus
}
#endif

#endif
