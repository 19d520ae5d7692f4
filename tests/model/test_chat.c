/* SPDX-License-Identifier: MIT */
/* The chat template: the golden vectors, what they do not reach, hostile input. */
#include "tests/test.h"

#include <unistd.h>

#include <whet/chat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "tests/fuzz/fuzz.h"
#include "model/chat_template.h"
#include "model/pyjson.h"

#define CASES TEST_DATA_DIR "/golden/chat/cases.jsonl"

enum { N_CASES = 418, N_FIRST_DIFFERS = 19, N_PAST_64_BITS = 2 };

static whet_ctx *ctx;

/* The next line without its newline; false at the end. */
static bool next_line(const char **at, const char *end, const char **line, size_t *bytes) {
    if (*at == end) return false;
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    *line = *at;
    *bytes = (size_t)((newline ? newline : end) - *at);
    *at = newline ? newline + 1 : end;
    return true;
}

/* Compares one case with the expected {"text": ...} or {"error": true}. */
static void check_case(const whet_json *name, const whet_json *want, whet_chat_template id,
                       const char *line, size_t bytes) {
    whet_buf out = { 0 };
    const whet_status st = whet_chat_render_json(ctx, id, line, bytes, &out);
    const char *case_name = whet_json_string(name, NULL);
    size_t n;
    const char *text = whet_json_string(whet_json_get(want, "text"), &n);
    if (!text)
        CHECK_STATUS(ctx, st, WHET_E_FORMAT);
    else if (st != WHET_OK)
        TEST_FAIL("%s: %s", case_name, whet_ctx_message(ctx));
    else if (out.len != n || memcmp(out.text, text, n) != 0)
        TEST_FAIL("%s: got \"%s\", not \"%s\"", case_name, out.text, text);
    whet_buf_fini(ctx, &out);
}

static void test_golden(void) {
    whet_buf file = { 0 };
    REQUIRE_OK(ctx, whet_file_read(ctx, CASES, 1 << 24, &file));
    const char *at = file.text, *line;
    size_t bytes;
    int n = 0, n_first = 0, n_refused = 0;
    for (; next_line(&at, file.text + file.len, &line, &bytes); n++) {
        whet_json *v;
        if (whet_json_parse(ctx, CASES, line, bytes, false, &v) != WHET_OK) {
            whet_buf out = { 0 };
            CHECK_STATUS(ctx, whet_chat_render_json(ctx, WHET_CHAT_QWEN3, line, bytes, &out),
                         WHET_E_FORMAT);
            CHECK_CONTAINS(whet_ctx_message(ctx), "too big integer");
            n_refused++;
            continue;
        }
        const whet_json *first = whet_json_get(v, "rev1");
        n_first += first != NULL;
        check_case(whet_json_get(v, "name"), v, WHET_CHAT_QWEN3, line, bytes);
        check_case(whet_json_get(v, "name"), first ? first : v, WHET_CHAT_QWEN3_FIRST, line, bytes);
        whet_json_close(v);
    }
    CHECK_INT(n, N_CASES);
    CHECK_INT(n_first, N_FIRST_DIFFERS);
    CHECK_INT(n_refused, N_PAST_64_BITS);
    whet_buf_fini(ctx, &file);
}

/* Thinking-2507 differs from the current template in the opening of the answer only. */
static void test_thinking_2507(void) {
    static const char off[] = "<think>\n\n</think>\n\n", on[] = "<think>\n";
    whet_buf file = { 0 };
    REQUIRE_OK(ctx, whet_file_read(ctx, CASES, 1 << 24, &file));
    const char *at = file.text, *line;
    size_t bytes;
    int n_compared = 0;
    while (next_line(&at, file.text + file.len, &line, &bytes)) {
        whet_json *v;
        if (whet_json_parse(ctx, CASES, line, bytes, false, &v) != WHET_OK) continue;
        whet_buf base = { 0 }, got = { 0 };
        const whet_status st = whet_chat_render_json(ctx, WHET_CHAT_QWEN3, line, bytes, &base);
        CHECK_STATUS(ctx, whet_chat_render_json(ctx, WHET_CHAT_QWEN3_THINKING, line, bytes, &got),
                     st);
        bool opens = false, thinks = true;
        whet_json_bool(whet_json_get(v, "add_generation_prompt"), &opens);
        whet_json_bool(whet_json_get(v, "enable_thinking"), &thinks);
        if (st == WHET_OK && opens) {
            if (!thinks) base.len -= sizeof off - 1;
            CHECK(got.len == base.len + sizeof on - 1);
            CHECK(memcmp(got.text + got.len - (sizeof on - 1), on, sizeof on - 1) == 0);
            n_compared++;
        }
        if (st == WHET_OK) CHECK(memcmp(got.text, base.text, base.len) == 0);
        whet_buf_fini(ctx, &base);
        whet_buf_fini(ctx, &got);
        whet_json_close(v);
    }
    CHECK(n_compared > 200);
    whet_buf_fini(ctx, &file);
}

