/* SPDX-License-Identifier: MIT */
/* Tables, statements and files of the winners' folder. */
#include "store/winners.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/db.h"

enum { MAX_OBJECT_BYTES = 16 << 20 };

static const char schema[] =
    "CREATE TABLE winners(id INTEGER PRIMARY KEY, dtype INTEGER NOT NULL,"
    " n_heads INTEGER NOT NULL, n_kv_heads INTEGER NOT NULL, head_dim INTEGER NOT NULL,"
    " abi INTEGER NOT NULL, fingerprint TEXT NOT NULL, program TEXT NOT NULL,"
    " object TEXT NOT NULL, source TEXT NOT NULL, shape TEXT NOT NULL,"
    " ratio_repeat REAL NOT NULL, low_repeat REAL NOT NULL, high_repeat REAL NOT NULL,"
    " ratio_fused REAL NOT NULL, low_fused REAL NOT NULL, high_fused REAL NOT NULL,"
    " date TEXT NOT NULL, receipt TEXT NOT NULL DEFAULT '',"
    " UNIQUE(dtype, n_heads, n_kv_heads, head_dim, abi, fingerprint)) STRICT;";

static const char *const upgrades[] = {
    "ALTER TABLE winners ADD COLUMN receipt TEXT NOT NULL DEFAULT ''",
};

static const whet_db_kind kind = {
    .what = "winners file",
    .application_id = 0x77687477, /* "whtw" */
    .version = 2,
    .schema = schema,
    .oldest = 1,
    .upgrades = upgrades,
};

#define INSERTED                                                                                   \
    "dtype, n_heads, n_kv_heads, head_dim, abi, fingerprint, program, object, shape,"              \
    " ratio_repeat, low_repeat, high_repeat, ratio_fused, low_fused, high_fused, date, source,"    \
    " receipt "
#define COLUMNS INSERTED ", id "
#define IS_KEY                                                                                     \
    "dtype = ? AND n_heads = ? AND n_kv_heads = ? AND head_dim = ? AND abi = ?"                    \
    " AND fingerprint = ?"
#define KEY_TYPES "iiiiit"
#define KEY_VALUES(k)                                                                              \
    (int64_t)(k)->dtype, (int64_t)(k)->n_heads, (int64_t)(k)->n_kv_heads, (int64_t)(k)->head_dim,  \
        (int64_t)(k)->abi, (k)->fingerprint

enum { SOURCE_COLUMN = 16, RECEIPT_COLUMN, ID_COLUMN };

static whet_status open_file(whet_ctx *ctx, const char *folder, bool may_create, whet_db *db) {
    whet_buf path = { 0 };
    whet_status st = whet_buf_printf(ctx, &path, "%s/winners.sqlite", folder);
    if (st == WHET_OK) st = whet_db_open(ctx, path.text, &kind, may_create, db);
    whet_buf_fini(ctx, &path);
    return st;
}

static whet_status object_path(whet_ctx *ctx, const char *folder, const char *sha256,
                               whet_buf *path) {
    return whet_buf_printf(ctx, path, "%s/%s.so", folder, sha256);
}

static whet_status write_object(whet_ctx *ctx, const char *folder, const char *sha256,
                                const void *object, size_t object_bytes) {
    char hex[WHET_SHA256_HEX];
    whet_sha256_hex(object, object_bytes, hex);
    if (strcmp(hex, sha256) != 0)
        return whet_fail(ctx, WHET_E_INTERNAL, "the object's hash is %s, not %s", hex, sha256);
    whet_buf path = { 0 };
    whet_status st = object_path(ctx, folder, sha256, &path);
    if (st == WHET_OK) st = whet_file_write(ctx, path.text, object, object_bytes);
    whet_buf_fini(ctx, &path);
    return st;
}

static whet_status insert(whet_ctx *ctx, whet_db *db, const whet_winner_entry *e) {
    const whet_winner_row *row = &e->row;
    const whet_winner_key *k = &row->key;
    return whet_db_run(ctx, db,
                       "INSERT OR REPLACE INTO winners(" INSERTED
                       ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                       " strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?, ?)",
                       KEY_TYPES "tttddddddtt", KEY_VALUES(k), row->program_hash,
                       row->object_sha256, row->shape, row->ratio_repeat, row->low_repeat,
                       row->high_repeat, row->ratio_fused, row->low_fused, row->high_fused,
                       e->source, e->receipt);
}

