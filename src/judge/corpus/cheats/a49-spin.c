/* SPDX-License-Identifier: MIT */
/* A49-spin: never comes back. Stopped by gate: smoke. */
#ifndef HONEST
#define BEFORE_RUN                                                                                 \
    for (;;)                                                                                       \
        ;
#endif
