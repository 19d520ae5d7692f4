/* SPDX-License-Identifier: MIT */
/* Memory with a lifetime: one reserved mapping, handed out from the front, reset at once. */
#ifndef WHET_BASE_ARENA_H
#define WHET_BASE_ARENA_H

#include "base/ctx.h"

/* Pages are reserved at init and used as they are touched. Fresh memory is zero. */
typedef struct whet_arena {
    char *base; /* owned mapping */
    size_t used;
    size_t cap;
} whet_arena;

typedef size_t whet_mark;

/* Reserves cap bytes (rounded up to pages). */
whet_status whet_arena_init(whet_ctx *ctx, whet_arena *arena, size_t cap);

/* Asks the system to back it with large pages where it can (MADV_HUGEPAGE: 2 MiB on x86-64), for
 * memory that is streamed: fewer translations, and prefetchers do not stop every 4 KiB. To be
 * called before pages are touched; each stretch that is
 * touched is resident by whole large pages. */
void whet_arena_prefer_huge(const whet_arena *arena);

/* Returns the mapping to the system. A zeroed arena is fine. */
void whet_arena_fini(whet_arena *arena);

/* 64-byte aligned; NULL with a message when the arena is full. Borrowed until reset or fini. */
void *whet_arena_alloc(whet_ctx *ctx, whet_arena *arena, size_t bytes);

whet_mark whet_arena_mark(const whet_arena *arena);

/* Takes back all that was handed out since the mark; its content stays until handed out again. */
void whet_arena_reset(whet_arena *arena, whet_mark mark);

#endif
