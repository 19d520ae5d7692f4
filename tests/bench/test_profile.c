/* SPDX-License-Identifier: MIT */
/* Profiles: measured, kept, refused when they are not of this machine, used by a session. */
#include "tests/test.h"

#include <stdlib.h>
#include <unistd.h>

#include <whet/profile.h>

#include "base/file.h"
#include "kernels/attention.h"
#include "kernels/linear.h"

static whet_ctx *ctx;

/* Shapes and seconds that cost next to nothing. */
static const whet_profile_opts small = { { WHET_BF16, 4, 2, 64, 33, 96 }, 1e-3 };

static char folder[] = "/tmp/whet-profile-XXXXXX";

static void path_of(const char *fingerprint, char path[80]) {
    snprintf(path, 80, "%s/profile-%s.json", folder, fingerprint);
}

static void measure(whet_profile *p) {
    whet_team *team;
    REQUIRE_OK(ctx, whet_team_open(ctx, 2, &team));
    const whet_status st = whet_profile_measure(ctx, team, &small, p);
    whet_team_close(team);
    REQUIRE_OK(ctx, st);
}

static const whet_profile_figure *figure_of(const whet_profile *p, whet_bench_op op,
                                            const char *kernel) {
    for (int i = 0; i < p->n_figures; i++)
        if (p->figures[i].op == op && strcmp(p->figures[i].kernel, kernel) == 0)
            return &p->figures[i];
    return NULL;
}

static void the_choice_was_timed(void) {
    whet_profile p;
    measure(&p);
    CHECK_INT(p.n_threads, 2);
    CHECK_INT(strlen(p.date), 20);
    const whet_profile_figure *chosen = figure_of(&p, WHET_BENCH_ATTENTION, p.attention);
    REQUIRE(chosen != NULL);
    CHECK(chosen->decode_ns > 0 && chosen->prefill_ns > 0);
    for (int i = 0; i < p.n_figures; i++) { /* nobody is clearly better at both */
        const whet_profile_figure *f = &p.figures[i];
        if (f->op == WHET_BENCH_ATTENTION && f->prefill_ns > 0)
            CHECK(f->decode_ns * 1.04 > chosen->decode_ns ||
                  f->prefill_ns * 1.04 > chosen->prefill_ns);
    }
    const whet_profile_figure *linear = figure_of(&p, WHET_BENCH_LINEAR, p.linear);
    REQUIRE(linear != NULL);
    for (int i = 0; i < p.n_figures; i++)
        if (p.figures[i].op == WHET_BENCH_LINEAR && p.figures[i].prefill_ns > 0)
            CHECK(p.figures[i].decode_ns * 1.04 > linear->decode_ns ||
                  p.figures[i].prefill_ns * 1.04 > linear->prefill_ns);
}

static void what_was_written_is_read(void) {
    whet_profile p, q;
    measure(&p);
    CHECK_STATUS(ctx, whet_profile_read(ctx, folder, p.fingerprint, &q), WHET_E_NOT_FOUND);
    REQUIRE_OK(ctx, whet_profile_write(ctx, folder, &p));
    REQUIRE_OK(ctx, whet_profile_read(ctx, folder, p.fingerprint, &q));
    CHECK_STR(q.attention, p.attention);
    CHECK_STR(q.linear, p.linear);
    CHECK_STR(q.date, p.date);
    CHECK_STR(q.fingerprint, p.fingerprint);
    CHECK_INT(q.n_threads, 2);
    CHECK_STATUS(ctx, whet_profile_read(ctx, folder, "0123456789abcdef", &q), WHET_E_NOT_FOUND);
    char path[80];
    path_of(p.fingerprint, path);
    unlink(path);
}

#define TEXT(version, finger, threads, attention, linear)                                          \
    "{\"version\":" version ",\"fingerprint\":\"" finger "\",\"date\":\"2026-01-01T00:00:00Z\","   \
    "\"threads\":" threads ",\"attention\":" attention ",\"linear\":" linear "}"
