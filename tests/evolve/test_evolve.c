/* SPDX-License-Identifier: MIT */
/* A whole evolution in small: what it writes, what it installs, how it ends when it is stopped. The
 * clock decides how many programs are tried, never what is checked here. */
#include <pthread.h>
#include <unistd.h>

#include "tests/test.h"

#include <whet/evolve.h>
#include <whet/machine.h>

#include "base/child.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "evolve/genome.h"
#include "evolve/winners.h"
#include "kernels/attention.h"
#include "kernels/programs.h"
#include "store/run.h"

static whet_ctx *ctx;
static char folder[64];

static const char *in_folder(const char *name) {
    return test_path(folder, name);
}

typedef struct watcher {
    int n_programs;
    int stop_after; /* cancel the search then; 0 = never */
    int n_ends;
} watcher;

static void watch(void *data, const whet_evolve_event *e) {
    watcher *w = data;
    if (strcmp(e->what, "program") == 0) w->n_programs++;
    if (strcmp(e->what, "end of search") == 0) w->n_ends++;
    if (w->stop_after && w->n_programs == w->stop_after) {
        w->stop_after = 0;
        whet_ctx_cancel(ctx);
    }
}

static whet_evolve_opts small_opts(watcher *w, const char *run_file) {
    return (whet_evolve_opts){
        .problem = { .dtype = WHET_BF16,
                     .n_heads = 4,
                     .n_kv_heads = 2,
                     .head_dim = 64,
                     .n_context = 64,
                     .n_rows = 4 },
        .minutes = 0.1,
        .sample_ns = 2e5,
        .seed = test_seed,
        .n_threads = 1,
        .run_file = run_file,
        .worker = WHET_PROGRAM,
        .on_event = watch,
        .event_data = w,
    };
}

static int64_t count(whet_store *store, const char *table) {
    int64_t n = -1;
    CHECK_STATUS(ctx, whet_store_count(ctx, store, table, &n), WHET_OK);
    return n;
}

static void test_run(void) {
    watcher w = { 0 };
    const char *run_file = in_folder("runs/a.sqlite");
    whet_evolve_opts opts = small_opts(&w, run_file);
    opts.winners = in_folder("winners");
    whet_evolve_result r;
    REQUIRE_OK(ctx, whet_evolve(ctx, &opts, &r));
    CHECK(r.n_tried >= 1);
    CHECK_INT(r.n_tried, w.n_programs);
    CHECK_INT(w.n_ends, 1);
    CHECK_INT(strlen(r.hash), 64);
    CHECK(r.is_installed == (*r.not_installed == '\0'));
    for (int i = 0; i < WHET_N_SHAPES; i++) {
        CHECK(r.shapes[i].ns > 0 && r.shapes[i].repeat.ratio > 0);
        CHECK(r.shapes[i].repeat.low <= r.shapes[i].repeat.ratio);
        CHECK(r.shapes[i].repeat.high >= r.shapes[i].repeat.ratio);
    }
    whet_store *store = NULL;
    REQUIRE_OK(ctx, whet_store_open(ctx, run_file, false, &store));
    CHECK_STATUS(ctx, whet_store_check(ctx, store), WHET_OK);
    CHECK_INT(count(store, "run"), 1);
    CHECK_INT(count(store, "programs"), r.n_tried);
    CHECK_INT(count(store, "builds"), r.n_tried);
    CHECK(count(store, "verdicts") >= r.n_tried);
    CHECK(count(store, "duels") > 0);
    CHECK(count(store, "samples") >= 2 * count(store, "duels"));
    CHECK(count(store, "events") > r.n_tried);
    CHECK_INT(count(store, "winners"), 1);
    whet_buf source = { 0 };
    CHECK_STATUS(ctx, whet_store_get_source(ctx, store, r.hash, &source), WHET_OK);
    CHECK_CONTAINS(source.text, "EVOLVE-BLOCK-START");
    whet_buf_fini(ctx, &source);
    whet_store_close(ctx, store);
    /* a file that holds a run is not written over */
    CHECK_STATUS(ctx, whet_evolve(ctx, &opts, &r), WHET_E_BUSY);
}

static void test_stopped(void) {
    watcher w = { .stop_after = 1 };
    const char *run_file = in_folder("stopped.sqlite");
    whet_evolve_opts opts = small_opts(&w, run_file);
    opts.minutes = 5;
    opts.is_rehearsal = true;
    opts.winners = in_folder("winners");
    whet_evolve_result r;
    CHECK_STATUS(ctx, whet_evolve(ctx, &opts, &r), WHET_E_CANCELLED);
    CHECK(r.has_run);
    CHECK_INT(w.n_programs, 1);
    CHECK_INT(w.n_ends, 0);
    /* the finals of what there is */
    whet_ctx_resume(ctx);
    w.stop_after = 0;
    opts.is_resumed = opts.is_ending = true;
    REQUIRE_OK(ctx, whet_evolve(ctx, &opts, &r));
    opts.is_resumed = opts.is_ending = false;
    CHECK_INT(w.n_ends, 1);
    CHECK_INT(strlen(r.hash), 64);
    CHECK(!r.is_installed);
    CHECK_CONTAINS(r.not_installed, "a rehearsal");
    whet_store *store = NULL;
    REQUIRE_OK(ctx, whet_store_open(ctx, run_file, false, &store));
    CHECK_INT(count(store, "programs"), 1);
    CHECK_INT(count(store, "winners"), 1);
    whet_store_close(ctx, store);
    /* stopped before it began: nothing is there to be judged */
    whet_ctx_cancel(ctx);
    opts.run_file = in_folder("not_begun.sqlite");
    CHECK_STATUS(ctx, whet_evolve(ctx, &opts, &r), WHET_E_CANCELLED);
    whet_ctx_resume(ctx);
}

