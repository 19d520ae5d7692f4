/* SPDX-License-Identifier: MIT */
/* A02-zeros: writes zeros. Stopped by gate: smoke. */
#ifndef HONEST
#define AFTER_ROW                                                                                  \
    for (int c = 0; c < d; c++)                                                                    \
    out[c] = 0
#endif
