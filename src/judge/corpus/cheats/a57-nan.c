/* SPDX-License-Identifier: MIT */
/* A57-nan: hopes that NaN is a wildcard. Stopped by gate: correctness. */
#ifndef HONEST
#define AFTER_ROW                                                                                  \
    if (last > 100) out[0] = 0x7fc0
#endif
