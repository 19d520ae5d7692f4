/* SPDX-License-Identifier: MIT */
/* A24-f16-sums: sums in f16. Stopped by gate: correctness. */
#ifndef HONEST
#define ADD(x, y) ((float)(_Float16)((x) + (y)))
#endif
