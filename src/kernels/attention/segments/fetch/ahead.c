/* SPDX-License-Identifier: MIT */
/* fetch/ahead: what lies some distance behind, into the cache of a level. With AVX2 alone many
 * queries read half of each row of 128 bytes, and the other half later, which a processor's own
 * prefetcher does not follow: for them what lies far behind goes into the second level, too */
#define FETCH_AHEAD 4096  // knob: 2048 4096 8192 16384 32768
#define FETCH_FAR   16384 // knob: 8192 16384 32768
#define FETCH_LEVEL 0     // knob: 0 1 2
/* 0: into the second level, or, with AVX2 alone, into the first. */
enum { FETCH_INTO = FETCH_LEVEL ? FETCH_LEVEL : LANES == 8 ? 1 : 2 };

INLINE void fetch(const void *read, int64_t n_bytes) {
    for (int64_t line = 0; line < n_bytes; line += 64) {
        if (LANES == 8 && n_bytes < 128)
            __builtin_prefetch((const char *)read + FETCH_FAR + line, 0, 2);
        __builtin_prefetch((const char *)read + FETCH_AHEAD + line, 0, 4 - FETCH_INTO);
    }
}
