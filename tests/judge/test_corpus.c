/* SPDX-License-Identifier: MIT */
/* The corpus: every cheat is stopped by the gate that its first comment names, or an earlier one,
 * its honest twin passes, and so does every honest kernel that looks odd. */
#include <dirent.h>
#include <stdlib.h>

#include "tests/test.h"

#include <whet/judge.h>

#include "base/buf.h"
#include "base/file.h"
#include "kernels/programs.h"
#include "tests/judge/plain_kernel.h"

static whet_ctx *ctx;
static whet_judge *judge, *late_judge; /* the late one has no gates 0 and 2 */
static whet_judge *full_judge;         /* goes on to gate 6 */

static whet_judge_opts small_opts(void) {
    return (whet_judge_opts){
        .problem = { WHET_BF16, 4, 2, 64, 8, 96 },
        .n_threads = 2,
        .seed = test_seed,
        .worker = WHET_PROGRAM,
        .case_seconds = 5, /* by the wall: far more than a small case takes on a busy machine */
    };
}

/* The text of a file before the plain kernel, which it changes. */
static whet_status compose(const char *first, const char *text, whet_buf *source) {
    WHET_TRY(whet_buf_puts(ctx, source, first));
    WHET_TRY(whet_buf_puts(ctx, source, "#include <whet/kernel.h>\n"));
    WHET_TRY(whet_buf_puts(ctx, source, text));
    return whet_buf_puts(ctx, source, plain_kernel);
}

static whet_status judge_text(whet_judge *by, const char *first, const char *text,
                              whet_verdict *v) {
    whet_buf source = { 0 };
    whet_status st = compose(first, text, &source);
    if (st == WHET_OK) st = whet_judge_source(ctx, by, source.text, source.len, NULL, v);
    whet_buf_fini(ctx, &source);
    return st;
}

static int gate_named(const char *text) {
    static const char mark[] = "Stopped by gate: ";
    const char *name = strstr(text, mark);
    for (int gate = 0; name && gate < WHET_GATE_RACE; gate++) {
        const char *its = whet_gate_name((whet_gate)gate);
        if (strncmp(name + strlen(mark), its, strlen(its)) == 0) return gate;
    }
    return -1;
}

static void check_cheat(const char *name, const char *text) {
    whet_verdict v;
    const int gate = gate_named(text);
    if (gate < 0) TEST_FAIL("%s names no gate", name);
    REQUIRE_OK(ctx, judge_text(gate > WHET_GATE_PROPERTY ? full_judge : judge, "", text, &v));
    printf("# %-22s %-14s gate %d: %s\n", name, whet_verdict_name(v.code), v.gate, v.reason);
    if (v.code == WHET_V_PASS) TEST_FAIL("%s survives", name);
    if ((int)v.gate > gate) TEST_FAIL("%s is stopped by gate %d, not %d", name, v.gate, gate);
    if ((gate > WHET_GATE_OBJECT && gate <= WHET_GATE_PROPERTY) ||
        strstr(text, "Without gates 0 and 2")) {
        REQUIRE_OK(ctx, judge_text(late_judge, "", text, &v));
        if (v.code == WHET_V_PASS || v.gate < WHET_GATE_SMOKE)
            TEST_FAIL("%s without gates 0 and 2: %s (%s)", name, whet_verdict_name(v.code),
                      v.reason);
    }
}

static void check_honest(const char *name, const char *text) {
    whet_verdict v;
    REQUIRE_OK(ctx, judge_text(judge, "", text, &v));
    printf("# %-22s %-14s worst %.3f %s\n", name, whet_verdict_name(v.code), v.worst, v.reason);
    if (v.code != WHET_V_PASS) TEST_FAIL("%s: %s (%s)", name, whet_verdict_name(v.code), v.reason);
}

