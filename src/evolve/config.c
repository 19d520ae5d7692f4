/* SPDX-License-Identifier: MIT */
/* Reading a configuration strictly, and writing it down again. */
#include "evolve/config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/yaml.h"

enum { MAX_KEYS = 96, MAX_DEAD = 96, MAX_BYTES = 1 << 20 };

static const char feature_key[] = "database.feature_dimensions";

static const double nothing = 1e-9;

static const struct {
    const char *name;
    unsigned feature;
} features[] = {
    { "layout", WHET_FEATURE_LAYOUT },   { "passes", WHET_FEATURE_PASSES },
    { "vector", WHET_FEATURE_VECTOR },   { "code", WHET_FEATURE_CODE },
    { "complexity", WHET_FEATURE_CODE }, /* OpenEvolve's: the length of the code */
};

struct whet_evolve_config {
    whet_evolve_settings settings;
    char *texts[MAX_KEYS];       /* owned values of text keys */
    char origins[MAX_KEYS][96];  /* "" = default */
    bool is_seen[MAX_KEYS];      /* in the document that is being read */
    bool is_dead_seen[MAX_DEAD]; /* in any */
    char feature_origin[96];
    const char *name; /* of the document */
};

whet_status whet_evolve_config_open(whet_ctx *ctx, whet_evolve_config **config) {
    *config = whet_alloc_zero(ctx, 1, sizeof **config);
    return *config ? WHET_OK : WHET_E_NOMEM;
}

void whet_evolve_config_close(whet_ctx *ctx, whet_evolve_config *config) {
    if (!config) return;
    for (int i = 0; i < MAX_KEYS; i++)
        whet_free(ctx, config->texts[i]);
    whet_free(ctx, config);
}

const whet_evolve_settings *whet_evolve_config_settings(const whet_evolve_config *config) {
    return &config->settings;
}

/* ---- the nearest key ---- */

/* Levenshtein's distance of two short words. */
static int distance(const char *a, const char *b) {
    int row[96];
    const int n = (int)strlen(b);
    if (n >= 96) return 96;
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            const int swap = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = swap < row[j] + 1 ? swap : row[j] + 1;
            if (row[j - 1] + 1 < row[j]) row[j] = row[j - 1] + 1;
        }
    }
    return row[n];
}

