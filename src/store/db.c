/* SPDX-License-Identifier: MIT */
/* The thin layer over SQLite. */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { BUSY_MS = 10000 };

static whet_status complain(whet_ctx *ctx, whet_db *db) {
    const int code = db->handle ? sqlite3_errcode(db->handle) : SQLITE_NOMEM;
    const char *why = db->handle ? sqlite3_errmsg(db->handle) : "no memory";
    if (code == SQLITE_NOTADB)
        return whet_fail(ctx, WHET_E_FORMAT, "%s is not an SQLite file", db->path);
    const int system = db->handle ? sqlite3_system_errno(db->handle) : 0;
    if (system && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN))
        return whet_fail(ctx, WHET_E_STORE, "%s: %s: %s", db->path, why, strerror(system));
    return whet_fail(ctx, code == SQLITE_BUSY ? WHET_E_BUSY : WHET_E_STORE, "%s: %s", db->path,
                     why);
}

static whet_status bind(whet_ctx *ctx, whet_db *db, sqlite3_stmt *stmt, const char *types,
                        va_list args) {
    for (int i = 0; types[i]; i++) {
        int rc = SQLITE_MISUSE;
        if (types[i] == 'i') {
            rc = sqlite3_bind_int64(stmt, i + 1, va_arg(args, int64_t));
        } else if (types[i] == 'd') {
            rc = sqlite3_bind_double(stmt, i + 1, va_arg(args, double));
        } else if (types[i] == 't') {
            rc = sqlite3_bind_text(stmt, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
        } else if (types[i] == 'b') {
            const void *bytes = va_arg(args, const void *);
            rc = sqlite3_bind_blob64(stmt, i + 1, bytes, va_arg(args, size_t), SQLITE_TRANSIENT);
        }
        if (rc != SQLITE_OK) return complain(ctx, db);
    }
    return WHET_OK;
}

static whet_status vquery(whet_ctx *ctx, whet_db *db, sqlite3_stmt **stmt, const char *sql,
                          const char *types, va_list args) {
    *stmt = NULL;
    if (sqlite3_prepare_v2(db->handle, sql, -1, stmt, NULL) != SQLITE_OK) return complain(ctx, db);
    const whet_status st = bind(ctx, db, *stmt, types, args);
    if (st == WHET_OK) return WHET_OK;
    whet_db_finish(*stmt);
    *stmt = NULL;
    return st;
}

whet_status whet_db_query(whet_ctx *ctx, whet_db *db, sqlite3_stmt **stmt, const char *sql,
                          const char *types, ...) {
    va_list args;
    va_start(args, types);
    const whet_status st = vquery(ctx, db, stmt, sql, types, args);
    va_end(args);
    return st;
}

whet_status whet_db_step(whet_ctx *ctx, whet_db *db, sqlite3_stmt *stmt, bool *has_row) {
    const int rc = sqlite3_step(stmt);
    *has_row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? WHET_OK : complain(ctx, db);
}

void whet_db_finish(sqlite3_stmt *stmt) {
    sqlite3_finalize(stmt);
}

whet_status whet_db_run(whet_ctx *ctx, whet_db *db, const char *sql, const char *types, ...) {
    sqlite3_stmt *stmt;
    va_list args;
    va_start(args, types);
    whet_status st = vquery(ctx, db, &stmt, sql, types, args);
    va_end(args);
    bool has_row = true;
    while (st == WHET_OK && has_row)
        st = whet_db_step(ctx, db, stmt, &has_row);
    whet_db_finish(stmt);
    return st;
}

int64_t whet_db_last_id(const whet_db *db) {
    return sqlite3_last_insert_rowid(db->handle);
}

void whet_db_text(sqlite3_stmt *stmt, int column, char *out, size_t n) {
    const unsigned char *text = sqlite3_column_text(stmt, column);
    snprintf(out, n, "%s", text ? (const char *)text : "");
}

static whet_status read_pragma(whet_ctx *ctx, whet_db *db, const char *sql, int64_t *value) {
    sqlite3_stmt *stmt;
    WHET_TRY(whet_db_query(ctx, db, &stmt, sql, ""));
    bool has_row;
    const whet_status st = whet_db_step(ctx, db, stmt, &has_row);
    *value = st == WHET_OK && has_row ? sqlite3_column_int64(stmt, 0) : 0;
    whet_db_finish(stmt);
    return st;
}

whet_status whet_db_execute(whet_ctx *ctx, whet_db *db, const char *sql) {
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? WHET_OK
                                                                        : complain(ctx, db);
}

whet_status whet_db_end(whet_ctx *ctx, whet_db *db, whet_status st) {
    if (st == WHET_OK) st = whet_db_execute(ctx, db, "COMMIT");
    if (st != WHET_OK) sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

/* All tables and the two numbers in one transaction: a file is ours entirely or empty. */
static whet_status make_tables(whet_ctx *ctx, whet_db *db, const whet_db_kind *kind) {
    char numbers[128];
    snprintf(numbers, sizeof numbers, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             kind->application_id, kind->version);
    WHET_TRY(whet_db_execute(ctx, db, "BEGIN IMMEDIATE"));
    int64_t version = 0; /* another process may have been first */
    whet_status st = read_pragma(ctx, db, "PRAGMA user_version", &version);
    if (st == WHET_OK && version == 0) st = whet_db_execute(ctx, db, kind->schema);
    if (st == WHET_OK && version == 0) st = whet_db_execute(ctx, db, numbers);
    return whet_db_end(ctx, db, st);
}

static whet_status other_version(whet_ctx *ctx, const whet_db *db, const whet_db_kind *kind,
                                 int64_t version) {
    return whet_fail(ctx, WHET_E_FORMAT, "%s is a %s of version %d, this whet knows %d", db->path,
                     kind->what, (int)version, kind->version);
}

/* One transaction, so that a file is of the old version or of the new one, whatever happens. */
static whet_status upgrade(whet_ctx *ctx, whet_db *db, const whet_db_kind *kind) {
    char number[64];
    snprintf(number, sizeof number, "PRAGMA user_version = %d", kind->version);
    WHET_TRY(whet_db_execute(ctx, db, "BEGIN IMMEDIATE"));
    int64_t version = 0; /* another process may have been first */
    whet_status st = read_pragma(ctx, db, "PRAGMA user_version", &version);
    if (st == WHET_OK && version > kind->version) st = other_version(ctx, db, kind, version);
    for (; st == WHET_OK && version < kind->version; version++)
        st = whet_db_execute(ctx, db, kind->upgrades[version - kind->oldest]);
    if (st == WHET_OK) st = whet_db_execute(ctx, db, number);
    return whet_db_end(ctx, db, st);
}

/* The version of its tables; 0: it is empty, and may become ours. Nothing is changed: it may be
 * anybody's. */
static whet_status check_kind(whet_ctx *ctx, whet_db *db, const whet_db_kind *kind, bool may_create,
                              int64_t *version) {
    int64_t id, n_tables;
    WHET_TRY(read_pragma(ctx, db, "PRAGMA application_id", &id));
    WHET_TRY(read_pragma(ctx, db, "PRAGMA user_version", version));
    WHET_TRY(read_pragma(ctx, db, "SELECT count(*) FROM sqlite_schema", &n_tables));
    if (id == 0 && *version == 0 && n_tables == 0 && may_create) return WHET_OK;
    if (id != kind->application_id)
        return whet_fail(ctx, WHET_E_FORMAT, "%s is not a %s of whet", db->path, kind->what);
    const int64_t oldest = kind->oldest ? kind->oldest : kind->version;
    return *version >= oldest && *version <= kind->version ? WHET_OK
                                                           : other_version(ctx, db, kind, *version);
}

/* SQLite tries again in other ways, and keeps the reason of the last one. */
static whet_status tell_why_not(whet_ctx *ctx, const char *path, const char *what, int flags) {
    const bool may_create = flags & SQLITE_OPEN_CREATE;
    const int fd = open(path, O_CLOEXEC | (may_create ? O_RDWR | O_CREAT : O_RDONLY), 0644);
    const int why = fd < 0 ? errno : 0;
    if (fd >= 0) close(fd);
    if (why == ENOENT && !may_create)
        return whet_fail(ctx, WHET_E_NOT_FOUND, "there is no %s %s", what, path);
    return whet_fail(ctx, WHET_E_STORE, "open the %s %s: %s", what, path,
                     why ? strerror(why) : "SQLite cannot");
}

static whet_status open_file(whet_ctx *ctx, const char *path, const char *what, int flags,
                             whet_db *db) {
    *db = (whet_db){ 0 };
    if (strlen(path) >= sizeof db->path)
        return whet_fail(ctx, WHET_E_ARG, "the path of a %s has at most %zu bytes", what,
                         sizeof db->path - 1);
    memcpy(db->path, path, strlen(path) + 1);
    if (!*path) /* SQLite's name of a file that is gone when it is closed */
        return whet_fail(ctx, WHET_E_ARG, "\"\" is not the name of a %s", what);
    if (whet_path_is_dir(path))
        return whet_fail(ctx, WHET_E_ARG, "%s is a folder, not a %s", path, what);
    const int rc = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_CANTOPEN) return tell_why_not(ctx, path, what, flags);
    if (rc != SQLITE_OK) return complain(ctx, db);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    return WHET_OK;
}

whet_status whet_db_open(whet_ctx *ctx, const char *path, const whet_db_kind *kind, bool may_create,
                         whet_db *db) {
    const int flags = SQLITE_OPEN_READWRITE | (may_create ? SQLITE_OPEN_CREATE : 0);
    int64_t version = 0;
    whet_status st = open_file(ctx, path, kind->what, flags, db);
    if (st == WHET_OK) st = check_kind(ctx, db, kind, may_create, &version);
    if (st == WHET_OK)
        st = whet_db_execute(ctx, db,
                             "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                             "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF");
    if (st == WHET_OK && version == 0) st = make_tables(ctx, db, kind);
    if (st == WHET_OK && version > 0 && version < kind->version) st = upgrade(ctx, db, kind);
    if (st != WHET_OK) whet_db_close(db);
    return st;
}

whet_status whet_db_open_to_read(whet_ctx *ctx, const char *path, const whet_db_kind *kind,
                                 whet_db *db) {
    int64_t version;
    whet_status st = open_file(ctx, path, kind->what, SQLITE_OPEN_READONLY, db);
    if (st == WHET_OK) st = whet_db_execute(ctx, db, "PRAGMA trusted_schema = OFF");
    if (st == WHET_OK) st = check_kind(ctx, db, kind, false, &version);
    if (st != WHET_OK) whet_db_close(db);
    return st;
}

void whet_db_close(whet_db *db) {
    sqlite3_close(db->handle);
    db->handle = NULL;
}
