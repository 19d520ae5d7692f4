/* SPDX-License-Identifier: MIT */
/* Reading back what a run file knows; "main" is the file itself, also in following. */
#include <string.h>

#include "store/run_int.h"

static whet_status take_text(whet_ctx *ctx, sqlite3_stmt *stmt, int column, whet_buf *buf) {
    whet_buf_clear(buf);
    const void *bytes = sqlite3_column_blob(stmt, column);
    WHET_TRY(
        whet_buf_append(ctx, buf, bytes ? bytes : "", (size_t)sqlite3_column_bytes(stmt, column)));
    return WHET_OK;
}

/* ---- the run ---- */

void whet_store_run_info_fini(whet_ctx *ctx, whet_store_run_info *info) {
    whet_buf *const texts[] = { &info->version,  &info->problem, &info->options, &info->fingerprint,
                                &info->compiler, &info->started, &info->outcome, &info->machine };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        whet_buf_fini(ctx, texts[i]);
}

whet_status whet_store_get_run(whet_ctx *ctx, whet_store *store, whet_store_run_info *info) {
    sqlite3_stmt *stmt;
    bool has_row;
    *info = (whet_store_run_info){ 0 };
    WHET_TRY(whet_db_query(
        ctx, &store->db, &stmt,
        "SELECT seed, version, problem, options, fingerprint, compiler, started,"
        " ifnull(outcome, ''), machine, (SELECT ifnull(max(seconds), 0) FROM main.events)"
        " FROM main.run",
        ""));
    whet_status st = whet_db_step(ctx, &store->db, stmt, &has_row);
    if (st == WHET_OK && !has_row)
        st = whet_fail(ctx, WHET_E_NOT_FOUND, "%s holds no run", store->db.path);
    whet_buf *const texts[] = { &info->version,  &info->problem, &info->options, &info->fingerprint,
                                &info->compiler, &info->started, &info->outcome, &info->machine };
    if (st == WHET_OK) info->seed = (uint64_t)sqlite3_column_int64(stmt, 0);
    if (st == WHET_OK) info->seconds = sqlite3_column_double(stmt, 9);
    for (int i = 0; i < 8 && st == WHET_OK; i++)
        st = take_text(ctx, stmt, i + 1, texts[i]);
    whet_db_finish(stmt);
    if (st != WHET_OK) whet_store_run_info_fini(ctx, info);
    return st;
}

/* ---- events ---- */

whet_status whet_store_get_event(whet_ctx *ctx, whet_store *store, int64_t id,
                                 whet_store_said *event) {
    sqlite3_stmt *stmt;
    *event = (whet_store_said){ 0 };
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt,
                           "SELECT what, detail, seconds FROM main.events WHERE id = ?", "i", id));
    const whet_status st = whet_db_step(ctx, &store->db, stmt, &event->is_there);
    if (st == WHET_OK && event->is_there) {
        whet_db_text(stmt, 0, event->what, sizeof event->what);
        whet_db_text(stmt, 1, event->detail, sizeof event->detail);
        event->seconds = sqlite3_column_double(stmt, 2);
    }
    whet_db_finish(stmt);
    return st;
}

whet_status whet_store_n_events(whet_ctx *ctx, whet_store *store, int64_t *n) {
    sqlite3_stmt *stmt;
    bool has_row;
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt, "SELECT ifnull(max(id), 0) FROM events", ""));
    const whet_status st = whet_db_step(ctx, &store->db, stmt, &has_row);
    *n = st == WHET_OK ? sqlite3_column_int64(stmt, 0) : 0;
    whet_db_finish(stmt);
    return st;
}

/* ---- verdicts, builds, duels ---- */

/* Columns gate, code, reason, evidence from `first` on. */
static whet_status take_judgement(whet_ctx *ctx, sqlite3_stmt *stmt, int first,
                                  whet_store_judgement *j) {
    j->gate = sqlite3_column_int(stmt, first);
    whet_db_text(stmt, first + 1, j->code, sizeof j->code);
    whet_db_text(stmt, first + 2, j->reason, sizeof j->reason);
    return take_text(ctx, stmt, first + 3, &j->evidence);
}

void whet_store_answer_fini(whet_ctx *ctx, whet_store_answer *answer) {
    whet_buf_fini(ctx, &answer->object);
    whet_buf_fini(ctx, &answer->compiler_text);
    whet_buf_fini(ctx, &answer->check.evidence);
}