/* Within a transaction: the object of the winner whose place is to be taken; "" = there is none. */
static whet_status replaced_object(whet_ctx *ctx, whet_db *db, const whet_winner_key *k,
                                   char sha256[WHET_SHA256_HEX]) {
    sqlite3_stmt *stmt;
    WHET_TRY(whet_db_query(ctx, db, &stmt, "SELECT object FROM winners WHERE " IS_KEY, KEY_TYPES,
                           KEY_VALUES(k)));
    bool has_row;
    const whet_status st = whet_db_step(ctx, db, stmt, &has_row);
    *sha256 = '\0';
    if (st == WHET_OK && has_row) whet_db_text(stmt, 0, sha256, WHET_SHA256_HEX);
    whet_db_finish(stmt);
    return st;
}

/* Is 64 hexadecimal digits, and so the name of a file in the folder and of nothing else. */
static bool is_sha256(const char *text) {
    return strlen(text) == WHET_SHA256_HEX - 1 &&
           strspn(text, "0123456789abcdef") == WHET_SHA256_HEX - 1;
}

/* Under the write lock: nobody adds a row meanwhile. */
static whet_status drop_unnamed(whet_ctx *ctx, whet_db *db, const char *path, const char *sha256) {
    sqlite3_stmt *stmt;
    bool has_row;
    WHET_TRY(whet_db_query(ctx, db, &stmt, "SELECT 1 FROM winners WHERE object = ?", "t", sha256));
    const whet_status st = whet_db_step(ctx, db, stmt, &has_row);
    whet_db_finish(stmt);
    if (st == WHET_OK && !has_row && unlink(path) != 0 && errno != ENOENT)
        return whet_fail(ctx, WHET_E_IO, "remove %s: %s", path, strerror(errno));
    return st;
}

/* Removes an object that no row names any more. The rows are settled by then: a file that does not
 * go is only room lost, and is logged. */
static void drop_object(whet_ctx *ctx, whet_db *db, const char *folder, const char *sha256) {
    if (!is_sha256(sha256)) return;
    whet_buf path = { 0 };
    whet_status st = object_path(ctx, folder, sha256, &path);
    if (st == WHET_OK) st = whet_db_execute(ctx, db, "BEGIN IMMEDIATE");
    if (st == WHET_OK) st = whet_db_end(ctx, db, drop_unnamed(ctx, db, path.text, sha256));
    if (st != WHET_OK) whet_log(ctx, WHET_LOG_WARN, "winners", "%s", whet_ctx_message(ctx));
    whet_buf_fini(ctx, &path);
}

static whet_status put_all(whet_ctx *ctx, whet_db *db, const char *folder,
                           const whet_winner_entry *entries, int n, char (*old)[WHET_SHA256_HEX]) {
    whet_status st = WHET_OK;
    for (int i = 0; i < n && st == WHET_OK; i++) {
        const whet_winner_entry *e = &entries[i];
        st = write_object(ctx, folder, e->row.object_sha256, e->object, e->object_bytes);
        if (st == WHET_OK) st = replaced_object(ctx, db, &e->row.key, old[i]);
        if (st == WHET_OK) st = insert(ctx, db, e);
    }
    return st;
}

whet_status whet_winners_put(whet_ctx *ctx, const char *folder, const whet_winner_entry *entries,
                             int n) {
    whet_db db;
    WHET_TRY(whet_dir_make(ctx, folder));
    char(*old)[WHET_SHA256_HEX] = whet_alloc_zero(ctx, (size_t)n + 1, sizeof *old);
    if (!old) return WHET_E_NOMEM;
    whet_status st = open_file(ctx, folder, true, &db);
    if (st == WHET_OK) {
        st = whet_db_execute(ctx, &db, "BEGIN IMMEDIATE");
        if (st == WHET_OK) st = whet_db_end(ctx, &db, put_all(ctx, &db, folder, entries, n, old));
        for (int i = 0; i < n && st == WHET_OK; i++)
            drop_object(ctx, &db, folder, old[i]);
        whet_db_close(&db);
    }
    whet_free(ctx, old);
    return st;
}

