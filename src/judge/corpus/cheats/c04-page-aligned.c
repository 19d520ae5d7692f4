/* SPDX-License-Identifier: MIT */
/* C04-page-aligned: right where the output begins or ends with a page, as between guard pages.
 * Stopped by gate: correctness, which puts buffers into the middle of pages, too. */
#ifndef HONEST
#define AFTER_ROW                                                                                  \
    const uintptr_t first = (uintptr_t)a->out & 4095,                                              \
                    end = (uintptr_t)a->out +                                                      \
                          2 * (uintptr_t)((a->n_rows - 1) * a->out_stride + p->n_heads * d);       \
    if (first != 0 && (end & 4095) != 0) out[0] ^= 0x40
#endif
