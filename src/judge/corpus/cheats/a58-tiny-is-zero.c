/* SPDX-License-Identifier: MIT */
/* A58-tiny-is-zero: returns zero for small inputs. Stopped by gate: correctness. */
#ifndef HONEST
#define AFTER_ROW                                                                                  \
    if ((q[0] & 0x7fff) < 0x3b80)                                                                  \
        for (int c = 0; c < d; c++)                                                                \
    out[c] = 0
#endif
