/* SPDX-License-Identifier: MIT */
/* Sixteen defects of the best-known system of this kind, one test each (docs/evolution.md has the
 * list); tools/check-defects puts every one of them back and sees its test go red. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

#include <math.h>

#include <whet/evolve.h>

#include "base/child.h"
#include "base/file.h"
#include "evolve/ask.h"
#include "evolve/config.h"
#include "evolve/draft.h"
#include "evolve/journal.h"
#include "judge/corpus.h"
#include "kernels/programs.h"
#include "store/run.h"

static whet_ctx *ctx;
static char folder[64];

static const char *in_folder(const char *name) {
    return test_path(folder, name);
}

/* ---- members that are made up ---- */

enum { N_MEMBERS = 300 };

static whet_member members[N_MEMBERS];
static whet_evolve_result result;
static const whet_problem problem = {
    .dtype = WHET_BF16, .n_heads = 4, .n_kv_heads = 2, .head_dim = 64, .n_context = 64, .n_rows = 4
};

static const whet_baseline fused = { .name = "fused" };

/* The seed is there, as many others as wanted are its copies in all but speed and words. */
static whet_search make_search(int n_members) {
    memset(members, 0, sizeof members);
    result = (whet_evolve_result){ 0 };
    whet_search s = { .members = members, .n_room = N_MEMBERS, .result = &result };
    s.yardstick = &fused;
    s.opts.problem = problem;
    s.opts.seed = 1;
    whet_rng_init(&s.rng, test_seed);
    const char *text = whet_program_text("repeat");
    for (int i = 0; i < n_members; i++) {
        whet_member *m = &members[s.n_members++];
        *m = (whet_member){ .operator_name = i ? "knob" : "seed", .parent = i ? 0 : -1 };
        CHECK_STATUS(ctx, whet_genome_parse(ctx, text, strlen(text), &m->genome), WHET_OK);
        snprintf(m->change, sizeof m->change, "change %d", i);
        snprintf(m->hash, sizeof m->hash, "%064d", i);
        m->log_speed = m->log_speeds[WHET_SHAPE_DECODE] = log(0.001 * (i + 1));
        for (int j = 0; j < WHET_N_SHAPES; j++)
            m->races[j] = (whet_ratio){ exp(m->log_speeds[j]), 0, 0 };
        m->has_speed = m->is_timed = true;
        m->parent2 = -1;
    }
    for (int i = 0; i < WHET_N_SHAPES; i++)
        snprintf(s.shape_names[i], sizeof s.shape_names[i], "shape%d", i);
    return s;
}

static void reject(int member, whet_verdict_code code, const char *reason) {
    members[member].is_timed = members[member].has_speed = false;
    members[member].verdict.code = code;
    snprintf(members[member].verdict.reason, sizeof members[member].verdict.reason, "%s", reason);
}

static void write_prompt(const whet_search *s, int parent, whet_buf *prompt) {
    const whet_question q = { WHET_ASK_DIFF, parent, -1, 0 };
    REQUIRE_OK(ctx, whet_prompt_write(ctx, s, &q, prompt));
}

/* ---- D1, D2: edits ---- */

static whet_reply_outcome read_reply(const char *text, size_t n) {
    const whet_search s = make_search(1);
    whet_reply r;
    if (whet_reply_read(ctx, &s.members[0].genome, text, n, &r) != WHET_OK)
        return WHET_N_REPLY_OUTCOMES;
    const whet_reply_outcome outcome = r.outcome;
    whet_reply_fini(ctx, &r);
    return outcome;
}

#define HUNK(search, replace) "<<<<<<< SEARCH\n" search "\n=======\n" replace "\n>>>>>>> REPLACE\n"

static void d1_edits_outside_the_block_are_refused(void) {
    static const char hunk[] = HUNK("#include <whet/kernel.h>", "#include <stdio.h>");
    CHECK_INT(read_reply(hunk, strlen(hunk)), WHET_REPLY_OUTSIDE);
    whet_buf whole = { 0 };
    REQUIRE_OK(ctx, whet_buf_printf(ctx, &whole, "```c\n#include <stdio.h>\n%s```\n",
                                    whet_program_text("repeat")));
    CHECK_INT(read_reply(whole.text, whole.len), WHET_REPLY_OUTSIDE);
    whet_buf_fini(ctx, &whole);
}

