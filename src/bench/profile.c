/* SPDX-License-Identifier: MIT */
/* Profiles as files. */
#include <whet/profile.h>

#include <stdio.h>
#include <string.h>

#include "base/ctx.h"
#include "base/file.h"
#include "base/json.h"
#include "kernels/attention.h"
#include "kernels/linear.h"

enum { VERSION = 1, MAX_FILE_BYTES = 1 << 16 };

static whet_status path_of(whet_ctx *ctx, const char *folder, const char *fingerprint,
                           whet_buf *path) {
    return whet_buf_printf(ctx, path, "%s/profile-%s.json", folder, fingerprint);
}

whet_status whet_profile_static(whet_ctx *ctx, whet_profile *profile) {
    static const whet_problem usual = { WHET_BF16, 16, 8, 128, 1, 2048 };
    whet_machine machine;
    WHET_TRY(whet_machine_read(ctx, &machine));
    *profile = (whet_profile){ .n_threads = machine.n_threads };
    memcpy(profile->fingerprint, machine.fingerprint, sizeof profile->fingerprint);
    snprintf(profile->attention, sizeof profile->attention, "%s",
             whet_attention_default(&usual)->name);
    snprintf(profile->linear, sizeof profile->linear, "%s", whet_linear_default(true)->name);
    return WHET_OK;
}

/* ---- writing ---- */

static whet_status put_figures(whet_ctx *ctx, const whet_profile *p, whet_buf *text) {
    static const char *const ops[] = { "attention", "linear" };
    for (int i = 0; i < p->n_figures; i++) {
        const whet_profile_figure *f = &p->figures[i];
        WHET_TRY(whet_buf_printf(
            ctx, text,
            "%s\n  {\"op\":\"%s\",\"kernel\":\"%s\",\"decode_ns\":%.0f,\"prefill_ns\":%.0f}",
            i ? "," : "", ops[f->op], f->kernel, f->decode_ns, f->prefill_ns));
    }
    return WHET_OK;
}

whet_status whet_profile_write(whet_ctx *ctx, const char *folder, const whet_profile *p) {
    WHET_TRY(whet_dir_make(ctx, folder));
    whet_buf path = { 0 }, text = { 0 };
    whet_status st = path_of(ctx, folder, p->fingerprint, &path);
    if (st == WHET_OK)
        st = whet_buf_printf(ctx, &text,
                             "{\"version\":%d,\"fingerprint\":\"%s\",\"date\":\"%s\","
                             "\"threads\":%d,\n \"attention\":\"%s\",\"linear\":\"%s\","
                             "\n \"figures\":[",
                             VERSION, p->fingerprint, p->date, p->n_threads, p->attention,
                             p->linear);
    if (st == WHET_OK) st = put_figures(ctx, p, &text);
    if (st == WHET_OK) st = whet_buf_puts(ctx, &text, "]}\n");
    if (st == WHET_OK) st = whet_file_write(ctx, path.text, text.text, text.len);
    whet_buf_fini(ctx, &text);
    whet_buf_fini(ctx, &path);
    return st;
}

/* ---- reading ---- */

static whet_status take_text(whet_ctx *ctx, const char *path, const whet_json *root,
                             const char *key, char *to, size_t size) {
    size_t len;
    const char *text = whet_json_string(whet_json_get(root, key), &len);
    if (!text || len == 0 || len >= size || strlen(text) != len)
        return whet_fail(ctx, WHET_E_FORMAT, "%s: \"%s\" is no text of 1 to %zu bytes", path, key,
                         size - 1);
    memcpy(to, text, len + 1);
    return WHET_OK;
}

static bool is_here(const whet_profile *p) {
    const whet_attention_kernel *attention = whet_attention_find(p->attention);
    const whet_linear_kernel *linear = whet_linear_choose(p->linear, true);
    return attention && strcmp(attention->name, p->attention) == 0 &&
           strcmp(linear->name, p->linear) == 0;
}

static whet_status take(whet_ctx *ctx, const char *path, const whet_json *root,
                        const char *fingerprint, whet_profile *p) {
    int64_t version, n_threads;
    if (!whet_json_integer(whet_json_get(root, "version"), &version) || version != VERSION)
        return whet_fail(ctx, WHET_E_FORMAT, "%s: not a profile of version %d", path, VERSION);
    if (!whet_json_integer(whet_json_get(root, "threads"), &n_threads) || n_threads < 1 ||
        n_threads > 1 << 16)
        return whet_fail(ctx, WHET_E_FORMAT, "%s: \"threads\" is no number of threads", path);
    p->n_threads = (int)n_threads;
    WHET_TRY(take_text(ctx, path, root, "fingerprint", p->fingerprint, sizeof p->fingerprint));
    WHET_TRY(take_text(ctx, path, root, "date", p->date, sizeof p->date));
    WHET_TRY(take_text(ctx, path, root, "attention", p->attention, sizeof p->attention));
    WHET_TRY(take_text(ctx, path, root, "linear", p->linear, sizeof p->linear));
    if (strcmp(p->fingerprint, fingerprint) != 0)
        return whet_fail(ctx, WHET_E_FORMAT, "%s: made on machine %s, this is %s", path,
                         p->fingerprint, fingerprint);
    if (!is_here(p))
        return whet_fail(ctx, WHET_E_FORMAT, "%s: kernel %s or %s does not run here", path,
                         p->attention, p->linear);
    return WHET_OK;
}

whet_status whet_profile_read(whet_ctx *ctx, const char *folder, const char *fingerprint,
                              whet_profile *profile) {
    whet_buf path = { 0 };
    whet_json *root = NULL;
    *profile = (whet_profile){ 0 };
    whet_status st = path_of(ctx, folder, fingerprint, &path);
    if (st == WHET_OK) st = whet_json_read(ctx, path.text, MAX_FILE_BYTES, &root);
    if (st == WHET_OK) st = take(ctx, path.text, root, fingerprint, profile);
    whet_json_close(root);
    whet_buf_fini(ctx, &path);
    return st;
}
