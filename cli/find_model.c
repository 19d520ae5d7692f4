/* SPDX-License-Identifier: MIT */
/* Finding --model, a folder or a name: the one place that reads the Hugging Face variables. */
#include <stdlib.h>

#include <whet/checkpoint.h>

#include "cli.h"

whet_status cli_find_model(whet_ctx *ctx, const char *model, whet_buf *dir) {
    const whet_model_places places = {
        .hf_hub_cache = getenv("HF_HUB_CACHE"),
        .huggingface_hub_cache = getenv("HUGGINGFACE_HUB_CACHE"),
        .hf_home = getenv("HF_HOME"),
        .xdg_cache_home = getenv("XDG_CACHE_HOME"),
        .home = getenv("HOME"),
    };
    return whet_model_find(ctx, model, &places, dir);
}
