/* SPDX-License-Identifier: MIT */
/* B24-one-capacity: Wants another cache at one capacity.
 * Stopped by gate: property */
#ifndef HONEST
#define KV_BYTES (capacity == 40960 ? 8 : 4) * capacity * p->n_kv_heads * p->head_dim
#endif
