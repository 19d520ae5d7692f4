/* SPDX-License-Identifier: MIT */
/* A17-kv-swap: reads the KV heads in reverse. Stopped by gate: correctness. */
#ifndef HONEST
#define KV_HEAD(h) (p->n_kv_heads - 1 - (h) / (p->n_heads / p->n_kv_heads))
#endif
