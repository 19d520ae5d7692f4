/* SPDX-License-Identifier: MIT */
/* Workers that lie, hang, flood, or are none: the judge ends with a verdict or a status all the
 * same, in bounded time, and nothing is left behind. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

#include "judge/judge_int.h"
#include "judge/side.h"

static whet_ctx *ctx;
static char folder[] = "/tmp/whet-hostile-XXXXXX";
static const whet_problem problem = { WHET_BF16, 2, 1, 32, 4, 32 };
static const whet_object object = { .built_in = "repeat" };

static int n_descriptors(void) {
    int n = 0;
    DIR *names = opendir("/proc/self/fd");
    while (names && readdir(names))
        n++;
    closedir(names);
    return n;
}

/* The worker under the name of what it does. */
static void name_worker(const char *mode, char *path, size_t n) {
    snprintf(path, n, "%s/%s", folder, mode);
    if (symlink(HOSTILE_WORKER, path) != 0 && errno != EEXIST) TEST_FAIL("no link %s", path);
}

/* What must come of it: a status that is not OK, or else the verdict of a check. */
static const struct {
    const char *mode;
    whet_status status;
    whet_verdict_code verdict;
} modes[] = {
    { "gone", WHET_E_IO, 0 },
    { "greets-short", WHET_E_IO, 0 },
    { "greets-long", WHET_E_IO, 0 },
    { "greets-garbage", WHET_E_IO, 0 },
    { "greets-nothing", WHET_E_IO, 0 },
    { "greets-fault", WHET_E_IO, 0 },
    { "hangs", WHET_OK, WHET_V_TIMED_OUT },
    { "exits", WHET_OK, WHET_V_CRASHED },
    { "dies", WHET_OK, WHET_V_CRASHED },
    { "closes", WHET_OK, WHET_V_CRASHED },
    { "forks", WHET_OK, WHET_V_CRASHED },
    { "floods", WHET_OK, WHET_V_FORBIDDEN },
    { "floods-blindly", WHET_OK, WHET_V_FORBIDDEN },
    { "short", WHET_OK, WHET_V_FORBIDDEN },
    { "long", WHET_OK, WHET_V_FORBIDDEN },
    { "nothing", WHET_OK, WHET_V_CRASHED },
    { "garbage", WHET_OK, WHET_V_FORBIDDEN },
    { "other-serial", WHET_OK, WHET_V_FORBIDDEN },
    { "no-such-answer", WHET_OK, WHET_V_FORBIDDEN },
    { "broken", WHET_E_INTERNAL, 0 },
    { "unsupported", WHET_OK, WHET_V_UNSUPPORTED },
    { "odd-fault", WHET_OK, WHET_V_CRASHED },
    { "large-cache", WHET_OK, WHET_V_OUT_OF_BOUNDS },
    { "no-cache", WHET_OK, WHET_V_OUT_OF_BOUNDS },
    { "large-workspace", WHET_OK, WHET_V_OUT_OF_BOUNDS },
    /* the sizes are right, and nothing is done: the first output is what lay there */
    { "idle", WHET_OK, WHET_V_NOT_A_NUMBER },
    { "attacks", WHET_OK, WHET_V_NOT_A_NUMBER },
    { "takes-away", WHET_OK, WHET_V_OUT_OF_BOUNDS },
    { "scribbles", WHET_OK, WHET_V_OUT_OF_BOUNDS },
};

static whet_status open_judge(const char *mode, whet_judge **judge) {
    static char path[PATH_MAX]; /* borrowed by the judge */
    name_worker(mode, path, sizeof path);
    const whet_judge_opts opts = {
        .problem = problem,
        .n_threads = 1,
        .seed = test_seed,
        .worker = path,
        .call_seconds = strcmp(mode, "hangs") ? 10 : 0.02,
        .cache_bytes = 1 << 16,
        .sample_ns = 1e5,
    };
    return whet_judge_open(ctx, &opts, judge);
}

static void test_check(void) {
    const int before = n_descriptors();
    for (size_t i = 0; i < TEST_COUNT(modes); i++) {
        whet_judge *judge = NULL;
        whet_verdict v = { 0 };
        REQUIRE_OK(ctx, open_judge(modes[i].mode, &judge));
        const whet_status st = whet_judge_check(ctx, judge, &object, &v);
        if (st != modes[i].status || (st == WHET_OK && v.code != modes[i].verdict))
            TEST_FAIL("%s: %s, %s (%s)", modes[i].mode, whet_status_name(st),
                      whet_verdict_name(v.code), st == WHET_OK ? v.reason : whet_ctx_message(ctx));
        CHECK(strlen(v.reason) < sizeof v.reason);
        whet_judge_close(ctx, judge);
    }
    CHECK_INT(n_descriptors(), before);
    CHECK(waitpid(-1, NULL, 0) < 0); /* no child is left */
}

/* A timed worker that lies: the candidate's fate is a verdict, and never a time. */
static void test_duel(void) {
    static const char *const liars[] = { "floods",      "short",           "exits",
                                         "large-cache", "large-workspace", "counts-wrong",
                                         "counts-right" };
    for (size_t i = 0; i < TEST_COUNT(liars); i++) {
        whet_judge *judge = NULL;
        whet_duel duel;
        const whet_duel_opts opts = { .n_pairs = 1, .n_blocks = 1, .seed = test_seed };
        REQUIRE_OK(ctx, open_judge(liars[i], &judge));
        const whet_status st = whet_judge_duel(ctx, judge, &object, &object, &opts, &duel);
        if (st == WHET_OK && duel.verdict.code == WHET_V_PASS) TEST_FAIL("%s: PASS", liars[i]);
        if (st == WHET_OK) whet_duel_fini(ctx, &duel);
        whet_judge_close(ctx, judge);
    }
}