static const char *last_word(const char *key) {
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

/* The same word elsewhere is nearer than another word here. */
static int how_far(const char *key, const char *known) {
    const int whole = distance(key, known),
              word = 1 + 2 * distance(last_word(key), last_word(known));
    return whole < word ? whole : word;
}

static whet_status refuse_key(whet_ctx *ctx, const char *where, const char *key) {
    const char *nearest = whet_keys[0].name;
    for (size_t i = 0; i < whet_n_keys; i++)
        if (how_far(key, whet_keys[i].name) < how_far(key, nearest)) nearest = whet_keys[i].name;
    if (how_far(key, feature_key) < how_far(key, nearest)) nearest = feature_key;
    return whet_fail(ctx, WHET_E_FORMAT, "%s: there is no key %.80s; did you mean %s", where, key,
                     nearest);
}

/* ---- values ---- */

static bool read_bool(const char *value, bool *out) {
    static const char *const yes[] = { "true", "yes", "on" }, *const no[] = { "false", "no",
                                                                              "off" };
    for (int i = 0; i < 3; i++) {
        if (strcmp(value, yes[i]) == 0) return *out = true, true;
        if (strcmp(value, no[i]) == 0) return *out = false, true;
    }
    return false;
}

static bool read_number(const char *value, bool is_whole, double *out) {
    char *end;
    errno = 0;
    *out = strtod(value, &end);
    return *value && !*end && isfinite(*out) && (!is_whole || *out == floor(*out));
}

static whet_status keep_text(whet_ctx *ctx, whet_evolve_config *c, size_t key, const char *text,
                             size_t n) {
    char *copy = whet_strndup(ctx, text, n);
    if (!copy) return WHET_E_NOMEM;
    whet_free(ctx, c->texts[key]);
    c->texts[key] = copy;
    *(const char **)((char *)&c->settings + whet_keys[key].offset) = copy;
    return WHET_OK;
}

static whet_status put_number(whet_ctx *ctx, whet_evolve_config *c, const whet_key *k,
                              const char *where, const char *value) {
    double x;
    void *field = (char *)&c->settings + k->offset;
    if (!read_number(value, k->kind != WHET_KEY_DOUBLE, &x) || x < k->least || x > k->most)
        return whet_fail(ctx, WHET_E_FORMAT, "%s: %.60s is not %s from %.7g to %.7g", where, value,
                         k->kind == WHET_KEY_DOUBLE ? "a number" : "a whole number", k->least,
                         k->most);
    if (k->kind == WHET_KEY_U64 && strspn(value, "0123456789") != strlen(value))
        return whet_fail(ctx, WHET_E_FORMAT, "%s: write digits alone, not %.60s", where, value);
    /* in the fields, zero means default */
    if (k->kind == WHET_KEY_DOUBLE && x == 0 && k->fallback && !k->flag) x = nothing;
    if (k->kind == WHET_KEY_DOUBLE) *(double *)field = x;
    if (k->kind == WHET_KEY_INT) *(int *)field = (int)x;
    if (k->kind == WHET_KEY_U64) *(uint64_t *)field = strtoull(value, NULL, 10);
    return WHET_OK;
}

static whet_status put_value(whet_ctx *ctx, whet_evolve_config *c, size_t key, const char *where,
                             const char *value) {
    const whet_key *k = &whet_keys[key];
    bool yes = true;
    const size_t n = strlen(value);
    switch (k->kind) {
    case WHET_KEY_TEXT: WHET_TRY(keep_text(ctx, c, key, value, n)); break;
    case WHET_KEY_VARIABLE:
        if (n < 4 || strncmp(value, "${", 2) != 0 || value[n - 1] != '}')
            return whet_fail(ctx, WHET_E_FORMAT,
                             "%s: write ${NAME}, the variable that holds it; keys are not kept in "
                             "files",
                             where);
        WHET_TRY(keep_text(ctx, c, key, value + 2, n - 3));
        break;
    case WHET_KEY_BOOL:
    case WHET_KEY_NOT:
        if (!read_bool(value, &yes))
            return whet_fail(ctx, WHET_E_FORMAT, "%s: %.60s is neither true nor false", where,
                             value);
        *(bool *)((char *)&c->settings + k->offset) = yes == (k->kind == WHET_KEY_BOOL);
        break;
    default: WHET_TRY(put_number(ctx, c, k, where, value));
    }
    if (k->flag) *(bool *)((char *)&c->settings + k->flag) = true;
    return WHET_OK;
}

static void count_models(whet_evolve_config *c) {
    whet_llm_opts *llm = &c->settings.opts.llm;
    llm->n_models = 0;
    for (int i = 0; i < WHET_MAX_LLMS; i++)
        if (llm->models[i].name) llm->n_models = i + 1;
}

static whet_status put_feature(whet_ctx *ctx, whet_evolve_config *c, const char *where,
                               const char *value) {
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        if (strcmp(features[i].name, value) != 0) continue;
        c->settings.opts.population.features |= features[i].feature;
        snprintf(c->feature_origin, sizeof c->feature_origin, "%s", where);
        return WHET_OK;
    }
    return whet_fail(ctx, WHET_E_FORMAT, "%s: %s: %.40s is none of layout, passes, vector and code",
                     where, feature_key, value);
}

static size_t find_key(const char *name) {
    size_t i = 0;
    while (i < whet_n_keys && strcmp(whet_keys[i].name, name) != 0)
        i++;
    return i;
}

/* A dead key, or one below it; strchr finds the NUL of an exact match, too. */
static bool find_dead(whet_evolve_config *c, const char *name) {
    for (size_t i = 0; i < whet_n_dead_keys; i++) {
        const size_t n = strlen(whet_dead_keys[i].name);
        if (strncmp(name, whet_dead_keys[i].name, n) != 0 || !strchr(".[", name[n])) continue;
        return c->is_dead_seen[i] = true;
    }
    return false;
}

static whet_status take(whet_ctx *ctx, whet_evolve_config *c, const char *where, const char *key,
                        const char *value, bool is_once) {
    const size_t n = strlen(feature_key), i = find_key(key);
    if (strncmp(key, feature_key, n) == 0 && key[n] == '[')
        return value ? put_feature(ctx, c, where, value) : WHET_OK;
    if (i == whet_n_keys) {
        /* llm.system_message is another name of it */
        if (strcmp(key, "llm.system_message") == 0)
            return take(ctx, c, where, "prompt.system_message", value, is_once);
        return find_dead(c, key) ? WHET_OK : refuse_key(ctx, where, key);
    }
    if (is_once && c->is_seen[i])
        return whet_fail(ctx, WHET_E_FORMAT, "%s: %s is there twice", where, key);
    c->is_seen[i] = true;
    if (!value) return WHET_OK;
    char what[160]; /* an option says it by its name */
    snprintf(what, sizeof what, "%s%s%s", where, *where == '-' ? "" : ": ",
             *where == '-' ? "" : key);
    WHET_TRY(put_value(ctx, c, i, what, value));
    snprintf(c->origins[i], sizeof c->origins[i], "%s", where);
    count_models(c);
    return WHET_OK;
}

