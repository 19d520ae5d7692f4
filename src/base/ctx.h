/* SPDX-License-Identifier: MIT */
/* Failing with a sentence, and the heap: what every module needs of the context. */
#ifndef WHET_BASE_CTX_H
#define WHET_BASE_CTX_H

#include <stdarg.h>

#include <whet/whet.h>

/* Stores the sentence and returns st: `return whet_fail(ctx, WHET_E_IO, "open %s: %s", ...)`. */
whet_status whet_fail(whet_ctx *ctx, whet_status st, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* WHET_E_NOMEM with the number of bytes that were not to be had. */
whet_status whet_fail_nomem(whet_ctx *ctx, size_t bytes);

/* Returns from the function with the status of `expr` unless it is WHET_OK. */
#define WHET_TRY(expr)                                                                             \
    do {                                                                                           \
        const whet_status whet_try_status = (expr);                                                \
        if (whet_try_status != WHET_OK) return whet_try_status;                                    \
    } while (0)

/* The context's heap. Memory is 16-byte aligned; NULL = out of memory, and the message says so. */
void *whet_alloc(whet_ctx *ctx, size_t bytes);
void *whet_alloc_zero(whet_ctx *ctx, size_t n, size_t bytes_each);
void *whet_realloc(whet_ctx *ctx, void *p, size_t bytes);
void whet_free(whet_ctx *ctx, void *p); /* NULL is fine */
char *whet_strdup(whet_ctx *ctx, const char *s);
char *whet_strndup(whet_ctx *ctx, const char *s, size_t n);

whet_status whet_check_cancelled(whet_ctx *ctx); /* WHET_E_CANCELLED or WHET_OK */

/* Tells the owner of the context how far long work is. Cheap when nobody listens. */
void whet_progress(whet_ctx *ctx, const char *what, const char *unit, double done, double total);

void whet_log(whet_ctx *ctx, whet_log_level level, const char *module, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
