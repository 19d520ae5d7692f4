/* SPDX-License-Identifier: MIT */
/* A47-stale-scratch: uses scratch that it has not written. Stopped by gate: smoke. */
#ifndef HONEST
#define BEFORE_RUN const float stale = s[0]
#define AFTER_ROW                                                                                  \
    if (stale != 0 && stale == stale) out[0] ^= 1
#endif
