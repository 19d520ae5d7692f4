/* SPDX-License-Identifier: MIT */
/* Statements that read a run file whole. */
#include "store/read.h"

#include <string.h>
#include <sys/stat.h>

#include "store/run_int.h"

enum { ROOM_BYTES = 64 << 20, ROOM_TIMES = 16 };

typedef struct reader {
    whet_ctx *ctx;
    whet_db db;
    whet_told *told;
    sqlite3_stmt *stmt;
    whet_status st;
} reader;

/* ---- columns ---- */

static const char *take_bytes(reader *r, int column, size_t *n_bytes) {
    const void *bytes = sqlite3_column_blob(r->stmt, column);
    const size_t n = bytes ? (size_t)sqlite3_column_bytes(r->stmt, column) : 0;
    char *copy = r->st == WHET_OK ? whet_arena_alloc(r->ctx, &r->told->arena, n + 1) : NULL;
    if (!copy) r->st = r->st == WHET_OK ? WHET_E_NOMEM : r->st;
    if (!copy) return "";
    if (n) memcpy(copy, bytes, n);
    copy[n] = '\0';
    if (n_bytes) *n_bytes = n;
    return copy;
}

static const char *take_text(reader *r, int column) {
    return take_bytes(r, column, NULL);
}

static double take_double(const reader *r, int column) {
    return sqlite3_column_double(r->stmt, column);
}

static int take_int(const reader *r, int column) {
    return sqlite3_column_int(r->stmt, column);
}

