/* SPDX-License-Identifier: MIT */
/* How a range is divided over workers. */
#ifndef WHET_KERNELS_LINEAR_SHARE_H
#define WHET_KERNELS_LINEAR_SHARE_H

#include <stdint.h>

/* begin .. end - 1 of n items are this worker's: whole units of `unit` items, as even as may be. */
static inline void share_evenly(int32_t n, int32_t unit, int worker, int n_workers, int32_t *begin,
                                int32_t *end) {
    const int64_t n_units = (n + unit - 1) / unit;
    const int64_t from = n_units * worker / n_workers * unit;
    const int64_t to = n_units * (worker + 1) / n_workers * unit;
    *begin = (int32_t)(from < n ? from : n);
    *end = (int32_t)(to < n ? to : n);
}

#endif
