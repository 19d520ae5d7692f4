/* SPDX-License-Identifier: MIT */
/* C13-deep-recursion: goes one call deeper for every key; each frame is small, the stack of 65536
 * is not. Stopped by gate: sanitizer (long contexts are part of a full judgement). */
#ifndef HONEST
static __attribute__((noinline)) float deeper(const float *s, int t, int last) {
    volatile float room[64];
    room[t & 63] = s[t];
    const float rest = t < last ? deeper(s, t + 1, last) : 0;
    return rest + room[t & 63] - s[t];
}
#define AFTER_ROW out[0] = put(get(out[0]) + deeper(s, 0, last))
#endif
