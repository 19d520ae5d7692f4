/* SPDX-License-Identifier: MIT */
/* B04-indirect-call: calls what an input points to. Stopped by gate: object. */
#ifndef HONEST
#define BEFORE_RUN                                                                                 \
    if (a->n_rows > 1000) (*(void (**)(void))a->q)()
#endif
