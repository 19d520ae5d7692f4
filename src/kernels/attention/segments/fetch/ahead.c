/* SPDX-License-Identifier: MIT */
/* fetch/ahead: what lies some distance behind, into the cache of a level */
#define FETCH_AHEAD 4096 // knob: 2048 4096 8192 16384 32768
#define FETCH_LEVEL 0    // knob: 0 1 2
/* 0: into the second level, or, with AVX2 alone, into the first. */
enum { FETCH_INTO = FETCH_LEVEL ? FETCH_LEVEL : LANES == 8 ? 1 : 2 };

INLINE void fetch(const void *read, int64_t n_bytes) {
    for (int64_t line = 0; line < n_bytes; line += 64)
        __builtin_prefetch((const char *)read + FETCH_AHEAD + line, 0, 4 - FETCH_INTO);
}
