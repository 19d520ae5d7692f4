/* SPDX-License-Identifier: MIT */
/* Tables and statements of the run file. */
#include <string.h>

#include "store/run_int.h"

const char whet_store_schema[] =
    "CREATE TABLE run(id INTEGER PRIMARY KEY CHECK(id = 1), started TEXT NOT NULL, ended TEXT,"
    " outcome TEXT, seed INTEGER NOT NULL, version TEXT NOT NULL, problem TEXT NOT NULL,"
    " options TEXT NOT NULL, machine TEXT NOT NULL, fingerprint TEXT NOT NULL,"
    " compiler TEXT NOT NULL) STRICT;"
    "CREATE TABLE programs(id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE,"
    " source TEXT NOT NULL, operator TEXT NOT NULL, change TEXT NOT NULL, knobs TEXT NOT NULL,"
    " parent INTEGER REFERENCES programs(id), parent2 INTEGER REFERENCES programs(id),"
    " step INTEGER NOT NULL) STRICT;"
    "CREATE TABLE objects(sha256 TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE builds(id INTEGER PRIMARY KEY, program INTEGER NOT NULL REFERENCES programs(id),"
    " object TEXT REFERENCES objects(sha256), compiler_text TEXT NOT NULL, wall_ns REAL NOT NULL)"
    " STRICT;"
    "CREATE TABLE duels(id INTEGER PRIMARY KEY, program INTEGER NOT NULL REFERENCES programs(id),"
    " kind TEXT NOT NULL, rival TEXT NOT NULL, shape TEXT NOT NULL, seed INTEGER NOT NULL,"
    " n_pairs INTEGER NOT NULL, n_blocks INTEGER NOT NULL, n_calls INTEGER NOT NULL,"
    " ratio REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL, ns REAL NOT NULL,"
    " rival_ns REAL NOT NULL, kv_bytes REAL NOT NULL) STRICT;"
    "CREATE TABLE verdicts(id INTEGER PRIMARY KEY,"
    " program INTEGER NOT NULL REFERENCES programs(id), duel INTEGER REFERENCES duels(id),"
    " gate INTEGER NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL,"
    " evidence TEXT NOT NULL) STRICT;"
    "CREATE TABLE samples(duel INTEGER NOT NULL REFERENCES duels(id), pair INTEGER NOT NULL,"
    " block INTEGER NOT NULL, is_rival INTEGER NOT NULL, place INTEGER NOT NULL, ns REAL NOT NULL,"
    " PRIMARY KEY(duel, pair, block, is_rival)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE proposals(id INTEGER PRIMARY KEY, step INTEGER NOT NULL, parent INTEGER NOT NULL"
    " REFERENCES programs(id), proposer TEXT NOT NULL, prompt TEXT NOT NULL, reply BLOB NOT NULL,"
    " outcome TEXT NOT NULL, why TEXT NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL,"
    " child TEXT NOT NULL, wall_ns REAL NOT NULL, operator TEXT NOT NULL, model TEXT NOT NULL,"
    " prompt_tokens INTEGER NOT NULL, reply_tokens INTEGER NOT NULL, money REAL NOT NULL) STRICT;"
    "CREATE TABLE events(id INTEGER PRIMARY KEY, step INTEGER NOT NULL, what TEXT NOT NULL,"
    " detail TEXT NOT NULL, rng TEXT NOT NULL, seconds REAL NOT NULL) STRICT;"
    "CREATE TABLE winners(id INTEGER PRIMARY KEY, program INTEGER NOT NULL REFERENCES programs(id),"
    " object TEXT NOT NULL, ratio_repeat REAL NOT NULL, low_repeat REAL NOT NULL,"
    " high_repeat REAL NOT NULL, ratio_fused REAL NOT NULL, low_fused REAL NOT NULL,"
    " high_fused REAL NOT NULL, installed_in TEXT NOT NULL) STRICT;"
    "CREATE TABLE inbox(id INTEGER PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL) STRICT;";

