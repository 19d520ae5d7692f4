/* SPDX-License-Identifier: MIT */
/* Arenas over one private anonymous mapping. */
#include "base/arena.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, PAGE = 4096 };

whet_status whet_arena_init(whet_ctx *ctx, whet_arena *arena, size_t cap) {
    *arena = (whet_arena){ 0 };
    if (cap == 0) cap = PAGE;
    if (cap > SIZE_MAX - PAGE) return whet_fail_nomem(ctx, cap);
    cap = (cap + PAGE - 1) / PAGE * PAGE;
    void *base =
        mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return whet_fail_nomem(ctx, cap);
    *arena = (whet_arena){ .base = base, .cap = cap };
    return WHET_OK;
}

void whet_arena_prefer_huge(const whet_arena *arena) {
#ifdef MADV_HUGEPAGE
    if (arena->base) madvise(arena->base, arena->cap, MADV_HUGEPAGE);
#else
    (void)arena;
#endif
}

void whet_arena_fini(whet_arena *arena) {
    if (arena->base) munmap(arena->base, arena->cap);
    *arena = (whet_arena){ 0 };
}

void *whet_arena_alloc(whet_ctx *ctx, whet_arena *arena, size_t bytes) {
    if (bytes > arena->cap - arena->used) {
        whet_fail(ctx, WHET_E_NOMEM, "an arena of %zu bytes has no room for %zu more", arena->cap,
                  bytes);
        return NULL;
    }
    void *p = arena->base + arena->used;
    const size_t used = (arena->used + bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    arena->used = used < arena->cap ? used : arena->cap;
    return p;
}

whet_mark whet_arena_mark(const whet_arena *arena) {
    return arena->used;
}

void whet_arena_reset(whet_arena *arena, whet_mark mark) {
    assert(mark <= arena->used);
    arena->used = mark;
}
