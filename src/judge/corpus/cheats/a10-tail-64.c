/* SPDX-License-Identifier: MIT */
/* A10-tail-64: drops the tail of a length modulo 64. Stopped by gate: correctness. */
#ifndef HONEST
#define LAST (a->pos + r >= 64 ? (a->pos + r + 1) / 64 * 64 - 1 : a->pos + r)
#endif