#define HERE "0123456789abcdef"

static whet_status read_text(const char *text, whet_profile *p) {
    char path[80];
    path_of(HERE, path);
    CHECK_STATUS(ctx, whet_file_write(ctx, path, text, strlen(text)), WHET_OK);
    const whet_status st = whet_profile_read(ctx, folder, HERE, p);
    unlink(path);
    return st;
}

static void strangers_files_are_refused(void) {
    static const char good[] = TEXT("1", HERE, "2", "\"repeat-portable\"", "\"portable\"");
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        "nonsense",
        TEXT("2", HERE, "2", "\"repeat-portable\"", "\"portable\""),
        TEXT("\"1\"", HERE, "2", "\"repeat-portable\"", "\"portable\""),
        TEXT("1", "0123456789abcdee", "2", "\"repeat-portable\"", "\"portable\""),
        TEXT("1", HERE "0", "2", "\"repeat-portable\"", "\"portable\""),
        TEXT("1", HERE, "0", "\"repeat-portable\"", "\"portable\""),
        TEXT("1", HERE, "1e9", "\"repeat-portable\"", "\"portable\""),
        TEXT("1", HERE, "2", "\"repeat\"", "\"portable\""), /* a family is no kernel */
        TEXT("1", HERE, "2", "\"\"", "\"portable\""),
        TEXT("1", HERE, "2", "7", "\"portable\""),
        TEXT("1", HERE, "2", "\"repeat-portable\\u0000\"", "\"portable\""),
        TEXT("1", HERE, "2", "\"repeat-portable\"", "\"no-such-kernel\""),
        TEXT("1", HERE, "2", "\"repeat-portable\"",
             "\"portable-with-a-name-that-is-longer-than-any-name-may-be\""),
    };
    whet_profile p;
    REQUIRE_OK(ctx, read_text(good, &p));
    CHECK_STR(p.attention, "repeat-portable");
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        CHECK_STATUS(ctx, read_text(bad[i], &p), WHET_E_FORMAT);
        CHECK_CONTAINS(whet_ctx_message(ctx), "profile-" HERE ".json");
    }
}

static void check_session(const whet_session_opts *opts, const char *kernel) {
    whet_model *model;
    whet_team *team;
    whet_session *session = NULL;
    REQUIRE_OK(ctx, whet_model_open(ctx, MODELS_DIR "/angler", &model));
    REQUIRE_OK(ctx, whet_team_open(ctx, 1, &team));
    CHECK_STATUS(ctx, whet_session_open(ctx, model, team, opts, &session), WHET_OK);
    if (session) CHECK_STR(whet_session_kernel(session)->name, kernel);
    whet_session_close(session);
    whet_team_close(team);
    whet_model_close(model);
}

static void a_session_takes_what_was_measured(void) {
    whet_profile p;
    REQUIRE_OK(ctx, whet_profile_static(ctx, &p));
    CHECK_STR(p.date, "");
    whet_session_opts opts = { .capacity_tokens = 16 };
    check_session(&opts, p.attention);
    opts.measured_attention = "repeat-portable";
    opts.measured_linear = "portable";
    check_session(&opts, "repeat-portable");
    opts.kernel = "fused-portable"; /* who names one gets it */
    check_session(&opts, "fused-portable");
    opts.kernel = NULL;
    opts.measured_attention = "no-such-kernel";
    check_session(&opts, p.attention);
}

static const test_case tests[] = {
    { "the_choice_was_timed", the_choice_was_timed },
    { "what_was_written_is_read", what_was_written_is_read },
    { "strangers_files_are_refused", strangers_files_are_refused },
    { "a_session_takes_what_was_measured", a_session_takes_what_was_measured },
};

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    if (!mkdtemp(folder)) return 1;
    const int status = test_main(argc, argv, tests, TEST_COUNT(tests));
    rmdir(folder);
    whet_ctx_close(ctx);
    return status;
}
