/* SPDX-License-Identifier: MIT */
/* B07-late-rows: ignores rows that are appended in small chunks. Stopped by gate: correctness. */
#ifndef HONEST
#define BEFORE_APPEND                                                                              \
    if (a->pos > 2 && a->n < 4) return
#endif