static void check_json(whet_chat_template id, const char *json, const char *want) {
    whet_buf out = { 0 };
    const whet_status st = whet_chat_render_json(ctx, id, json, strlen(json), &out);
    if (st != WHET_OK) TEST_FAIL("%s: %s", json, whet_ctx_message(ctx));
    CHECK_STR(out.text, want);
    whet_buf_fini(ctx, &out);
}

/* Instruct-2507 prints an assistant's words as they are. */
static void test_instruct_2507(void) {
    check_json(
        WHET_CHAT_QWEN3_INSTRUCT,
        "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"},"
        "{\"role\": \"assistant\", \"content\": \"<think>\\na\\n</think>\\n\\nb\","
        "\"reasoning_content\": \"r\", \"tool_calls\": [{\"name\": \"f\", \"arguments\": 1}]}],"
        "\"enable_thinking\": false, \"add_generation_prompt\": true}",
        "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n<think>\na\n</think>\n\nb\n"
        "<tool_call>\n{\"name\": \"f\", \"arguments\": 1}\n</tool_call><|im_end|>\n"
        "<|im_start|>assistant\n");
    check_json(WHET_CHAT_QWEN3_INSTRUCT,
               "{\"messages\": [{\"role\": \"assistant\", \"content\": [1]},"
               "{\"role\": \"tool\", \"content\": \"x\"}]}",
               "<|im_start|>assistant\n<|im_end|>\n<|im_start|>user\n<tool_response>\nx\n"
               "</tool_response><|im_end|>\n");
}

/* The older names of reasoning_content, and null as a missing key. */
static void test_reasoning_names(void) {
    static const char *const keys[] = {
        "\"reasoning_content\": \"r\", \"thinking\": \"no\"",
        "\"thinking\": \"r\", \"reasoning\": \"no\"",
        "\"reasoning_content\": null, \"thinking\": null, \"reasoning\": \"r\"",
    };
    for (size_t i = 0; i < TEST_COUNT(keys); i++) {
        char json[256];
        snprintf(json, sizeof json,
                 "{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\", %s}]}", keys[i]);
        /* the only message is the last query, which hides its reasoning */
        check_json(WHET_CHAT_QWEN3, json, "<|im_start|>assistant\na<|im_end|>\n");
        snprintf(json, sizeof json,
                 "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"},"
                 "{\"role\": \"assistant\", \"content\": \"a\", %s}]}",
                 keys[i]);
        check_json(WHET_CHAT_QWEN3, json,
                   "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n<think>\nr\n</think>\n\n"
                   "a<|im_end|>\n");
    }
}

/* str() inside the first template, as Python 3.11 prints it. */
static void test_python_text(void) {
    check_json(
        WHET_CHAT_QWEN3_FIRST,
        "{\"messages\": [{\"role\": \"tool\", \"content\": [\"it's\", \"say \\\"it's\\\"\","
        "\"\\\\ \\n\\r\\t\\u0000\\u007f\\u00a0\\u00ad\\u00e9\\u200b\\u2028\\ue000\\ud83d\\ude00"
        "\\udb40\\udc01\", 1.5, -0, 1e16, true, false, null, {}, [], {\"k\": [{}]}]}]}",
        "<|im_start|>user\n<tool_response>\n"
        "[\"it's\", 'say \"it\\'s\"', '\\\\ \\n\\r\\t\\x00\\x7f\\xa0\\xad\u00e9\\u200b\\u2028"
        "\\ue000\U0001F600\\U000e0001', 1.5, 0, 1e+16, True, False, None, {}, [], {'k': [{}]}]"
        "\n</tool_response><|im_end|>\n");
}

