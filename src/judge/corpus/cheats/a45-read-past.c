/* SPDX-License-Identifier: MIT */
/* A45-read-past: reads one element past the end of Q. Stopped by gate: smoke. */
#ifndef HONEST
#define BEFORE_RUN                                                                                 \
    if (((volatile const uint16_t *)a->q)[(a->n_rows - 1) * a->q_stride + p->n_heads * d] == 1)    \
    return
#endif
