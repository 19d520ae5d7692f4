/* SPDX-License-Identifier: MIT */
/* Qwen3's chat templates, in the order of their Jinja texts. */
#include "model/chat_template.h"

#include <string.h>

#include "base/json.h"
#include "model/pyjson.h"

typedef struct text {
    const char *s; /* NULL: missing, or not a string */
    size_t n;
} text;

#define TEXT(literal) ((text){ literal, sizeof(literal) - 1 })

/* One message as a template sees it. The values are NULL where the key is missing or null, and for
 * messages that did not come as JSON. */
typedef struct message {
    text role, content, reasoning;
    const whet_json *content_value, *reasoning_value, *tool_calls;
} message;

/* In what the templates differ. */
typedef struct rules {
    bool is_lenient;       /* content and reasoning that are not strings count as "" */
    bool has_think_blocks; /* moves and removes them */
    const char *opening;   /* of the answer */
    const char *opening_without_thinking;
} rules;

static const rules all_rules[] = {
    [WHET_CHAT_QWEN3] = { true, true, "", "<think>\n\n</think>\n\n" },
    [WHET_CHAT_QWEN3_FIRST] = { false, true, "", "<think>\n\n</think>\n\n" },
    [WHET_CHAT_QWEN3_INSTRUCT] = { true, false, "", "" },
    [WHET_CHAT_QWEN3_THINKING] = { true, true, "<think>\n", "<think>\n" },
};

/* What is asked for: the messages are an array of either kind. */
typedef struct request {
    const rules *rules;
    const whet_chat_message *plain;
    const whet_json *json;
    size_t n_messages;
    const whet_json *tools; /* an array, or NULL */
    whet_chat_thinking thinking;
    bool add_generation_prompt;
} request;

/* ---- values and text as Python has them ---- */

static text string_of(const whet_json *v) {
    text t;
    t.s = whet_json_string(v, &t.n);
    return t;
}

static text or_empty(text t) {
    return t.s ? t : TEXT("");
}

static bool equals(text t, const char *word) {
    return t.s && t.n == strlen(word) && memcmp(t.s, word, t.n) == 0;
}

static bool starts_with(text t, text head) {
    return t.n >= head.n && memcmp(t.s, head.s, head.n) == 0;
}

static bool ends_with(text t, text tail) {
    return t.n >= tail.n && memcmp(t.s + t.n - tail.n, tail.s, tail.n) == 0;
}

static text strip_left(text t) {
    while (t.n && *t.s == '\n')
        t.s++, t.n--;
    return t;
}

static text strip_right(text t) {
    while (t.n && t.s[t.n - 1] == '\n')
        t.n--;
    return t;
}

/* t.split(mark)[0] */
static text before_first(text t, text mark) {
    const char *at = memmem(t.s, t.n, mark.s, mark.n);
    return at ? (text){ t.s, (size_t)(at - t.s) } : t;
}

/* t.split(mark)[-1] */
static text after_last(text t, text mark) {
    for (const char *at; (at = memmem(t.s, t.n, mark.s, mark.n));) {
        t.n -= (size_t)(at - t.s) + mark.n;
        t.s = at + mark.n;
    }
    return t;
}

/* bool(v) of Python; a missing value is false. */
static bool is_truthy(const whet_json *v) {
    if (!v) return false;
    double number;
    switch (whet_json_type_of(v)) {
    case WHET_JSON_OBJECT:
    case WHET_JSON_ARRAY: return whet_json_len(v) > 0;
    case WHET_JSON_STRING: return string_of(v).n > 0;
    case WHET_JSON_INTEGER:
    case WHET_JSON_REAL: return whet_json_number(v, &number) && number != 0;
    case WHET_JSON_TRUE: return true;
    case WHET_JSON_FALSE:
    case WHET_JSON_NULL: break;
    }
    return false;
}

/* ---- messages ---- */

/* A message's value; null counts as missing. */
static const whet_json *field(const whet_json *v, const char *key) {
    const whet_json *value = whet_json_get(v, key);
    return whet_json_is(value, WHET_JSON_NULL) ? NULL : value;
}