static void d2_a_hunk_that_matches_nothing_is_refused(void) {
    static const char text[] = HUNK("there is no such line;", "int x;");
    CHECK_INT(read_reply(text, strlen(text)), WHET_REPLY_NO_MATCH);
    const char *knob = "// SEGMENT-START"; /* also when another hunk of the reply matches */
    whet_buf two = { 0 };
    const char *line = strstr(whet_program_text("repeat"), knob);
    REQUIRE(line);
    const int n = (int)strcspn(line, "\n");
    REQUIRE_OK(ctx, whet_buf_printf(ctx, &two, HUNK("%.*s", "int x;\n%.*s"), n, line, n, line));
    CHECK_INT(read_reply(two.text, two.len), WHET_REPLY_PROGRAM);
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &two, text));
    CHECK_INT(read_reply(two.text, two.len), WHET_REPLY_NO_MATCH);
    whet_buf_fini(ctx, &two);
}

/* ---- D3: every setting arrives ---- */

/* A value of the key that is not its default. */
static void write_value(const whet_key *k, char *value, size_t n) {
    const double low = k->least < 1 ? 0.5 : k->least + 1;
    switch (k->kind) {
    case WHET_KEY_INT:
    case WHET_KEY_U64: snprintf(value, n, "%.0f", k->least + 3); break;
    case WHET_KEY_DOUBLE: snprintf(value, n, "%g", low); break;
    case WHET_KEY_BOOL: snprintf(value, n, "true"); break;
    case WHET_KEY_NOT: snprintf(value, n, "false"); break;
    case WHET_KEY_VARIABLE: snprintf(value, n, "${SOME_KEY}"); break;
    default: snprintf(value, n, "some \"words\" # of %s", k->name);
    }
}

static whet_status set_all(whet_evolve_config *c) {
    for (size_t i = 0; i < whet_n_keys; i++) {
        char value[128];
        const char *name = whet_keys[i].name;
        if (strncmp(name, "llm.primary", 11) == 0 || strncmp(name, "llm.secondary", 13) == 0)
            continue; /* other names of models[0] and [1] */
        write_value(&whet_keys[i], value, sizeof value);
        WHET_TRY(whet_evolve_config_set(ctx, c, name, value, "test"));
    }
    return whet_evolve_config_set(ctx, c, "database.feature_dimensions[0]", "code", "test");
}

/* What stands in the run's row is in force when the run is taken up again, every key of it. */
static void d3_settings_reach_a_run_that_is_taken_up(void) {
    whet_evolve_config *c = NULL;
    whet_buf before = { 0 }, after = { 0 };
    REQUIRE_OK(ctx, whet_evolve_config_open(ctx, &c));
    REQUIRE_OK(ctx, set_all(c));
    whet_search s = make_search(0);
    s.opts = whet_evolve_config_settings(c)->opts;
    s.opts.problem = problem;
    s.opts.run_file = in_folder("d3.sqlite");
    s.n_wanted = s.opts.n_children;
    char run_file[128];
    snprintf(run_file, sizeof run_file, "%s", s.opts.run_file);
    REQUIRE_OK(ctx, whet_journal_open(ctx, &s));
    REQUIRE_OK(ctx, whet_journal_begin(ctx, &s));
    REQUIRE_OK(ctx, whet_journal_put_run(ctx, &s));
    REQUIRE_OK(ctx, whet_record_event(ctx, &s, "start", ""));
    REQUIRE_OK(ctx, whet_journal_commit(ctx, &s));
    const whet_evolve_settings here = { .opts = s.opts };
    REQUIRE_OK(ctx, whet_settings_print(ctx, &here, NULL, &before));
    whet_journal_close(ctx, &s);
    whet_search again = make_search(0);
    again.opts = (whet_evolve_opts){ .run_file = run_file, .is_resumed = true };
    REQUIRE_OK(ctx, whet_journal_open(ctx, &again));
    const whet_evolve_settings there = { .opts = again.opts };
    REQUIRE_OK(ctx, whet_settings_print(ctx, &there, NULL, &after));
    CHECK_STR(after.text, before.text);
    CHECK_INT(again.n_wanted, s.n_wanted);
    whet_journal_close(ctx, &again);
    whet_evolve_config_close(ctx, c);
    whet_buf_fini(ctx, &before);
    whet_buf_fini(ctx, &after);
}

