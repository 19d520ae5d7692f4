/* SPDX-License-Identifier: MIT */
/* B02-static-local: keeps state in a local variable. Stopped by gate: object. */
#ifndef HONEST
#define BEFORE_RUN                                                                                 \
    static int n_calls;                                                                            \
    if (n_calls++ > 100) return
#endif