static void read_row(sqlite3_stmt *stmt, whet_winner_row *row) {
    *row = (whet_winner_row){
        .key = { .dtype = sqlite3_column_int(stmt, 0),
                 .n_heads = sqlite3_column_int(stmt, 1),
                 .n_kv_heads = sqlite3_column_int(stmt, 2),
                 .head_dim = sqlite3_column_int(stmt, 3),
                 .abi = sqlite3_column_int(stmt, 4) },
        .ratio_repeat = sqlite3_column_double(stmt, 9),
        .low_repeat = sqlite3_column_double(stmt, 10),
        .high_repeat = sqlite3_column_double(stmt, 11),
        .ratio_fused = sqlite3_column_double(stmt, 12),
        .low_fused = sqlite3_column_double(stmt, 13),
        .high_fused = sqlite3_column_double(stmt, 14),
        .id = sqlite3_column_int64(stmt, ID_COLUMN),
    };
    whet_db_text(stmt, 5, row->key.fingerprint, sizeof row->key.fingerprint);
    whet_db_text(stmt, 6, row->program_hash, sizeof row->program_hash);
    whet_db_text(stmt, 7, row->object_sha256, sizeof row->object_sha256);
    whet_db_text(stmt, 8, row->shape, sizeof row->shape);
    whet_db_text(stmt, 15, row->date, sizeof row->date);
}

/* Bytes and hash are of the same read: what is returned is what was judged. */
static whet_status read_object(whet_ctx *ctx, const char *folder, const char *sha256,
                               whet_buf *object) {
    whet_buf path = { 0 };
    whet_status st = object_path(ctx, folder, sha256, &path);
    if (st == WHET_OK) st = whet_file_read(ctx, path.text, MAX_OBJECT_BYTES, object);
    if (st == WHET_E_NOT_FOUND)
        st = whet_fail(ctx, WHET_E_IO, "%s: the object of a winner is not there", path.text);
    char hex[WHET_SHA256_HEX];
    if (st == WHET_OK) whet_sha256_hex(object->text, object->len, hex);
    if (st == WHET_OK && strcmp(hex, sha256) != 0)
        st = whet_fail(ctx, WHET_E_FORMAT,
                       "%s is not the object that was judged: its SHA-256 is %s", path.text, hex);
    whet_buf_fini(ctx, &path);
    return st;
}

static whet_status take_text(whet_ctx *ctx, sqlite3_stmt *stmt, int column, whet_buf *text) {
    if (!text) return WHET_OK;
    whet_buf_clear(text);
    return whet_buf_append(ctx, text, sqlite3_column_text(stmt, column),
                           (size_t)sqlite3_column_bytes(stmt, column));
}

/* The row of a statement, and its texts if they are wanted; *has_row: there is one. */
static whet_status take_row(whet_ctx *ctx, whet_db *db, sqlite3_stmt *stmt, whet_winner_row *row,
                            whet_buf *source, whet_buf *receipt, bool *has_row) {
    whet_status st = whet_db_step(ctx, db, stmt, has_row);
    if (st == WHET_OK && *has_row) {
        read_row(stmt, row);
        st = take_text(ctx, stmt, SOURCE_COLUMN, source);
        if (st == WHET_OK) st = take_text(ctx, stmt, RECEIPT_COLUMN, receipt);
    }
    whet_db_finish(stmt);
    return st;
}

static whet_status find(whet_ctx *ctx, whet_db *db, const whet_winner_key *key,
                        whet_winner_row *row, whet_buf *source) {
    sqlite3_stmt *stmt;
    bool has_row = false;
    WHET_TRY(whet_db_query(ctx, db, &stmt, "SELECT " COLUMNS " FROM winners WHERE " IS_KEY,
                           KEY_TYPES, KEY_VALUES(key)));
    WHET_TRY(take_row(ctx, db, stmt, row, source, NULL, &has_row));
    if (has_row) return WHET_OK;
    return whet_fail(ctx, WHET_E_NOT_FOUND, "%s has no winner for %d:%d heads of %d here", db->path,
                     key->n_heads, key->n_kv_heads, key->head_dim);
}

