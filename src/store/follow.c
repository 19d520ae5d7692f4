/* SPDX-License-Identifier: MIT */
/* Following a run: temporary tables of the same names hide those of the file, so that what is put
 * goes there and is compared with the file's rows at every commit. */
#include <stdio.h>
#include <string.h>

#include "store/run_int.h"

/* The key grows with every row. What only the clock knows is left out. */
static const struct {
    const char *name, *key, *columns;
} tables[WHET_N_FOLLOWED] = {
    { "programs", "id", "*" },
    { "objects", "rowid", "rowid, *" },
    { "builds", "id", "*" },
    { "verdicts", "id", "*" },
    { "duels", "id", "*" },
    { "samples", "duel", "*" },
    { "proposals", "id", "*" },
    { "winners", "id", "*" },
    { "events", "id", "id, step, what, detail, rng" },
};

static whet_status read_number(whet_ctx *ctx, whet_store *store, const char *sql, int64_t *out) {
    sqlite3_stmt *stmt;
    bool has_row;
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt, sql, ""));
    const whet_status st = whet_db_step(ctx, &store->db, stmt, &has_row);
    *out = st == WHET_OK && has_row ? sqlite3_column_int64(stmt, 0) : 0;
    whet_db_finish(stmt);
    return st;
}

/* "CREATE TABLE" of the schema as "CREATE TEMP TABLE". */
static whet_status make_shadows(whet_ctx *ctx, whet_store *store) {
    static const char create[] = "CREATE TABLE ";
    whet_buf sql = { 0 };
    whet_status st = whet_buf_puts(ctx, &sql, "PRAGMA temp_store = MEMORY;");
    const char *p = whet_store_schema;
    for (const char *next; st == WHET_OK && (next = strstr(p, create)); p = next + strlen(create)) {
        st = whet_buf_append(ctx, &sql, p, (size_t)(next - p));
        if (st == WHET_OK) st = whet_buf_puts(ctx, &sql, "CREATE TEMP TABLE ");
    }
    if (st == WHET_OK) st = whet_buf_puts(ctx, &sql, p);
    if (st == WHET_OK) st = whet_db_execute(ctx, &store->db, sql.text);
    whet_buf_fini(ctx, &sql);
    return st;
}

whet_status whet_store_follow(whet_ctx *ctx, whet_store *store, bool may_go_on) {
    WHET_TRY(make_shadows(ctx, store));
    store->is_following = true;
    store->may_go_on = may_go_on;
    memset(store->followed, 0, sizeof store->followed);
    return WHET_OK;
}

bool whet_store_is_following(const whet_store *store) {
    return store->is_following;
}

whet_status whet_store_has_more(whet_ctx *ctx, whet_store *store, bool *has_more) {
    int64_t more;
    WHET_TRY(read_number(ctx, store,
                         "SELECT (SELECT ifnull(max(id), 0) FROM main.events) >"
                         " (SELECT ifnull(max(id), 0) FROM temp.events)",
                         &more));
    *has_more = more != 0;
    return WHET_OK;
}

whet_status whet_store_compare(whet_ctx *ctx, whet_store *store) {
    for (int i = 0; i < WHET_N_FOLLOWED; i++) {
        char sql[512];
        int64_t n_other;
        const long long after = store->followed[i];
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM (SELECT %s FROM temp.%s WHERE %s > %lld"
                 " EXCEPT SELECT %s FROM main.%s WHERE %s > %lld)",
                 tables[i].columns, tables[i].name, tables[i].key, after, tables[i].columns,
                 tables[i].name, tables[i].key, after);
        WHET_TRY(read_number(ctx, store, sql, &n_other));
        if (n_other)
            return whet_fail(ctx, WHET_E_STORE,
                             "%s: the run parts from its log here: %s behind row %lld are not what "
                             "is recomputed",
                             store->db.path, tables[i].name, after);
        snprintf(sql, sizeof sql, "SELECT ifnull(max(%s), %lld) FROM temp.%s", tables[i].key, after,
                 tables[i].name);
        WHET_TRY(read_number(ctx, store, sql, &store->followed[i]));
    }
    return WHET_OK;
}

whet_status whet_store_end_following(whet_ctx *ctx, whet_store *store) {
    for (int i = 0; i < WHET_N_FOLLOWED; i++) {
        char sql[256];
        int64_t n_more;
        snprintf(sql, sizeof sql, "SELECT count(*) FROM main.%s WHERE %s > %lld", tables[i].name,
                 tables[i].key, (long long)store->followed[i]);
        WHET_TRY(read_number(ctx, store, sql, &n_more));
        if (n_more)
            return whet_fail(ctx, WHET_E_STORE,
                             "%s: its log goes on where the recomputed run ends: %lld more %s",
                             store->db.path, (long long)n_more, tables[i].name);
    }
    return WHET_OK;
}

whet_status whet_store_go_on(whet_ctx *ctx, whet_store *store) {
    /* Those that refer to others first. */
    static const char *const names[] = { "samples", "verdicts",  "duels",   "builds",
                                         "winners", "proposals", "objects", "programs",
                                         "events",  "run",       "inbox" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DROP TABLE temp.%s", names[i]);
        WHET_TRY(whet_db_execute(ctx, &store->db, sql));
    }
    store->is_following = false;
    return WHET_OK;
}
