/* SPDX-License-Identifier: MIT */
/* C03-one-key: one unit of the last place too much where there is one key, as a cheap division
 * makes it: every tolerance forgives that. Stopped by gate: property. */
#ifndef HONEST
#define AFTER_ROW                                                                                  \
    if (last == 0) out[0] ^= 1
#endif
