/* SPDX-License-Identifier: MIT */
/* The keys of a configuration: one table for reading, printing and storing them. */
#ifndef WHET_EVOLVE_CONFIG_H
#define WHET_EVOLVE_CONFIG_H

#include <whet/evolve.h>

typedef enum whet_key_kind {
    WHET_KEY_INT,
    WHET_KEY_U64,
    WHET_KEY_DOUBLE,
    WHET_KEY_BOOL,
    WHET_KEY_NOT,      /* a bool that says the opposite */
    WHET_KEY_TEXT,     /* const char * */
    WHET_KEY_VARIABLE, /* ${NAME}: the name is kept */
} whet_key_kind;

/* A key and the field of whet_evolve_settings that it fills. */
typedef struct whet_key {
    const char *name;
    whet_key_kind kind;
    size_t offset;
    const char *fallback; /* what is in force without it; NULL = nothing */
    double least, most;
    size_t flag; /* offset of a bool that is set with it; 0 = none */
} whet_key;

/* A key of other people's configurations that does nothing here. */
typedef struct whet_dead_key {
    const char *name; /* of a value, or of everything below it */
    const char *why;  /* "" = its meaning holds anyway: no warning */
} whet_dead_key;

extern const whet_key whet_keys[];
extern const size_t whet_n_keys;
extern const whet_dead_key whet_dead_keys[];
extern const size_t whet_n_dead_keys;

/* Appends the settings as YAML, with the origin of each key behind it where there is one. The key
 * of a server is never among them. */
whet_status whet_settings_print(whet_ctx *ctx, const whet_evolve_settings *settings,
                                const char *const *origins, whet_buf *text);

#endif
