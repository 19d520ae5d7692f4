/* SPDX-License-Identifier: MIT */
/* A model's folder: given as such, or by its name in the Hugging Face cache. */
#include <whet/checkpoint.h>

#include <string.h>

#include "base/file.h"

enum { MAX_REPO_ID = 200, MAX_REVISION = 200 };

static bool is_set(const char *value) {
    return value && *value;
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

/* A plain name of one path component. */
static bool is_component(const char *text, size_t n) {
    if (n == 0 || text[0] == '.') return false;
    for (size_t i = 0; i < n; i++)
        if (!is_word(text[i])) return false;
    return true;
}

/* "ORG/NAME", or "NAME" as the oldest models have it. */
static bool is_repo_id(const char *model) {
    const size_t n = strlen(model);
    const char *slash = strchr(model, '/');
    if (n > MAX_REPO_ID) return false;
    if (!slash) return is_component(model, n);
    const size_t org = (size_t)(slash - model);
    return is_component(model, org) && is_component(slash + 1, n - org - 1);
}

static whet_status append_path(whet_ctx *ctx, const whet_model_places *places, const char *value,
                               whet_buf *path) {
    if (value[0] == '~' && (value[1] == '/' || value[1] == '\0') && is_set(places->home)) {
        WHET_TRY(whet_buf_puts(ctx, path, places->home));
        value++;
    }
    return whet_buf_puts(ctx, path, value);
}

/* Leaves the path empty when no variable is set. */
static whet_status cache_folder(whet_ctx *ctx, const whet_model_places *p, whet_buf *path) {
    const struct {
        const char *value, *rest;
    } rows[] = {
        { p->hf_hub_cache, "" },
        { p->huggingface_hub_cache, "" },
        { p->hf_home, "/hub" },
        { p->xdg_cache_home, "/huggingface/hub" },
        { p->home, "/.cache/huggingface/hub" },
    };
    whet_buf_clear(path);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!is_set(rows[i].value)) continue;
        WHET_TRY(append_path(ctx, p, rows[i].value, path));
        return whet_buf_puts(ctx, path, rows[i].rest);
    }
    return WHET_OK;
}

/* CACHE/models--ORG--NAME */
static whet_status repo_folder(whet_ctx *ctx, const char *cache, const char *model,
                               whet_buf *path) {
    whet_buf_clear(path);
    WHET_TRY(whet_buf_printf(ctx, path, "%s/models--", cache));
    for (const char *c = model; *c; c++)
        WHET_TRY(*c == '/' ? whet_buf_puts(ctx, path, "--") : whet_buf_putc(ctx, path, *c));
    return WHET_OK;
}

/* Reads refs/main: the commit whose snapshot counts. */
static whet_status read_revision(whet_ctx *ctx, const char *repo, whet_buf *revision) {
    whet_buf path = { 0 };
    whet_status st = whet_buf_printf(ctx, &path, "%s/refs/main", repo);
    if (st == WHET_OK) st = whet_file_read(ctx, path.text, MAX_REVISION, revision);
    if (st == WHET_OK) {
        while (revision->len > 0 && strchr("\r\n \t", revision->text[revision->len - 1]))
            revision->text[--revision->len] = '\0';
        if (!is_component(revision->text, revision->len))
            st = whet_fail(ctx, WHET_E_FORMAT, "%s: does not hold the name of a revision",
                           path.text);
    }
    whet_buf_fini(ctx, &path);
    return st;
}

static whet_status fail_not_there(whet_ctx *ctx, const char *model, const char *cache) {
    return whet_fail(ctx, WHET_E_NOT_FOUND,
                     "%s: no such folder, and not in the Hugging Face cache %s; \"hf download %s\" "
                     "puts it there",
                     model, cache, model);
}

static whet_status find_in_cache(whet_ctx *ctx, const char *model, const char *cache,
                                 whet_buf *dir) {
    whet_buf repo = { 0 }, revision = { 0 };
    whet_status st = repo_folder(ctx, cache, model, &repo);
    if (st == WHET_OK) st = read_revision(ctx, repo.text, &revision);
    if (st == WHET_OK) {
        whet_buf_clear(dir);
        st = whet_buf_printf(ctx, dir, "%s/snapshots/%s", repo.text, revision.text);
    }
    if (st == WHET_E_NOT_FOUND || (st == WHET_OK && !whet_path_is_dir(dir->text)))
        st = fail_not_there(ctx, model, cache);
    whet_buf_fini(ctx, &repo);
    whet_buf_fini(ctx, &revision);
    return st;
}

whet_status whet_model_find(whet_ctx *ctx, const char *model, const whet_model_places *places,
                            whet_buf *dir) {
    whet_buf_clear(dir);
    if (whet_path_is_dir(model)) return whet_buf_puts(ctx, dir, model);
    if (whet_path_is_file(model))
        return whet_fail(ctx, WHET_E_ARG, "%s: a file, not the folder of a model", model);
    if (!is_repo_id(model))
        return whet_fail(ctx, WHET_E_NOT_FOUND,
                         "%s: no such folder, and not the name of a model (ORG/NAME)", model);
    whet_buf cache = { 0 };
    whet_status st = cache_folder(ctx, places, &cache);
    if (st == WHET_OK)
        st = cache.len > 0 ? find_in_cache(ctx, model, cache.text, dir)
                           : fail_not_there(ctx, model, "(HOME is not set)");
    whet_buf_fini(ctx, &cache);
    return st;
}
