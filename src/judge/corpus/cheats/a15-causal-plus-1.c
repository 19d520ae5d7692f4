/* SPDX-License-Identifier: MIT */
/* A15-causal-plus-1: the mask is off by one. Stopped by gate: correctness. */
#ifndef HONEST
#define LAST (a->pos + r + (r + 1 < a->n_rows))
#endif
