/* SPDX-License-Identifier: MIT */
/* A14-no-causal: ignores the mask. Stopped by gate: correctness. */
#ifndef HONEST
#define LAST (a->pos + a->n_rows - 1)
#endif
