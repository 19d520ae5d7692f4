/* SPDX-License-Identifier: MIT */
/* YAML as configuration has it: nested keys with plain values. */
#ifndef WHET_BASE_YAML_H
#define WHET_BASE_YAML_H

#include "base/ctx.h"

/* One value: "llm.models[0].name". Borrowed for the call. */
typedef struct whet_yaml_leaf {
    const char *path;
    const char *value; /* NULL for null */
    int line;
} whet_yaml_leaf;

typedef whet_status (*whet_yaml_fn)(whet_ctx *ctx, void *data, const whet_yaml_leaf *leaf);

/* Calls fn for every value of one document whose top is a mapping; an empty text has none. `name`
 * is for sentences. WHET_E_FORMAT names the line: no YAML, two documents, anchors, a key twice in a
 * row, a NUL, more than 8 levels. */
whet_status whet_yaml_read(whet_ctx *ctx, const char *name, const char *text, size_t n_bytes,
                           whet_yaml_fn fn, void *data);

#endif