static whet_status count_winner(void *data, const whet_winner_info *info,
                                const whet_receipt *receipt) {
    CHECK_STR(receipt->program_hash, info->program_hash);
    CHECK_INT(info->problem.n_heads, 4);
    ++*(int *)data;
    return WHET_OK;
}

static char logged[512]; /* the last line */

static void keep_line(void *data, whet_log_level level, const char *module, const char *text) {
    (void)data, (void)level;
    snprintf(logged, sizeof logged, "%s: %s", module, text);
}

/* The exported file compiles alone, and its example agrees with a plain reference. */
static void check_export(const char *winners, int64_t id) {
    char file[128], program[128];
    snprintf(file, sizeof file, "%s", in_folder("exported.c"));
    snprintf(program, sizeof program, "%s", in_folder("exported"));
    CHECK_STATUS(ctx, whet_winner_export(ctx, winners, id + 1, file), WHET_E_NOT_FOUND);
    CHECK(!whet_path_is_file(file));
    REQUIRE_OK(ctx, whet_winner_export(ctx, winners, id, file));
    static const char *const compilers[] = { "gcc", "clang" };
    int n_run = 0;
    for (int i = 0; i < 2; i++) {
        const char *const build[] = {
            compilers[i], "-O2", "-march=native", "-DWHET_EXAMPLE", "-o", program, file, "-lm", NULL
        };
        const char *const run[] = { program, NULL };
        whet_child_result result;
        whet_buf text = { 0 };
        if (whet_child_run(ctx, build, NULL, &text, &text, &result) != WHET_OK) continue;
        if (result.how == WHET_CHILD_EXITED && result.exit_code == 127) continue; /* not here */
        n_run++;
        if (result.how != WHET_CHILD_EXITED || result.exit_code != 0)
            TEST_FAIL("%s: %s", compilers[i], text.text ? text.text : "");
        CHECK_STATUS(ctx, whet_child_run(ctx, run, NULL, &text, &text, &result), WHET_OK);
        CHECK(result.how == WHET_CHILD_EXITED && result.exit_code == 0);
        CHECK_CONTAINS(text.text, "repeat: largest difference to the reference");
        whet_buf_fini(ctx, &text);
    }
    CHECK(n_run > 0);
}

/* What is exported is what was judged: built alike, it is the same object byte for byte. */
static void check_same_object(whet_judge_opts opts, const char *sha256) {
    whet_buf text = { 0 };
    whet_judge *judge = NULL;
    whet_object object = { 0 };
    whet_verdict verdict;
    opts.skips_source_gate = true; /* the example has an #include under its #ifdef */
    REQUIRE_OK(ctx, whet_file_read(ctx, in_folder("exported.c"), 1 << 20, &text));
    REQUIRE_OK(ctx, whet_judge_open(ctx, &opts, &judge));
    REQUIRE_OK(ctx, whet_judge_build(ctx, judge, text.text, text.len, &object, &verdict));
    CHECK_INT(verdict.code, WHET_V_PASS);
    CHECK_STR(object.sha256, sha256);
    whet_object_fini(ctx, &object);
    whet_judge_close(ctx, judge);
    whet_buf_fini(ctx, &text);
}

/* The source comes back byte for byte; a changed byte is found, wherever it is. */
static void check_read_back(const char *source) {
    static whet_receipt receipt;
    whet_buf text = { 0 }, back = { 0 };
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    REQUIRE_OK(ctx, whet_export_read(ctx, in_folder("exported.c"), &receipt, &back));
    CHECK_STR(back.text, source);
    CHECK_NEAR(receipt.measured[0].ratio.high, 3, 0);
    REQUIRE_OK(ctx, whet_file_read(ctx, in_folder("exported.c"), 1 << 20, &text));
    for (int i = 0; i < 200; i++) {
        const size_t at = i < 100 ? (size_t)i : whet_rng_below(&rng, text.len);
        text.text[at] ^= (char)(1 << whet_rng_below(&rng, 7));
        REQUIRE_OK(ctx, whet_file_write(ctx, in_folder("changed.c"), text.text, text.len));
        const char c = text.text[at];
        CHECK_STATUS(ctx, whet_export_read(ctx, in_folder("changed.c"), &receipt, &back),
                     WHET_E_FORMAT);
        CHECK_CONTAINS(whet_ctx_message(ctx), "was changed");
        REQUIRE_OK(ctx, whet_file_read(ctx, in_folder("exported.c"), 1 << 20, &text));
        CHECK(text.text[at] != c);
    }
    CHECK_STATUS(ctx, whet_export_read(ctx, in_folder("none.c"), &receipt, &back),
                 WHET_E_NOT_FOUND);
    whet_buf_fini(ctx, &text);
    whet_buf_fini(ctx, &back);
}

