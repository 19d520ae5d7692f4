/* SPDX-License-Identifier: MIT */
/* Linked to a candidate that is compiled with calls at every basic block: which ones it took. */
#include <stdint.h>

extern const char start_of_object[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));

/* Filled in by the worker: one byte for every byte of the object. */
struct {
    uint8_t *seen;
    uint64_t n;
} whet_cover;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) {
    const uintptr_t at = (uintptr_t)__builtin_return_address(0) - (uintptr_t)start_of_object;
    if (at < whet_cover.n) whet_cover.seen[at] = 1;
}
