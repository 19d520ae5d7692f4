/* SPDX-License-Identifier: MIT */
/* The run file and the winners' folder: round trips, refusals, kill -9. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/test.h"

#include "base/file.h"
#include "base/rng.h"
#include "store/run.h"
#include "store/winners.h"

static whet_ctx *ctx;
static char folder[64];

static const char *in_folder(const char *name) {
    return test_path(folder, name);
}

static const whet_store_run a_run = {
    .seed = 7,
    .version = "0",
    .problem = "{}",
    .options = "{}",
    .machine = "{}",
    .fingerprint = "f",
    .compiler = "cc",
};

static const whet_store_event a_start = { .step = 1, .what = "start", .detail = "", .rng = "00" };

static whet_status put_program(whet_store *store, const char *source, int64_t step, int64_t *id) {
    char hash[WHET_SHA256_HEX];
    whet_sha256_hex(source, strlen(source), hash);
    const whet_store_program program = { .hash = hash,
                                         .source = source,
                                         .operator_name = "knob",
                                         .change = "TILE: 32 -> 64",
                                         .knobs = "{\"TILE\":64}",
                                         .step = step };
    return whet_store_put_program(ctx, store, &program, id);
}

static void write_whole_run(void) {
    whet_store *store = NULL;
    REQUIRE_OK(ctx, whet_store_open(ctx, in_folder("a.sqlite"), true, &store));
    REQUIRE_OK(ctx, whet_store_begin(ctx, store));
    REQUIRE_OK(ctx, whet_store_put_run(ctx, store, &a_run));
    int64_t id = 0, twin = 0;
    REQUIRE_OK(ctx, put_program(store, "int x;", 1, &id));
    REQUIRE_OK(ctx, put_program(store, "int x;", 2, &twin));
    CHECK(id > 0);
    CHECK_INT(twin, id);
    char sha[WHET_SHA256_HEX];
    whet_sha256_hex("object", 6, sha);
    const whet_store_build build = { .program = id,
                                     .object_sha256 = sha,
                                     .object = "object",
                                     .object_bytes = 6,
                                     .compiler_text = "",
                                     .wall_ns = 5 };
    REQUIRE_OK(ctx, whet_store_put_build(ctx, store, &build));
    REQUIRE_OK(ctx, whet_store_put_build(ctx, store, &build)); /* a twin's object, kept once */
    const whet_store_verdict verdict = {
        .program = id, .gate = 4, .code = "PASS", .reason = "", .evidence = "{}"
    };
    REQUIRE_OK(ctx, whet_store_put_verdict(ctx, store, &verdict));
    const whet_store_duel duel = { .program = id,
                                   .kind = "race",
                                   .rival = "fused",
                                   .shape = "decode@64",
                                   .ratio = 2,
                                   .low = 1,
                                   .high = 3 };
    const whet_store_sample samples[] = { { 0, 0, 0, 1, 10 }, { 0, 0, 1, 0, 20 } };
    int64_t duel_id = 0;
    REQUIRE_OK(ctx, whet_store_put_duel(ctx, store, &duel, samples, 2, &duel_id));
    CHECK_INT(duel_id, 1);
    REQUIRE_OK(ctx, whet_store_put_event(ctx, store, &a_start));
    REQUIRE_OK(
        ctx, whet_store_put_winner(
                 ctx, store,
                 &(whet_store_winner){ .program = id, .object_sha256 = sha, .installed_in = "" }));
    REQUIRE_OK(ctx, whet_store_end_run(ctx, store, "done"));
    REQUIRE_OK(ctx, whet_store_commit(ctx, store));
    whet_store_close(ctx, store);
}