static whet_status take_leaf(whet_ctx *ctx, void *data, const whet_yaml_leaf *leaf) {
    whet_evolve_config *c = data;
    char where[96];
    snprintf(where, sizeof where, "%.70s: line %d", c->name, leaf->line);
    return take(ctx, c, where, leaf->path, leaf->value, true);
}

whet_status whet_evolve_config_parse(whet_ctx *ctx, whet_evolve_config *config, const char *name,
                                     const char *text, size_t n_bytes) {
    config->name = name;
    memset(config->is_seen, 0, sizeof config->is_seen);
    config->settings.opts.population.features = 0;
    return whet_yaml_read(ctx, name, text, n_bytes, take_leaf, config);
}

whet_status whet_evolve_config_read(whet_ctx *ctx, whet_evolve_config *config, const char *path) {
    whet_buf text = { 0 };
    whet_status st = whet_file_read(ctx, path, MAX_BYTES, &text);
    if (st == WHET_OK)
        st = whet_evolve_config_parse(ctx, config, path, text.text ? text.text : "", text.len);
    whet_buf_fini(ctx, &text);
    return st;
}

whet_status whet_evolve_config_set(whet_ctx *ctx, whet_evolve_config *config, const char *key,
                                   const char *value, const char *origin) {
    return take(ctx, config, origin, key, value, false);
}

/* ---- writing ---- */

/* As short as it can be and still be read as the same number. */
static whet_status print_double(whet_ctx *ctx, double x, whet_buf *text) {
    char digits[40];
    for (int n = 6; n <= 17; n++) {
        snprintf(digits, sizeof digits, "%.*g", n, x);
        if (strtod(digits, NULL) == x) break;
    }
    return whet_buf_puts(ctx, text, digits);
}

static whet_status print_value(whet_ctx *ctx, const whet_evolve_settings *s, const whet_key *k,
                               bool is_given, whet_buf *text) {
    const void *field = (const char *)s + k->offset;
    if (!is_given && k->kind == WHET_KEY_TEXT)
        return whet_json_quote(ctx, text, k->fallback, strlen(k->fallback));
    if (!is_given) return whet_buf_puts(ctx, text, k->fallback);
    switch (k->kind) {
    case WHET_KEY_INT: return whet_buf_printf(ctx, text, "%d", *(const int *)field);
    case WHET_KEY_U64:
        return whet_buf_printf(ctx, text, "%llu", (unsigned long long)*(const uint64_t *)field);
    case WHET_KEY_DOUBLE: return print_double(ctx, *(const double *)field, text);
    case WHET_KEY_BOOL:
    case WHET_KEY_NOT:
        return whet_buf_puts(ctx, text,
                             *(const bool *)field == (k->kind == WHET_KEY_BOOL) ? "true" : "false");
    case WHET_KEY_VARIABLE: return whet_buf_printf(ctx, text, "${%s}", *(const char *const *)field);
    default:
        return whet_json_quote(ctx, text, *(const char *const *)field,
                               strlen(*(const char *const *)field));
    }
}

/* Something other than zero, which means default. */
static bool is_given(const whet_evolve_settings *s, const whet_key *k) {
    const void *field = (const char *)s + k->offset;
    if (k->flag) return *(const bool *)((const char *)s + k->flag);
    switch (k->kind) {
    case WHET_KEY_INT: return *(const int *)field != 0;
    case WHET_KEY_U64: return *(const uint64_t *)field != 0;
    case WHET_KEY_DOUBLE: return *(const double *)field != 0;
    case WHET_KEY_BOOL:
    case WHET_KEY_NOT: return *(const bool *)field;
    default: return *(const char *const *)field != NULL;
    }
}

/* The length of "llm" in "llm.timeout"; 0 at the top. */
static size_t section_of(const char *name) {
    const char *dot = strchr(name, '.');
    return dot ? (size_t)(dot - name) : 0;
}

