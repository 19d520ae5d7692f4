/* SPDX-License-Identifier: MIT */
/* B08-one-bit: is wrong in one bit at one length. Stopped by gate: correctness. */
#ifndef HONEST
#define AFTER_ROW                                                                                  \
    if (last == 128) out[3] ^= 0x40
#endif
