/* SPDX-License-Identifier: MIT */
/* Which chat template a checkpoint's folder holds. */
#include "model/chat_template.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"

enum { MAX_TEMPLATE_BYTES = 1 << 20, MAX_CONFIG_BYTES = 16 << 20, MAX_MARKS = 3 };

/* A template is known by lines that all stand in its text and a word that does not. A hash would
 * refuse the many copies that differ in white space or comments only. */
typedef struct signature {
    whet_chat_template template_id;
    const char *present[MAX_MARKS];
    const char *absent; /* NULL = nothing */
} signature;

static const signature signatures[] = {
    { WHET_CHAT_QWEN3,
      { "message.content is string and not(message.content.startswith('<tool_response>')",
        "message.reasoning_content is string", "enable_thinking is false" },
      NULL },
    { WHET_CHAT_QWEN3_FIRST,
      { "message.role == \"user\" and not(message.content.startswith('<tool_response>')",
        "message.reasoning_content is not none", "enable_thinking is false" },
      NULL },
    { WHET_CHAT_QWEN3_THINKING,
      { "message.content is string and not(message.content.startswith('<tool_response>')",
        "message.reasoning_content is string", "'<|im_start|>assistant\\n<think>\\n'" },
      "enable_thinking" },
    { WHET_CHAT_QWEN3_INSTRUCT,
      { "message.content is string", "'<|im_start|>' + message.role + '\\n' + content }}",
        "'\\n<tool_response>\\n'" },
      "think" },
};

static bool has(const char *text, size_t bytes, const char *mark) {
    return memmem(text, bytes, mark, strlen(mark)) != NULL;
}

whet_chat_template whet_chat_template_of(const char *text, size_t bytes) {
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const signature *s = &signatures[i];
        bool is_it = !s->absent || !has(text, bytes, s->absent);
        for (int m = 0; m < MAX_MARKS; m++)
            is_it = is_it && has(text, bytes, s->present[m]);
        if (is_it) return s->template_id;
    }
    return WHET_CHAT_NONE;
}

static void decide(whet_ctx *ctx, const char *path, const char *text, size_t bytes,
                   whet_chat_template *found) {
    *found = whet_chat_template_of(text, bytes);
    if (*found != WHET_CHAT_NONE) return;
    *found = WHET_CHAT_QWEN3;
    whet_log(ctx, WHET_LOG_WARN, "chat",
             "%s: this chat template is not one of Qwen3's; prompts are written as Qwen3's own "
             "template does",
             path);
}

static whet_status make_path(whet_ctx *ctx, whet_buf *path, const char *dir, const char *name) {
    whet_buf_clear(path);
    return whet_buf_printf(ctx, path, "%s/%s", dir, name);
}

static whet_status read_jinja(whet_ctx *ctx, const char *path, whet_chat_template *found) {
    whet_buf text = { 0 };
    const whet_status st = whet_file_read(ctx, path, MAX_TEMPLATE_BYTES, &text);
    if (st == WHET_OK) decide(ctx, path, text.text ? text.text : "", text.len, found);
    whet_buf_fini(ctx, &text);
    return st;
}

/* The template of a list of {"name", "template"} that is named "default". */
static const whet_json *default_of(const whet_json *list) {
    for (size_t i = 0; i < whet_json_len(list); i++) {
        const whet_json *entry = whet_json_at(list, i);
        const char *name = whet_json_string(whet_json_get(entry, "name"), NULL);
        if (name && strcmp(name, "default") == 0) return whet_json_get(entry, "template");
    }
    return NULL;
}

static whet_status read_config(whet_ctx *ctx, const char *path, whet_chat_template *found) {
    whet_json *root;
    WHET_TRY(whet_json_read(ctx, path, MAX_CONFIG_BYTES, &root));
    const whet_json *v = whet_json_get(root, "chat_template");
    if (whet_json_is(v, WHET_JSON_ARRAY)) v = default_of(v);
    size_t bytes;
    const char *text = whet_json_string(v, &bytes);
    whet_status st = WHET_OK;
    if (text)
        decide(ctx, path, text, bytes, found);
    else if (v && !whet_json_is(v, WHET_JSON_NULL))
        st = whet_fail(ctx, WHET_E_FORMAT, "%s: chat_template is not a string", path);
    whet_json_close(root);
    return st;
}

static whet_status look_into(whet_ctx *ctx, whet_buf *path, const char *dir,
                             whet_chat_template *found) {
    WHET_TRY(make_path(ctx, path, dir, "chat_template.jinja"));
    if (whet_path_is_file(path->text)) return read_jinja(ctx, path->text, found);
    WHET_TRY(make_path(ctx, path, dir, "tokenizer_config.json"));
    return whet_path_is_file(path->text) ? read_config(ctx, path->text, found) : WHET_OK;
}

whet_status whet_chat_detect(whet_ctx *ctx, const char *dir, whet_chat_template *found) {
    *found = WHET_CHAT_NONE;
    whet_buf folder = { 0 }, path = { 0 };
    whet_status st = whet_buf_puts(ctx, &folder, dir);
    if (st == WHET_OK && whet_path_is_file(dir)) {
        const char *slash = strrchr(dir, '/');
        whet_buf_clear(&folder);
        st = slash ? whet_buf_append(ctx, &folder, dir, (size_t)(slash - dir) + 1)
                   : whet_buf_puts(ctx, &folder, ".");
    } else if (st == WHET_OK && !whet_path_is_dir(dir)) {
        st = whet_fail(ctx, WHET_E_NOT_FOUND, "%s: no such folder", dir);
    }
    if (st == WHET_OK) st = look_into(ctx, &path, folder.text, found);
    whet_buf_fini(ctx, &folder);
    whet_buf_fini(ctx, &path);
    return st;
}