whet_status whet_store_get_seed(whet_ctx *ctx, whet_store *store, whet_buf *source) {
    sqlite3_stmt *stmt;
    bool has_row;
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt,
                           "SELECT source FROM main.programs WHERE operator = 'seed'", ""));
    whet_status st = whet_db_step(ctx, &store->db, stmt, &has_row);
    if (st == WHET_OK && has_row) st = take_text(ctx, stmt, 0, source);
    whet_db_finish(stmt);
    return st;
}

whet_status whet_store_get_answer(whet_ctx *ctx, whet_store *store, const char *hash,
                                  whet_store_answer *answer) {
    sqlite3_stmt *stmt;
    *answer = (whet_store_answer){ 0 };
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt,
                           "SELECT b.object, o.bytes, b.compiler_text, b.wall_ns,"
                           " v.gate, v.code, v.reason, v.evidence FROM main.programs p"
                           " JOIN main.builds b ON b.program = p.id"
                           " JOIN main.verdicts v ON v.program = p.id AND v.duel IS NULL"
                           " LEFT JOIN main.objects o ON o.sha256 = b.object WHERE p.hash = ?",
                           "t", hash));
    whet_status st = whet_db_step(ctx, &store->db, stmt, &answer->is_there);
    if (st == WHET_OK && answer->is_there) {
        whet_db_text(stmt, 0, answer->object_sha256, sizeof answer->object_sha256);
        answer->wall_ns = sqlite3_column_double(stmt, 3);
        st = take_text(ctx, stmt, 1, &answer->object);
        if (st == WHET_OK) st = take_text(ctx, stmt, 2, &answer->compiler_text);
        if (st == WHET_OK) st = take_judgement(ctx, stmt, 4, &answer->check);
    }
    whet_db_finish(stmt);
    if (st != WHET_OK) whet_store_answer_fini(ctx, answer);
    return st;
}

void whet_store_duel_answer_fini(whet_ctx *ctx, whet_store_duel_answer *answer) {
    whet_free(ctx, answer->samples);
    whet_buf_fini(ctx, &answer->verdict.evidence);
    *answer = (whet_store_duel_answer){ 0 };
}

static whet_status get_samples(whet_ctx *ctx, whet_store *store, int64_t id,
                               whet_store_duel_answer *answer) {
    sqlite3_stmt *stmt;
    bool has_row = true;
    size_t n_room = 0;
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt,
                           "SELECT pair, block, is_rival, place, ns FROM main.samples"
                           " WHERE duel = ? ORDER BY pair, block, place",
                           "i", id));
    whet_status st = WHET_OK;
    while (st == WHET_OK && (st = whet_db_step(ctx, &store->db, stmt, &has_row)) == WHET_OK &&
           has_row) {
        if (answer->n_samples == n_room) {
            n_room = n_room ? 2 * n_room : 64;
            whet_store_sample *more =
                whet_realloc(ctx, answer->samples, n_room * sizeof *answer->samples);
            if (!more) st = WHET_E_NOMEM;
            if (!more) break;
            answer->samples = more;
        }
        answer->samples[answer->n_samples++] = (whet_store_sample){
            .pair = sqlite3_column_int(stmt, 0),
            .block = sqlite3_column_int(stmt, 1),
            .is_rival = sqlite3_column_int(stmt, 2),
            .order = sqlite3_column_int(stmt, 3),
            .ns = sqlite3_column_double(stmt, 4),
        };
    }
    whet_db_finish(stmt);
    return st;
}

