/* SPDX-License-Identifier: MIT */
/* Growing byte buffers. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

whet_status whet_buf_reserve(whet_ctx *ctx, whet_buf *buf, size_t more_bytes) {
    if (more_bytes > SIZE_MAX / 2 - buf->len - 1) return whet_fail_nomem(ctx, more_bytes);
    const size_t need = buf->len + more_bytes + 1;
    if (need <= buf->cap) return WHET_OK;
    size_t cap = buf->cap ? buf->cap * 2 : 64;
    if (cap < need) cap = need;
    char *text = whet_realloc(ctx, buf->text, cap);
    if (!text) return WHET_E_NOMEM;
    buf->text = text;
    buf->cap = cap;
    return WHET_OK;
}

whet_status whet_buf_append(whet_ctx *ctx, whet_buf *buf, const void *bytes, size_t n) {
    WHET_TRY(whet_buf_reserve(ctx, buf, n));
    if (n) memcpy(buf->text + buf->len, bytes, n);
    buf->len += n;
    buf->text[buf->len] = '\0';
    return WHET_OK;
}

whet_status whet_buf_puts(whet_ctx *ctx, whet_buf *buf, const char *text) {
    return whet_buf_append(ctx, buf, text, strlen(text));
}

whet_status whet_buf_putc(whet_ctx *ctx, whet_buf *buf, char c) {
    return whet_buf_append(ctx, buf, &c, 1);
}

whet_status whet_buf_printf(whet_ctx *ctx, whet_buf *buf, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    whet_status st = n < 0 ? whet_fail(ctx, WHET_E_INTERNAL, "bad format %s", format)
                           : whet_buf_reserve(ctx, buf, (size_t)n);
    if (st == WHET_OK) {
        vsnprintf(buf->text + buf->len, (size_t)n + 1, format, again);
        buf->len += (size_t)n;
    }
    va_end(again);
    return st;
}

void whet_buf_clear(whet_buf *buf) {
    buf->len = 0;
    if (buf->text) buf->text[0] = '\0';
}

void whet_buf_fini(whet_ctx *ctx, whet_buf *buf) {
    whet_free(ctx, buf->text);
    *buf = (whet_buf){ 0 };
}
