/* SPDX-License-Identifier: MIT */
/* C23-slow-append: an append of many rows goes over its rows again and again, as one would that
 * does the work of runs in advance. Its outputs are right, and the append of a decode is quick.
 * Stopped by gate: sanity, which times an append of many rows. Longer ones do it fewer times, so
 * that none takes the seconds that gate 4 waits; a plain copy may be slow where memory is far away.
 */
#ifndef HONEST
#define BEFORE_APPEND                                                                              \
    for (int again = 0; again < 600 && again < 600000 / a->n && a->n > 300; again++)               \
        for (int t = worker; t < a->n; t += n_workers)                                             \
            for (int i = 0; i < n; i++)                                                            \
    ((volatile uint16_t *)kv)[(a->pos + t) * 2L * n + i] =                                         \
        ((const uint16_t *)a->k)[t * a->k_stride + i]
#endif
