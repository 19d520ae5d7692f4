/* SPDX-License-Identifier: MIT */
/* The run file's inside, shared by what writes it and what reads it back. */
#ifndef WHET_STORE_RUN_INT_H
#define WHET_STORE_RUN_INT_H

#include "store/db.h"
#include "store/run.h"

enum { WHET_N_FOLLOWED = 9 }; /* tables that are compared in following */

struct whet_store {
    whet_db db;
    bool is_in_transaction;
    bool is_following;
    bool may_go_on;                    /* behind the end of what is followed */
    int64_t followed[WHET_N_FOLLOWED]; /* last key that was compared, by table */
};

extern const char whet_store_schema[];
extern const whet_db_kind whet_store_kind;

/* In following: false when all events were followed. */
whet_status whet_store_has_more(whet_ctx *ctx, whet_store *store, bool *has_more);

/* Compares what the step wrote with what the file has. */
whet_status whet_store_compare(whet_ctx *ctx, whet_store *store);

/* Back to the file's own tables. */
whet_status whet_store_go_on(whet_ctx *ctx, whet_store *store);

#endif
