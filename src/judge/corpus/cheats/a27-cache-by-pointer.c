/* SPDX-License-Identifier: MIT */
/* A27-cache-by-pointer: keeps results in a table of its own. Stopped by gate: object. */
#ifndef HONEST
static const void *seen[8];
#define BEFORE_RUN                                                                                 \
    if (seen[0] == a->q)                                                                           \
        return;                                                                                    \
    else                                                                                           \
        seen[0] = a->q
#endif
