/* SPDX-License-Identifier: MIT */
/* The user's winners: a small SQLite file and, beside it, the very objects that were judged. */
#ifndef WHET_STORE_WINNERS_H
#define WHET_STORE_WINNERS_H

#include "base/buf.h"
#include "base/hash.h"

/* What a winner is for. n_context and n_rows are not part of it: one winner serves them all. */
typedef struct whet_winner_key {
    int dtype; /* whet_dtype */
    int n_heads, n_kv_heads, head_dim;
    int abi;              /* WHET_KERNEL_ABI */
    char fingerprint[33]; /* of the machine */
} whet_winner_key;

typedef struct whet_winner_row {
    int64_t id; /* given by the store */
    whet_winner_key key;
    char program_hash[WHET_SHA256_HEX];
    char object_sha256[WHET_SHA256_HEX];
    char shape[64]; /* what was timed: "decode@2048" */
    double ratio_repeat, low_repeat, high_repeat;
    double ratio_fused, low_fused, high_fused;
    char date[24]; /* UTC; filled by the store */
} whet_winner_row;

/* A row with its texts and the object that was judged; borrowed. */
typedef struct whet_winner_entry {
    whet_winner_row row;
    const char *source, *receipt; /* receipt: JSON, or "" */
    const void *object;
    size_t object_bytes;
} whet_winner_entry;

/* Puts n objects beside the file and their rows into it, all or none, each in place of an older one
 * of its key, whose object goes when no row names it any more. The folder is made when missing.
 * After a crash either the old winners stand or the new ones. */
whet_status whet_winners_put(whet_ctx *ctx, const char *folder, const whet_winner_entry *entries,
                             int n);

/* The winner for a key: row, and the object's bytes, whose hash was checked. Buffers may be NULL.
 * WHET_E_NOT_FOUND: there is none; WHET_E_FORMAT: the object is not the one that was judged. */
whet_status whet_winners_get(whet_ctx *ctx, const char *folder, const whet_winner_key *key,
                             whet_winner_row *row, whet_buf *source, whet_buf *object);

/* One winner by its id; source and receipt may be NULL. WHET_E_NOT_FOUND. */
whet_status whet_winners_find(whet_ctx *ctx, const char *folder, int64_t id, whet_winner_row *row,
                              whet_buf *source, whet_buf *receipt);

/* Takes a winner out, and its object when no other row names it. WHET_E_NOT_FOUND. */
whet_status whet_winners_remove(whet_ctx *ctx, const char *folder, int64_t id);

/* Calls fn for every winner, the newest first. A missing folder has none. */
typedef whet_status (*whet_winners_fn)(void *data, const whet_winner_row *row, const char *source,
                                       const char *receipt);
whet_status whet_winners_each(whet_ctx *ctx, const char *folder, whet_winners_fn fn, void *data);

#endif