/* Programs are in the order of their ids. */
static int index_of(const whet_told *told, int64_t id) {
    int low = 0, high = told->n_programs;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (told->programs[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < told->n_programs && told->programs[low].id == id ? low : -1;
}

/* ---- rows ---- */

static void take_run(reader *r, int i) {
    (void)i;
    whet_told *t = r->told;
    const char **const texts[] = { &t->started, &t->ended,       &t->outcome,
                                   &t->version, &t->problem,     &t->options,
                                   &t->machine, &t->fingerprint, &t->compiler };
    for (int column = 0; column < 9; column++)
        *texts[column] = take_text(r, column);
    t->seed = (uint64_t)sqlite3_column_int64(r->stmt, 9);
}

static void take_program(reader *r, int i) {
    whet_told_program *p = &r->told->programs[i];
    p->id = sqlite3_column_int64(r->stmt, 0);
    p->hash = take_text(r, 1);
    p->source = take_text(r, 2);
    p->operator_name = take_text(r, 3);
    p->change = take_text(r, 4);
    p->knobs = take_text(r, 5);
    r->told->n_programs = i; /* so that only earlier ones are parents */
    p->parent = index_of(r->told, sqlite3_column_int64(r->stmt, 6));
    p->parent2 = index_of(r->told, sqlite3_column_int64(r->stmt, 7));
    p->step = sqlite3_column_int64(r->stmt, 8);
    p->compiler_text = p->object = "";
    p->check = p->second = (whet_told_verdict){ 0, "", "", "" };
    r->told->n_programs = i + 1;
}

static void take_build(reader *r, int i) {
    (void)i;
    const int program = index_of(r->told, sqlite3_column_int64(r->stmt, 0));
    if (program < 0) return;
    whet_told_program *p = &r->told->programs[program];
    p->object = take_text(r, 1);
    p->compiler_text = take_text(r, 2);
    p->build_ns = take_double(r, 3);
    p->object_bytes = take_double(r, 4);
}

static void take_verdict(reader *r, int i) {
    (void)i;
    const int program = index_of(r->told, sqlite3_column_int64(r->stmt, 0));
    if (program < 0) return;
    const bool is_check = sqlite3_column_type(r->stmt, 1) == SQLITE_NULL;
    whet_told_program *p = &r->told->programs[program];
    whet_told_verdict *v = is_check ? &p->check : &p->second;
    const char *code = take_text(r, 3);
    if (!is_check && (*v->code || strcmp(code, "PASS") == 0)) return;
    *v = (whet_told_verdict){ take_int(r, 2), code, take_text(r, 4), take_text(r, 5) };
}

static void take_duel(reader *r, int i) {
    whet_told_duel *d = &r->told->duels[i];
    *d = (whet_told_duel){
        .id = sqlite3_column_int64(r->stmt, 0),
        .program = index_of(r->told, sqlite3_column_int64(r->stmt, 1)),
        .kind = take_text(r, 2),
        .rival = take_text(r, 3),
        .shape = take_text(r, 4),
        .seed = sqlite3_column_int64(r->stmt, 5),
        .n_pairs = take_int(r, 6),
        .n_blocks = take_int(r, 7),
        .n_calls = take_int(r, 8),
        .ratio = take_double(r, 9),
        .low = take_double(r, 10),
        .high = take_double(r, 11),
        .ns = take_double(r, 12),
        .rival_ns = take_double(r, 13),
        .kv_bytes = take_double(r, 14),
        .code = take_text(r, 15),
        .reason = take_text(r, 16),
    };
    r->told->n_duels = i + 1;
}

static void take_proposal(reader *r, int i) {
    whet_told_proposal *p = &r->told->proposals[i];
    p->id = sqlite3_column_int64(r->stmt, 0);
    p->step = sqlite3_column_int64(r->stmt, 1);
    p->parent = index_of(r->told, sqlite3_column_int64(r->stmt, 2));
    const char **const texts[] = { &p->proposer, &p->operator_name, &p->model,  &p->outcome,
                                   &p->why,      &p->name,          &p->reason, &p->child };
    for (int column = 0; column < 8; column++)
        *texts[column] = take_text(r, 3 + column);
    p->reply = take_bytes(r, 11, &p->reply_bytes);
    p->seconds = take_double(r, 12) * 1e-9;
    p->money = take_double(r, 13);
    p->prompt_tokens = sqlite3_column_int64(r->stmt, 14);
    p->reply_tokens = sqlite3_column_int64(r->stmt, 15);
    r->told->n_proposals = i + 1;
}

static void take_event(reader *r, int i) {
    whet_told_event *e = &r->told->events[i];
    *e = (whet_told_event){ .id = sqlite3_column_int64(r->stmt, 0),
                            .step = sqlite3_column_int64(r->stmt, 1),
                            .what = take_text(r, 2),
                            .detail = take_text(r, 3),
                            .seconds = take_double(r, 4) };
    r->told->n_events = i + 1;
}

static void take_winner(reader *r, int i) {
    (void)i;
    r->told->winner = index_of(r->told, sqlite3_column_int64(r->stmt, 0));
    r->told->installed_in = take_text(r, 1);
}

/* ---- tables ---- */

static void each(reader *r, const char *sql, void (*take)(reader *, int), int n_max) {
    bool has_row = true;
    if (r->st == WHET_OK) r->st = whet_db_query(r->ctx, &r->db, &r->stmt, sql, "");
    if (r->st != WHET_OK) return;
    for (int i = 0; i < n_max && has_row && r->st == WHET_OK; i++) {
        r->st = whet_db_step(r->ctx, &r->db, r->stmt, &has_row);
        if (r->st == WHET_OK && has_row) take(r, i);
    }
    whet_db_finish(r->stmt);
}

/* Room for the rows of a table; *n: how many it has. */
static void *make_rows(reader *r, const char *sql, size_t bytes_each, int *n) {
    bool has_row = false;
    int64_t count = 0;
    if (r->st == WHET_OK) r->st = whet_db_query(r->ctx, &r->db, &r->stmt, sql, "");
    if (r->st != WHET_OK) return NULL;
    r->st = whet_db_step(r->ctx, &r->db, r->stmt, &has_row);
    if (r->st == WHET_OK && has_row) count = sqlite3_column_int64(r->stmt, 0);
    whet_db_finish(r->stmt);
    *n = (int)(count > INT32_MAX ? INT32_MAX : count);
    if (r->st != WHET_OK) return NULL;
    void *rows = whet_arena_alloc(r->ctx, &r->told->arena, ((size_t)*n + 1) * bytes_each);
    if (!rows) r->st = WHET_E_NOMEM;
    return rows;
}

static void read_programs(reader *r) {
    whet_told *t = r->told;
    int n = 0;
    t->programs = make_rows(r, "SELECT count(*) FROM programs", sizeof *t->programs, &n);
    each(r,
         "SELECT id, hash, source, operator, change, knobs, parent, parent2, step FROM programs"
         " ORDER BY id",
         take_program, n);
    each(r,
         "SELECT program, ifnull(object, ''), compiler_text, wall_ns, ifnull(length(o.bytes), 0)"
         " FROM builds LEFT JOIN objects o ON o.sha256 = object ORDER BY id",
         take_build, INT32_MAX);
    each(r, "SELECT program, duel, gate, code, reason, evidence FROM verdicts ORDER BY id",
         take_verdict, INT32_MAX);
}

static void read_rest(reader *r) {
    whet_told *t = r->told;
    int n = 0;
    t->duels = make_rows(r, "SELECT count(*) FROM duels", sizeof *t->duels, &n);
    each(r,
         "SELECT id, program, kind, rival, shape, seed, n_pairs, n_blocks, n_calls, ratio, low,"
         " high, ns, rival_ns, kv_bytes,"
         " ifnull((SELECT code FROM verdicts v WHERE v.duel = d.id), ''),"
         " ifnull((SELECT reason FROM verdicts v WHERE v.duel = d.id), '')"
         " FROM duels d ORDER BY id",
         take_duel, n);
    t->proposals = make_rows(r, "SELECT count(*) FROM proposals", sizeof *t->proposals, &n);
    each(r,
         "SELECT id, step, parent, proposer, operator, model, outcome, why, name, reason, child,"
         " reply, wall_ns, money, prompt_tokens, reply_tokens FROM proposals ORDER BY id",
         take_proposal, n);
    t->events = make_rows(r, "SELECT count(*) FROM events", sizeof *t->events, &n);
    each(r, "SELECT id, step, what, detail, seconds FROM events ORDER BY id", take_event, n);
    each(r, "SELECT program, installed_in FROM winners ORDER BY id", take_winner, INT32_MAX);
}

/* A program's moment is that of its step. */
static void set_moments(whet_told *t) {
    int i = 0;
    for (int e = 0; e < t->n_events; e++) {
        while (i < t->n_programs && t->programs[i].step < t->events[e].step)
            i++;
        if (i < t->n_programs && t->programs[i].step == t->events[e].step)
            t->programs[i].seconds = t->events[e].seconds;
    }
}

static whet_status make_arena(whet_ctx *ctx, const char *path, whet_arena *arena) {
    const char *const ends[] = { "", "-wal" };
    size_t bytes = ROOM_BYTES;
    for (int i = 0; i < 2; i++) {
        struct stat s;
        whet_buf name = { 0 };
        whet_status st = whet_buf_printf(ctx, &name, "%s%s", path, ends[i]);
        if (st == WHET_OK && stat(name.text, &s) == 0) bytes += ROOM_TIMES * (size_t)s.st_size;
        whet_buf_fini(ctx, &name);
        WHET_TRY(st);
    }
    return whet_arena_init(ctx, arena, bytes);
}

whet_status whet_told_read(whet_ctx *ctx, const char *path, whet_told *told) {
    *told = (whet_told){ .winner = -1, .installed_in = "" };
    reader r = { .ctx = ctx, .told = told };
    WHET_TRY(whet_db_open_to_read(ctx, path, &whet_store_kind, &r.db));
    r.st = make_arena(ctx, path, &told->arena);
    if (r.st == WHET_OK) r.st = whet_db_execute(ctx, &r.db, "BEGIN");
    each(&r,
         "SELECT started, ifnull(ended, ''), ifnull(outcome, ''), version, problem, options,"
         " machine, fingerprint, compiler, seed FROM run",
         take_run, 1);
    if (r.st == WHET_OK && !told->started)
        r.st = whet_fail(ctx, WHET_E_NOT_FOUND, "%s holds no run", path);
    read_programs(&r);
    read_rest(&r);
    if (r.st == WHET_OK) set_moments(told);
    whet_db_close(&r.db);
    if (r.st != WHET_OK) whet_told_fini(told);
    return r.st;
}

void whet_told_fini(whet_told *told) {
    whet_arena_fini(&told->arena);
    *told = (whet_told){ 0 };
}

/* ---- a line ---- */

static const char brief_sql[] =
    "WITH shape(s) AS (SELECT ifnull((SELECT shape FROM duels ORDER BY id LIMIT 1), '')),"
    " best AS (SELECT ratio, low, high, rival FROM duels, shape WHERE shape = s AND"
    "  CASE WHEN EXISTS(SELECT 1 FROM duels WHERE kind = 'final')"
    "  THEN kind = 'final' AND rival <> 'repeat' ELSE kind = 'race' END"
    "  ORDER BY CASE kind WHEN 'final' THEN -id ELSE ratio END DESC LIMIT 1)"
    "SELECT started, ifnull(outcome, 'unfinished'), problem, (SELECT s FROM shape),"
    " (SELECT rival FROM best), (SELECT count(*) FROM programs),"
    " (SELECT ifnull(max(step), 0) FROM events), (SELECT ratio FROM best), (SELECT low FROM best),"
    " (SELECT high FROM best) FROM run";

whet_status whet_told_read_brief(whet_ctx *ctx, const char *path, whet_told_brief *b) {
    whet_db db;
    sqlite3_stmt *stmt;
    bool has_row = false;
    *b = (whet_told_brief){ 0 };
    WHET_TRY(whet_db_open_to_read(ctx, path, &whet_store_kind, &db));
    whet_status st = whet_db_query(ctx, &db, &stmt, brief_sql, "");
    if (st == WHET_OK) st = whet_db_step(ctx, &db, stmt, &has_row);
    if (st == WHET_OK && !has_row) st = whet_fail(ctx, WHET_E_NOT_FOUND, "%s holds no run", path);
    if (st == WHET_OK) {
        whet_db_text(stmt, 0, b->started, sizeof b->started);
        whet_db_text(stmt, 1, b->outcome, sizeof b->outcome);
        whet_db_text(stmt, 2, b->problem, sizeof b->problem);
        whet_db_text(stmt, 3, b->shape, sizeof b->shape);
        whet_db_text(stmt, 4, b->rival, sizeof b->rival);
        b->n_programs = sqlite3_column_int64(stmt, 5);
        b->n_steps = sqlite3_column_int64(stmt, 6);
        b->ratio = sqlite3_column_double(stmt, 7);
        b->low = sqlite3_column_double(stmt, 8);
        b->high = sqlite3_column_double(stmt, 9);
    }
    whet_db_finish(stmt);
    whet_db_close(&db);
    return st;
}
