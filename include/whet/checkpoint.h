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

/* The environment variables that huggingface_hub reads, as the program found them; NULL or empty =
 * not set. The first one set decides. */
typedef struct whet_model_places {
    const char *hf_hub_cache;          /* HF_HUB_CACHE: the cache itself */
    const char *huggingface_hub_cache; /* HUGGINGFACE_HUB_CACHE: its older name */
    const char *hf_home;               /* HF_HOME: the cache is hub/ in it */
    const char *xdg_cache_home;        /* XDG_CACHE_HOME: it is huggingface/hub/ in it */
    const char *home;                  /* HOME: it is .cache/huggingface/hub/ in it; also for ~ */
} whet_model_places;

/* Finds the folder of a model: `model` is a folder, or a name ("Qwen/Qwen3-0.6B") whose main
 * revision lies in the Hugging Face cache. Replaces the content of *dir. WHET_E_NOT_FOUND with a
 * sentence that says how to get it. Source: the cache layout of huggingface_hub. */
WHET_API whet_status whet_model_find(whet_ctx *ctx, const char *model,
                                     const whet_model_places *places, whet_buf *dir);

/* One thing that is wrong with a checkpoint, as a sentence borrowed for the call. */
typedef void (*whet_fault_fn)(void *data, const char *sentence);

/* Looks at everything in a folder that generating text with it would need: both configs, the index
 * and every file, every tensor's presence, shape and type, every weight (NaN and infinities), and
 * the tokenizer where there is one. Reads all bytes; tells progress. Each fault is reported once;
 * WHET_E_FORMAT with their number when there are any, WHET_E_CANCELLED, WHET_E_NOMEM. */
WHET_API whet_status whet_checkpoint_check(whet_ctx *ctx, const char *dir, whet_fault_fn report,
                                           void *data);

/* What a checkpoint is and what it takes. */
typedef struct whet_checkpoint_facts {
    whet_config config;
    whet_dtype weight_dtype;     /* of the embedding, as it lies in the file */
    int64_t n_parameters;        /* tied embeddings counted once */
    uint64_t weight_bytes;       /* of the tensors that the model reads */
    uint64_t kv_bytes_per_token; /* all layers, K and V, in bf16 */
    uint64_t other_bytes;        /* of tensors that the model does not read */
    int32_t n_tensors, n_others; /* read, not read */
    int32_t n_files;             /* safetensors files */
    bool has_tokenizer;          /* tokenizer.json is there; it is not opened */
} whet_checkpoint_facts;

/* Reads the configs and the headers of a folder, not the weights. All faults of whet_model_open. */
WHET_API whet_status whet_checkpoint_read_facts(whet_ctx *ctx, const char *dir,
                                                whet_checkpoint_facts *facts);

/* Zero means default. */
typedef struct whet_synth_opts {
    const char *preset; /* one of whet_synth_presets */
    int32_t n_layers;   /* 0 = the preset's own */
    uint64_t seed;
    uint64_t shard_bytes; /* a file holds at most about so many; 0 = 5e9 */
} whet_synth_opts;

/* "qwen3-0.6b", ..., "tiny"; NULL at the end. Static. */
WHET_API extern const char *const whet_synth_presets[];

/* Writes a checkpoint with random bf16 weights of a published shape to `dir`, which must not be
 * there or be empty: config.json, generation_config.json and the weights, no tokenizer. Same opts,
 * same bytes. Weights are scaled so that activations stay finite and attention is
 * neither flat nor a single key: linear layers normal / sqrt(inputs), x 3 into the residual stream,
 * x 3 for an lm_head of its own, embeddings normal x 0.4, norms uniform 0.5 to 1.5 (q and k: 0.75
 * to 2.25). Whole or not at all: written beside `dir`, then renamed. WHET_E_ARG: an unknown preset
 * or layers outside 1 to 1024; WHET_E_IO; WHET_E_CANCELLED. */
WHET_API whet_status whet_checkpoint_synth(whet_ctx *ctx, const char *dir,
                                           const whet_synth_opts *opts);

#ifdef __cplusplus
}
#endif

#endif
