/* SPDX-License-Identifier: MIT */
/* What config.json says, believed only after a look at every number. */
#include "model/config.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "model/config_int.h"

enum { MAX_CONFIG_BYTES = 4 << 20 };

/* No published dense model comes near; products of two of these fit in 64 bits with room. */
enum {
    MAX_WIDTH = 1 << 18,
    MAX_LAYERS = 1024,
    MAX_HEADS = 1024,
    MAX_HEAD_DIM = 1024,
    MAX_VOCAB = 1 << 24,
    MAX_POSITIONS = 1 << 28,
};

whet_status whet_config_integer(const whet_config_source *s, const whet_json *object,
                                const char *key, int64_t min, int64_t max, int64_t *out) {
    const whet_json *v = whet_json_get(object, key);
    int64_t n;
    if (!v) return whet_fail(s->ctx, WHET_E_FORMAT, "%s: %s is missing", s->name, key);
    if (!whet_json_integer(v, &n))
        return whet_fail(s->ctx, WHET_E_FORMAT, "%s: %s is not a whole number", s->name, key);
    if (n < min || n > max)
        return whet_fail(s->ctx, WHET_E_FORMAT, "%s: %s is %lld, which is not within %lld to %lld",
                         s->name, key, (long long)n, (long long)min, (long long)max);
    *out = n;
    return WHET_OK;
}

whet_status whet_config_number(const whet_config_source *s, const whet_json *object,
                               const char *key, double min, double max, double *out) {
    const whet_json *v = whet_json_get(object, key);
    double x;
    if (!v) return whet_fail(s->ctx, WHET_E_FORMAT, "%s: %s is missing", s->name, key);
    if (!whet_json_number(v, &x))
        return whet_fail(s->ctx, WHET_E_FORMAT, "%s: %s is not a number", s->name, key);
    if (!(x >= min && x <= max))
        return whet_fail(s->ctx, WHET_E_FORMAT, "%s: %s is %g, which is not within %g to %g",
                         s->name, key, x, min, max);
    *out = x;
    return WHET_OK;
}

whet_status whet_config_bool(const whet_config_source *s, const whet_json *object, const char *key,
                             bool *out) {
    const whet_json *v = whet_json_get(object, key);
    if (v && !whet_json_bool(v, out))
        return whet_fail(s->ctx, WHET_E_FORMAT, "%s: %s is not true or false", s->name, key);
    return WHET_OK;
}

const char *whet_config_word(const whet_json *value, char out[WHET_CONFIG_WORD]) {
    const char *text = whet_json_string(value, NULL);
    snprintf(out, WHET_CONFIG_WORD, "%s", text ? text : "not a string");
    whet_utf8_make_printable(out);
    return out;
}

bool whet_config_has(const whet_json *object, const char *key) {
    const whet_json *v = whet_json_get(object, key);
    return v && !whet_json_is(v, WHET_JSON_NULL);
}

static whet_status read_shape(const whet_config_source *s, whet_config *c) {
    const struct {
        const char *key;
        int32_t *field;
        int64_t max;
        int64_t fallback; /* the reference's own; 0 = the key must be there */
    } fields[] = {
        { "hidden_size", &c->hidden_size, MAX_WIDTH, 0 },
        { "intermediate_size", &c->intermediate_size, MAX_WIDTH, 0 },
        { "num_hidden_layers", &c->n_layers, MAX_LAYERS, 0 },
        { "num_attention_heads", &c->n_heads, MAX_HEADS, 0 },
        { "num_key_value_heads", &c->n_kv_heads, MAX_HEADS, 0 },
        { "head_dim", &c->head_dim, MAX_HEAD_DIM, 128 },
        { "vocab_size", &c->vocab_size, MAX_VOCAB, 0 },
        { "max_position_embeddings", &c->max_position_embeddings, MAX_POSITIONS, 32768 },
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        int64_t n = fields[i].fallback;
        const whet_json *v = whet_json_get(s->root, fields[i].key);
        if (fields[i].field == &c->n_kv_heads && whet_json_is(v, WHET_JSON_NULL))
            n = c->n_heads;
        else if (n == 0 || v)
            WHET_TRY(whet_config_integer(s, s->root, fields[i].key, 1, fields[i].max, &n));
        *fields[i].field = (int32_t)n;
    }
    if (c->n_heads % c->n_kv_heads != 0)
        return whet_fail(s->ctx, WHET_E_FORMAT,
                         "%s: num_attention_heads is %d, which num_key_value_heads %d does not "
                         "divide",
                         s->name, c->n_heads, c->n_kv_heads);
    if (c->head_dim % 2 != 0)
        return whet_fail(s->ctx, WHET_E_UNSUPPORTED, "%s: head_dim is %d, RoPE needs an even one",
                         s->name, c->head_dim);
    return WHET_OK;
}

static whet_status unsupported(const whet_config_source *s, const char *what) {
    return whet_fail(s->ctx, WHET_E_UNSUPPORTED, "%s: %s", s->name, what);
}

