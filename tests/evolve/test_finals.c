/* SPDX-License-Identifier: MIT */
/* The finals end to end, gates 6 and 9 and installing among them, with programs that are built and
 * judged here and with timings that are made up: a store of answers has every duel that could be
 * asked for, and each says that the program is twice as fast. */
#include <unistd.h>

#include "tests/test.h"

#include <math.h>

#include <whet/winner.h>

#include "base/file.h"
#include "evolve/journal.h"
#include "evolve/search.h"
#include "kernels/programs.h"

static whet_ctx *ctx;
static char folder[64];

enum { N_SEEDS = 64, N_MEMBERS = 4, FILLED_ONCE = 3 };

static const whet_problem problem = { WHET_BF16, 4, 2, 64, 0, 64 };

/* What every duel of an answer found. */
typedef struct times {
    double ns, rival_ns; /* of a call */
    double kv_bytes;     /* that it reads */
    const char *none_of; /* a kind of duels in DECODE that has no answer; NULL = all have */
} times;

static const times twice = { 1e9, 2e9, 1e5, NULL }; /* no machine's limits forbid that */
static whet_judge *judge;
static whet_member members[N_MEMBERS];
static whet_evolve_result result;

/* ---- programs ---- */

/* `repeat` with a line at the beginning of its append. */
static void make_member(int i, const char *line, double speed, bool is_checked) {
    static const char begin[] = "static void append(const whet_append_args *a, int worker, "
                                "int n_workers) {\n";
    const char *program = whet_program_text("repeat"), *body = strstr(program, begin);
    whet_member *m = &members[i];
    REQUIRE(body);
    body += strlen(begin);
    *m = (whet_member){ .operator_name = i ? "diff" : "seed", .parent = i ? 0 : -1, .parent2 = -1 };
    REQUIRE_OK(ctx, whet_buf_printf(ctx, &m->text, "%.*s%s%s", (int)(body - program), program, line,
                                    body));
    REQUIRE_OK(ctx, whet_genome_parse(ctx, m->text.text, m->text.len, &m->genome));
    REQUIRE_OK(ctx, whet_genome_hash(ctx, m->text.text, m->text.len, m->hash));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &m->evidence, "{}"));
    REQUIRE_OK(ctx,
               whet_judge_build(ctx, judge, m->text.text, m->text.len, &m->object, &m->verdict));
    if (is_checked && m->verdict.code == WHET_V_PASS)
        REQUIRE_OK(ctx, whet_judge_check(ctx, judge, &m->object, &m->verdict));
    CHECK_INT(m->verdict.code, WHET_V_PASS);
    for (int shape = 0; shape < WHET_N_SHAPES; shape++)
        m->log_speeds[shape] = log(speed);
    m->log_speed = log(speed);
    m->has_speed = i > 0;
    m->n_looks = 2;
}

/* ---- answers ---- */

static void put_answer(whet_store *store, int64_t program, uint64_t seed, const char *kind,
                       const char *shape, const times *t) {
    const whet_store_duel duel = { .program = program,
                                   .kind = kind,
                                   .rival = "any",
                                   .shape = shape,
                                   .seed = seed,
                                   .n_pairs = 2,
                                   .n_blocks = 1,
                                   .n_calls = 1,
                                   .ns = t->ns,
                                   .rival_ns = t->rival_ns,
                                   .kv_bytes = t->kv_bytes };
    const whet_store_sample samples[] = { { 0, 0, 0, 0, t->ns },
                                          { 0, 0, 1, 1, t->rival_ns },
                                          { 1, 0, 0, 0, t->ns },
                                          { 1, 0, 1, 1, t->rival_ns } };
    int64_t id;
    REQUIRE_OK(ctx, whet_store_put_duel(ctx, store, &duel, samples, 4, &id));
    const whet_store_verdict verdict = { program, id, WHET_GATE_DUEL, "PASS", "", "{}" };
    REQUIRE_OK(ctx, whet_store_put_verdict(ctx, store, &verdict));
}