/* ---- D4, D10: what is known ---- */

static bool is_new(whet_search *s, const char *text) {
    whet_member child = { 0 };
    whet_draft d = { .s = s, .child = &child };
    whet_child_text it = { 0 };
    CHECK_STATUS(ctx, whet_buf_puts(ctx, &it.text, text), WHET_OK);
    CHECK_STATUS(ctx, whet_draft_take(ctx, &d, &it, "knob", 0, -1), WHET_OK);
    whet_member_fini(ctx, &child);
    return d.is_new;
}

static void d4_novelty_is_told_and_can_say_no(void) {
    whet_search s = make_search(1);
    whet_buf text = { 0 };
    const char *seed = whet_program_text("repeat");
    REQUIRE_OK(ctx, whet_genome_hash(ctx, seed, strlen(seed), members[0].hash));
    REQUIRE_OK(ctx, whet_buf_printf(ctx, &text, "/* all new */\n\n%s", seed));
    CHECK(!is_new(&s, text.text));
    CHECK_INT(result.n_duplicates, 1);
    whet_buf_clear(&text);
    REQUIRE_OK(ctx, whet_buf_printf(ctx, &text, "int all_new;\n%s", seed));
    CHECK(is_new(&s, text.text));
    whet_buf_fini(ctx, &text);
}

static void d10_what_was_rejected_is_not_judged_again(void) {
    whet_search s = make_search(1);
    const char *seed = whet_program_text("repeat");
    REQUIRE_OK(ctx, whet_genome_hash(ctx, seed, strlen(seed), members[0].hash));
    for (int code = 1; code < WHET_N_VERDICTS; code++) {
        reject(0, (whet_verdict_code)code, "as ever");
        CHECK(!is_new(&s, seed));
    }
}

/* ---- D5, D6, D15: prompts ---- */

static void d5_failures_are_told(void) {
    whet_search s = make_search(6);
    whet_buf prompt = { 0 };
    reject(4, WHET_V_WRONG, "the third head is off by a half");
    snprintf(s.lessons[0], sizeof s.lessons[0], "the hunk matched nothing");
    write_prompt(&s, 5, &prompt);
    CHECK_CONTAINS(prompt.text, "change 4");
    CHECK_CONTAINS(prompt.text, "the third head is off by a half");
    CHECK_CONTAINS(prompt.text, "the hunk matched nothing");
    whet_buf_fini(ctx, &prompt);
}

/* The parent, the best and the last failure are all behind the first hundred. */
static void d6_facts_are_those_of_the_last_programs(void) {
    whet_search s = make_search(N_MEMBERS);
    whet_buf prompt = { 0 };
    reject(N_MEMBERS - 3, WHET_V_WRONG, "a reason behind the first hundred");
    write_prompt(&s, N_MEMBERS - 2, &prompt);
    CHECK_CONTAINS(prompt.text, "change 298");      /* the parent's own change */
    CHECK_CONTAINS(prompt.text, "0.30x in shape0"); /* the best one's speed */
    CHECK_CONTAINS(prompt.text, "a reason behind the first hundred");
    CHECK_CONTAINS(prompt.text, "x its parent's speed (299.00x in shape0, 1.00x in shape1)");
    CHECK_CONTAINS(prompt.text, "shape1): change 298");
    whet_buf_fini(ctx, &prompt);
}