static void test_round_trip(void) {
    whet_store *store = NULL;
    write_whole_run();
    REQUIRE_OK(ctx, whet_store_open(ctx, in_folder("a.sqlite"), false, &store));
    CHECK_STATUS(ctx, whet_store_check(ctx, store), WHET_OK);
    static const struct {
        const char *table;
        int n;
    } want[] = { { "run", 1 },     { "programs", 1 }, { "objects", 1 },
                 { "builds", 2 },  { "verdicts", 1 }, { "duels", 1 },
                 { "samples", 2 }, { "events", 1 },   { "winners", 1 } };
    for (size_t i = 0; i < TEST_COUNT(want); i++) {
        int64_t n = -1;
        CHECK_STATUS(ctx, whet_store_count(ctx, store, want[i].table, &n), WHET_OK);
        CHECK_INT(n, want[i].n);
    }
    whet_buf source = { 0 };
    char hash[WHET_SHA256_HEX];
    whet_sha256_hex("int x;", 6, hash);
    CHECK_STATUS(ctx, whet_store_get_source(ctx, store, hash, &source), WHET_OK);
    CHECK_STR(source.text, "int x;");
    CHECK_STATUS(ctx, whet_store_get_source(ctx, store, "no", &source), WHET_E_NOT_FOUND);
    whet_buf_fini(ctx, &source);
    CHECK_STATUS(ctx, whet_store_put_run(ctx, store, &a_run), WHET_E_BUSY);
    whet_store_close(ctx, store);
}

static whet_status put_row(const char *path, const whet_winner_row *row, const char *source,
                           const char *object) {
    const whet_winner_entry entry = {
        .row = *row,
        .source = source,
        .receipt = "{}",
        .object = object,
        .object_bytes = strlen(object),
    };
    return whet_winners_put(ctx, path, &entry, 1);
}

static void test_refusals(void) {
    whet_store *store = NULL;
    CHECK_STATUS(ctx, whet_store_open(ctx, in_folder("none.sqlite"), false, &store),
                 WHET_E_NOT_FOUND);
    CHECK_STATUS(ctx, whet_store_open(ctx, in_folder("no/folder.sqlite"), true, &store),
                 WHET_E_STORE);
    REQUIRE_OK(ctx,
               whet_file_write(ctx, in_folder("text"), "this is a text, not a database\n", 31));
    CHECK_STATUS(ctx, whet_store_open(ctx, in_folder("text"), true, &store), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "not an SQLite file");
    /* a winners file is not a run file */
    REQUIRE_OK(ctx, whet_winners_each(ctx, in_folder("w0"), NULL, NULL));
    whet_winner_row row = { .key = { .n_heads = 1 } };
    whet_sha256_hex("o", 1, row.object_sha256);
    REQUIRE_OK(ctx, put_row(in_folder("w1"), &row, "s", "o"));
    CHECK_STATUS(ctx, whet_store_open(ctx, in_folder("w1/winners.sqlite"), true, &store),
                 WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "not a run file");
    CHECK(store == NULL);
}

static size_t file_bytes(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? (size_t)status.st_size : SIZE_MAX;
}

