/* SPDX-License-Identifier: MIT */
/* fetch/ahead: what lies some distance behind, into the cache of a level */
#define FETCH_AHEAD 4096 // knob: 2048 4096 8192 16384 32768
#define FETCH_LEVEL 2    // knob: 1 2

INLINE void fetch(const void *read, int64_t n_bytes) {
    for (int64_t line = 0; line < n_bytes; line += 64)
        __builtin_prefetch((const char *)read + FETCH_AHEAD + line, 0, 4 - FETCH_LEVEL);
}