static const char *const upgrades[] = {
    "CREATE TABLE inbox(id INTEGER PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL) STRICT",
};

const whet_db_kind whet_store_kind = {
    .what = "run file",
    .application_id = 0x77687472, /* "whtr" */
    .version = 4,
    .schema = whet_store_schema,
    .oldest = 3,
    .upgrades = upgrades,
};

static whet_status open_store(whet_ctx *ctx, const char *path, bool is_to_read, bool may_create,
                              whet_store **store) {
    *store = NULL;
    whet_store *s = whet_alloc_zero(ctx, 1, sizeof *s);
    if (!s) return WHET_E_NOMEM;
    const whet_status st = is_to_read
                               ? whet_db_open_to_read(ctx, path, &whet_store_kind, &s->db)
                               : whet_db_open(ctx, path, &whet_store_kind, may_create, &s->db);
    if (st == WHET_OK)
        *store = s;
    else
        whet_free(ctx, s);
    return st;
}

whet_status whet_store_open(whet_ctx *ctx, const char *path, bool may_create, whet_store **store) {
    return open_store(ctx, path, false, may_create, store);
}

whet_status whet_store_open_to_read(whet_ctx *ctx, const char *path, whet_store **store) {
    return open_store(ctx, path, true, false, store);
}

void whet_store_close(whet_ctx *ctx, whet_store *store) {
    if (!store) return;
    whet_store_rollback(store);
    whet_db_close(&store->db);
    whet_free(ctx, store);
}

whet_status whet_store_begin(whet_ctx *ctx, whet_store *store) {
    bool has_more = false;
    if (store->is_following) WHET_TRY(whet_store_has_more(ctx, store, &has_more));
    if (store->is_following && !has_more) {
        if (!store->may_go_on)
            return whet_fail(ctx, WHET_E_NOT_FOUND, "%s: the log ends here", store->db.path);
        WHET_TRY(whet_store_go_on(ctx, store));
    }
    WHET_TRY(whet_db_execute(ctx, &store->db, store->is_following ? "BEGIN" : "BEGIN IMMEDIATE"));
    store->is_in_transaction = true;
    return WHET_OK;
}

whet_status whet_store_commit(whet_ctx *ctx, whet_store *store) {
    if (store->is_following) WHET_TRY(whet_store_compare(ctx, store));
    WHET_TRY(whet_db_execute(ctx, &store->db, "COMMIT"));
    store->is_in_transaction = false;
    return WHET_OK;
}

void whet_store_rollback(whet_store *store) {
    if (store->is_in_transaction) sqlite3_exec(store->db.handle, "ROLLBACK", NULL, NULL, NULL);
    store->is_in_transaction = false;
}

whet_status whet_store_check_free(whet_ctx *ctx, whet_store *store) {
    int64_t n_runs = 0;
    WHET_TRY(whet_store_count(ctx, store, "run", &n_runs));
    if (!n_runs) return WHET_OK;
    return whet_fail(ctx, WHET_E_BUSY, "%s already holds a run; name another file", store->db.path);
}

whet_status whet_store_put_run(whet_ctx *ctx, whet_store *store, const whet_store_run *run) {
    WHET_TRY(whet_store_check_free(ctx, store));
    return whet_db_run(ctx, &store->db,
                       "INSERT INTO run(id, started, seed, version, problem, options, machine,"
                       " fingerprint, compiler)"
                       " VALUES(1, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?, ?, ?, ?, ?, ?, ?)",
                       "itttttt", (int64_t)run->seed, run->version, run->problem, run->options,
                       run->machine, run->fingerprint, run->compiler);
}

whet_status whet_store_end_run(whet_ctx *ctx, whet_store *store, const char *outcome) {
    return whet_db_run(ctx, &store->db,
                       "UPDATE run SET ended = strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), outcome = ?",
                       "t", outcome);
}