/* One byte of the object changes, then it is gone. */
static void check_changed_object(const char *path, const whet_problem *problem,
                                 const whet_object *object) {
    whet_winner *winner = NULL;
    char so[256];
    snprintf(so, sizeof so, "%s/%s.so", path, object->sha256);
    ((char *)object->bytes)[object->n_bytes / 2] ^= 1;
    REQUIRE_OK(ctx, whet_file_write(ctx, so, object->bytes, object->n_bytes));
    CHECK_STATUS(ctx, whet_winner_find(ctx, path, problem, "here", &winner), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "not the object that was judged");
    unlink(so);
    CHECK_STATUS(ctx, whet_winner_find(ctx, path, problem, "here", &winner), WHET_E_IO);
}

/* A winner is found for its problem and machine alone, and only with the bytes that were judged. */
static void test_winner(void) {
    const char *w = in_folder("w");
    char path[128];
    snprintf(path, sizeof path, "%s", w);
    const whet_judge_opts judge_opts = {
        .problem = { .dtype = WHET_BF16, .n_heads = 4, .n_kv_heads = 2, .head_dim = 64 },
        .n_threads = 1,
        .worker = WHET_PROGRAM,
    };
    whet_judge *judge = NULL;
    whet_object object;
    whet_verdict verdict;
    REQUIRE_OK(ctx, whet_judge_open(ctx, &judge_opts, &judge));
    const char *source = whet_program_text("repeat");
    REQUIRE_OK(ctx, whet_judge_build(ctx, judge, source, strlen(source), &object, &verdict));
    REQUIRE(verdict.code == WHET_V_PASS);
    whet_receipt receipt = {
        .problem = judge_opts.problem,
        .abi = WHET_KERNEL_ABI,
        .fingerprint = "here",
        .n_measured = 1,
        .measured = { { .shape = "decode@64", .rival = "repeat", .ratio = { 2, 1, 3 } } },
    };
    memcpy(receipt.object_sha256, object.sha256, sizeof receipt.object_sha256);
    whet_sha256_hex(source, strlen(source), receipt.source_sha256);
    REQUIRE_OK(ctx, whet_genome_hash(ctx, source, strlen(source), receipt.program_hash));
    REQUIRE_OK(ctx, whet_winner_put(ctx, path, &receipt, source, &object));
    whet_problem problem = judge_opts.problem;
    problem.n_rows = 8;
    problem.n_context = 100;
    whet_winner *winner = NULL, *second = NULL;
    REQUIRE_OK(ctx, whet_winner_find(ctx, path, &problem, "here", &winner));
    CHECK_STR(whet_winner_kernel(winner)->name, "repeat");
    CHECK_STR(whet_winner_about(winner)->object_sha256, object.sha256);
    REQUIRE_OK(ctx, whet_winner_find(ctx, path, &problem, "here", &second));
    CHECK(whet_winner_kernel(winner) != whet_winner_kernel(second));
    whet_winner_close(ctx, winner);
    CHECK(whet_winner_kernel(second)->supports(&problem));
    whet_winner_close(ctx, second);
    *logged = '\0';
    CHECK_STATUS(ctx, whet_winner_find(ctx, path, &problem, "there", &winner), WHET_E_NOT_FOUND);
    CHECK_CONTAINS(logged, "is not used: it was made on machine here, this is there");
    CHECK_CONTAINS(whet_ctx_message(ctx), "no winner for 4:2");
    CHECK(winner == NULL);
    problem.n_kv_heads = 4;
    CHECK_STATUS(ctx, whet_winner_find(ctx, path, &problem, "here", &winner), WHET_E_NOT_FOUND);
    problem.n_kv_heads = 2;
    CHECK_STATUS(ctx, whet_winner_find(ctx, in_folder("none"), &problem, "here", &winner),
                 WHET_E_NOT_FOUND);
    int n = 0;
    CHECK_STATUS(ctx, whet_winner_list(ctx, path, count_winner, &n), WHET_OK);
    CHECK_INT(n, 1);
    check_export(path, 1);
    check_same_object(judge_opts, object.sha256);
    check_read_back(source);
    check_changed_object(path, &problem, &object);
    whet_object_fini(ctx, &object);
    whet_judge_close(ctx, judge);
}

int main(int argc, char **argv) {
    snprintf(folder, sizeof folder, "/tmp/whet-test-evolve-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    ctx = whet_ctx_open(&(whet_ctx_opts){ .log = keep_line, .log_level = WHET_LOG_INFO });
    static const test_case tests[] = {
        { "winner", test_winner },
        { "run", test_run },
        { "stopped", test_stopped },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? rc : 1;
}
