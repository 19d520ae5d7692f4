/* SPDX-License-Identifier: MIT */
/* Sections of the shared memory in the worker: between guard pages, inputs read-only. */
#include "judge/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static void unmap(whet_window *window, size_t page) {
    if (window->reserved) munmap(window->reserved, window->bytes + 2 * page);
    *window = (whet_window){ 0 };
}

/* At the judge's address, if that is free. */
static char *reserve(const whet_span *span, size_t page) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *at = MAP_FAILED;
    if (span->address)
        at = mmap((char *)(uintptr_t)span->address - page, span->bytes + 2 * page, PROT_NONE,
                  flags | MAP_FIXED_NOREPLACE, -1, 0);
    if (at == MAP_FAILED) at = mmap(NULL, span->bytes + 2 * page, PROT_NONE, flags, -1, 0);
    return at;
}

static int memory_of(const whet_request *request, int section) {
    if (whet_section_is_of_rows(request, section)) return WHET_WORKER_ROWS;
    return whet_section_is_input(section) ? WHET_WORKER_INPUTS : WHET_WORKER_OUTPUTS;
}

static whet_status map(whet_worker *w, const whet_request *request, int section) {
    const whet_span *span = &request->sections[section];
    whet_window *window = &w->windows[section];
    const size_t page = w->page;
    const bool is_input = whet_section_is_input(section);
    if (span->bytes % page || span->offset % page || span->skip >= span->bytes)
        return whet_fail(w->ctx, WHET_E_INTERNAL, "a section of %zu bytes is not whole pages",
                         (size_t)span->bytes);
    char *reserved = reserve(span, page);
    if (reserved == MAP_FAILED) return whet_fail_nomem(w->ctx, span->bytes);
    *window = (whet_window){ .reserved = reserved,
                             .bytes = span->bytes,
                             .data = reserved + page + span->skip };
    if (mmap(reserved + page, span->bytes, is_input ? PROT_READ : PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_FIXED, memory_of(request, section),
             (off_t)span->offset) == MAP_FAILED)
        return whet_fail(w->ctx, WHET_E_IO, "map shared memory: %s", strerror(errno));
    return WHET_OK;
}

whet_status whet_worker_map(whet_worker *w, const whet_request *request, uint32_t sections) {
    for (int i = 0; i < WHET_N_SECTIONS; i++) {
        const whet_span *span = &request->sections[i];
        unmap(&w->windows[i], w->page);
        if (span->bytes && (sections >> i & 1)) WHET_TRY(map(w, request, i));
    }
    return WHET_OK;
}

__attribute__((no_sanitize("address", "undefined"))) void
whet_worker_locate(const whet_worker *w, const void *address, whet_reply *reply) {
    const size_t page = w->page;
    const uintptr_t a = (uintptr_t)address;
    for (int i = 0; i < WHET_N_SECTIONS; i++) {
        const whet_window *window = &w->windows[i];
        const uintptr_t first = (uintptr_t)window->reserved;
        if (!first || a < first || a >= first + window->bytes + 2 * page) continue;
        const bool is_inside = a >= first + page && a < first + page + window->bytes;
        reply->section = i;
        reply->touch = is_inside ? WHET_TOUCH_READ_ONLY : WHET_TOUCH_GUARD;
        return;
    }
}