/* The first column of the first row, 0 when there is none. */
static whet_status find_id(whet_ctx *ctx, whet_store *store, const char *sql, const char *text,
                           int64_t *id) {
    sqlite3_stmt *stmt;
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt, sql, text ? "t" : "", text));
    bool has_row;
    const whet_status st = whet_db_step(ctx, &store->db, stmt, &has_row);
    *id = st == WHET_OK && has_row ? sqlite3_column_int64(stmt, 0) : 0;
    whet_db_finish(stmt);
    return st;
}

whet_status whet_store_put_program(whet_ctx *ctx, whet_store *store,
                                   const whet_store_program *program, int64_t *id) {
    WHET_TRY(find_id(ctx, store, "SELECT id FROM programs WHERE hash = ?", program->hash, id));
    if (*id) return WHET_OK;
    WHET_TRY(whet_db_run(ctx, &store->db,
                         "INSERT INTO programs(hash, source, operator, change, knobs, parent,"
                         " parent2, step) VALUES(?, ?, ?, ?, ?, nullif(?, 0), nullif(?, 0), ?)",
                         "tttttiii", program->hash, program->source, program->operator_name,
                         program->change, program->knobs, program->parent, program->parent2,
                         program->step));
    *id = whet_db_last_id(&store->db);
    return WHET_OK;
}

whet_status whet_store_put_build(whet_ctx *ctx, whet_store *store, const whet_store_build *build) {
    if (*build->object_sha256)
        WHET_TRY(whet_db_run(ctx, &store->db,
                             "INSERT INTO objects(sha256, bytes) VALUES(?, ?)"
                             " ON CONFLICT DO NOTHING",
                             "tb", build->object_sha256, build->object, build->object_bytes));
    return whet_db_run(ctx, &store->db,
                       "INSERT INTO builds(program, object, compiler_text, wall_ns)"
                       " VALUES(?, nullif(?, ''), ?, ?)",
                       "ittd", build->program, build->object_sha256, build->compiler_text,
                       build->wall_ns);
}

whet_status whet_store_put_verdict(whet_ctx *ctx, whet_store *store,
                                   const whet_store_verdict *verdict) {
    return whet_db_run(ctx, &store->db,
                       "INSERT INTO verdicts(program, duel, gate, code, reason, evidence)"
                       " VALUES(?, nullif(?, 0), ?, ?, ?, ?)",
                       "iiittt", verdict->program, verdict->duel, (int64_t)verdict->gate,
                       verdict->code, verdict->reason, verdict->evidence);
}

whet_status whet_store_put_duel(whet_ctx *ctx, whet_store *store, const whet_store_duel *duel,
                                const whet_store_sample *samples, size_t n_samples, int64_t *id) {
    WHET_TRY(whet_db_run(ctx, &store->db,
                         "INSERT INTO duels(program, kind, rival, shape, seed, n_pairs, n_blocks,"
                         " n_calls, ratio, low, high, ns, rival_ns, kv_bytes)"
                         " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                         "itttiiiidddddd", duel->program, duel->kind, duel->rival, duel->shape,
                         (int64_t)duel->seed, (int64_t)duel->n_pairs, (int64_t)duel->n_blocks,
                         (int64_t)duel->n_calls, duel->ratio, duel->low, duel->high, duel->ns,
                         duel->rival_ns, duel->kv_bytes));
    *id = whet_db_last_id(&store->db);
    for (size_t i = 0; i < n_samples; i++) {
        const whet_store_sample *s = &samples[i];
        WHET_TRY(whet_db_run(ctx, &store->db,
                             "INSERT INTO samples(duel, pair, block, is_rival, place, ns)"
                             " VALUES(?, ?, ?, ?, ?, ?)",
                             "iiiiid", *id, (int64_t)s->pair, (int64_t)s->block,
                             (int64_t)s->is_rival, (int64_t)s->order, s->ns));
    }
    return WHET_OK;
}