static message message_at(const request *r, size_t i) {
    if (r->plain) {
        const whet_chat_message *p = &r->plain[i];
        return (message){
            .role = { p->role, strlen(p->role) },
            .content = { p->content, p->content_bytes ? p->content_bytes : strlen(p->content) },
        };
    }
    const whet_json *v = whet_json_at(r->json, i);
    message m = { .content_value = field(v, "content"), .tool_calls = field(v, "tool_calls") };
    m.reasoning_value = field(v, "reasoning_content");
    if (!m.reasoning_value) m.reasoning_value = field(v, "thinking");
    if (!m.reasoning_value) m.reasoning_value = field(v, "reasoning");
    m.role = string_of(field(v, "role"));
    m.content = string_of(m.content_value);
    m.reasoning = string_of(m.reasoning_value);
    return m;
}

static whet_status fail_content(whet_ctx *ctx, size_t i) {
    return whet_fail(ctx, WHET_E_FORMAT, "messages[%zu].content must be a string", i);
}

/* A user's message that is not a tool's answer in disguise; with none, the last message. */
static whet_status find_last_query(whet_ctx *ctx, const request *r, size_t *index) {
    for (size_t i = r->n_messages; i-- > 0;) {
        const message m = message_at(r, i);
        if (!equals(m.role, "user")) continue;
        if (!m.content.s && r->rules->is_lenient) continue;
        if (!m.content.s) return fail_content(ctx, i);
        if (starts_with(m.content, TEXT("<tool_response>")) &&
            ends_with(m.content, TEXT("</tool_response>")))
            continue;
        *index = i;
        return WHET_OK;
    }
    *index = r->n_messages - 1;
    return WHET_OK;
}

/* ---- what is written ---- */

static whet_status put(whet_ctx *ctx, whet_buf *out, text t) {
    return whet_buf_append(ctx, out, t.s, t.n);
}

static const char tools_head[] =
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>";
static const char tools_tail[] =
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments "
    "within <tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, "
    "\"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n";

/* The first system message, and the tools inside the same turn. */
static whet_status put_head(whet_ctx *ctx, const request *r, whet_buf *out) {
    const message first = message_at(r, 0);
    const bool has_system = equals(first.role, "system");
    if (has_system && !first.content.s) return fail_content(ctx, 0);
    if (!has_system && !r->tools) return WHET_OK;
    WHET_TRY(whet_buf_puts(ctx, out, "<|im_start|>system\n"));
    if (has_system) WHET_TRY(put(ctx, out, first.content));
    if (!r->tools) return whet_buf_puts(ctx, out, "<|im_end|>\n");
    if (has_system) WHET_TRY(whet_buf_puts(ctx, out, "\n\n"));
    WHET_TRY(whet_buf_puts(ctx, out, tools_head));
    for (size_t i = 0; i < whet_json_len(r->tools); i++) {
        WHET_TRY(whet_buf_putc(ctx, out, '\n'));
        WHET_TRY(whet_pyjson_dump(ctx, whet_json_at(r->tools, i), out));
    }
    return whet_buf_puts(ctx, out, tools_tail);
}

static whet_status put_user(whet_ctx *ctx, const request *r, size_t i, const message *m,
                            whet_buf *out) {
    if (!m->content.s && !r->rules->is_lenient) return fail_content(ctx, i);
    WHET_TRY(whet_buf_puts(ctx, out, "<|im_start|>"));
    WHET_TRY(put(ctx, out, m->role));
    WHET_TRY(whet_buf_putc(ctx, out, '\n'));
    WHET_TRY(put(ctx, out, or_empty(m->content)));
    return whet_buf_puts(ctx, out, "<|im_end|>\n");
}

/* The part after <|im_start|>assistant\n; content becomes what stands outside the think block. */
static whet_status put_answer(whet_ctx *ctx, const request *r, size_t i, size_t last_query,
                              const message *m, text *content, whet_buf *out) {
    if (!r->rules->has_think_blocks) return put(ctx, out, *content);
    const whet_json *odd = m->reasoning.s || r->rules->is_lenient ? NULL : m->reasoning_value;
    text reasoning = or_empty(m->reasoning);
    const text close = TEXT("</think>");
    if (!m->reasoning.s && !odd && memmem(content->s, content->n, close.s, close.n)) {
        reasoning = strip_right(before_first(*content, close));
        reasoning = strip_left(after_last(reasoning, TEXT("<think>")));
        *content = strip_left(after_last(*content, close));
    }
    const bool is_last = i + 1 == r->n_messages;
    if (i <= last_query || !(is_last || reasoning.n || is_truthy(odd)))
        return put(ctx, out, *content);
    if (odd)
        return whet_fail(ctx, WHET_E_FORMAT, "messages[%zu].reasoning_content must be a string", i);
    WHET_TRY(whet_buf_puts(ctx, out, "<think>\n"));
    WHET_TRY(put(ctx, out, strip_left(strip_right(reasoning))));
    WHET_TRY(whet_buf_puts(ctx, out, "\n</think>\n\n"));
    return put(ctx, out, strip_left(*content));
}