whet_status whet_store_get_duel(whet_ctx *ctx, whet_store *store, uint64_t seed, const char *kind,
                                const char *shape, whet_store_duel_answer *answer) {
    sqlite3_stmt *stmt;
    *answer = (whet_store_duel_answer){ 0 };
    WHET_TRY(whet_db_query(
        ctx, &store->db, &stmt,
        "SELECT d.id, d.program, n_pairs, n_blocks, n_calls, ratio, low, high, ns, rival_ns,"
        " kv_bytes, v.gate, v.code, v.reason, v.evidence FROM main.duels d"
        " JOIN main.verdicts v ON v.duel = d.id WHERE d.seed = ? AND d.kind = ? AND d.shape = ?",
        "itt", (int64_t)seed, kind, shape));
    whet_status st = whet_db_step(ctx, &store->db, stmt, &answer->is_there);
    if (st == WHET_OK && answer->is_there) {
        answer->duel = (whet_store_duel){
            .program = sqlite3_column_int64(stmt, 1),
            .seed = seed,
            .n_pairs = sqlite3_column_int(stmt, 2),
            .n_blocks = sqlite3_column_int(stmt, 3),
            .n_calls = sqlite3_column_int(stmt, 4),
            .ratio = sqlite3_column_double(stmt, 5),
            .low = sqlite3_column_double(stmt, 6),
            .high = sqlite3_column_double(stmt, 7),
            .ns = sqlite3_column_double(stmt, 8),
            .rival_ns = sqlite3_column_double(stmt, 9),
            .kv_bytes = sqlite3_column_double(stmt, 10),
        };
        st = take_judgement(ctx, stmt, 11, &answer->verdict);
        if (st == WHET_OK) st = get_samples(ctx, store, sqlite3_column_int64(stmt, 0), answer);
    }
    whet_db_finish(stmt);
    if (st != WHET_OK) whet_store_duel_answer_fini(ctx, answer);
    return st;
}

whet_status whet_store_get_reply(whet_ctx *ctx, whet_store *store, int64_t id, whet_buf *text,
                                 whet_store_reply *reply) {
    sqlite3_stmt *stmt;
    *reply = (whet_store_reply){ 0 };
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt,
                           "SELECT reply, why, wall_ns, prompt_tokens, reply_tokens"
                           " FROM main.proposals WHERE id = ?",
                           "i", id));
    whet_status st = whet_db_step(ctx, &store->db, stmt, &reply->is_there);
    if (st == WHET_OK && reply->is_there) {
        st = take_text(ctx, stmt, 0, text);
        whet_db_text(stmt, 1, reply->why, sizeof reply->why);
        reply->wall_ns = sqlite3_column_double(stmt, 2);
        reply->prompt_tokens = sqlite3_column_int64(stmt, 3);
        reply->reply_tokens = sqlite3_column_int64(stmt, 4);
    }
    whet_db_finish(stmt);
    return st;
}

whet_status whet_store_get_prompt(whet_ctx *ctx, whet_store *store, int64_t id, int64_t step,
                                  whet_buf *text, bool *is_there) {
    sqlite3_stmt *stmt;
    *is_there = false;
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt,
                           "SELECT prompt FROM main.proposals WHERE id = ? AND step = ?", "ii", id,
                           step));
    whet_status st = whet_db_step(ctx, &store->db, stmt, is_there);
    if (st == WHET_OK && *is_there) st = take_text(ctx, stmt, 0, text);
    whet_db_finish(stmt);
    return st;
}

whet_status whet_store_get_injected(whet_ctx *ctx, whet_store *store, int64_t id,
                                    whet_store_injected *injected) {
    sqlite3_stmt *stmt;
    bool has_inbox;
    *injected = (whet_store_injected){ 0 };
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt,
                           "SELECT 1 FROM main.sqlite_schema WHERE name = 'inbox'", ""));
    const whet_status read = whet_db_step(ctx, &store->db, stmt, &has_inbox);
    whet_db_finish(stmt);
    if (read != WHET_OK || !has_inbox) return read; /* version 3 has none */
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt,
                           "SELECT name, source FROM main.inbox WHERE id = ?", "i", id));
    whet_status st = whet_db_step(ctx, &store->db, stmt, &injected->is_there);
    if (st == WHET_OK && injected->is_there) {
        whet_db_text(stmt, 0, injected->name, sizeof injected->name);
        st = take_text(ctx, stmt, 1, &injected->source);
    }
    whet_db_finish(stmt);
    if (st != WHET_OK) whet_buf_fini(ctx, &injected->source);
    return st;
}

whet_status whet_store_get_installed(whet_ctx *ctx, whet_store *store, whet_buf *folder) {
    sqlite3_stmt *stmt;
    bool has_row;
    WHET_TRY(whet_db_query(ctx, &store->db, &stmt, "SELECT installed_in FROM main.winners", ""));
    whet_status st = whet_db_step(ctx, &store->db, stmt, &has_row);
    if (st == WHET_OK && has_row) st = take_text(ctx, stmt, 0, folder);
    if (st == WHET_OK && !has_row)
        st = whet_fail(ctx, WHET_E_NOT_FOUND, "%s holds no winner", store->db.path);
    whet_db_finish(stmt);
    return st;
}
