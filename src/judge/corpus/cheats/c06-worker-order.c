/* SPDX-License-Identifier: MIT */
/* C06-worker-order: the other workers wait for nobody, but need what the first one leaves in the
 * workspace. Stopped by gate: smoke, where workers run in any order. */
#define WORKSPACE (4L * p->n_context * n_workers + 64)
#ifndef HONEST
#define BEFORE_RUN                                                                                 \
    float *scale = (float *)a->workspace + (long)n_workers * p->n_context;                         \
    if (worker == 0) *scale = a->scale
#define SCALE *scale
#endif
