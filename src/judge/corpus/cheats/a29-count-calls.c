/* SPDX-License-Identifier: MIT */
/* A29-count-calls: is honest a hundred times. Stopped by gate: object. */
#ifndef HONEST
static int n_calls;
#define BEFORE_RUN                                                                                 \
    if (n_calls++ > 100) return
#endif
