/* SPDX-License-Identifier: MIT */
/* C08-long-tail: drops keys below e^-11 of the largest, which is a little of much in a long flat
 * tail. Stopped by gate: sanitizer (long contexts are part of a full judgement), or by a sink
 * before. */
#ifndef HONEST
#define SEES(t) (s[t] > m - 11)
#endif