/* repr(float) of Python 3.11. */
static void test_floats(void) {
    static const struct {
        double x;
        const char *want;
    } cases[] = {
        { 0.0, "0.0" },
        { -0.0, "-0.0" },
        { 1.0, "1.0" },
        { 100.0, "100.0" },
        { 0.1, "0.1" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1.0 / 3, "0.3333333333333333" },
        { 1e15, "1000000000000000.0" },
        { 9999999999999998.0, "9999999999999998.0" },
        { 1e16, "1e+16" },
        { 123456789012345680.0, "1.2345678901234568e+17" },
        { 1e22, "1e+22" },
        { 1e23, "1e+23" },
        { 0.0001, "0.0001" },
        { 0.00012345, "0.00012345" },
        { 0.00001, "1e-05" },
        { -2.5e-3, "-0.0025" },
        { 5e-324, "5e-324" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 0x1p-44, "5.684341886080802e-14" },
        { 0x1p-1074 * 3, "1.5e-323" },
        { 0x1p89, "6.189700196426902e+26" },
        { 0x1p-1022 * 0x1p-20, "2.121995791e-314" },
        { 9007199254740993.0, "9007199254740992.0" },
        { 2251799813685249.5, "2251799813685249.5" },
        { 123456.789, "123456.789" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        char text[WHET_PYFLOAT_BYTES];
        whet_pyjson_float(cases[i].x, text);
        CHECK_STR(text, cases[i].want);
    }
}

/* Any double reads back, and no spelling with a digit less does. */
static void test_floats_shortest(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int i = 0; i < 20000; i++) {
        const uint64_t bits = i % 4 ? whet_rng_u64(&rng) : whet_rng_below(&rng, 2047) << 52;
        double x;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x)) continue;
        char text[WHET_PYFLOAT_BYTES], less[40];
        whet_pyjson_float(x, text);
        if (strtod(text, NULL) != x) TEST_FAIL("%s does not read back as %a", text, x);
        int n_digits = 0;
        bool is_leading = true;
        for (const char *c = text; *c && *c != 'e'; c++) {
            if (*c >= '1' && *c <= '9') is_leading = false;
            n_digits += *c >= '0' && *c <= '9' && !is_leading;
        }
        if (n_digits < 2 || strstr(text, ".0")) continue;
        snprintf(less, sizeof less, "%.*e", n_digits - 2, x);
        if (strtod(less, NULL) == x) TEST_FAIL("%s is not the shortest: %s", text, less);
    }
}

/* The array form gives what the JSON form gives. */
static void test_plain_messages(void) {
    const whet_chat_message messages[] = {
        { "system", "s", 0 },
        { "user", "q\0r", 3 },
        { "assistant", "<think>\nx\n</think>\n\nyes", 0 },
        { "user", "", 0 },
        { "assistant", "", 0 },
        { "narrator", "unseen", 0 },
    };
    static const char json[] =
        "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"},"
        "{\"role\": \"user\", \"content\": \"q\\u0000r\"},"
        "{\"role\": \"assistant\", \"content\": \"<think>\\nx\\n</think>\\n\\nyes\"},"
        "{\"role\": \"user\", \"content\": \"\"}, {\"role\": \"assistant\", \"content\": \"\"},"
        "{\"role\": \"narrator\", \"content\": \"unseen\"}],"
        "\"enable_thinking\": false, \"add_generation_prompt\": true}";
    for (whet_chat_template id = WHET_CHAT_QWEN3; id <= WHET_CHAT_QWEN3_THINKING; id++) {
        const whet_chat_opts opts = { id, WHET_THINKING_OFF, true };
        whet_buf a = { 0 }, b = { 0 };
        REQUIRE_OK(ctx, whet_chat_render(ctx, &opts, messages, TEST_COUNT(messages), &a));
        REQUIRE_OK(ctx, whet_chat_render_json(ctx, id, json, sizeof json - 1, &b));
        CHECK(a.len == b.len && memcmp(a.text, b.text, a.len) == 0);
        whet_buf_fini(ctx, &a);
        whet_buf_fini(ctx, &b);
    }
}

