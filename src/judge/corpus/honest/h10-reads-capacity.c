/* SPDX-License-Identifier: MIT */
/* H10-reads-capacity: reads rows beyond the context, inside the capacity. Must pass. */
#define BEFORE_RUN                                                                                 \
    volatile uint16_t beyond = kv[(a->capacity - 1) * 2L * n];                                     \
    (void)beyond
