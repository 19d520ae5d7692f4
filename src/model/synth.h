/* SPDX-License-Identifier: MIT */
/* The published shapes, and config.json for them. */
#ifndef WHET_MODEL_SYNTH_H
#define WHET_MODEL_SYNTH_H

#include <whet/checkpoint.h>

/* The shape of a preset; false when there is none of that name. */
bool whet_synth_shape(const char *preset, whet_config *config);

/* Appends the texts of config.json and generation_config.json. */
whet_status whet_synth_config_text(whet_ctx *ctx, const whet_config *config, whet_buf *text);
whet_status whet_synth_generation_text(whet_ctx *ctx, const whet_config *config, whet_buf *text);

#endif