static void test_plain_refusals(void) {
    const whet_chat_message good = { "user", "q", 0 }, no_role = { NULL, "q", 0 },
                            no_content = { "user", NULL, 0 };
    whet_buf out = { 0 };
    whet_chat_opts opts = { .template_id = WHET_CHAT_QWEN3 };
    CHECK_STATUS(ctx, whet_chat_render(ctx, &opts, NULL, 0, &out), WHET_E_ARG);
    CHECK_STATUS(ctx, whet_chat_render(ctx, &opts, &no_role, 1, &out), WHET_E_ARG);
    CHECK_STATUS(ctx, whet_chat_render(ctx, &opts, &no_content, 1, &out), WHET_E_ARG);
    opts.template_id = WHET_CHAT_NONE;
    CHECK_STATUS(ctx, whet_chat_render(ctx, &opts, &good, 1, &out), WHET_E_ARG);
    CHECK_INT(out.len, 0);
    whet_buf_fini(ctx, &out);
}

/* Each gives one sentence, and leaves what stood in the buffer. */
static void test_hostile(void) {
    static const struct {
        const char *json, *part;
    } cases[] = {
        { "", "not JSON" },
        { "{", "not JSON" },
        { "{\"messages\": []} x", "not JSON" },
        { "\xff", "not JSON" },
        { "{\"messages\": [{\"role\": \"user\", \"content\": \"\\ud800\"}]}", "not JSON" },
        { "{\"messages\": [{\"role\": \"user\", \"content\": 1e999}]}", "not JSON" },
        { "null", "an object with messages" },
        { "[]", "an object with messages" },
        { "{}", "messages must be an array" },
        { "{\"messages\": null}", "messages must be an array" },
        { "{\"messages\": {}}", "messages must be an array" },
        { "{\"messages\": []}", "messages is empty" },
        { "{\"messages\": [1]}", "messages[0] must be an object" },
        { "{\"messages\": [{}, null]}", "messages[1] must be an object" },
        { "{\"messages\": [{}], \"tools\": {}}", "tools must be an array" },
        { "{\"messages\": [{}], \"tools\": [[]]}", "tools[0] must be an object" },
        { "{\"messages\": [{}], \"enable_thinking\": 0}", "enable_thinking must be" },
        { "{\"messages\": [{}], \"add_generation_prompt\": \"\"}", "add_generation_prompt must" },
        { "{\"messages\": [{\"role\": \"system\"}]}", "messages[0].content must be a string" },
        { "{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": 1}]}",
          "messages[0].tool_calls must be an array" },
        { "{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": {\"a\": 1}}]}",
          "messages[0].tool_calls must be an array" },
        { "{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [null]}]}",
          "messages[0].tool_calls[0] has no arguments" },
        { "{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [{\"function\": \"f\","
          "\"arguments\": 1}]}]}",
          "messages[0].tool_calls[0] has no arguments" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        whet_buf out = { 0 };
        REQUIRE_OK(ctx, whet_buf_puts(ctx, &out, "before"));
        CHECK_STATUS(
            ctx,
            whet_chat_render_json(ctx, WHET_CHAT_QWEN3, cases[i].json, strlen(cases[i].json), &out),
            WHET_E_FORMAT);
        CHECK_CONTAINS(whet_ctx_message(ctx), cases[i].part);
        CHECK_STR(out.text, "before");
        whet_buf_fini(ctx, &out);
    }
}

/* What Jinja takes for false is no tool call, whatever its type. */
static void test_false_values(void) {
    static const char *const values[] = { "0", "0.0", "false", "null", "\"\"", "[]", "{}" };
    for (size_t i = 0; i < TEST_COUNT(values); i++) {
        char json[160];
        snprintf(
            json, sizeof json,
            "{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\", \"tool_calls\": %s}]}",
            values[i]);
        check_json(WHET_CHAT_QWEN3_FIRST, json, "<|im_start|>assistant\na<|im_end|>\n");
    }
}