static void judge_text(const char *source, double seconds, whet_verdict *verdict) {
    const whet_judge_opts opts = {
        .problem = problem,
        .n_threads = 1,
        .worker = WHET_PROGRAM,
        .call_seconds = seconds,
    };
    whet_judge *judge = NULL;
    whet_object object = { 0 };
    REQUIRE_OK(ctx, whet_judge_open(ctx, &opts, &judge));
    CHECK_STATUS(ctx, whet_judge_source(ctx, judge, source, strlen(source), &object, verdict),
                 WHET_OK);
    whet_object_fini(ctx, &object);
    whet_judge_close(ctx, judge);
}

#define LONG_NAME "a_name_of_a_variable_which_nobody_declared_0123456789abcdef0123456789"

static void d15_long_names_stay_in_the_compilers_words(void) {
    whet_search s = make_search(3);
    whet_buf source = { 0 }, prompt = { 0 };
    REQUIRE_OK(ctx, whet_buf_printf(ctx, &source, "%s\nint f(void) { return " LONG_NAME "; }\n",
                                    whet_program_text("repeat")));
    judge_text(source.text, 0, &members[1].verdict);
    CHECK_INT(members[1].verdict.code, WHET_V_NO_BUILD);
    CHECK_CONTAINS(members[1].verdict.compiler_text, LONG_NAME);
    members[1].is_timed = members[1].has_speed = false;
    write_prompt(&s, 2, &prompt);
    CHECK_CONTAINS(prompt.text, "return " LONG_NAME); /* the line that gcc and clang quote */
    CHECK(!strstr(prompt.text, "implif"));            /* nobody is told to simplify */
    whet_buf_fini(ctx, &source);
    whet_buf_fini(ctx, &prompt);
}

/* ---- D7: limits kill ---- */

static void d7_what_takes_too_long_is_killed(void) {
    whet_buf pid = { 0 }, source = { 0 };
    whet_verdict verdict;
    REQUIRE_OK(ctx, whet_buf_printf(ctx, &source, "#define BEFORE_RUN for (;;) ;\n%s",
                                    whet_corpus_plain()));
    judge_text(source.text, 0.3, &verdict);
    CHECK_INT(verdict.code, WHET_V_TIMED_OUT);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD); /* its process is no more */
    whet_buf_fini(ctx, &source);
    /* a grandchild with its parent's output, which outlives it */
    char command[200], pid_file[128];
    snprintf(pid_file, sizeof pid_file, "%s", in_folder("pid"));
    snprintf(command, sizeof command, "sleep 300 & echo $! > %s; sleep 300", pid_file);
    const char *const argv[] = { "sh", "-c", command, NULL };
    const whet_child_opts opts = { .wall_seconds = 0.5 };
    whet_child_result r;
    REQUIRE_OK(ctx, whet_child_run(ctx, argv, &opts, NULL, NULL, &r));
    CHECK_INT(r.how, WHET_CHILD_TIMED_OUT);
    CHECK(r.wall_ns < 200e9);
    REQUIRE_OK(ctx, whet_file_read(ctx, pid_file, 64, &pid));
    bool is_gone = false; /* its new parent takes a moment to bury it */
    for (int i = 0; i < 500 && !is_gone; i++) {
        char path[64], state[256] = "";
        snprintf(path, sizeof path, "/proc/%d/stat", atoi(pid.text));
        FILE *stat = fopen(path, "r");
        is_gone = !stat || !fgets(state, sizeof state, stat) || strstr(state, ") Z ");
        if (stat) fclose(stat);
        if (!is_gone) usleep(10000);
    }
    CHECK(is_gone);
    whet_buf_fini(ctx, &pid);
}

/* ---- D9: a step is there or it is not ---- */

static whet_status put_half_a_step(const char *path) {
    whet_search s = make_search(1);
    s.opts.run_file = path;
    s.n_wanted = 1;
    WHET_TRY(whet_journal_open(ctx, &s));
    WHET_TRY(whet_journal_begin(ctx, &s));
    WHET_TRY(whet_journal_put_run(ctx, &s));
    WHET_TRY(whet_record_event(ctx, &s, "start", ""));
    WHET_TRY(whet_journal_commit(ctx, &s));
    whet_rng_u64(&s.rng);
    WHET_TRY(whet_journal_note(ctx, &s, "baseline", "repeat"));
    WHET_TRY(whet_journal_begin(ctx, &s));
    WHET_TRY(whet_buf_puts(ctx, &members[0].text, whet_program_text("repeat")));
    WHET_TRY(whet_buf_puts(ctx, &members[0].evidence, "{}"));
    return whet_record_member(ctx, &s, &members[0]);
}

