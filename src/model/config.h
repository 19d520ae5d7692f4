/* SPDX-License-Identifier: MIT */
/* config.json and generation_config.json of a dense Qwen3 checkpoint, and the RoPE they describe.
 */
#ifndef WHET_MODEL_CONFIG_H
#define WHET_MODEL_CONFIG_H

#include <whet/checkpoint.h>

/* Reads DIR/config.json and, where there is one, DIR/generation_config.json. WHET_E_UNSUPPORTED
 * names what whet does not run, WHET_E_FORMAT what makes no sense. */
whet_status whet_config_read(whet_ctx *ctx, const char *dir, whet_config *out);

/* The same from texts in memory; the names are for messages. A generation text of NULL is none. */
whet_status whet_config_parse(whet_ctx *ctx, const char *name, const void *text, size_t bytes,
                              const char *generation_name, const void *generation_text,
                              size_t generation_bytes, whet_config *out);

/* inv_freq[i] for the pair (i, i + head_dim / 2), i < head_dim / 2, in the float32 steps of the
 * reference (transformers 5 on PyTorch, whose pow may differ in the last bit of a near tie); cos
 * and sin of position * inv_freq are to be multiplied by *attention_factor. */
void whet_rope_inverse_frequencies(const whet_config *config, float *inv_freq,
                                   float *attention_factor);

#endif