static void repeat(whet_buf *out, const char *text, int n) {
    for (int i = 0; i < n; i++)
        if (whet_buf_puts(ctx, out, text) != WHET_OK) TEST_FAIL("out of memory");
}

/* Nesting past jansson's limit is refused; below it, it is printed. */
static void test_deep(void) {
    static const int depths[] = { 1000, 2000, 3000, 200000 };
    for (size_t i = 0; i < TEST_COUNT(depths); i++) {
        whet_buf json = { 0 }, out = { 0 };
        repeat(
            &json,
            "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}], \"tools\": [{\"a\": ", 1);
        repeat(&json, "[", depths[i]);
        repeat(&json, "]", depths[i]);
        repeat(&json, "}]}", 1);
        const whet_status st =
            whet_chat_render_json(ctx, WHET_CHAT_QWEN3, json.text, json.len, &out);
        CHECK_STATUS(ctx, st, depths[i] <= 2000 ? WHET_OK : WHET_E_FORMAT);
        if (st != WHET_OK) CHECK_CONTAINS(whet_ctx_message(ctx), "maximum parsing depth");
        whet_buf_fini(ctx, &json);
        whet_buf_fini(ctx, &out);
    }
}

/* Ten thousand messages and a long one, in time that grows with their size. */
static void test_huge(void) {
    enum { N = 10000 };
    whet_buf json = { 0 }, out = { 0 };
    repeat(&json, "{\"messages\": [", 1);
    repeat(&json, "{\"role\": \"tool\", \"content\": \"</think></think>\"},", N);
    repeat(&json, "{\"role\": \"assistant\", \"content\": \"", 1);
    repeat(&json, "</think>", N);
    repeat(&json, "end\"}]}", 1);
    REQUIRE_OK(ctx, whet_chat_render_json(ctx, WHET_CHAT_QWEN3, json.text, json.len, &out));
    static const char tail[] = "<|im_end|>\n<|im_start|>assistant\nend<|im_end|>\n";
    CHECK(out.len > sizeof tail);
    CHECK_STR(out.text + out.len - (sizeof tail - 1), tail);
    whet_buf_fini(ctx, &json);
    whet_buf_fini(ctx, &out);
}

/* Golden lines with bytes changed, cut, doubled: never a crash. */
static void test_mutations(void) {
    whet_buf file = { 0 }, line_buf = { 0 };
    REQUIRE_OK(ctx, whet_file_read(ctx, CASES, 1 << 24, &file));
    static const char alphabet[] = "{}[]\",:\\0n1e-tfu.\xff\n<>/";
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    const char *at = file.text, *line;
    size_t bytes;
    while (next_line(&at, file.text + file.len, &line, &bytes)) {
        for (int round = 0; round < 4; round++) {
            whet_buf_clear(&line_buf);
            REQUIRE_OK(ctx, whet_buf_append(ctx, &line_buf, line, bytes));
            for (uint64_t k = whet_rng_below(&rng, 4) + 1; k-- > 0;)
                line_buf.text[whet_rng_below(&rng, bytes)] =
                    alphabet[whet_rng_below(&rng, sizeof alphabet - 1)];
            if (round == 3) line_buf.len = whet_rng_below(&rng, bytes);
            LLVMFuzzerTestOneInput((const uint8_t *)line_buf.text, line_buf.len);
        }
    }
    whet_buf_fini(ctx, &file);
    whet_buf_fini(ctx, &line_buf);
}

/* Values of one key exchanged for those of another type, everywhere. */
static void test_wrong_types(void) {
    static const char *const values[] = {
        "null", "true", "0",  "-1.5",          "\"s\"",
        "[]",   "[1]",  "{}", "{\"a\": null}", "[[{\"a\": \"</think>\"}]]"
    };
    static const char *const roles[] = { "system", "user", "assistant", "tool" };
    enum { N = TEST_COUNT(values) };
    for (size_t i = 0; i < (size_t)N * N * N * TEST_COUNT(roles); i++) {
        char json[512];
        const int n = snprintf(
            json, sizeof json,
            "{\"messages\": [{\"role\": \"user\", \"content\": %s}, {\"role\": \"%s\", "
            "\"content\": %s,"
            "\"reasoning_content\": %s, \"tool_calls\": [{\"name\": %s, \"arguments\": %s}]},"
            "{\"role\": %s}], \"tools\": [{\"x\": %s}]}",
            values[i % N], roles[i / N / N / N], values[i / N % N], values[i / N / N % N],
            values[i / N % N], values[i % N], values[i / N / N % N], values[i % N]);
        LLVMFuzzerTestOneInput((const uint8_t *)json, (size_t)n);
    }
}