static void d9_steps_are_whole_and_hold_the_random_state(void) {
    char path[128];
    snprintf(path, sizeof path, "%s", in_folder("d9.sqlite"));
    const pid_t pid = fork();
    if (pid == 0) { /* ends as kill -9 ends a process: nothing is tidied up */
        const whet_status st = put_half_a_step(path);
        if (st == WHET_OK) raise(SIGKILL);
        _exit(1);
    }
    int status = 0;
    REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    whet_store *store = NULL;
    REQUIRE_OK(ctx, whet_store_open(ctx, path, false, &store));
    CHECK_STATUS(ctx, whet_store_check(ctx, store), WHET_OK);
    int64_t n_events = 0, n_programs = -1;
    CHECK_STATUS(ctx, whet_store_count(ctx, store, "events", &n_events), WHET_OK);
    CHECK_STATUS(ctx, whet_store_count(ctx, store, "programs", &n_programs), WHET_OK);
    CHECK_INT(n_events, 2);
    CHECK_INT(n_programs, 0);
    whet_store_close(ctx, store);
    /* Going on from the file, the same steps are equal to those it holds, the state included. */
    whet_search s = make_search(0);
    s.opts.run_file = path;
    s.opts.is_resumed = true;
    REQUIRE_OK(ctx, whet_journal_open(ctx, &s));
    REQUIRE_OK(ctx, whet_journal_begin(ctx, &s));
    whet_rng_u64(&s.rng); /* one number too much: this is not the state that the step had */
    REQUIRE_OK(ctx, whet_journal_put_run(ctx, &s));
    REQUIRE_OK(ctx, whet_record_event(ctx, &s, "start", ""));
    CHECK_STATUS(ctx, whet_journal_commit(ctx, &s), WHET_E_STORE);
    whet_journal_close(ctx, &s);
}

/* ---- D12: tokens and money ---- */

static whet_status record(whet_search *s, int64_t prompt_tokens, int64_t reply_tokens) {
    const whet_proposal p = {
        .prompt.text = "a prompt",
        .question = { WHET_ASK_DIFF, 0, -1, 0 },
        .got = { .prompt_tokens = prompt_tokens, .reply_tokens = reply_tokens, .wall_ns = 2e9 },
    };
    WHET_TRY(whet_journal_begin(ctx, s));
    WHET_TRY(whet_record_proposal(ctx, s, &p));
    return whet_journal_commit(ctx, s);
}

static void d12_tokens_and_money_are_counted_and_bounded(void) {
    whet_search s = make_search(1);
    s.opts.run_file = in_folder("d12.sqlite");
    s.opts.proposer = "openai";
    s.opts.llm = (whet_llm_opts){ .max_tokens = 100, .prompt_price = 2, .reply_price = 10 };
    REQUIRE_OK(ctx, whet_journal_open(ctx, &s));
    REQUIRE_OK(ctx, whet_journal_begin(ctx, &s));
    REQUIRE_OK(ctx, whet_journal_put_run(ctx, &s));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &members[0].text, whet_program_text("repeat")));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &members[0].evidence, "{}"));
    REQUIRE_OK(ctx, whet_record_member(ctx, &s, &members[0]));
    REQUIRE_OK(ctx, whet_journal_commit(ctx, &s));
    REQUIRE_OK(ctx, record(&s, 1000000, 100000));
    REQUIRE_OK(ctx, record(&s, 500000, 0));
    CHECK_INT(s.asking.n_tokens, 1600000);
    CHECK_NEAR(s.asking.money, 4, 1e-9);
    CHECK_NEAR(s.asking.seconds, 4, 1e-9);
    s.opts.llm.budget_tokens = 1600000 + 200; /* 200 bytes are at most 100 tokens */
    CHECK(!whet_asking_is_spent(&s, 1, 200));
    CHECK(whet_asking_is_spent(&s, 1, 202));
    s.opts.llm.budget_tokens = 1600000 + 350; /* two that are asked side by side */
    CHECK(!whet_asking_is_spent(&s, 2, 300));
    CHECK(whet_asking_is_spent(&s, 2, 302));
    s.opts.llm.budget_tokens = 0;
    s.opts.llm.budget_money = 4.0011;
    CHECK(whet_asking_is_spent(&s, 1, 200));
    s.opts.llm.budget_money = 4.0013;
    CHECK(!whet_asking_is_spent(&s, 1, 200));
    s.opts.llm.budget_seconds = 4;
    CHECK(whet_asking_is_spent(&s, 1, 0));
    whet_journal_close(ctx, &s);
    whet_member_fini(ctx, &members[0]);
}

