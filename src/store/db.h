/* SPDX-License-Identifier: MIT */
/* One SQLite file: open, bind, step, with sentences that name the file. Only src/store uses it. */
#ifndef WHET_STORE_DB_H
#define WHET_STORE_DB_H

#include <sqlite3.h>

#include "base/ctx.h"

typedef struct whet_db {
    sqlite3 *handle;
    char path[512]; /* for messages */
} whet_db;

/* What makes a file ours: its application id, and the version of its tables. */
typedef struct whet_db_kind {
    const char *what; /* "run file", "winners file" */
    int32_t application_id;
    int32_t version;
    const char *schema;          /* SQL that makes the tables of a new file */
    int32_t oldest;              /* version that can still be read as it is; 0 = this one alone */
    const char *const *upgrades; /* SQL: from `oldest` to the version behind it, and so on */
} whet_db_kind;

/* Opens or, when may_create, makes the file. WAL, synchronous FULL, foreign keys; waits up to ten
 * seconds for another process. An older version is brought up to date in one transaction.
 * WHET_E_NOT_FOUND: it is not there and may_create is false;
 * WHET_E_FORMAT: not of this kind, or of another version. */
whet_status whet_db_open(whet_ctx *ctx, const char *path, const whet_db_kind *kind, bool may_create,
                         whet_db *db);
void whet_db_close(whet_db *db); /* a zeroed one is fine */

/* The same for reading alone: nothing about the file is changed. */
whet_status whet_db_open_to_read(whet_ctx *ctx, const char *path, const whet_db_kind *kind,
                                 whet_db *db);

/* Prepares sql and binds the arguments that `types` lists, one letter each: i int64_t, d double,
 * t const char * (NULL is null), b const void * and size_t. Close with whet_db_finish. */
whet_status whet_db_query(whet_ctx *ctx, whet_db *db, sqlite3_stmt **stmt, const char *sql,
                          const char *types, ...);

/* Moves to the next row; false = no more. */
whet_status whet_db_step(whet_ctx *ctx, whet_db *db, sqlite3_stmt *stmt, bool *has_row);
void whet_db_finish(sqlite3_stmt *stmt);

/* One statement without rows. */
whet_status whet_db_run(whet_ctx *ctx, whet_db *db, const char *sql, const char *types, ...);

/* Statements without rows and arguments. */
whet_status whet_db_execute(whet_ctx *ctx, whet_db *db, const char *sql);

/* Ends a transaction: commits when st is WHET_OK, else rolls back and gives st. */
whet_status whet_db_end(whet_ctx *ctx, whet_db *db, whet_status st);

int64_t whet_db_last_id(const whet_db *db);

/* Copies a text column, cut to n - 1 bytes; null is "". */
void whet_db_text(sqlite3_stmt *stmt, int column, char *out, size_t n);

#endif
