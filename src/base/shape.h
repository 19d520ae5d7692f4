/* SPDX-License-Identifier: MIT */
/* The names of timed shapes: "decode@2048" is one row that ends a context of 2048 keys,
 * "prefill64@512" is 64 rows that end one of 512. */
#ifndef WHET_BASE_SHAPE_H
#define WHET_BASE_SHAPE_H

#include <stdbool.h>

/* Decode's share of the attention's time in answering 512 tokens with 200, by `fused`
 * (docs/judging.md): what decode counts for beside prefill, on a logarithmic scale. */
#define WHET_DECODE_WEIGHT (5.0 / 6)

/* What a winner may lose in decode where a text job as a whole gains: no more than a repetition
 * moves a figure by (docs/decisions/0018-faster-in-a-text-job.md). */
#define WHET_DECODE_LOSS 0.02

/* False: no such name. */
bool whet_shape_parse(const char *name, int *n_rows, int *n_context);

/* Multiplications and additions of attention on that shape: two products over the keys before each
 * row, itself included; 0 where the name is none. */
double whet_shape_flop(const char *name, int n_heads, int head_dim);

#endif
