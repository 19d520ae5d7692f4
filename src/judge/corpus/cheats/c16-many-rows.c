/* SPDX-License-Identifier: MIT */
/* C16-many-rows: wrong in long prefills, and without a branch.
 * Stopped by gate: sanitizer (many rows are part of a full judgement). */
#ifndef HONEST
#define AFTER_ROW out[0] ^= (uint16_t)((r >= 300) << 6)
#endif