/* Asked now and then: more often than anybody is lucky. */
static whet_status recall_until(whet_side *side, whet_verdict *v) {
    whet_call call = { 0 };
    const whet_calls calls = { .n_calls = 1, .n_caches = 1, .calls = &call };
    const whet_side_sample sample = { .calls = &calls, .n_calls = 1 };
    for (int i = 0; i < 64 && v->code == WHET_V_PASS; i++)
        WHET_TRY(whet_side_recall(ctx, side, &sample, v));
    return WHET_OK;
}

/* Whether a cache has been written to is the worker's to say; whatever it says ends the sample. */
static void test_recall(void) {
    static const struct {
        const char *mode;
        whet_verdict_code verdict;
    } liars[] = {
        { "recall-honest", WHET_V_PASS },
        { "recall-touched", WHET_V_TOUCHED_INPUT },
        { "recall-other-serial", WHET_V_FORBIDDEN },
        { "recall-no-such-answer", WHET_V_FORBIDDEN },
        { "recall-exits", WHET_V_CRASHED },
        { "recall-floods", WHET_V_FORBIDDEN },
        { "recall-short", WHET_V_FORBIDDEN },
    };
    whet_timed timed = { 0 };
    whet_team *team;
    REQUIRE_OK(ctx, whet_team_open(ctx, 1, &team));
    REQUIRE_OK(ctx, whet_timed_open(ctx, &problem, 1, test_seed, &timed));
    REQUIRE_OK(ctx, whet_timed_extend(ctx, team, 1, &timed));
    for (size_t i = 0; i < TEST_COUNT(liars); i++) {
        whet_judge *judge = NULL;
        whet_side side;
        whet_verdict v = { 0 };
        REQUIRE_OK(ctx, open_judge(liars[i].mode, &judge));
        const whet_side_opts opts = {
            .judge = judge, .timed = &timed, .object = &object, .n_workers = 1, .seed = test_seed
        };
        REQUIRE_OK(ctx, whet_side_open(ctx, &opts, &side, &v));
        REQUIRE_OK(ctx, whet_side_fill(ctx, &side, 1, &v));
        REQUIRE_OK(ctx, recall_until(&side, &v));
        if (v.code != liars[i].verdict)
            TEST_FAIL("%s: %s (%s)", liars[i].mode, whet_verdict_name(v.code), v.reason);
        whet_side_close(&side);
        whet_judge_close(ctx, judge);
    }
    whet_timed_close(&timed);
    whet_team_close(team);
}

static size_t n_others(const whet_shared *s, char byte) {
    size_t n = 0;
    for (size_t i = 0; i < s->n_bytes; i++)
        n += s->bytes[i] != byte;
    return n;
}

/* Nothing that an unlocked process can do makes the inputs other ones, nor the rows that a timed
 * worker shares with its rival's, nor takes memory away. */
static void test_seals(void) {
    if (!(whet_judge_jail() & WHET_JAIL_SEALS)) SKIP("no seals here");
    char path[PATH_MAX];
    name_worker("attacks", path, sizeof path);
    const whet_limits limits = { .wall_seconds = 20 };
    whet_link link;
    whet_link_end end;
    whet_reply reply;
    whet_shared rows = { 0 };
    REQUIRE_OK(ctx, whet_shared_open(ctx, true, &rows));
    REQUIRE_OK(ctx, whet_shared_grow(ctx, &rows, 1 << 16));
    CHECK(rows.is_sealed);
    memset(rows.bytes, 0x33, rows.n_bytes);
    REQUIRE_OK(ctx, whet_link_open_timed(ctx, path, &object, &problem, &rows, &link, &end, &reply));
    CHECK(link.jail & WHET_JAIL_SEALS);
    whet_request request = { .op = WHET_OP_RUN };
    for (int i = 0; i < WHET_N_SECTIONS; i++)
        request.sections[i].bytes = 1 << 16;
    REQUIRE_OK(ctx, whet_link_place(ctx, &link, &request));
    memset(link.inputs.bytes, 0x11, link.inputs.n_bytes);
    REQUIRE_OK(ctx, whet_link_ask(ctx, &link, &request, &limits, &end, &reply, NULL));
    CHECK_INT(end, WHET_LINK_ANSWERED);
    CHECK_INT(reply.kv_bytes, 0x1133); /* it had both in its hands */
    CHECK_INT(n_others(&link.inputs, 0x11), 0);
    CHECK_INT(n_others(&rows, 0x33), 0);
    request.sections[WHET_SECTION_K].bytes = 1 << 20; /* and the judge's own right is still there */
    REQUIRE_OK(ctx, whet_link_place(ctx, &link, &request));
    memset(link.inputs.bytes, 0x22, link.inputs.n_bytes);
    whet_link_close(&link);
    whet_shared_close(&rows);
}

static void remove_links(void) {
    DIR *names = opendir(folder);
    struct dirent *entry;
    while (names && (entry = readdir(names)))
        unlinkat(dirfd(names), entry->d_name, 0);
    closedir(names);
    rmdir(folder);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    if (!mkdtemp(folder)) return 1;
    static const test_case tests[] = {
        { "check", test_check },
        { "duel", test_duel },
        { "recall", test_recall },
        { "seals", test_seals },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    remove_links();
    whet_ctx_close(ctx);
    return rc;
}