/* Every file of a folder; returns how many. */
static int each(const char *folder, void (*check)(const char *name, const char *text)) {
    struct dirent **files = NULL;
    int n = 0;
    const int n_files = scandir(folder, &files, NULL, alphasort);
    for (int i = 0; i < n_files; i++) {
        char path[600];
        whet_buf text = { 0 };
        snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
        if (strstr(files[i]->d_name, ".c") &&
            whet_file_read(ctx, path, 1 << 20, &text) == WHET_OK) {
            check(files[i]->d_name, text.text);
            n++;
        }
        whet_buf_fini(ctx, &text);
        free(files[i]);
    }
    free(files);
    return n;
}

static void test_cheats(void) {
    CHECK(each(CORPUS_DIR "/cheats", check_cheat) >= 50);
}

static void test_honest(void) {
    CHECK(each(CORPUS_DIR "/honest", check_honest) >= 10);
}

/* The object that the twin before this one was built to. */
static char last_twin[65];

/* HONEST takes the cheat out. Gate 0 is not asked: it reads what is not compiled, too. Most twins
 * are the same bytes then: those are judged once. */
static void check_twin(const char *name, const char *text) {
    whet_buf source = { 0 };
    whet_object object = { 0 };
    whet_verdict v = { 0 };
    whet_status st = compose("#define HONEST\n", text, &source);
    if (st == WHET_OK) st = whet_judge_build(ctx, late_judge, source.text, source.len, &object, &v);
    if (st == WHET_OK && v.code == WHET_V_PASS && strcmp(object.sha256, last_twin) != 0) {
        st = whet_judge_check(ctx, judge, &object, &v);
        printf("# twin of %-22s %s %s\n", name, whet_verdict_name(v.code), v.reason);
        memcpy(last_twin, object.sha256, sizeof last_twin);
    }
    whet_object_fini(ctx, &object);
    whet_buf_fini(ctx, &source);
    REQUIRE_OK(ctx, st);
    if (v.code != WHET_V_PASS)
        TEST_FAIL("twin of %s: %s (%s)", name, whet_verdict_name(v.code), v.reason);
}

static void test_twins(void) {
    CHECK(each(CORPUS_DIR "/cheats", check_twin) >= 50);
}

/* Every number of the lists A01 to A58 and H01 to H14 has a file. */
static void test_complete(void) {
    static const struct {
        const char *folder;
        char letter;
        int n;
    } lists[] = { { CORPUS_DIR "/cheats", 'a', 58 }, { CORPUS_DIR "/honest", 'h', 14 } };
    for (int i = 0; i < 2; i++) {
        bool is_there[100] = { false };
        struct dirent **files = NULL;
        const int n_files = scandir(lists[i].folder, &files, NULL, alphasort);
        for (int j = 0; j < n_files; j++) {
            const char *name = files[j]->d_name;
            const int number = name[0] == lists[i].letter ? atoi(name + 1) : 0;
            if (number > 0 && number < 100) is_there[number] = true;
            free(files[j]);
        }
        free(files);
        for (int number = 1; number <= lists[i].n; number++)
            if (!is_there[number]) TEST_FAIL("no file of %c%02d", lists[i].letter, number);
    }
}

static void test_programs(void) {
    whet_verdict v;
    const char *text = whet_program_text("repeat");
    REQUIRE_OK(ctx, whet_judge_source(ctx, judge, text, strlen(text), NULL, &v));
    CHECK_STR(v.reason, "");
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    whet_judge_opts opts = small_opts();
    whet_status st = whet_judge_open(ctx, &opts, &judge);
    opts.is_full = true;
    if (st == WHET_OK) st = whet_judge_open(ctx, &opts, &full_judge);
    opts.is_full = false;
    opts.skips_source_gate = opts.skips_object_gate = true;
    if (st == WHET_OK) st = whet_judge_open(ctx, &opts, &late_judge);
    if (st != WHET_OK) {
        printf("Bail out! %s\n", whet_ctx_message(ctx));
        return 1;
    }
    static const test_case tests[] = {
        { "cheats", test_cheats },     { "honest", test_honest },     { "twins", test_twins },
        { "complete", test_complete }, { "programs", test_programs },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_judge_close(ctx, judge);
    whet_judge_close(ctx, late_judge);
    whet_judge_close(ctx, full_judge);
    whet_ctx_close(ctx);
    return rc;
}