static bool is_text(const whet_json *v, const char *want) {
    const char *text = whet_json_string(v, NULL);
    return text && strcmp(text, want) == 0;
}

static whet_status check_layer_types(const whet_config_source *s) {
    const whet_json *types = whet_json_get(s->root, "layer_types");
    if (whet_config_has(s->root, "layer_types") && !whet_json_is(types, WHET_JSON_ARRAY))
        return whet_fail(s->ctx, WHET_E_FORMAT, "%s: layer_types is not a list", s->name);
    for (size_t i = 0; i < whet_json_len(types); i++) {
        char word[WHET_CONFIG_WORD];
        if (is_text(whet_json_at(types, i), "full_attention")) continue;
        return whet_fail(s->ctx, WHET_E_UNSUPPORTED,
                         "%s: layer_types holds \"%s\", whet has full_attention only", s->name,
                         whet_config_word(whet_json_at(types, i), word));
    }
    return WHET_OK;
}

static bool is_for_causal_lm(const whet_json *architectures) {
    for (size_t i = 0; i < whet_json_len(architectures); i++)
        if (is_text(whet_json_at(architectures, i), "Qwen3ForCausalLM")) return true;
    return whet_json_len(architectures) == 0; /* said nowhere */
}

/* What the forward pass does not do is refused by name. */
static whet_status check_architecture(const whet_config_source *s) {
    char word[WHET_CONFIG_WORD];
    const whet_json *type = whet_json_get(s->root, "model_type");
    if (!type) return whet_fail(s->ctx, WHET_E_FORMAT, "%s: model_type is missing", s->name);
    if (!is_text(type, "qwen3"))
        return whet_fail(s->ctx, WHET_E_UNSUPPORTED,
                         "%s: model_type is \"%s\", whet runs dense qwen3 models only", s->name,
                         whet_config_word(type, word));
    if (whet_config_has(s->root, "quantization_config") || whet_config_has(s->root, "quantization"))
        return unsupported(s, "the checkpoint is quantised, whet runs bf16, f16 and f32 weights");
    const whet_json *architectures = whet_json_get(s->root, "architectures");
    if (!is_for_causal_lm(architectures))
        return unsupported(s, "architectures does not hold Qwen3ForCausalLM, the one whet runs");
    bool has_bias = false, is_sliding = false;
    WHET_TRY(whet_config_bool(s, s->root, "attention_bias", &has_bias));
    if (has_bias) return unsupported(s, "attention_bias is true, which whet does not support");
    WHET_TRY(whet_config_bool(s, s->root, "use_sliding_window", &is_sliding));
    if (is_sliding)
        return unsupported(s, "use_sliding_window is true, whet has full attention only");
    WHET_TRY(check_layer_types(s));
    const whet_json *act = whet_json_get(s->root, "hidden_act");
    if (act && !is_text(act, "silu"))
        return whet_fail(s->ctx, WHET_E_UNSUPPORTED, "%s: hidden_act is \"%s\", whet has silu only",
                         s->name, whet_config_word(act, word));
    return WHET_OK;
}

static whet_status read_dtype(const whet_config_source *s, whet_dtype *dtype) {
    const char *key = whet_config_has(s->root, "dtype") ? "dtype" : "torch_dtype";
    *dtype = WHET_F32; /* the reference's default */
    if (!whet_config_has(s->root, key)) return WHET_OK;
    static const struct {
        const char *name;
        whet_dtype dtype;
    } names[] = { { "bfloat16", WHET_BF16 }, { "float16", WHET_F16 }, { "float32", WHET_F32 } };
    const whet_json *v = whet_json_get(s->root, key);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is_text(v, names[i].name)) {
            *dtype = names[i].dtype;
            return WHET_OK;
        }
    char word[WHET_CONFIG_WORD];
    return whet_fail(s->ctx, WHET_E_UNSUPPORTED,
                     "%s: %s is \"%s\", whet reads bfloat16, float16 and float32", s->name, key,
                     whet_config_word(v, word));
}

/* One id, a list of ids, null or nothing; a list replaces what was there. */
static whet_status read_eos(const whet_config_source *s, whet_config *c) {
    const whet_json *v = whet_json_get(s->root, "eos_token_id");
    if (!whet_config_has(s->root, "eos_token_id")) return WHET_OK;
    const bool is_list = whet_json_is(v, WHET_JSON_ARRAY);
    const size_t n = is_list ? whet_json_len(v) : 1;
    if (n > WHET_MAX_EOS)
        return whet_fail(s->ctx, WHET_E_UNSUPPORTED, "%s: %zu ids in eos_token_id, at most %d fit",
                         s->name, n, WHET_MAX_EOS);
    for (size_t i = 0; i < n; i++) {
        int64_t id;
        if (!whet_json_integer(is_list ? whet_json_at(v, i) : v, &id) || id < 0 || id > MAX_VOCAB)
            return whet_fail(s->ctx, WHET_E_FORMAT,
                             "%s: eos_token_id holds something else than token ids", s->name);
        c->eos[i] = (int32_t)id;
    }
    c->n_eos = (int32_t)n;
    return WHET_OK;
}

