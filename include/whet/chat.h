/* SPDX-License-Identifier: MIT */
/* The chat templates of Qwen3: messages in, the prompt's text out. */
#ifndef WHET_CHAT_H
#define WHET_CHAT_H

#include <whet/text.h>
#include <whet/whet.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The Jinja texts that Qwen published with dense Qwen3 checkpoints, each written out in C. */
typedef enum whet_chat_template {
    WHET_CHAT_NONE = 0,       /* the checkpoint has no template: prompts are used as they are */
    WHET_CHAT_QWEN3,          /* the one in use: content that is not a string counts as "" */
    WHET_CHAT_QWEN3_FIRST,    /* of April 2025: such content is refused or printed as Python does */
    WHET_CHAT_QWEN3_INSTRUCT, /* of Instruct-2507: knows nothing of thinking */
    WHET_CHAT_QWEN3_THINKING, /* of Thinking-2507: the answer always begins inside <think> */
} whet_chat_template;

/* What apply_chat_template's enable_thinking says. The 2507 templates do not ask. */
typedef enum whet_chat_thinking {
    WHET_THINKING_DEFAULT = 0, /* not given: as on */
    WHET_THINKING_ON,
    WHET_THINKING_OFF, /* the prompt ends with an empty think block */
} whet_chat_thinking;

/* All text is borrowed for the call and is UTF-8. */
typedef struct whet_chat_message {
    const char *role; /* "system", "user", "assistant", "tool"; others print nothing */
    const char *content;
    size_t content_bytes; /* 0 = up to the NUL */
} whet_chat_message;

/* Zero means default. */
typedef struct whet_chat_opts {
    whet_chat_template template_id;
    whet_chat_thinking thinking;
    bool add_generation_prompt; /* ends with the head of the assistant's answer */
} whet_chat_opts;

/* Finds out which template the checkpoint in folder `dir` (or with the file `dir`) has, by the
 * template's own text: chat_template.jinja, else "chat_template" in tokenizer_config.json (a
 * string, or a list of which "default" counts). Neither there, or null: WHET_CHAT_NONE. A text that
 * is none of the known ones gives WHET_CHAT_QWEN3 and a warning in the log. WHET_E_NOT_FOUND: no
 * such folder; WHET_E_IO, WHET_E_FORMAT: a file that cannot be read as what it should be. */
WHET_API whet_status whet_chat_detect(whet_ctx *ctx, const char *dir, whet_chat_template *found);

/* Appends the prompt of n messages to out, as the template's Jinja text gives it. WHET_E_ARG for no
 * messages, a NULL role or content, or WHET_CHAT_NONE; then out is as it was before. */
WHET_API whet_status whet_chat_render(whet_ctx *ctx, const whet_chat_opts *opts,
                                      const whet_chat_message *messages, size_t n, whet_buf *out);

/* The same for one JSON object {"messages": [...], "tools": [...] or null, "enable_thinking": true,
 * false or null, "add_generation_prompt": true or false}; all keys but messages may be missing,
 * others are ignored. Messages may carry reasoning_content (also named thinking or reasoning) and
 * tool_calls; keys whose value is null count as missing, both as in transformers 5.
 * WHET_E_FORMAT where the text is not such an object (also: an integer past 64 bits, a NUL in a
 * key) or the template raises; the sentence names the place ("messages[2].content ..."); then out
 * is as it was before. */
WHET_API whet_status whet_chat_render_json(whet_ctx *ctx, whet_chat_template template_id,
                                           const char *json, size_t bytes, whet_buf *out);

#ifdef __cplusplus
}
#endif

#endif
