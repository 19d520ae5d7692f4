/* SPDX-License-Identifier: MIT */
/* B25-cache-by-use: The size of its cache depends on the context that it is asked about.
 * Stopped by gate: property */
#ifndef HONEST
#define KV_BYTES 4 * capacity * p->n_kv_heads * p->head_dim + (p->n_context > 2000 ? 4096 : 0)
#endif
