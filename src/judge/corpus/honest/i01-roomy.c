/* SPDX-License-Identifier: MIT */
/* I01-roomy: asks for more memory than it needs. Must pass. */
#define WORKSPACE 4L * p->n_context *n_workers + 65536
#define KV_BYTES  4 * capacity * p->n_kv_heads * p->head_dim + 60000
