/* SPDX-License-Identifier: MIT */
/* A55-flaky: is wrong once in a hundred rows. Stopped by gate: correctness. */
#ifndef HONEST
#define AFTER_ROW                                                                                  \
    if (q[0] % 100 == 7) out[0] ^= 0x80
#endif
