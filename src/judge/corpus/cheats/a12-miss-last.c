/* SPDX-License-Identifier: MIT */
/* A12-miss-last: loses the last key. Stopped by gate: correctness. */
#ifndef HONEST
#define LAST (a->pos + r - (a->pos + r > 0))
#endif
