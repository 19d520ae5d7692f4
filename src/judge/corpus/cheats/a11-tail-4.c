/* SPDX-License-Identifier: MIT */
/* A11-tail-4: drops the tail of a length modulo 4. Stopped by gate: correctness. */
#ifndef HONEST
#define LAST (a->pos + r >= 4 ? (a->pos + r + 1) / 4 * 4 - 1 : a->pos + r)
#endif