static whet_status put_tool_call(whet_ctx *ctx, const whet_json *call, size_t i, size_t j,
                                 whet_buf *out) {
    const whet_json *function = whet_json_get(call, "function");
    if (is_truthy(function)) call = function;
    const whet_json *name = whet_json_get(call, "name");
    const whet_json *arguments = whet_json_get(call, "arguments");
    if (!arguments)
        return whet_fail(ctx, WHET_E_FORMAT, "messages[%zu].tool_calls[%zu] has no arguments", i,
                         j);
    WHET_TRY(whet_buf_puts(ctx, out, "<tool_call>\n{\"name\": \""));
    if (name) WHET_TRY(whet_pyjson_str(ctx, name, out));
    WHET_TRY(whet_buf_puts(ctx, out, "\", \"arguments\": "));
    const text as_string = string_of(arguments);
    if (as_string.s)
        WHET_TRY(put(ctx, out, as_string));
    else
        WHET_TRY(whet_pyjson_dump(ctx, arguments, out));
    return whet_buf_puts(ctx, out, "}\n</tool_call>");
}

static whet_status put_assistant(whet_ctx *ctx, const request *r, size_t i, size_t last_query,
                                 const message *m, whet_buf *out) {
    if (!m->content.s && !r->rules->is_lenient) return fail_content(ctx, i);
    text content = or_empty(m->content);
    WHET_TRY(whet_buf_puts(ctx, out, "<|im_start|>assistant\n"));
    WHET_TRY(put_answer(ctx, r, i, last_query, m, &content, out));
    if (is_truthy(m->tool_calls)) {
        if (!whet_json_is(m->tool_calls, WHET_JSON_ARRAY))
            return whet_fail(ctx, WHET_E_FORMAT, "messages[%zu].tool_calls must be an array", i);
        for (size_t j = 0; j < whet_json_len(m->tool_calls); j++) {
            if (j || content.n) WHET_TRY(whet_buf_putc(ctx, out, '\n'));
            WHET_TRY(put_tool_call(ctx, whet_json_at(m->tool_calls, j), i, j, out));
        }
    }
    return whet_buf_puts(ctx, out, "<|im_end|>\n");
}

static bool is_tool(const request *r, size_t i) {
    return i < r->n_messages && equals(message_at(r, i).role, "tool");
}

/* Consecutive tool messages share one user turn. */
static whet_status put_tool(whet_ctx *ctx, const request *r, size_t i, const message *m,
                            whet_buf *out) {
    if (i == 0 || !is_tool(r, i - 1)) WHET_TRY(whet_buf_puts(ctx, out, "<|im_start|>user"));
    WHET_TRY(whet_buf_puts(ctx, out, "\n<tool_response>\n"));
    if (m->content.s)
        WHET_TRY(put(ctx, out, m->content));
    else if (m->content_value && !r->rules->is_lenient)
        WHET_TRY(whet_pyjson_str(ctx, m->content_value, out));
    WHET_TRY(whet_buf_puts(ctx, out, "\n</tool_response>"));
    return is_tool(r, i + 1) ? WHET_OK : whet_buf_puts(ctx, out, "<|im_end|>\n");
}

static whet_status put_messages(whet_ctx *ctx, const request *r, whet_buf *out) {
    WHET_TRY(put_head(ctx, r, out));
    size_t last_query = 0;
    if (r->rules->has_think_blocks) WHET_TRY(find_last_query(ctx, r, &last_query));
    for (size_t i = 0; i < r->n_messages; i++) {
        const message m = message_at(r, i);
        if (equals(m.role, "user") || (equals(m.role, "system") && i > 0))
            WHET_TRY(put_user(ctx, r, i, &m, out));
        else if (equals(m.role, "assistant"))
            WHET_TRY(put_assistant(ctx, r, i, last_query, &m, out));
        else if (equals(m.role, "tool"))
            WHET_TRY(put_tool(ctx, r, i, &m, out));
    }
    if (!r->add_generation_prompt) return WHET_OK;
    WHET_TRY(whet_buf_puts(ctx, out, "<|im_start|>assistant\n"));
    return whet_buf_puts(ctx, out,
                         r->thinking == WHET_THINKING_OFF ? r->rules->opening_without_thinking
                                                          : r->rules->opening);
}

