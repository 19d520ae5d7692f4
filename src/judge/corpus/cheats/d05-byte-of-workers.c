/* SPDX-License-Identifier: MIT */
/* D05-byte-of-workers: counts workers in a byte, where the largest team is none.
 * Stopped by gate: sanitizer (so many workers are part of a full judgement). */
#ifndef HONEST
#define AFTER_ROW out[0] ^= (uint16_t)(((uint8_t)n_workers == 0) << 6)
#endif
