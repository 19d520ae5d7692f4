/* SPDX-License-Identifier: MIT */
/* Reading checked values out of config.json, shared by config.c and rope.c. */
#ifndef WHET_MODEL_CONFIG_INT_H
#define WHET_MODEL_CONFIG_INT_H

#include "base/json.h"
#include "model/config.h"

/* A parsed file; name is for messages. */
typedef struct whet_config_source {
    whet_ctx *ctx;
    const char *name;
    const whet_json *root;
} whet_config_source;

/* A member of an object that must be there, within [min, max]. */
whet_status whet_config_integer(const whet_config_source *s, const whet_json *object,
                                const char *key, int64_t min, int64_t max, int64_t *out);
whet_status whet_config_number(const whet_config_source *s, const whet_json *object,
                               const char *key, double min, double max, double *out);

/* Leaves *out alone when the member is not there. */
whet_status whet_config_bool(const whet_config_source *s, const whet_json *object, const char *key,
                             bool *out);

/* The value's string, cut to fit a message and made printable, or "not a string"; gives `out`. */
enum { WHET_CONFIG_WORD = 64 };
const char *whet_config_word(const whet_json *value, char out[WHET_CONFIG_WORD]);

/* Whether the member is there and not null. */
bool whet_config_has(const whet_json *object, const char *key);

/* rope_theta and scaling from rope_scaling, rope_parameters and the top level. */
whet_status whet_rope_read(const whet_config_source *s, whet_config *c);

#endif