/* All or nothing. */
static whet_status render(whet_ctx *ctx, const request *r, whet_buf *out) {
    const size_t before = out->len;
    const whet_status st = put_messages(ctx, r, out);
    if (st != WHET_OK) {
        out->len = before;
        if (out->text) out->text[before] = '\0';
    }
    return st;
}

static whet_status rules_of(whet_ctx *ctx, whet_chat_template template_id, const rules **found) {
    if (template_id <= WHET_CHAT_NONE || template_id > WHET_CHAT_QWEN3_THINKING)
        return whet_fail(ctx, WHET_E_ARG, "the checkpoint has no chat template");
    *found = &all_rules[template_id];
    return WHET_OK;
}

whet_status whet_chat_render(whet_ctx *ctx, const whet_chat_opts *opts,
                             const whet_chat_message *messages, size_t n, whet_buf *out) {
    request r = {
        .plain = messages,
        .n_messages = n,
        .thinking = opts->thinking,
        .add_generation_prompt = opts->add_generation_prompt,
    };
    WHET_TRY(rules_of(ctx, opts->template_id, &r.rules));
    if (!n) return whet_fail(ctx, WHET_E_ARG, "a prompt needs at least one message");
    for (size_t i = 0; i < n; i++)
        if (!messages[i].role || !messages[i].content)
            return whet_fail(ctx, WHET_E_ARG, "message %zu has no role or no content", i);
    return render(ctx, &r, out);
}

/* ---- requests as JSON ---- */

static whet_status check_objects(whet_ctx *ctx, const whet_json *v, const char *name) {
    if (!whet_json_is(v, WHET_JSON_ARRAY))
        return whet_fail(ctx, WHET_E_FORMAT, "%s must be an array of objects", name);
    for (size_t i = 0; i < whet_json_len(v); i++)
        if (!whet_json_is(whet_json_at(v, i), WHET_JSON_OBJECT))
            return whet_fail(ctx, WHET_E_FORMAT, "%s[%zu] must be an object", name, i);
    return WHET_OK;
}

/* True, false, or the default for missing and null. */
static whet_status read_switch(whet_ctx *ctx, const whet_json *v, const char *key, bool *value) {
    const whet_json *given = field(v, key);
    if (!given || whet_json_bool(given, value)) return WHET_OK;
    return whet_fail(ctx, WHET_E_FORMAT, "%s must be true or false", key);
}

static whet_status read_request(whet_ctx *ctx, const whet_json *v, request *r) {
    if (!whet_json_is(v, WHET_JSON_OBJECT))
        return whet_fail(ctx, WHET_E_FORMAT, "a chat must be an object with messages");
    r->json = whet_json_get(v, "messages");
    WHET_TRY(check_objects(ctx, r->json, "messages"));
    r->n_messages = whet_json_len(r->json);
    if (!r->n_messages) return whet_fail(ctx, WHET_E_FORMAT, "messages is empty");
    r->tools = field(v, "tools");
    if (r->tools) WHET_TRY(check_objects(ctx, r->tools, "tools"));
    if (!whet_json_len(r->tools)) r->tools = NULL;
    bool is_thinking = true;
    WHET_TRY(read_switch(ctx, v, "enable_thinking", &is_thinking));
    r->thinking = is_thinking ? WHET_THINKING_ON : WHET_THINKING_OFF;
    return read_switch(ctx, v, "add_generation_prompt", &r->add_generation_prompt);
}

whet_status whet_chat_render_json(whet_ctx *ctx, whet_chat_template template_id, const char *json,
                                  size_t bytes, whet_buf *out) {
    request r = { 0 };
    WHET_TRY(rules_of(ctx, template_id, &r.rules));
    whet_json *root;
    WHET_TRY(whet_json_parse(ctx, "chat", json, bytes, false, &root));
    whet_status st = read_request(ctx, root, &r);
    if (st == WHET_OK) st = render(ctx, &r, out);
    whet_json_close(root);
    return st;
}