whet_status whet_store_put_proposal(whet_ctx *ctx, whet_store *store,
                                    const whet_store_proposal *p) {
    return whet_db_run(ctx, &store->db,
                       "INSERT INTO proposals(step, parent, proposer, prompt, reply, outcome, why,"
                       " name, reason, child, wall_ns, operator, model, prompt_tokens,"
                       " reply_tokens, money)"
                       " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       "iittbtttttdttiid", p->step, p->parent, p->proposer, p->prompt, p->reply,
                       p->reply_bytes, p->outcome, p->why, p->name, p->reason, p->child, p->wall_ns,
                       p->operator_name, p->model, p->prompt_tokens, p->reply_tokens, p->money);
}

whet_status whet_store_put_event(whet_ctx *ctx, whet_store *store, const whet_store_event *e) {
    return whet_db_run(ctx, &store->db,
                       "INSERT INTO events(step, what, detail, rng, seconds)"
                       " VALUES(?, ?, ?, ?, ?)",
                       "itttd", e->step, e->what, e->detail, e->rng, e->seconds);
}

whet_status whet_store_put_winner(whet_ctx *ctx, whet_store *store, const whet_store_winner *w) {
    return whet_db_run(ctx, &store->db,
                       "INSERT INTO winners(program, object, ratio_repeat, low_repeat,"
                       " high_repeat, ratio_fused, low_fused, high_fused, installed_in)"
                       " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       "itddddddt", w->program, w->object_sha256, w->ratio_repeat, w->low_repeat,
                       w->high_repeat, w->ratio_fused, w->low_fused, w->high_fused,
                       w->installed_in);
}

whet_status whet_store_inject(whet_ctx *ctx, whet_store *store, const char *name,
                              const char *source, int64_t *id) {
    WHET_TRY(whet_db_run(ctx, &store->db, "INSERT INTO inbox(name, source) VALUES(?, ?)", "tt",
                         name, source));
    *id = whet_db_last_id(&store->db);
    return WHET_OK;
}

whet_status whet_store_count(whet_ctx *ctx, whet_store *store, const char *table, int64_t *n) {
    int64_t is_table;
    WHET_TRY(find_id(ctx, store,
                     "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?", table,
                     &is_table));
    if (!is_table)
        return whet_fail(ctx, WHET_E_ARG, "%s has no table \"%s\"", store->db.path, table);
    whet_buf sql = { 0 };
    whet_status st = whet_buf_printf(ctx, &sql, "SELECT count(*) FROM \"%s\"", table);
    if (st == WHET_OK) st = find_id(ctx, store, sql.text, NULL, n);
    whet_buf_fini(ctx, &sql);
    return st;
}

whet_status whet_store_get_source(whet_ctx *ctx, whet_store *store, const char *hash,
                                  whet_buf *source) {
    sqlite3_stmt *stmt;
    whet_buf_clear(source);
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt, "SELECT source FROM programs WHERE hash = ?",
                           "t", hash));
    bool has_row;
    whet_status st = whet_db_step(ctx, &store->db, stmt, &has_row);
    if (st == WHET_OK && has_row)
        st = whet_buf_append(ctx, source, sqlite3_column_text(stmt, 0),
                             (size_t)sqlite3_column_bytes(stmt, 0));
    else if (st == WHET_OK)
        st = whet_fail(ctx, WHET_E_NOT_FOUND, "%s has no program %s", store->db.path, hash);
    whet_db_finish(stmt);
    return st;
}

whet_status whet_store_check(whet_ctx *ctx, whet_store *store) {
    sqlite3_stmt *stmt;
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt, "PRAGMA integrity_check(1)", ""));
    bool has_row;
    char answer[256];
    whet_status st = whet_db_step(ctx, &store->db, stmt, &has_row);
    if (st == WHET_OK) whet_db_text(stmt, 0, answer, sizeof answer);
    if (st == WHET_OK && strcmp(answer, "ok") != 0)
        st = whet_fail(ctx, WHET_E_STORE, "%s is damaged: %s", store->db.path, answer);
    whet_db_finish(stmt);
    return st;
}
