/* SPDX-License-Identifier: MIT */
/* A kernel around a kernel: every run is compared with the oracle, on the model's own Q, K and V.
 */
#ifndef WHET_TESTS_MODEL_CHECKED_KERNEL_H
#define WHET_TESTS_MODEL_CHECKED_KERNEL_H

#include <whet/kernel.h>

/* The wrapper of `inner`. It remembers what was appended (so it is not stateless: one session at a
 * time), and adds a phase in which worker 0 compares. */
const whet_attention_kernel *checked_kernel_open(const whet_attention_kernel *inner);

/* Rows compared so far, how many were not within tolerance (NaN counts), and the worst error as a
 * part of the tolerance. Frees what was remembered. */
typedef struct checked_kernel_result {
    int n_rows, n_wrong;
    double worst;
} checked_kernel_result;

checked_kernel_result checked_kernel_close(void);

#endif
