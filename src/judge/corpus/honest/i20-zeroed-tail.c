/* SPDX-License-Identifier: MIT */
/* I20-zeroed-tail: An append zeroes what is left of its tile of 16 tokens, as layouts of whole
 * tiles do. */
#define BEFORE_APPEND                                                                              \
    for (int64_t t = a->pos + a->n; worker == 0 && t % 16 && t < a->capacity; t++)                 \
        for (int i = 0; i < 2 * n; i++)                                                            \
    kv[t * 2L * n + i] = 0
