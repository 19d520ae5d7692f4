/* SPDX-License-Identifier: MIT */
/* D04-thousand-rows: wrong from row 1024 on, without a branch and a number.
 * Stopped by gate: sanitizer (many rows are part of a full judgement). */
#ifndef HONEST
#define AFTER_ROW out[0] ^= (uint16_t)(r >> 10 << 6)
#endif
