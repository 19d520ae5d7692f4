/* SPDX-License-Identifier: MIT */
/* A46-write-padding: writes between the rows. Stopped by gate: smoke. */
#ifndef HONEST
#define AFTER_ROW                                                                                  \
    if (a->out_stride > p->n_heads * d && r + 1 < a->n_rows)                                       \
    ((uint16_t *)a->out)[r * a->out_stride + p->n_heads * d] = 1
#endif