/* Between row and object another process may have put a newer winner: then the old object is gone,
 * and the second look finds the new row. */
whet_status whet_winners_get(whet_ctx *ctx, const char *folder, const whet_winner_key *key,
                             whet_winner_row *row, whet_buf *source, whet_buf *object) {
    whet_db db;
    WHET_TRY(open_file(ctx, folder, false, &db));
    whet_status st = find(ctx, &db, key, row, source);
    if (st == WHET_OK && object) st = read_object(ctx, folder, row->object_sha256, object);
    if (st == WHET_E_IO) {
        st = find(ctx, &db, key, row, source);
        if (st == WHET_OK) st = read_object(ctx, folder, row->object_sha256, object);
    }
    whet_db_close(&db);
    return st;
}

static whet_status find_id(whet_ctx *ctx, whet_db *db, int64_t id, whet_winner_row *row,
                           whet_buf *source, whet_buf *receipt) {
    sqlite3_stmt *stmt;
    bool has_row = false;
    WHET_TRY(
        whet_db_query(ctx, db, &stmt, "SELECT " COLUMNS " FROM winners WHERE id = ?", "i", id));
    WHET_TRY(take_row(ctx, db, stmt, row, source, receipt, &has_row));
    if (has_row) return WHET_OK;
    return whet_fail(ctx, WHET_E_NOT_FOUND, "%s has no winner %lld", db->path, (long long)id);
}

whet_status whet_winners_find(whet_ctx *ctx, const char *folder, int64_t id, whet_winner_row *row,
                              whet_buf *source, whet_buf *receipt) {
    whet_db db;
    WHET_TRY(open_file(ctx, folder, false, &db));
    const whet_status st = find_id(ctx, &db, id, row, source, receipt);
    whet_db_close(&db);
    return st;
}

whet_status whet_winners_remove(whet_ctx *ctx, const char *folder, int64_t id) {
    whet_db db;
    whet_winner_row row = { 0 };
    WHET_TRY(open_file(ctx, folder, false, &db));
    whet_status st = whet_db_execute(ctx, &db, "BEGIN IMMEDIATE");
    if (st == WHET_OK) {
        st = find_id(ctx, &db, id, &row, NULL, NULL);
        if (st == WHET_OK) st = whet_db_run(ctx, &db, "DELETE FROM winners WHERE id = ?", "i", id);
        st = whet_db_end(ctx, &db, st);
    }
    if (st == WHET_OK) drop_object(ctx, &db, folder, row.object_sha256);
    whet_db_close(&db);
    return st;
}

whet_status whet_winners_each(whet_ctx *ctx, const char *folder, whet_winners_fn fn, void *data) {
    whet_db db;
    whet_status st = open_file(ctx, folder, false, &db);
    if (st == WHET_E_NOT_FOUND) return WHET_OK;
    if (st != WHET_OK) return st;
    sqlite3_stmt *stmt = NULL;
    st = whet_db_query(ctx, &db, &stmt, "SELECT " COLUMNS " FROM winners ORDER BY date DESC, id",
                       "");
    bool has_row = true;
    whet_buf source = { 0 }, receipt = { 0 };
    while (st == WHET_OK && (st = whet_db_step(ctx, &db, stmt, &has_row)) == WHET_OK && has_row) {
        whet_winner_row row;
        read_row(stmt, &row);
        st = take_text(ctx, stmt, SOURCE_COLUMN, &source);
        if (st == WHET_OK) st = take_text(ctx, stmt, RECEIPT_COLUMN, &receipt);
        if (st == WHET_OK) st = fn(data, &row, source.text, receipt.text);
    }
    whet_buf_fini(ctx, &source);
    whet_buf_fini(ctx, &receipt);
    whet_db_finish(stmt);
    whet_db_close(&db);
    return st;
}
