/* SPDX-License-Identifier: MIT */
/* Rotary position embedding as config.json spells it, old and new, and its frequencies. */
#include <math.h>
#include <string.h>

#include "model/config_int.h"

/* The reference's get_mscale: 0.1 m ln(s) + 1 above 1. */
static double mscale_of(double factor, double mscale) {
    return factor <= 1.0 ? 1.0 : 0.1 * mscale * log(factor) + 1.0;
}

/* A number, or the fallback where the member is missing or null, or 0 (Python's `or`). */
static whet_status number_or(const whet_config_source *s, const whet_json *rope, const char *key,
                             double fallback, double *out) {
    *out = fallback;
    if (!whet_config_has(rope, key)) return WHET_OK;
    WHET_TRY(whet_config_number(s, rope, key, 0.0, 1e9, out));
    if (*out == 0.0) *out = fallback;
    return WHET_OK;
}

static whet_status read_original(const whet_config_source *s, const whet_json *rope,
                                 const whet_config *c, double *original) {
    static const char key[] = "original_max_position_embeddings";
    *original = c->max_position_embeddings;
    const whet_json *where = whet_json_get(s->root, key) ? s->root : rope; /* the top level wins */
    if (!whet_json_get(where, key)) return WHET_OK;
    return whet_config_number(s, where, key, 1.0, 1e9, original);
}

static whet_status read_yarn(const whet_config_source *s, const whet_json *rope,
                             const whet_config *c, whet_rope_scaling *y) {
    y->kind = WHET_ROPE_YARN;
    WHET_TRY(read_original(s, rope, c, &y->original_max_position));
    if (whet_json_is(whet_json_get(rope, "factor"), WHET_JSON_NULL))
        y->factor = c->max_position_embeddings / y->original_max_position;
    else
        WHET_TRY(whet_config_number(s, rope, "factor", 1e-3, 1e6, &y->factor));
    WHET_TRY(number_or(s, rope, "beta_fast", 32.0, &y->beta_fast));
    WHET_TRY(number_or(s, rope, "beta_slow", 1.0, &y->beta_slow));
    double mscale, mscale_all_dim;
    WHET_TRY(number_or(s, rope, "mscale", 0.0, &mscale));
    WHET_TRY(number_or(s, rope, "mscale_all_dim", 0.0, &mscale_all_dim));
    if (whet_config_has(rope, "attention_factor"))
        WHET_TRY(whet_config_number(s, rope, "attention_factor", 0.0, 1e6, &y->attention_factor));
    else if (mscale != 0.0 && mscale_all_dim != 0.0)
        y->attention_factor = mscale_of(y->factor, mscale) / mscale_of(y->factor, mscale_all_dim);
    else
        y->attention_factor = mscale_of(y->factor, 1.0);
    y->is_truncated = !whet_json_is(whet_json_get(rope, "truncate"), WHET_JSON_NULL);
    return y->is_truncated ? whet_config_bool(s, rope, "truncate", &y->is_truncated) : WHET_OK;
}

/* rope_type, else the old spelling "type"; NULL = default. */
static const whet_json *kind_of(const whet_json *rope) {
    const whet_json *v = whet_json_get(rope, "rope_type");
    return v ? v : whet_json_get(rope, "type");
}

static whet_status check_no_partial(const whet_config_source *s, const whet_json *object) {
    double part = 1.0;
    if (whet_config_has(object, "partial_rotary_factor"))
        WHET_TRY(whet_config_number(s, object, "partial_rotary_factor", 0.0, 1.0, &part));
    if (part == 1.0) return WHET_OK;
    return whet_fail(s->ctx, WHET_E_UNSUPPORTED,
                     "%s: partial_rotary_factor is %g, whet rotates whole heads only", s->name,
                     part);
}