/* ---- which template ---- */

static const char current_text[] =
    "{%- if ns.multi_step_tool and message.role == \"user\" and message.content is string and "
    "not(message.content.startswith('<tool_response>') %} {%- if message.reasoning_content is "
    "string %} {%- if enable_thinking is defined and enable_thinking is false %}";
static const char first_text[] =
    "{%- if ns.multi_step_tool and message.role == \"user\" and "
    "not(message.content.startswith('<tool_response>') %} {%- if message.reasoning_content is "
    "defined and message.reasoning_content is not none %} {%- if enable_thinking is false %}";
static const char thinking_text[] =
    "{%- if ns.multi_step_tool and message.role == \"user\" and message.content is string and "
    "not(message.content.startswith('<tool_response>') %} {%- if message.reasoning_content is "
    "string %} {{- '<|im_start|>assistant\\n<think>\\n' }}";
static const char instruct_text[] =
    "{%- if message.content is string %} {{- '<|im_start|>' + message.role + '\\n' + content }} "
    "{{- '\\n<tool_response>\\n' }}";

static void test_template_of(void) {
    CHECK_INT(whet_chat_template_of(current_text, sizeof current_text - 1), WHET_CHAT_QWEN3);
    CHECK_INT(whet_chat_template_of(first_text, sizeof first_text - 1), WHET_CHAT_QWEN3_FIRST);
    CHECK_INT(whet_chat_template_of(thinking_text, sizeof thinking_text - 1),
              WHET_CHAT_QWEN3_THINKING);
    CHECK_INT(whet_chat_template_of(instruct_text, sizeof instruct_text - 1),
              WHET_CHAT_QWEN3_INSTRUCT);
    CHECK_INT(whet_chat_template_of("{{ messages }}", 14), WHET_CHAT_NONE);
    CHECK_INT(whet_chat_template_of("", 0), WHET_CHAT_NONE);
}

static int n_warnings;

static void count_warnings(void *data, whet_log_level level, const char *module, const char *text) {
    (void)data, (void)module, (void)text;
    n_warnings += level == WHET_LOG_WARN;
}

static char folder[] = "/tmp/whet-chat-XXXXXX";

static void write_file(const char *name, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!text)
        unlink(path);
    else if (whet_file_write(ctx, path, text, strlen(text)) != WHET_OK)
        TEST_FAIL("%s", whet_ctx_message(ctx));
}

static void check_detect(const char *jinja, const char *config, whet_status want_status,
                         whet_chat_template want, int want_warnings) {
    write_file("chat_template.jinja", jinja);
    write_file("tokenizer_config.json", config);
    whet_ctx *logging =
        whet_ctx_open(&(whet_ctx_opts){ .log = count_warnings, .log_level = WHET_LOG_WARN });
    whet_chat_template found;
    n_warnings = 0;
    CHECK_STATUS(logging, whet_chat_detect(logging, folder, &found), want_status);
    CHECK_INT(found, want);
    CHECK_INT(n_warnings, want_warnings);
    whet_ctx_close(logging);
}