/* ---- D13, D14: what comes in ---- */

static void d13_unknown_keys_are_refused(void) {
    whet_evolve_config *c = NULL;
    static const char text[] = "database:\n  num_islnds: 3\n";
    REQUIRE_OK(ctx, whet_evolve_config_open(ctx, &c));
    CHECK_STATUS(ctx, whet_evolve_config_parse(ctx, c, "a.yaml", text, strlen(text)),
                 WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "did you mean database.num_islands");
    whet_evolve_config_close(ctx, c);
}

#define WORDS                                                                                      \
    "\xc3\xbc\xe2\x89\xa4\xe6\x97\xa5\xf0\x9f\x94\xaa" /* of two, three, three, four bytes */

static void d14_text_is_utf8_whatever_the_system_says(void) {
    static const char latin1[] = HUNK("x", "// \xfc");
    CHECK_INT(read_reply(latin1, strlen(latin1)), WHET_REPLY_NOT_TEXT);
    whet_store *store = NULL;
    whet_buf source = { 0 };
    const whet_store_program program = { .hash = "h",
                                         .source = "/* " WORDS " */",
                                         .operator_name = "o",
                                         .change = WORDS,
                                         .knobs = "{}" };
    int64_t id;
    REQUIRE_OK(ctx, whet_store_open(ctx, in_folder("d14.sqlite"), true, &store));
    REQUIRE_OK(ctx, whet_store_begin(ctx, store));
    REQUIRE_OK(ctx, whet_store_put_program(ctx, store, &program, &id));
    REQUIRE_OK(ctx, whet_store_commit(ctx, store));
    REQUIRE_OK(ctx, whet_store_get_source(ctx, store, "h", &source));
    CHECK_STR(source.text, program.source);
    whet_store_close(ctx, store);
    whet_buf_fini(ctx, &source);
    whet_search s = make_search(1);
    const char *line = strstr(whet_program_text("repeat"), "// SEGMENT-START");
    const int n = (int)strcspn(line, "\n");
    whet_buf reply = { 0 };
    whet_reply r;
    REQUIRE_OK(ctx, whet_buf_printf(ctx, &reply, HUNK("%.*s", "int x; // " WORDS "\n%.*s"), n, line,
                                    n, line));
    REQUIRE_OK(ctx, whet_reply_read(ctx, &s.members[0].genome, reply.text, reply.len, &r));
    CHECK_CONTAINS(r.text.text, "// " WORDS "\n");
    whet_reply_fini(ctx, &r);
    whet_buf_fini(ctx, &reply);
}

/* ---- D8, D11, D16: a run, made once ---- */

typedef struct seen {
    bool is_made;
    whet_status st;
    whet_store *store; /* of a second reader of the run file */
    int n_programs;    /* told */
    int n_missing;     /* told, and not in the file then */
    int n_twins;       /* programs that came out as an object that was known */
    int n_timed_twins;
    int64_t n_elites, n_finals;
} seen;

static seen run_seen;