/* For whatever the finals ask, as their seeds are drawn. */
static void put_answers(whet_store *store, const whet_search *s, const times *t) {
    static const char *const kinds[] = { "duel", "final" };
    const whet_store_program any = { "any", "", "seed", "", "{}", 0, 0, 1 };
    whet_rng rng = s->rng;
    int64_t program;
    REQUIRE_OK(ctx, whet_store_begin(ctx, store));
    REQUIRE_OK(ctx, whet_store_put_program(ctx, store, &any, &program));
    for (int i = 0; i < N_SEEDS; i++) {
        const uint64_t seed = whet_rng_u64(&rng);
        for (int kind = 0; kind < 2; kind++)
            for (int shape = 0; shape < WHET_N_ALL_SHAPES; shape++)
                if (shape != WHET_SHAPE_DECODE || !t->none_of || strcmp(t->none_of, kinds[kind]))
                    put_answer(store, program, seed, kinds[kind], s->shape_names[shape], t);
    }
    REQUIRE_OK(ctx, whet_store_commit(ctx, store));
}

/* ---- the run ---- */

/* In a file of its own; the members of a mask are in the finals. */
static whet_search make_search(int run, unsigned timed) {
    static char winners[96];
    char path[96];
    snprintf(path, sizeof path, "%s/run-%d.db", folder, run);
    snprintf(winners, sizeof winners, "%s/winners-%d", folder, run);
    for (int i = 0; i < N_MEMBERS; i++)
        members[i].is_timed = timed >> i & 1;
    result = (whet_evolve_result){ 0 };
    whet_search s = { .members = members, .n_members = N_MEMBERS, .n_room = N_MEMBERS };
    s.result = &result;
    s.opts.problem = problem;
    s.opts.minutes = 1;
    s.opts.n_threads = 1;
    s.opts.winners = winners;
    s.repeat.name = "repeat";
    s.fused.name = "fused";
    s.grouped.name = "grouped";
    snprintf(s.engine, sizeof s.engine, "grouped-portable");
    s.is_other = true;
    whet_rng_init(&s.rng, 1);
    for (int i = 0; i < WHET_N_ALL_SHAPES; i++)
        whet_judge_shape_name(judge, (whet_shape)i, s.shape_names[i], sizeof s.shape_names[i]);
    CHECK_STATUS(ctx, whet_store_open(ctx, path, true, &s.store), WHET_OK);
    return s;
}

/* With answers that all say the same. */
static void open_answers(whet_search *s, int run, const times *t) {
    char path[96];
    snprintf(path, sizeof path, "%s/answers-%d.db", folder, run);
    REQUIRE_OK(ctx, whet_store_open(ctx, path, true, &s->answers));
    put_answers(s->answers, s, t);
    s->judge = judge;
}

/* From the step that has the members on. */
static whet_status run_finals(whet_search *s) {
    s->yardstick = s->fused.name ? &s->fused : &s->grouped; /* the caller's copy */
    WHET_TRY(whet_journal_begin(ctx, s));
    for (int i = 0; i < N_MEMBERS; i++)
        WHET_TRY(whet_record_member(ctx, s, &members[i]));
    WHET_TRY(whet_record_event(ctx, s, "program", ""));
    WHET_TRY(whet_journal_commit(ctx, s));
    return whet_search_finals(ctx, s);
}

static whet_status count_winner(void *data, const whet_winner_info *info,
                                const whet_receipt *receipt) {
    (void)receipt;
    ++*(int *)data;
    CHECK_STR(info->program_hash, members[2].hash);
    CHECK_STR(info->object_sha256, members[2].object.sha256);
    return WHET_OK;
}

static void count(whet_store *store, const char *table, int64_t *n) {
    CHECK_STATUS(ctx, whet_store_count(ctx, store, table, n), WHET_OK);
}

/* The faster one has code that no case reaches, which is right as far as gates 0 to 5 see: it is
 * refused before it is installed, and the next one, which would be installed, is. A replay does
 * without a judge and comes to the same. */
static void test_refused_by_gate_6(void) {
    whet_search s = make_search(0, 1 << 1 | 1 << 2);
    int n_winners = 0;
    int64_t n_events, n_replayed;
    open_answers(&s, 0, &twice);
    REQUIRE_OK(ctx, run_finals(&s));
    CHECK_STR(result.hash, members[2].hash);
    CHECK_STR(result.not_installed, "");
    CHECK(result.is_installed);
    CHECK_CONTAINS(result.suite.why, "was refused by gate 6: UNCOVERED");
    CHECK_CONTAINS(result.suite.why, "the only finalist; before it ");
    CHECK_NEAR(result.suite.speed, 2, 1e-9);
    CHECK_NEAR(result.shapes[WHET_SHAPE_DECODE].grouped.low, 2, 1e-9);
    REQUIRE_OK(ctx, whet_winner_list(ctx, s.opts.winners, count_winner, &n_winners));
    CHECK_INT(n_winners, 1);
    count(s.store, "events", &n_events);
    whet_store_close(ctx, s.answers);
    whet_search again = make_search(1, 1 << 1 | 1 << 2);
    again.answers = s.store;
    again.opts.winners = NULL;
    REQUIRE_OK(ctx, run_finals(&again));
    CHECK_STR(result.hash, members[2].hash);
    CHECK(result.is_installed);
    CHECK_CONTAINS(result.suite.why, "was refused by gate 6: UNCOVERED");
    count(again.store, "events", &n_replayed);
    CHECK_INT(n_replayed, n_events);
    whet_store_close(ctx, again.store);
    whet_store_close(ctx, s.store);
}