/* What is refused may be anybody's. */
static void test_refused_files_are_not_changed(void) {
    whet_store *store = NULL;
    const char *empty = in_folder("empty"), *foreign = in_folder("foreign");
    REQUIRE_OK(ctx, whet_file_write(ctx, empty, "", 0));
    CHECK_STATUS(ctx, whet_store_open(ctx, empty, false, &store), WHET_E_FORMAT);
    CHECK_INT(file_bytes(empty), 0);
    sqlite3 *db;
    CHECK(sqlite3_open(foreign, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    whet_buf before = { 0 }, after = { 0 };
    REQUIRE_OK(ctx, whet_file_read(ctx, foreign, 1 << 20, &before));
    CHECK_STATUS(ctx, whet_store_open(ctx, foreign, true, &store), WHET_E_FORMAT);
    REQUIRE_OK(ctx, whet_file_read(ctx, foreign, 1 << 20, &after));
    CHECK(before.len == after.len && memcmp(before.text, after.text, after.len) == 0);
    whet_buf_fini(ctx, &before);
    whet_buf_fini(ctx, &after);
}

static void test_rollback(void) {
    whet_store *store = NULL;
    REQUIRE_OK(ctx, whet_store_open(ctx, in_folder("r.sqlite"), true, &store));
    REQUIRE_OK(ctx, whet_store_begin(ctx, store));
    int64_t id, n = -1;
    REQUIRE_OK(ctx, put_program(store, "a", 1, &id));
    whet_store_close(ctx, store); /* without commit */
    REQUIRE_OK(ctx, whet_store_open(ctx, in_folder("r.sqlite"), true, &store));
    REQUIRE_OK(ctx, whet_store_count(ctx, store, "programs", &n));
    CHECK_INT(n, 0);
    CHECK_STATUS(ctx, whet_store_count(ctx, store, "programs; DROP TABLE run", &n), WHET_E_ARG);
    whet_store_close(ctx, store);
}

/* Each step of the child is a program and its verdict; it says the step's number after the commit.
 */
static void write_steps(const char *path, int fd) {
    whet_ctx *c = whet_ctx_open(NULL);
    whet_store *store;
    if (whet_store_open(c, path, true, &store) != WHET_OK) _exit(1);
    for (int step = 1;; step++) {
        char source[32];
        snprintf(source, sizeof source, "program %d", step);
        int64_t id = 0;
        whet_status st = whet_store_begin(c, store);
        if (st == WHET_OK) st = put_program(store, source, step, &id);
        const whet_store_verdict v = {
            .program = id, .gate = 4, .code = "PASS", .reason = "", .evidence = "{}"
        };
        if (st == WHET_OK) st = whet_store_put_verdict(c, store, &v);
        if (st == WHET_OK) st = whet_store_commit(c, store);
        if (st != WHET_OK || write(fd, &step, sizeof step) != sizeof step) _exit(1);
    }
}

static void test_kill(void) {
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int round = 0; round < 8; round++) {
        char name[32];
        snprintf(name, sizeof name, "kill%d.sqlite", round);
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        int fds[2];
        REQUIRE(pipe(fds) == 0);
        const pid_t pid = fork();
        REQUIRE(pid >= 0);
        if (pid == 0) write_steps(path, fds[1]);
        close(fds[1]);
        int committed = 0;
        const int wanted = 1 + (int)whet_rng_below(&rng, 20);
        while (committed < wanted && read(fds[0], &committed, sizeof committed) > 0)
            continue;
        usleep((useconds_t)whet_rng_below(&rng, 3000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        while (read(fds[0], &committed, sizeof committed) > 0)
            continue;
        close(fds[0]);
        whet_store *store = NULL;
        REQUIRE_OK(ctx, whet_store_open(ctx, path, false, &store));
        CHECK_STATUS(ctx, whet_store_check(ctx, store), WHET_OK);
        int64_t n_programs = 0, n_verdicts = 0;
        CHECK_STATUS(ctx, whet_store_count(ctx, store, "programs", &n_programs), WHET_OK);
        CHECK_STATUS(ctx, whet_store_count(ctx, store, "verdicts", &n_verdicts), WHET_OK);
        CHECK(n_programs >= committed && n_programs <= committed + 1);
        CHECK_INT(n_verdicts, n_programs);
        whet_store_close(ctx, store);
    }
}

static whet_status count_row(void *data, const whet_winner_row *row, const char *source,
                             const char *receipt) {
    (void)row, (void)source, (void)receipt;
    ++*(int *)data;
    return WHET_OK;
}

static void test_winners(void) {
    const char *w = "w";
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, w);
    whet_winner_row row = {
        .key = { .dtype = 1,
                 .n_heads = 16,
                 .n_kv_heads = 8,
                 .head_dim = 128,
                 .abi = 1,
                 .fingerprint = "0123456789abcdef" },
        .program_hash = "p",
        .shape = "decode@2048",
        .ratio_repeat = 3,
        .low_repeat = 2.5,
        .high_repeat = 3.5,
    };
    whet_winner_row got;
    whet_buf source = { 0 }, object = { 0 };
    CHECK_STATUS(ctx, whet_winners_get(ctx, path, &row.key, &got, &source, &object),
                 WHET_E_NOT_FOUND);
    whet_sha256_hex("one", 3, row.object_sha256);
    REQUIRE_OK(ctx, put_row(path, &row, "source one", "one"));
    whet_sha256_hex("two", 3, row.object_sha256);
    CHECK_STATUS(ctx, put_row(path, &row, "source two", "TWO"), WHET_E_INTERNAL);
    REQUIRE_OK(ctx, put_row(path, &row, "source two", "two"));
    REQUIRE_OK(ctx, whet_winners_get(ctx, path, &row.key, &got, &source, &object));
    CHECK_STR(source.text, "source two");
    CHECK_STR(object.text, "two");
    CHECK_NEAR(got.low_repeat, 2.5, 0);
    CHECK_STR(got.shape, "decode@2048");
    CHECK_INT(strlen(got.date), 20);
    whet_winner_key other = row.key;
    other.n_kv_heads = 4;
    CHECK_STATUS(ctx, whet_winners_get(ctx, path, &other, &got, NULL, NULL), WHET_E_NOT_FOUND);
    int n = 0;
    CHECK_STATUS(ctx, whet_winners_each(ctx, path, count_row, &n), WHET_OK);
    CHECK_INT(n, 1);
    CHECK_STATUS(ctx, whet_winners_find(ctx, path, got.id, &got, &source, &object), WHET_OK);
    CHECK_STR(object.text, "{}");
    CHECK_STR(source.text, "source two");
    CHECK_STATUS(ctx, whet_winners_find(ctx, path, got.id + 1, &got, NULL, NULL), WHET_E_NOT_FOUND);
    /* an object that somebody changed is refused */
    char so[256];
    snprintf(so, sizeof so, "%s/%s.so", path, row.object_sha256);
    REQUIRE_OK(ctx, whet_file_write(ctx, so, "tvo", 3));
    CHECK_STATUS(ctx, whet_winners_get(ctx, path, &row.key, &got, NULL, &object), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "not the object that was judged");
    whet_buf_fini(ctx, &source);
    whet_buf_fini(ctx, &object);
}

static bool has_object(const char *path, const char *bytes) {
    char sha256[WHET_SHA256_HEX], so[256];
    whet_sha256_hex(bytes, strlen(bytes), sha256);
    snprintf(so, sizeof so, "%s/%s.so", path, sha256);
    return whet_path_is_file(so);
}

static whet_status put(const char *path, int n_heads, const char *object) {
    whet_winner_row row = { .key = { .dtype = 1, .n_heads = n_heads, .fingerprint = "f" } };
    whet_sha256_hex(object, strlen(object), row.object_sha256);
    return put_row(path, &row, "s", object);
}

static whet_status last_id(void *data, const whet_winner_row *row, const char *source,
                           const char *receipt) {
    (void)source, (void)receipt;
    if (*(int64_t *)data < row->id) *(int64_t *)data = row->id;
    return WHET_OK;
}

/* An object lies in the folder as long as a row names it, and no longer. */
static void test_objects(void) {
    char path[128];
    int64_t id = 0;
    snprintf(path, sizeof path, "%s/objects", folder);
    CHECK_STATUS(ctx, whet_winners_remove(ctx, path, 1), WHET_E_NOT_FOUND);
    REQUIRE_OK(ctx, put(path, 8, "one"));
    REQUIRE_OK(ctx, put(path, 16, "one"));
    REQUIRE_OK(ctx, put(path, 8, "two"));
    CHECK(has_object(path, "one") && has_object(path, "two"));
    REQUIRE_OK(ctx, put(path, 8, "two")); /* the same once more */
    CHECK(has_object(path, "two"));
    REQUIRE_OK(ctx, put(path, 16, "three"));
    CHECK(!has_object(path, "one") && has_object(path, "two") && has_object(path, "three"));
    REQUIRE_OK(ctx, whet_winners_each(ctx, path, last_id, &id));
    REQUIRE_OK(ctx, whet_winners_remove(ctx, path, id));
    CHECK(has_object(path, "two") && !has_object(path, "three"));
    CHECK_STATUS(ctx, whet_winners_remove(ctx, path, id), WHET_E_NOT_FOUND);
    CHECK_CONTAINS(whet_ctx_message(ctx), "has no winner");
    int n = 0;
    CHECK_STATUS(ctx, whet_winners_each(ctx, path, count_row, &n), WHET_OK);
    CHECK_INT(n, 1);
}

/* Either all entries stand, or none and no object: the second one's bytes are others. */
static void test_all_or_none(void) {
    char path[128];
    snprintf(path, sizeof path, "%s/all", folder);
    whet_winner_entry entries[2] = {
        { .row = { .key = { .n_heads = 8 } },
          .source = "s",
          .receipt = "",
          .object = "one",
          .object_bytes = 3 },
        { .row = { .key = { .n_heads = 16 } },
          .source = "s",
          .receipt = "",
          .object = "two",
          .object_bytes = 3 },
    };
    whet_sha256_hex("one", 3, entries[0].row.object_sha256);
    whet_sha256_hex("TWO", 3, entries[1].row.object_sha256);
    int n = 0;
    CHECK_STATUS(ctx, whet_winners_put(ctx, path, entries, 2), WHET_E_INTERNAL);
    CHECK_STATUS(ctx, whet_winners_each(ctx, path, count_row, &n), WHET_OK);
    CHECK_INT(n, 0);
    whet_sha256_hex("two", 3, entries[1].row.object_sha256);
    REQUIRE_OK(ctx, whet_winners_put(ctx, path, entries, 2));
    CHECK_STATUS(ctx, whet_winners_each(ctx, path, count_row, &n), WHET_OK);
    CHECK_INT(n, 2);
}

/* A winners file of version 1, as whet wrote it: its rows are kept, and have no receipt. */
static void test_version_1(void) {
    char path[128], file[192], command[1200];
    snprintf(path, sizeof path, "%s/old", folder);
    snprintf(file, sizeof file, "%s/winners.sqlite", path);
    REQUIRE_OK(ctx, whet_dir_make(ctx, path));
    snprintf(command, sizeof command,
             "python3 -c 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]);"
             " db.executescript(sys.argv[2]); db.close()' %s \""
             "CREATE TABLE winners(id INTEGER PRIMARY KEY, dtype INTEGER NOT NULL,"
             " n_heads INTEGER NOT NULL, n_kv_heads INTEGER NOT NULL, head_dim INTEGER NOT NULL,"
             " abi INTEGER NOT NULL, fingerprint TEXT NOT NULL, program TEXT NOT NULL,"
             " object TEXT NOT NULL, source TEXT NOT NULL, shape TEXT NOT NULL,"
             " ratio_repeat REAL NOT NULL, low_repeat REAL NOT NULL, high_repeat REAL NOT NULL,"
             " ratio_fused REAL NOT NULL, low_fused REAL NOT NULL, high_fused REAL NOT NULL,"
             " date TEXT NOT NULL, UNIQUE(dtype, n_heads, n_kv_heads, head_dim, abi, fingerprint))"
             " STRICT; INSERT INTO winners VALUES(7, 1, 16, 8, 128, 1, 'f', 'p', 'o', 'text',"
             " 'decode@2048', 3, 2.5, 3.5, 0, 0, 0, '2026-01-01T00:00:00Z');"
             " PRAGMA application_id = 2003334263; PRAGMA user_version = 1\"",
             file);
    REQUIRE(system(command) == 0);
    whet_winner_row row;
    whet_buf source = { 0 }, receipt = { 0 };
    for (int i = 0; i < 2; i++) { /* the first look brings it up to date */
        REQUIRE_OK(ctx, whet_winners_find(ctx, path, 7, &row, &source, &receipt));
        CHECK_STR(source.text, "text");
        CHECK_STR(receipt.text, "");
        CHECK_NEAR(row.low_repeat, 2.5, 0);
    }
    whet_buf_fini(ctx, &source);
    whet_buf_fini(ctx, &receipt);
    REQUIRE_OK(ctx, put(path, 8, "one"));
    int n = 0;
    CHECK_STATUS(ctx, whet_winners_each(ctx, path, count_row, &n), WHET_OK);
    CHECK_INT(n, 2);
}

int main(int argc, char **argv) {
    snprintf(folder, sizeof folder, "/tmp/whet-test-store-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    ctx = whet_ctx_open(NULL);
    static const test_case tests[] = {
        { "round_trip", test_round_trip },
        { "refusals", test_refusals },
        { "rollback", test_rollback },
        { "kill", test_kill },
        { "winners", test_winners },
        { "objects", test_objects },
        { "all_or_none", test_all_or_none },
        { "version_1", test_version_1 },
        { "refused_files_are_not_changed", test_refused_files_are_not_changed },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? rc : 1;
}