static whet_status read_bos(const whet_config_source *s, whet_config *c) {
    int64_t id = -1;
    if (!whet_config_has(s->root, "bos_token_id")) return WHET_OK;
    WHET_TRY(whet_config_integer(s, s->root, "bos_token_id", 0, MAX_VOCAB, &id));
    c->bos = (int32_t)id;
    return WHET_OK;
}

static whet_status read_config(const whet_config_source *s, whet_config *c) {
    if (!whet_json_is(s->root, WHET_JSON_OBJECT))
        return whet_fail(s->ctx, WHET_E_FORMAT, "%s: not a JSON object", s->name);
    *c = (whet_config){ .bos = -1, .rms_norm_eps = 1e-6 };
    WHET_TRY(check_architecture(s));
    WHET_TRY(read_shape(s, c));
    if (whet_json_get(s->root, "rms_norm_eps"))
        WHET_TRY(whet_config_number(s, s->root, "rms_norm_eps", 1e-30, 1.0, &c->rms_norm_eps));
    WHET_TRY(whet_config_bool(s, s->root, "tie_word_embeddings", &c->tie_word_embeddings));
    WHET_TRY(whet_rope_read(s, c));
    WHET_TRY(read_dtype(s, &c->dtype));
    WHET_TRY(read_bos(s, c));
    return read_eos(s, c);
}

/* The reference's defaults for what is left out (transformers 5). */
static const whet_generation_defaults generation_defaults = {
    .temperature = 1.0,
    .top_k = 50,
    .top_p = 1.0,
    .repetition_penalty = 1.0,
};

static whet_status read_generation(const whet_config_source *s, whet_config *c) {
    if (!whet_json_is(s->root, WHET_JSON_OBJECT))
        return whet_fail(s->ctx, WHET_E_FORMAT, "%s: not a JSON object", s->name);
    whet_generation_defaults *g = &c->generation;
    const struct {
        const char *key;
        double *field;
        double min, max;
    } numbers[] = {
        { "temperature", &g->temperature, 0.0, 1e6 },
        { "top_p", &g->top_p, 0.0, 1.0 },
        { "min_p", &g->min_p, 0.0, 1.0 },
        { "repetition_penalty", &g->repetition_penalty, 1e-6, 1e6 },
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (whet_config_has(s->root, numbers[i].key))
            WHET_TRY(whet_config_number(s, s->root, numbers[i].key, numbers[i].min, numbers[i].max,
                                        numbers[i].field));
    if (whet_config_has(s->root, "do_sample"))
        WHET_TRY(whet_config_bool(s, s->root, "do_sample", &g->do_sample));
    if (whet_config_has(s->root, "top_k")) {
        int64_t k;
        WHET_TRY(whet_config_integer(s, s->root, "top_k", 0, MAX_VOCAB, &k));
        g->top_k = (int32_t)k;
    }
    WHET_TRY(read_bos(s, c));
    return read_eos(s, c);
}

whet_status whet_config_parse(whet_ctx *ctx, const char *name, const void *text, size_t bytes,
                              const char *generation_name, const void *generation_text,
                              size_t generation_bytes, whet_config *out) {
    whet_json *root;
    WHET_TRY(whet_json_parse(ctx, name, text, bytes, true, &root));
    whet_status st = read_config(&(whet_config_source){ ctx, name, root }, out);
    whet_json_close(root);
    if (st != WHET_OK) return st;
    out->generation = generation_defaults;
    if (!generation_text) return WHET_OK;
    WHET_TRY(whet_json_parse(ctx, generation_name, generation_text, generation_bytes, true, &root));
    st = read_generation(&(whet_config_source){ ctx, generation_name, root }, out);
    whet_json_close(root);
    return st;
}

whet_status whet_config_read(whet_ctx *ctx, const char *dir, whet_config *out) {
    whet_buf path = { 0 }, text = { 0 }, generation_path = { 0 }, generation = { 0 };
    whet_status st = whet_buf_printf(ctx, &path, "%s/config.json", dir);
    if (st == WHET_OK)
        st = whet_buf_printf(ctx, &generation_path, "%s/generation_config.json", dir);
    if (st == WHET_OK) st = whet_file_read(ctx, path.text, MAX_CONFIG_BYTES, &text);
    bool has_generation = st == WHET_OK;
    if (has_generation) {
        st = whet_file_read(ctx, generation_path.text, MAX_CONFIG_BYTES, &generation);
        has_generation = st != WHET_E_NOT_FOUND;
        if (!has_generation) st = WHET_OK;
    }
    if (st == WHET_OK)
        st = whet_config_parse(ctx, path.text, text.text, text.len, generation_path.text,
                               has_generation ? generation.text : NULL, generation.len, out);
    whet_buf_fini(ctx, &generation);
    whet_buf_fini(ctx, &generation_path);
    whet_buf_fini(ctx, &text);
    whet_buf_fini(ctx, &path);
    return st;
}
