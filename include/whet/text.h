/* SPDX-License-Identifier: MIT */
/* Growing text, and what a program does with it: read it whole, write it whole, quote it as JSON.
 */
#ifndef WHET_TEXT_H
#define WHET_TEXT_H

#include <whet/whet.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero-initialised is empty. `text` is owned by the buffer, may contain NULs, and always has a
 * terminating NUL behind its `len` bytes once something was appended (else NULL). */
typedef struct whet_buf {
    char *text;
    size_t len;
    size_t cap;
} whet_buf;

/* Growing is WHET_E_NOMEM or WHET_OK; the buffer stays valid either way. */
WHET_API whet_status whet_buf_reserve(whet_ctx *ctx, whet_buf *buf, size_t more_bytes);
WHET_API whet_status whet_buf_append(whet_ctx *ctx, whet_buf *buf, const void *bytes, size_t n);
WHET_API whet_status whet_buf_puts(whet_ctx *ctx, whet_buf *buf, const char *text);
WHET_API whet_status whet_buf_putc(whet_ctx *ctx, whet_buf *buf, char c);
WHET_API whet_status whet_buf_printf(whet_ctx *ctx, whet_buf *buf, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
WHET_API void whet_buf_clear(whet_buf *buf); /* keeps the memory */
WHET_API void whet_buf_fini(whet_ctx *ctx, whet_buf *buf);

/* Reads fd to its end, at most max_bytes, replacing what was in buf; `name` is for the message
 * ("stdin"). WHET_E_IO, WHET_E_FORMAT when there is more. */
WHET_API whet_status whet_fd_read(whet_ctx *ctx, int fd, const char *name, size_t max_bytes,
                                  whet_buf *buf);

/* Writes a file under a temporary name beside it, syncs, renames: whole or not at all. What is
 * there must be a regular file, and is replaced. WHET_E_IO. */
WHET_API whet_status whet_file_write(whet_ctx *ctx, const char *path, const void *bytes, size_t n);

/* Appends a string as a JSON literal with its quotes; non-ASCII stays UTF-8. Bytes that are not
 * UTF-8 become U+FFFD, so that the line is always JSON. */
WHET_API whet_status whet_json_quote(whet_ctx *ctx, whet_buf *buf, const char *text, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
