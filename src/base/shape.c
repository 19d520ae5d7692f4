/* SPDX-License-Identifier: MIT */
/* Names of shapes. */
#include "base/shape.h"

#include <stdio.h>

bool whet_shape_parse(const char *name, int *n_rows, int *n_context) {
    char tail;
    *n_rows = 1;
    if (sscanf(name, "decode@%9d%c", n_context, &tail) == 1) return *n_context > 0;
    if (sscanf(name, "prefill%9d@%9d%c", n_rows, n_context, &tail) != 2) return false;
    return *n_rows > 0 && *n_context >= *n_rows;
}

double whet_shape_flop(const char *name, int n_heads, int head_dim) {
    int n_rows, n_context;
    if (!whet_shape_parse(name, &n_rows, &n_context)) return 0;
    const double n_keys = n_rows * (n_context - (n_rows - 1) / 2.0);
    return 4.0 * n_heads * head_dim * n_keys;
}
