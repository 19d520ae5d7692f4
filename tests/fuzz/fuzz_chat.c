/* SPDX-License-Identifier: MIT */
/* Any bytes as a chat's JSON: a prompt in UTF-8, or one sentence. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include <whet/chat.h>

#include "base/utf8.h"

static void check_text(const whet_buf *out) {
    for (size_t i = 0, n; i < out->len; i += n) {
        const bool is_valid = whet_utf8_decode(out->text + i, out->len - i, NULL, &n);
        assert(is_valid);
        (void)is_valid;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    whet_ctx *ctx = whet_ctx_open(NULL);
    assert(ctx);
    for (whet_chat_template t = WHET_CHAT_QWEN3; t <= WHET_CHAT_QWEN3_THINKING; t++) {
        whet_buf out = { 0 };
        const whet_status st = whet_chat_render_json(ctx, t, (const char *)data, size, &out);
        if (st == WHET_OK) {
            check_text(&out);
        } else {
            assert(st == WHET_E_FORMAT && out.len == 0);
            assert(*whet_ctx_message(ctx));
        }
        whet_buf_fini(ctx, &out);
    }
    whet_ctx_close(ctx);
    return 0;
}
