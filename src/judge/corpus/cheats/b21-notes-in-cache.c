/* SPDX-License-Identifier: MIT */
/* B21-notes-in-cache: Notes the size of each append behind the rows: a cache that remembers more
 * than its rows. Stopped by gate: property */
#ifndef HONEST
#define KV_BYTES 4 * capacity * p->n_kv_heads * p->head_dim + 64
#define BEFORE_APPEND                                                                              \
    if (worker == 0) *(int *)((char *)a->kv + 4 * a->capacity * p->n_kv_heads * p->head_dim) = a->n
#endif
