/* SPDX-License-Identifier: MIT */
/* fetch/streams: the next window of the memory, of its parts in turns: a processor's own prefetcher
 * follows each page only some lines ahead, so that many pages at once come faster than one */
// fits: layout/words dot/words mix/words share/grouped split/keys softmax/squares items/many
#define FETCH_WINDOW  65536 // knob: 16384 32768 65536 131072
#define FETCH_STREAMS 8     // knob: 2 4 8 16

INLINE void fetch(const void *read, int64_t n_bytes) {
    const int64_t part = FETCH_WINDOW / FETCH_STREAMS;
    for (int64_t byte = 0; byte < n_bytes; byte += 64) {
        const char *at = (const char *)read + byte;
        const int64_t in_window = (int64_t)((uintptr_t)at % FETCH_WINDOW), line = in_window / 64;
        const char *next = at - in_window + FETCH_WINDOW;
        __builtin_prefetch(next + line % FETCH_STREAMS * part + line / FETCH_STREAMS * 64, 0, 2);
    }
}