static whet_status print_features(whet_ctx *ctx, const whet_evolve_settings *s, const char *origin,
                                  whet_buf *text) {
    unsigned mask = s->opts.population.features;
    if (!mask) mask = WHET_FEATURE_LAYOUT | WHET_FEATURE_PASSES | WHET_FEATURE_VECTOR;
    WHET_TRY(whet_buf_puts(ctx, text, "  feature_dimensions: ["));
    const char *separator = "";
    for (int i = 0; i < 4; i++) {
        if (!(mask & features[i].feature)) continue;
        WHET_TRY(whet_buf_printf(ctx, text, "%s%s", separator, features[i].name));
        separator = ", ";
    }
    return whet_buf_printf(ctx, text, "]%s%s\n", origin ? "  # " : "", origin ? origin : "");
}

static whet_status print_models(whet_ctx *ctx, const whet_evolve_settings *s, whet_buf *text) {
    const whet_llm_opts *llm = &s->opts.llm;
    if (llm->n_models) WHET_TRY(whet_buf_puts(ctx, text, "  models:\n"));
    for (int i = 0; i < llm->n_models; i++) {
        const char *name = llm->models[i].name ? llm->models[i].name : "";
        WHET_TRY(whet_buf_puts(ctx, text, "    - name: "));
        WHET_TRY(whet_json_quote(ctx, text, name, strlen(name)));
        if (llm->models[i].weight > 0) {
            WHET_TRY(whet_buf_puts(ctx, text, "\n      weight: "));
            WHET_TRY(print_double(ctx, llm->models[i].weight, text));
        }
        WHET_TRY(whet_buf_puts(ctx, text, "\n"));
    }
    return WHET_OK;
}

static bool is_of_models(const whet_key *k) {
    return strncmp(k->name, "llm.models[", 11) == 0 || strncmp(k->name, "llm.primary", 11) == 0 ||
           strncmp(k->name, "llm.secondary", 13) == 0;
}

whet_status whet_settings_print(whet_ctx *ctx, const whet_evolve_settings *settings,
                                const char *const *origins, whet_buf *text) {
    size_t section = 0;
    const char *before = "";
    for (size_t i = 0; i < whet_n_keys; i++) {
        const whet_key *k = &whet_keys[i];
        const bool given = is_given(settings, k);
        const bool is_unset = !given && !k->fallback;
        if (is_of_models(k) || (is_unset && !origins)) continue;
        if (section_of(k->name) != section || strncmp(k->name, before, section) != 0) {
            section = section_of(k->name);
            before = k->name;
            WHET_TRY(whet_buf_printf(ctx, text, "%.*s:\n", (int)section, k->name));
            if (strncmp(k->name, "llm", section) == 0) WHET_TRY(print_models(ctx, settings, text));
            if (strncmp(k->name, "database", section) == 0)
                WHET_TRY(
                    print_features(ctx, settings, origins ? origins[whet_n_keys] : NULL, text));
        }
        WHET_TRY(whet_buf_printf(ctx, text, "%s%s%s: ", section ? "  " : "", is_unset ? "# " : "",
                                 k->name + section + (section != 0)));
        if (!is_unset) WHET_TRY(print_value(ctx, settings, k, given, text));
        const char *origin = is_unset ? NULL : origins ? origins[i] : NULL;
        WHET_TRY(whet_buf_printf(ctx, text, "%s%s%s\n", is_unset ? "not set" : "",
                                 origin ? "  # " : "", origin ? origin : ""));
    }
    return WHET_OK;
}

whet_status whet_evolve_config_print(whet_ctx *ctx, const whet_evolve_config *config,
                                     whet_buf *text) {
    const char *origins[MAX_KEYS + 1];
    for (size_t i = 0; i < whet_n_keys; i++)
        origins[i] = *config->origins[i] ? config->origins[i] : "default";
    origins[whet_n_keys] = *config->feature_origin ? config->feature_origin : "default";
    return whet_settings_print(ctx, &config->settings, origins, text);
}

whet_status whet_evolve_config_warnings(whet_ctx *ctx, const whet_evolve_config *config,
                                        whet_buf *text) {
    for (size_t i = 0; i < whet_n_dead_keys; i++)
        if (config->is_dead_seen[i] && *whet_dead_keys[i].why)
            WHET_TRY(whet_buf_printf(ctx, text, "%s does nothing: %s\n", whet_dead_keys[i].name,
                                     whet_dead_keys[i].why));
    return WHET_OK;
}