/* What was measured is too good: the best stays the best, and is not installed. */
static void check_quarantine(int run, const times *t, const char *why) {
    whet_search s = make_search(run, 1 << 2);
    int n_winners = 0;
    open_answers(&s, run, t);
    REQUIRE_OK(ctx, run_finals(&s));
    CHECK_STR(result.hash, members[2].hash);
    CHECK(!result.is_installed);
    CHECK_CONTAINS(result.not_installed, why);
    REQUIRE_OK(ctx, whet_winner_list(ctx, s.opts.winners, count_winner, &n_winners));
    CHECK_INT(n_winners, 0);
    whet_store_close(ctx, s.answers);
    whet_store_close(ctx, s.store);
}

static void test_quarantine_by_gate_9(void) {
    const times miracle = { 1e9, 4e9, 1e5, NULL }; /* over every baseline */
    const times too_fast = { 1, 2, 1e9, NULL };    /* a gigabyte in a nanosecond */
    check_quarantine(2, &miracle, "4.00 times the speed of");
    check_quarantine(3, &too_fast, "but reading its 1000.00 MB takes");
}

/* A kernel that crashes when a cache is filled again. In a duel with kept data nothing does that
 * but gate 9's look at the append of many rows, which the final in decode over the engine's own
 * kernel has. Nothing here is timed. */
static void test_final_looks_at_append(void) {
    const times no_final = { 1e9, 2e9, 1e5, "final" };
    whet_search s = make_search(4, 1 << FILLED_ONCE);
    open_answers(&s, 4, &no_final);
    s.repeat.name = s.fused.name = NULL;
    s.grouped.object.built_in = "grouped-portable";
    REQUIRE_OK(ctx, run_finals(&s));
    CHECK(!result.is_installed);
    CHECK_CONTAINS(result.not_installed, "was refused by gate 8: CRASHED");
    CHECK_INT(members[FILLED_ONCE].verdict.code, WHET_V_CRASHED);
    whet_store_close(ctx, s.answers);
    whet_store_close(ctx, s.store);
}

static whet_status open_all(void) {
    const whet_judge_opts opts = {
        .problem = problem, .n_threads = 1, .seed = 1, .worker = WHET_PROGRAM
    };
    ctx = whet_ctx_open(NULL);
    snprintf(folder, sizeof folder, "/tmp/whet-finals-%d", (int)getpid());
    WHET_TRY(whet_dir_make(ctx, folder));
    WHET_TRY(whet_judge_open(ctx, &opts, &judge));
    make_member(0, "", 1, true);
    make_member(1, "    if (a->pos * 7 % 100003 == 99991) ((char *)a->kv)[0] ^= 1;\n", 3, true);
    make_member(2, "    enum { MARK = 1 };\n", 2, true);
    make_member(FILLED_ONCE,
                "    for (int i = 0; a->pos == 0 && a->n > 1 && i < 64; i++)\n"
                "        if (((const char *)a->kv)[i]) __builtin_trap();\n",
                2, false); /* gate 5 fills caches again, too */
    return WHET_OK;
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "refused_by_gate_6", test_refused_by_gate_6 },
        { "quarantine_by_gate_9", test_quarantine_by_gate_9 },
        { "final_looks_at_append", test_final_looks_at_append },
    };
    int rc = 1;
    if (open_all() == WHET_OK)
        rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    else
        printf("Bail out! %s\n", whet_ctx_message(ctx));
    for (int i = 0; i < N_MEMBERS; i++)
        whet_member_fini(ctx, &members[i]);
    whet_judge_close(ctx, judge);
    whet_ctx_close(ctx);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? rc : 1;
}
