/* SPDX-License-Identifier: MIT */
/* A growing byte buffer for text and bytes, NUL-terminated for convenience. */
#ifndef WHET_BASE_BUF_H
#define WHET_BASE_BUF_H

#include "base/ctx.h"

/* Zero-initialised is empty. `text` is owned by the buffer, may contain NULs, and always has a
 * terminating NUL behind its `len` bytes once something was appended (else NULL). */
typedef struct whet_buf {
    char *text;
    size_t len;
    size_t cap;
} whet_buf;

whet_status whet_buf_reserve(whet_ctx *ctx, whet_buf *buf, size_t more_bytes);
whet_status whet_buf_append(whet_ctx *ctx, whet_buf *buf, const void *bytes, size_t n);
whet_status whet_buf_puts(whet_ctx *ctx, whet_buf *buf, const char *text);
whet_status whet_buf_putc(whet_ctx *ctx, whet_buf *buf, char c);
whet_status whet_buf_printf(whet_ctx *ctx, whet_buf *buf, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void whet_buf_clear(whet_buf *buf); /* keeps the memory */
void whet_buf_fini(whet_ctx *ctx, whet_buf *buf);

#endif
