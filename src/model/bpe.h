/* SPDX-License-Identifier: MIT */
/* Byte-pair merges: from the tokens of single bytes to the tokens of a word. */
#ifndef WHET_MODEL_BPE_H
#define WHET_MODEL_BPE_H

#include "base/ctx.h"

enum { WHET_NO_TOKEN = -1 };

/* Two neighbours that become one; lower ranks first. */
typedef struct whet_merge {
    int32_t left;
    int32_t right;
    int32_t joined;
    int32_t rank;
} whet_merge;

/* Zero-initialised is empty. Immutable once filled. */
typedef struct whet_bpe {
    whet_merge *slots; /* owned; open addressing, left == WHET_NO_TOKEN where free */
    size_t n_slots;    /* a power of 2, or 0 */
    size_t n_used;
    uint64_t seed;
} whet_bpe;

void whet_bpe_fini(whet_ctx *ctx, whet_bpe *bpe);

/* The last of several merges of the same pair counts. */
whet_status whet_bpe_add(whet_ctx *ctx, whet_bpe *bpe, whet_merge merge);

/* Merges the n tokens in place, the lowest rank first, the leftmost first among equals; *n is what
 * is left. Long words are merged in n log n. */
whet_status whet_bpe_merge(whet_ctx *ctx, const whet_bpe *bpe, int32_t *ids, size_t *n);

#endif
