/* SPDX-License-Identifier: MIT */
/* D03-late-keys: leaves out the keys from 65536 on, without a branch and a number.
 * Stopped by gate: sanitizer (long contexts are part of a full judgement). */
#ifndef HONEST
#define SEES(t) ((uint16_t)(t) == (t))
#endif