static void watch(void *data, const whet_evolve_event *e) {
    seen *w = data;
    if (strcmp(e->what, "program") != 0) return;
    int64_t n = 0;
    w->n_programs++;
    if (!w->store && whet_store_open(ctx, in_folder("run.sqlite"), false, &w->store) != WHET_OK)
        w->n_missing++;
    if (w->store && whet_store_count(ctx, w->store, "programs", &n) == WHET_OK)
        w->n_missing += n < w->n_programs;
    const bool is_twin = strcmp(e->change, "a twin") == 0;
    w->n_twins += is_twin && e->verdict->code == WHET_V_PASS;
    w->n_timed_twins += is_twin && e->speed > 0;
}

/* What it is asked for has another text, and the same machine code, each time. */
static const char twin[] =
    "command:awk '/^#define.*knob:/ && !n { n = 1; line = $0 } END { print \"Name: a "
    "twin\\n<<<<<<< "
    "SEARCH\\n\""
    " line \"\\n=======\\nenum { TWIN_'$$' = 1 };\\n\" line \"\\n>>>>>>> REPLACE\" }'";

static void make_run(void) {
    if (run_seen.is_made) return;
    run_seen.is_made = true;
    whet_evolve_opts opts = {
        .problem = problem,
        .minutes = 1,
        .max_programs = 5,
        .is_rehearsal = true,
        .n_children = 2,
        .seed = test_seed,
        .n_threads = 1,
        .proposer = twin,
        .run_file = in_folder("run.sqlite"),
        .worker = WHET_PROGRAM,
        .population.control = -1,
        .on_event = watch,
        .event_data = &run_seen,
    };
    run_seen.st = whet_evolve(ctx, &opts, &result);
    if (run_seen.st != WHET_OK) printf("# %s\n", whet_ctx_message(ctx));
    whet_store_said said = { .is_there = true };
    for (int64_t id = 1; run_seen.store && said.is_there; id++) {
        if (whet_store_get_event(ctx, run_seen.store, id, &said) != WHET_OK) break;
        run_seen.n_elites += said.is_there && strcmp(said.what, "elite") == 0;
        run_seen.n_finals += said.is_there && strcmp(said.what, "final") == 0;
    }
    whet_store_close(ctx, run_seen.store);
    run_seen.store = NULL;
}

static void d8_every_step_is_stored_before_it_is_told(void) {
    make_run();
    REQUIRE_OK(ctx, run_seen.st);
    CHECK(run_seen.n_programs >= 2);
    CHECK_INT(run_seen.n_missing, 0);
}

static void d11_the_same_object_is_not_timed_again(void) {
    make_run();
    REQUIRE_OK(ctx, run_seen.st);
    CHECK(run_seen.n_twins >= 1);
    CHECK_INT(run_seen.n_timed_twins, 0);
}

static void d16_the_best_are_measured_again(void) {
    make_run();
    REQUIRE_OK(ctx, run_seen.st);
    CHECK(run_seen.n_elites >= 2 * WHET_N_SUITE);  /* of two programs at least */
    CHECK(run_seen.n_finals >= 2 * WHET_N_SHAPES); /* over two baselines at least */
}

int main(int argc, char **argv) {
    snprintf(folder, sizeof folder, "/tmp/whet-test-defects-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    ctx = whet_ctx_open(NULL);
    static const test_case tests[] = {
        { "D1", d1_edits_outside_the_block_are_refused },
        { "D2", d2_a_hunk_that_matches_nothing_is_refused },
        { "D3", d3_settings_reach_a_run_that_is_taken_up },
        { "D4", d4_novelty_is_told_and_can_say_no },
        { "D5", d5_failures_are_told },
        { "D6", d6_facts_are_those_of_the_last_programs },
        { "D7", d7_what_takes_too_long_is_killed },
        { "D8", d8_every_step_is_stored_before_it_is_told },
        { "D9", d9_steps_are_whole_and_hold_the_random_state },
        { "D10", d10_what_was_rejected_is_not_judged_again },
        { "D11", d11_the_same_object_is_not_timed_again },
        { "D12", d12_tokens_and_money_are_counted_and_bounded },
        { "D13", d13_unknown_keys_are_refused },
        { "D14", d14_text_is_utf8_whatever_the_system_says },
        { "D15", d15_long_names_stay_in_the_compilers_words },
        { "D16", d16_the_best_are_measured_again },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? rc : 1;
}
