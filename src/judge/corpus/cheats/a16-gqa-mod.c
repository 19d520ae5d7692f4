/* SPDX-License-Identifier: MIT */
/* A16-gqa-mod: maps query heads to KV heads by the remainder. Stopped by gate: correctness. */
#ifndef HONEST
#define KV_HEAD(h) ((h) % p->n_kv_heads)
#endif
