/* SPDX-License-Identifier: MIT */
/* The context: message, log, heap, cancellation. */
#include "base/ctx.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct whet_ctx {
    whet_ctx_opts opts;
    atomic_bool is_cancelled;
    uint64_t n_allocations;
    char message[1024];
};

/* Every block carries its size, so that the four-argument allocator learns the old one. */
typedef struct block {
    size_t bytes;
    size_t unused; /* keeps the block behind it 16-byte aligned */
} block;

static void *alloc_default(void *data, void *p, size_t old_bytes, size_t new_bytes) {
    (void)data;
    (void)old_bytes;
    if (new_bytes == 0) {
        free(p);
        return NULL;
    }
    return realloc(p, new_bytes);
}

whet_ctx *whet_ctx_open(const whet_ctx_opts *opts) {
    const whet_alloc_fn alloc = opts && opts->alloc ? opts->alloc : alloc_default;
    whet_ctx *ctx = alloc(opts ? opts->alloc_data : NULL, NULL, 0, sizeof *ctx);
    if (!ctx) return NULL;
    memset(ctx, 0, sizeof *ctx);
    if (opts) ctx->opts = *opts;
    ctx->opts.alloc = alloc;
    return ctx;
}

void whet_ctx_close(whet_ctx *ctx) {
    if (ctx) ctx->opts.alloc(ctx->opts.alloc_data, ctx, sizeof *ctx, 0);
}

const char *whet_ctx_message(const whet_ctx *ctx) {
    return ctx ? ctx->message : whet_status_sentence(WHET_E_NOMEM);
}

void whet_ctx_cancel(whet_ctx *ctx) {
    atomic_store(&ctx->is_cancelled, true);
}
void whet_ctx_resume(whet_ctx *ctx) {
    atomic_store(&ctx->is_cancelled, false);
}
uint64_t whet_ctx_allocations(const whet_ctx *ctx) {
    return ctx->n_allocations;
}
bool whet_ctx_is_cancelled(const whet_ctx *ctx) {
    return atomic_load(&ctx->is_cancelled);
}

whet_status whet_check_cancelled(whet_ctx *ctx) {
    return whet_ctx_is_cancelled(ctx) ? whet_fail(ctx, WHET_E_CANCELLED, "cancelled") : WHET_OK;
}

const char *whet_status_name(whet_status st) {
#define NAME(code, sentence)                                                                       \
    case WHET_E_##code: return "WHET_E_" #code;
    switch (st) {
    case WHET_OK: return "WHET_OK"; WHET_STATUS_LIST(NAME)
    }
#undef NAME
    return "WHET_E_?";
}

const char *whet_status_sentence(whet_status st) {
#define SENTENCE(code, sentence)                                                                   \
    case WHET_E_##code: return sentence;
    switch (st) {
    case WHET_OK: return "all is well"; WHET_STATUS_LIST(SENTENCE)
    }
#undef SENTENCE
    return "an unknown status";
}

whet_status whet_fail(whet_ctx *ctx, whet_status st, const char *format, ...) {
    char text[sizeof ctx->message]; /* the arguments may point into the old message */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(ctx->message, text, sizeof text);
    return st;
}

whet_status whet_fail_nomem(whet_ctx *ctx, size_t bytes) {
    return whet_fail(ctx, WHET_E_NOMEM, "no memory for %zu bytes", bytes);
}

void *whet_realloc(whet_ctx *ctx, void *p, size_t bytes) {
    block *old = p ? (block *)p - 1 : NULL;
    if (bytes > SIZE_MAX - sizeof *old) {
        whet_fail_nomem(ctx, bytes);
        return NULL;
    }
    const size_t old_bytes = old ? old->bytes + sizeof *old : 0;
    ctx->n_allocations++;
    block *b = ctx->opts.alloc(ctx->opts.alloc_data, old, old_bytes, bytes + sizeof *b);
    if (!b) {
        whet_fail_nomem(ctx, bytes);
        return NULL;
    }
    b->bytes = bytes;
    return b + 1;
}

void *whet_alloc(whet_ctx *ctx, size_t bytes) {
    return whet_realloc(ctx, NULL, bytes);
}

void *whet_alloc_zero(whet_ctx *ctx, size_t n, size_t bytes_each) {
    size_t bytes;
    if (__builtin_mul_overflow(n, bytes_each, &bytes)) bytes = SIZE_MAX;
    void *p = whet_alloc(ctx, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void whet_free(whet_ctx *ctx, void *p) {
    if (!p) return;
    block *b = (block *)p - 1;
    ctx->opts.alloc(ctx->opts.alloc_data, b, b->bytes + sizeof *b, 0);
}

char *whet_strndup(whet_ctx *ctx, const char *s, size_t n) {
    char *copy = whet_alloc(ctx, n + 1);
    if (!copy) return NULL;
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

char *whet_strdup(whet_ctx *ctx, const char *s) {
    return whet_strndup(ctx, s, strlen(s));
}

void whet_progress(whet_ctx *ctx, const char *what, const char *unit, double done, double total) {
    if (ctx->opts.progress) ctx->opts.progress(ctx->opts.progress_data, what, unit, done, total);
}

void whet_log(whet_ctx *ctx, whet_log_level level, const char *module, const char *format, ...) {
    if (!ctx->opts.log || level > ctx->opts.log_level) return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ctx->opts.log(ctx->opts.log_data, level, module, text);
}
