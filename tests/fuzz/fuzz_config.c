/* SPDX-License-Identifier: MIT */
/* Any bytes as config.json and as generation_config.json: numbers that fit, or one sentence. */
#include "fuzz.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/config.h"

static const char plain[] =
    "{\"model_type\":\"qwen3\",\"hidden_size\":8,\"intermediate_size\":8,\"num_hidden_layers\":1,"
    "\"num_attention_heads\":2,\"num_key_value_heads\":1,\"vocab_size\":9}";

static void check_config(const whet_config *c) {
    float inv_freq[512], factor;
    assert(c->hidden_size > 0 && c->intermediate_size > 0 && c->n_layers > 0 && c->vocab_size > 0);
    assert(c->n_kv_heads > 0 && c->n_heads % c->n_kv_heads == 0);
    assert(c->head_dim > 0 && c->head_dim % 2 == 0 && c->head_dim <= 1024);
    assert(c->rms_norm_eps > 0 && c->n_eos >= 0 && c->n_eos <= WHET_MAX_EOS && c->bos >= -1);
    for (int i = 0; i < c->n_eos; i++)
        assert(c->eos[i] >= 0);
    whet_rope_inverse_frequencies(c, inv_freq, &factor);
    assert(isfinite(factor));
    for (int i = 0; i < c->head_dim / 2; i++)
        assert(isfinite(inv_freq[i]));
}

static void check(whet_ctx *ctx, whet_status st, const whet_config *c, const char *name) {
    if (st == WHET_OK) {
        check_config(c);
    } else {
        assert(st == WHET_E_FORMAT || st == WHET_E_UNSUPPORTED);
        assert(strncmp(whet_ctx_message(ctx), name, strlen(name)) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    whet_ctx *ctx = whet_ctx_open(NULL);
    assert(ctx);
    whet_config c;
    check(ctx, whet_config_parse(ctx, "config", data, size, NULL, NULL, 0, &c), &c, "config: ");
    check(ctx,
          whet_config_parse(ctx, "config", plain, sizeof plain - 1, "generation", data, size, &c),
          &c, "generation: ");
    whet_ctx_close(ctx);
    return 0;
}
