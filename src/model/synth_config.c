/* SPDX-License-Identifier: MIT */
/* The shapes of the dense Qwen3 models as their config.json on the Hugging Face hub has them. */
#include <string.h>

#include "model/synth.h"

typedef struct preset {
    const char *name;
    int32_t n_layers, hidden, inner, n_heads, n_kv_heads, vocab;
    bool is_tied;
} preset;

/* All with head_dim 128. tiny is nobody's: small, with the head pattern of 0.6B. */
static const preset presets[] = {
    { "qwen3-0.6b", 28, 1024, 3072, 16, 8, 151936, true },
    { "qwen3-1.7b", 28, 2048, 6144, 16, 8, 151936, true },
    { "qwen3-4b", 36, 2560, 9728, 32, 8, 151936, true },
    { "qwen3-8b", 36, 4096, 12288, 32, 8, 151936, false },
    { "qwen3-14b", 40, 5120, 17408, 40, 8, 151936, false },
    { "qwen3-32b", 64, 5120, 25600, 64, 8, 151936, false },
    { "tiny", 4, 256, 768, 16, 8, 4096, true },
};

const char *const whet_synth_presets[] = {
    "qwen3-0.6b", "qwen3-1.7b", "qwen3-4b", "qwen3-8b", "qwen3-14b", "qwen3-32b", "tiny", NULL,
};

/* "qwen3-14b" may be written "14b". */
static bool is_named(const preset *p, const char *name) {
    const char *dash = strchr(p->name, '-');
    return strcmp(p->name, name) == 0 || (dash && strcmp(dash + 1, name) == 0);
}

bool whet_synth_shape(const char *name, whet_config *config) {
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        const preset *p = &presets[i];
        if (!is_named(p, name)) continue;
        const bool is_qwen = p->vocab == 151936;
        *config = (whet_config){
            .hidden_size = p->hidden,
            .intermediate_size = p->inner,
            .n_layers = p->n_layers,
            .n_heads = p->n_heads,
            .n_kv_heads = p->n_kv_heads,
            .head_dim = 128,
            .vocab_size = p->vocab,
            .max_position_embeddings = 40960,
            .rms_norm_eps = 1e-6,
            .rope_theta = 1e6,
            .scaling = { .attention_factor = 1.0 },
            .tie_word_embeddings = p->is_tied,
            .dtype = WHET_BF16,
            .bos = is_qwen ? 151643 : p->vocab - 1,
            .eos = { is_qwen ? 151645 : p->vocab - 3, is_qwen ? 151643 : p->vocab - 1 },
            .n_eos = 2,
        };
        return true;
    }
    return false;
}

whet_status whet_synth_config_text(whet_ctx *ctx, const whet_config *c, whet_buf *text) {
    return whet_buf_printf(ctx, text,
                           "{\n"
                           "  \"architectures\": [\n    \"Qwen3ForCausalLM\"\n  ],\n"
                           "  \"attention_bias\": false,\n"
                           "  \"attention_dropout\": 0.0,\n"
                           "  \"bos_token_id\": %d,\n"
                           "  \"eos_token_id\": %d,\n"
                           "  \"head_dim\": %d,\n"
                           "  \"hidden_act\": \"silu\",\n"
                           "  \"hidden_size\": %d,\n"
                           "  \"initializer_range\": 0.02,\n"
                           "  \"intermediate_size\": %d,\n"
                           "  \"max_position_embeddings\": %d,\n"
                           "  \"max_window_layers\": %d,\n"
                           "  \"model_type\": \"qwen3\",\n"
                           "  \"num_attention_heads\": %d,\n"
                           "  \"num_hidden_layers\": %d,\n"
                           "  \"num_key_value_heads\": %d,\n"
                           "  \"rms_norm_eps\": 1e-06,\n"
                           "  \"rope_scaling\": null,\n"
                           "  \"rope_theta\": 1000000,\n"
                           "  \"sliding_window\": null,\n"
                           "  \"tie_word_embeddings\": %s,\n"
                           "  \"torch_dtype\": \"bfloat16\",\n"
                           "  \"use_cache\": true,\n"
                           "  \"use_sliding_window\": false,\n"
                           "  \"vocab_size\": %d\n"
                           "}\n",
                           c->bos, c->eos[0], c->head_dim, c->hidden_size, c->intermediate_size,
                           c->max_position_embeddings, c->n_layers, c->n_heads, c->n_layers,
                           c->n_kv_heads, c->tie_word_embeddings ? "true" : "false", c->vocab_size);
}

whet_status whet_synth_generation_text(whet_ctx *ctx, const whet_config *c, whet_buf *text) {
    return whet_buf_printf(ctx, text,
                           "{\n"
                           "  \"bos_token_id\": %d,\n"
                           "  \"do_sample\": true,\n"
                           "  \"eos_token_id\": [\n    %d,\n    %d\n  ],\n"
                           "  \"pad_token_id\": %d,\n"
                           "  \"temperature\": 0.6,\n"
                           "  \"top_k\": 20,\n"
                           "  \"top_p\": 0.95\n"
                           "}\n",
                           c->bos, c->eos[0], c->eos[1], c->bos);
}
