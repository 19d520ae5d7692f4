/* SPDX-License-Identifier: MIT */
/* C07-far-keys: counts tokens in 16 bits, and so sees none before the last 65536.
 * Stopped by gate: sanitizer (long contexts are part of a full judgement). */
#ifndef HONEST
#define FIRST (last - (int)(uint16_t)last)
#endif