/* A non-empty rope_scaling wins over rope_parameters, as a whole. */
static whet_status find_rope(const whet_config_source *s, const whet_json **rope) {
    static const char *const keys[] = { "rope_scaling", "rope_parameters" };
    *rope = NULL;
    for (int i = 0; i < 2; i++) {
        const whet_json *v = whet_json_get(s->root, keys[i]);
        if (!whet_config_has(s->root, keys[i])) continue;
        if (!whet_json_is(v, WHET_JSON_OBJECT))
            return whet_fail(s->ctx, WHET_E_FORMAT, "%s: %s is not an object", s->name, keys[i]);
        if (whet_json_len(v) > 0 && !*rope) *rope = v;
    }
    return WHET_OK;
}

whet_status whet_rope_read(const whet_config_source *s, whet_config *c) {
    const whet_json *rope;
    WHET_TRY(find_rope(s, &rope));
    WHET_TRY(check_no_partial(s, s->root));
    WHET_TRY(check_no_partial(s, rope));
    const whet_json *where = whet_json_get(rope, "rope_theta") ? rope : s->root;
    c->rope_theta = 10000.0; /* the reference's default */
    if (whet_json_get(where, "rope_theta"))
        WHET_TRY(whet_config_number(s, where, "rope_theta", 1.001, 1e15, &c->rope_theta));
    c->scaling = (whet_rope_scaling){ .attention_factor = 1.0 };
    if (whet_json_get(rope, "full_attention") || whet_json_get(rope, "sliding_attention"))
        return whet_fail(s->ctx, WHET_E_UNSUPPORTED,
                         "%s: rope_parameters differ by layer type, whet has one RoPE for all",
                         s->name);
    const whet_json *kind = kind_of(rope);
    const char *type = kind ? whet_json_string(kind, NULL) : "default";
    if (type && strcmp(type, "default") == 0) return WHET_OK;
    if (type && strcmp(type, "yarn") == 0) return read_yarn(s, rope, c, &c->scaling);
    char word[WHET_CONFIG_WORD];
    return whet_fail(s->ctx, WHET_E_UNSUPPORTED,
                     "%s: rope_type is \"%s\", whet has default and yarn", s->name,
                     whet_config_word(kind, word));
}

/* The dimension that turns so many times within the original length. */
static double correction_dim(const whet_config *c, double n_turns) {
    const double pi = 3.14159265358979323846;
    return c->head_dim * log(c->scaling.original_max_position / (n_turns * 2.0 * pi)) /
           (2.0 * log(c->rope_theta));
}

/* One product in float32, rounded once. Through memory, or else the compiler may fuse it with a sum
 * where the architecture's baseline can (64-bit ARM). */
static float product(float a, float b) {
    const volatile float rounded = a * b;
    return rounded;
}

static void yarn_frequencies(const whet_config *c, const float *powers, float *inv_freq) {
    const whet_rope_scaling *y = &c->scaling;
    double low = correction_dim(c, y->beta_fast), high = correction_dim(c, y->beta_slow);
    if (y->is_truncated) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0.0);
    high = fmin(high, c->head_dim - 1);
    if (low == high) high += 0.001; /* no division by zero */
    const float start = (float)low, width = (float)(high - low), factor = (float)y->factor;
    for (int i = 0; i < c->head_dim / 2; i++) {
        const float ramp = fminf(fmaxf(((float)i - start) / width, 0.0f), 1.0f);
        const float extrapolated = 1.0f - ramp;
        inv_freq[i] = product(1.0f / product(factor, powers[i]), 1.0f - extrapolated) +
                      product(1.0f / powers[i], extrapolated);
    }
}

void whet_rope_inverse_frequencies(const whet_config *config, float *inv_freq,
                                   float *attention_factor) {
    const int n = config->head_dim / 2;
    const double theta = (double)(float)config->rope_theta;
    for (int i = 0; i < n; i++) {
        const float exponent = (float)(2 * i) / (float)config->head_dim;
        inv_freq[i] = (float)pow(theta, (double)exponent);
    }
    *attention_factor = (float)config->scaling.attention_factor;
    if (config->scaling.kind == WHET_ROPE_YARN) {
        yarn_frequencies(config, inv_freq, inv_freq); /* element by element: in place is fine */
        return;
    }
    for (int i = 0; i < n; i++)
        inv_freq[i] = 1.0f / inv_freq[i];
}