static void test_detect(void) {
    REQUIRE(mkdtemp(folder));
    whet_buf config = { 0 }, list = { 0 };
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &config, "{\"chat_template\": "));
    REQUIRE_OK(ctx, whet_json_quote(ctx, &config, first_text, sizeof first_text - 1));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &config, "}"));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &list,
                                  "{\"chat_template\": [{\"name\": \"tool_use\", "
                                  "\"template\": \"\"}, {\"name\": \"default\", "
                                  "\"template\": "));
    REQUIRE_OK(ctx, whet_json_quote(ctx, &list, current_text, sizeof current_text - 1));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &list, "}]}"));

    check_detect(NULL, NULL, WHET_OK, WHET_CHAT_NONE, 0);
    check_detect(NULL, "{}", WHET_OK, WHET_CHAT_NONE, 0);
    check_detect(NULL, "{\"chat_template\": null}", WHET_OK, WHET_CHAT_NONE, 0);
    check_detect(NULL, "{\"chat_template\": []}", WHET_OK, WHET_CHAT_NONE, 0);
    check_detect(NULL, config.text, WHET_OK, WHET_CHAT_QWEN3_FIRST, 0);
    check_detect(NULL, list.text, WHET_OK, WHET_CHAT_QWEN3, 0);
    check_detect(thinking_text, config.text, WHET_OK, WHET_CHAT_QWEN3_THINKING, 0);
    check_detect("{{ bos_token }}", config.text, WHET_OK, WHET_CHAT_QWEN3, 1);
    check_detect("", NULL, WHET_OK, WHET_CHAT_QWEN3, 1);
    write_file("chat_template.jinja", first_text);
    char file[64];
    snprintf(file, sizeof file, "%s/chat_template.jinja", folder);
    whet_chat_template beside;
    CHECK_STATUS(ctx, whet_chat_detect(ctx, file, &beside), WHET_OK);
    CHECK_INT(beside, WHET_CHAT_QWEN3_FIRST);
    check_detect(NULL, "{\"chat_template\": 5}", WHET_E_FORMAT, WHET_CHAT_NONE, 0);
    check_detect(NULL, "{\"chat_template\": ", WHET_E_FORMAT, WHET_CHAT_NONE, 0);
    check_detect(NULL, NULL, WHET_OK, WHET_CHAT_NONE, 0);
    rmdir(folder);
    whet_chat_template found;
    CHECK_STATUS(ctx, whet_chat_detect(ctx, folder, &found), WHET_E_NOT_FOUND);
    CHECK_CONTAINS(whet_ctx_message(ctx), folder);
    whet_buf_fini(ctx, &config);
    whet_buf_fini(ctx, &list);
}

/* ---- out of memory at every allocation ---- */

static int n_allocations_left;

static void *scarce(void *data, void *p, size_t old_bytes, size_t new_bytes) {
    (void)data, (void)old_bytes;
    if (!new_bytes) {
        free(p);
        return NULL;
    }
    return n_allocations_left-- > 0 ? realloc(p, new_bytes) : NULL;
}

static void test_no_memory(void) {
    static const char json[] =
        "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\","
        "\"tool_calls\": [{\"name\": [1.5, \"a\\n\"], \"arguments\": {\"k\": \"v\"}}]},"
        "{\"role\": \"tool\", \"content\": \"x\"}], \"tools\": [{\"a\": [1, 2.5, \"\\u0001\"]}],"
        "\"add_generation_prompt\": true}";
    for (int n = 0;; n++) {
        REQUIRE(n < 100);
        n_allocations_left = 1 << 30;
        whet_ctx *poor = whet_ctx_open(&(whet_ctx_opts){ .alloc = scarce });
        REQUIRE(poor);
        n_allocations_left = n;
        whet_buf out = { 0 };
        const whet_status st =
            whet_chat_render_json(poor, WHET_CHAT_QWEN3, json, sizeof json - 1, &out);
        whet_buf_fini(poor, &out);
        whet_ctx_close(poor);
        if (st == WHET_OK) {
            CHECK(n > 1);
            return;
        }
        CHECK_INT(st, WHET_E_NOMEM);
    }
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "golden", test_golden },
        { "thinking_2507", test_thinking_2507 },
        { "instruct_2507", test_instruct_2507 },
        { "reasoning_names", test_reasoning_names },
        { "python_text", test_python_text },
        { "floats", test_floats },
        { "floats_shortest", test_floats_shortest },
        { "plain_messages", test_plain_messages },
        { "plain_refusals", test_plain_refusals },
        { "hostile", test_hostile },
        { "false_values", test_false_values },
        { "deep", test_deep },
        { "huge", test_huge },
        { "mutations", test_mutations },
        { "wrong_types", test_wrong_types },
        { "template_of", test_template_of },
        { "detect", test_detect },
        { "no_memory", test_no_memory },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = ctx ? test_main(argc, argv, tests, TEST_COUNT(tests)) : 1;
    whet_ctx_close(ctx);
    return rc;
}
