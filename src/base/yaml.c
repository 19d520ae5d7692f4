/* SPDX-License-Identifier: MIT */
/* The one place that knows libyaml. */
#include "base/yaml.h"

#include <stdio.h>
#include <string.h>

#include <yaml.h>

enum { MAX_DEPTH = 8, MAX_PATH = 256 };

/* A mapping or a sequence that is open. */
typedef struct level {
    bool is_map;
    bool has_key; /* and its value is next */
    int n_items;
    size_t path_len; /* before its keys */
} level;

typedef struct walker {
    const char *name;
    whet_yaml_fn fn;
    void *data;
    level levels[MAX_DEPTH];
    int depth;
    char path[MAX_PATH];
    bool is_over;
} walker;

static whet_status refuse(whet_ctx *ctx, const walker *w, const yaml_event_t *e, const char *what) {
    return whet_fail(ctx, WHET_E_FORMAT, "%s: line %zu: %s", w->name, e->start_mark.line + 1, what);
}

static bool append_key(walker *w, size_t at, const char *key) {
    const size_t room = sizeof w->path - at;
    return (size_t)snprintf(w->path + at, room, "%s%s", at ? "." : "", key) < room;
}

static bool append_index(walker *w, size_t at, int index) {
    const size_t room = sizeof w->path - at;
    return (size_t)snprintf(w->path + at, room, "[%d]", index) < room;
}

/* The path of a value that begins now; false: it is too long. */
static bool begin_value(walker *w) {
    if (w->depth == 0) return true;
    level *l = &w->levels[w->depth - 1];
    l->has_key = false;
    return l->is_map || append_index(w, l->path_len, l->n_items++);
}

static bool is_null(const yaml_event_t *e) {
    const char *value = (const char *)e->data.scalar.value;
    return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!*value || strcmp(value, "~") == 0 || strcmp(value, "null") == 0);
}

static whet_status take_scalar(whet_ctx *ctx, walker *w, const yaml_event_t *e) {
    const char *value = (const char *)e->data.scalar.value;
    level *l = w->depth ? &w->levels[w->depth - 1] : NULL;
    if (!l) return is_null(e) ? WHET_OK : refuse(ctx, w, e, "write keys with values here");
    if (strlen(value) != e->data.scalar.length) return refuse(ctx, w, e, "a NUL");
    if (e->data.scalar.anchor) return refuse(ctx, w, e, "an anchor; write the value itself");
    if (l->is_map && !l->has_key) {
        l->has_key = true;
        if (*value && append_key(w, l->path_len, value)) return WHET_OK;
        return refuse(ctx, w, e, "this key is empty or too long");
    }
    if (!begin_value(w)) return refuse(ctx, w, e, "this is too deep");
    const whet_yaml_leaf leaf = { w->path, is_null(e) ? NULL : value, (int)e->start_mark.line + 1 };
    return w->fn(ctx, w->data, &leaf);
}

static whet_status open_level(whet_ctx *ctx, walker *w, const yaml_event_t *e, bool is_map) {
    const bool is_anchored =
        is_map ? e->data.mapping_start.anchor != NULL : e->data.sequence_start.anchor != NULL;
    if (is_anchored) return refuse(ctx, w, e, "an anchor; write the value itself");
    if (!is_map && w->depth == 0) return refuse(ctx, w, e, "write keys with values here");
    if (is_map && w->depth && w->levels[w->depth - 1].is_map && !w->levels[w->depth - 1].has_key)
        return refuse(ctx, w, e, "a key has to be a word");
    if (w->depth == MAX_DEPTH || !begin_value(w)) return refuse(ctx, w, e, "this is too deep");
    w->levels[w->depth] = (level){ .is_map = is_map, .path_len = w->depth ? strlen(w->path) : 0 };
    w->depth++;
    return WHET_OK;
}

static whet_status take_event(whet_ctx *ctx, walker *w, const yaml_event_t *e) {
    switch (e->type) {
    case YAML_SCALAR_EVENT: return take_scalar(ctx, w, e);
    case YAML_MAPPING_START_EVENT: return open_level(ctx, w, e, true);
    case YAML_SEQUENCE_START_EVENT: return open_level(ctx, w, e, false);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        w->depth--;
        w->path[w->levels[w->depth].path_len] = '\0';
        return WHET_OK;
    case YAML_ALIAS_EVENT: return refuse(ctx, w, e, "an alias; write the value itself");
    case YAML_DOCUMENT_START_EVENT:
        return w->is_over ? refuse(ctx, w, e, "a second document") : WHET_OK;
    case YAML_DOCUMENT_END_EVENT: w->is_over = true; return WHET_OK;
    default: return WHET_OK;
    }
}

whet_status whet_yaml_read(whet_ctx *ctx, const char *name, const char *text, size_t n_bytes,
                           whet_yaml_fn fn, void *data) {
    yaml_parser_t parser;
    walker w = { .name = name, .fn = fn, .data = data };
    if (!yaml_parser_initialize(&parser)) return whet_fail_nomem(ctx, sizeof parser);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n_bytes);
    whet_status st = WHET_OK;
    for (bool more = true; more && st == WHET_OK;) {
        yaml_event_t e;
        if (!yaml_parser_parse(&parser, &e)) {
            st = whet_fail(ctx, WHET_E_FORMAT, "%s: line %zu: %s", name,
                           parser.problem_mark.line + 1,
                           parser.problem ? parser.problem : "no YAML");
            break;
        }
        st = take_event(ctx, &w, &e);
        more = e.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&parser);
    return st;
}
