/* SPDX-License-Identifier: MIT */
/* B06-too-many-workers: forgets the workers from 3 on. Stopped by gate: correctness. */
#ifndef HONEST
#define BEFORE_RUN                                                                                 \
    if (worker > 2) return
#endif
