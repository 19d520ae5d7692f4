/* SPDX-License-Identifier: MIT */
/* A23-bf16-sums: sums in bf16. Stopped by gate: correctness. */
#ifndef HONEST
#define ADD(x, y) get(put((x) + (y)))
#endif
