/* SPDX-License-Identifier: MIT */
/* Several questions of one generation, of members that are made up: nothing is judged here. */
#include <math.h>
#include <unistd.h>

#include "tests/test.h"

#include "base/crew.h"
#include "base/file.h"
#include "evolve/ask.h"
#include "kernels/programs.h"

static whet_ctx *ctx;
static char folder[64];

enum { N_MEMBERS = 12, N_QUESTIONS = 4 };

static whet_member members[N_MEMBERS];
static whet_evolve_result result;
static const whet_baseline fused = { .name = "fused" };

/* The seed and its copies, alike in all but words and, a little, speed, on two islands. */
static whet_search make_search(const char *proposer, uint64_t seed) {
    memset(members, 0, sizeof members);
    result = (whet_evolve_result){ 0 };
    whet_search s = { .members = members, .n_room = N_MEMBERS, .result = &result };
    s.judge = (whet_judge *)members; /* somebody may be asked; nobody looks there */
    s.yardstick = &fused;
    s.opts.problem = (whet_problem){ WHET_BF16, 4, 2, 64, 4, 64 };
    s.opts.proposer = proposer;
    s.opts.llm.n_questions = N_QUESTIONS;
    s.opts.population.n_islands = 2;
    whet_rng_init(&s.rng, seed);
    const char *text = whet_program_text("repeat");
    for (int i = 0; i < N_MEMBERS; i++) {
        whet_member *m = &members[s.n_members++];
        *m = (whet_member){ .operator_name = i ? "knob" : "seed", .parent = i ? 0 : -1 };
        CHECK_STATUS(ctx, whet_genome_parse(ctx, text, strlen(text), &m->genome), WHET_OK);
        snprintf(m->change, sizeof m->change, "change %d", i);
        snprintf(m->hash, sizeof m->hash, "%064d", i);
        m->log_speed = m->log_speeds[WHET_SHAPE_DECODE] = log(1 + 0.02 * i);
        m->races[WHET_SHAPE_DECODE] = (whet_ratio){ 1 + 0.02 * i, 0.9 + 0.02 * i, 1.1 + 0.02 * i };
        m->has_speed = m->is_timed = true;
        m->parent2 = -1;
        m->islands = 3;
        m->cell = (uint32_t)i;
    }
    for (int i = 0; i < WHET_N_SHAPES; i++)
        snprintf(s.shape_names[i], sizeof s.shape_names[i], "shape%d", i);
    return s;
}

typedef struct generation {
    whet_member bred[WHET_MAX_BREED];
    whet_proposal asked[WHET_MAX_QUESTIONS];
    int n_bred, n_asked;
} generation;

static void ask(whet_search *s, generation *g) {
    *g = (generation){ 0 };
    CHECK_STATUS(ctx, whet_search_ask(ctx, s, g->bred, &g->n_bred, g->asked, &g->n_asked), WHET_OK);
}

static void forget(generation *g) {
    for (int i = 0; i < WHET_MAX_BREED; i++)
        whet_member_fini(ctx, &g->bred[i]);
    for (int i = 0; i < WHET_MAX_QUESTIONS; i++)
        whet_proposal_fini(ctx, &g->asked[i]);
}

/* ---- the order of answers ---- */

/* Says nothing until four are asked; then they answer by the sums of their prompts, up or down. */
static const char model[] =
    "n=0; nap() { sleep 0.01; n=$((n + 1)); [ $n -lt 3000 ] || exit 1; }\n"
    "cd \"$1\" && cat >in.$$ && sum=$(cksum <in.$$ | cut -d' ' -f1) && touch asked.$sum\n"
    "while [ $(ls asked.* | wc -l) -lt 4 ] && nap; do :; done\n"
    "before=$(ls asked.* | sort $2 | sed \"/^asked.$sum\\$/Q\" | tail -n 1)\n"
    "while [ \"$before\" ] && [ ! -e told.${before#asked.} ] && nap; do :; done\n"
    "knob=$(grep -m1 '^#define .* // knob: ' in.$$)\n"
    "printf 'Name: mark %s\\n<<<<<<< SEARCH\\n%s\\n=======\\nenum { MARK_%s };\\n%s\\n>>>>>>> "
    "REPLACE\\n' $sum \"$knob\" $sum \"$knob\"\n"
    "touch told.$sum\n";

static void ask_in_order(const char *order, generation *g) {
    char path[128], proposer[256];
    snprintf(path, sizeof path, "%s/order%s", folder, order);
    REQUIRE_OK(ctx, whet_dir_make(ctx, path));
    snprintf(proposer, sizeof proposer, "command:sh %s/model %s %s", folder, path, order);
    whet_search s = make_search(proposer, 1);
    ask(&s, g);
}

static void test_order(void) {
    char path[128];
    generation up, down;
    snprintf(path, sizeof path, "%s/model", folder);
    REQUIRE_OK(ctx, whet_file_write(ctx, path, model, strlen(model)));
    ask_in_order("", &up);
    ask_in_order("-r", &down);
    CHECK_INT(up.n_asked, N_QUESTIONS);
    CHECK_INT(down.n_asked, N_QUESTIONS);
    CHECK_INT(up.n_bred, N_QUESTIONS);
    CHECK_INT(down.n_bred, N_QUESTIONS);
    for (int i = 0; i < N_QUESTIONS; i++) {
        const whet_proposal *a = &up.asked[i], *b = &down.asked[i];
        CHECK_INT(a->question.parent, b->question.parent);
        CHECK_STR(a->prompt.text, b->prompt.text);
        CHECK_STR(a->reply.text, b->reply.text);
        CHECK_STR(up.bred[i].hash, a->child);
        CHECK_STR(down.bred[i].hash, a->child);
        CHECK_INT(up.bred[i].n_behind, i);
        for (int j = 0; j < i; j++)
            CHECK(a->question.parent != up.asked[j].question.parent);
    }
    forget(&up);
    forget(&down);
}

/* ---- what is asked ---- */

static const char says_nothing[] = "command:cat >/dev/null";

/* The bandit is sure that repairs pay: each broken program is repaired once all the same. */
static void test_repair(void) {
    generation g;
    whet_search s = make_search(says_nothing, test_seed);
    s.bandit.gain[WHET_ARM_DIFF + WHET_ASK_REPAIR] = 100;
    for (int i = N_MEMBERS - 2; i < N_MEMBERS; i++) {
        members[i].operator_name = "diff";
        members[i].is_timed = members[i].has_speed = false;
        members[i].verdict.code = WHET_V_WRONG;
    }
    ask(&s, &g);
    CHECK_INT(g.n_asked, N_QUESTIONS);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(g.asked[i].question.ask, WHET_ASK_REPAIR);
        CHECK_INT(g.asked[i].question.parent, N_MEMBERS - 1 - i);
    }
    for (int i = 2; i < N_QUESTIONS; i++)
        CHECK(g.asked[i].question.ask != WHET_ASK_REPAIR);
    forget(&g);
}

/* A run that begins has one parent for all: what is asked twice is not the same prompt, and the
 * dice of the search are as they would be without that. */
static void test_no_two_prompts_are_the_same(void) {
    generation g;
    whet_search s = make_search(says_nothing, test_seed);
    s.n_members = 1;
    s.opts.is_rewriting = true;
    s.opts.llm.n_questions = WHET_MAX_QUESTIONS;
    ask(&s, &g);
    CHECK_INT(g.n_asked, WHET_MAX_QUESTIONS);
    for (int i = 0; i < g.n_asked; i++) {
        CHECK_INT(g.asked[i].question.ask, WHET_ASK_REWRITE);
        CHECK_INT(g.asked[i].question.focus, i);
        for (int j = 0; j < i; j++)
            CHECK(strcmp(g.asked[i].prompt.text, g.asked[j].prompt.text) != 0);
    }
    forget(&g);
}

/* As many as a budget has for the worst case, and as there are places. */
static void test_bounds(void) {
    generation g;
    whet_search s = make_search(says_nothing, test_seed);
    s.opts.llm.max_tokens = 1000000;
    s.opts.llm.budget_tokens = 2500000;
    ask(&s, &g);
    CHECK_INT(g.n_asked, 2);
    forget(&g);
    s.opts.max_programs = N_MEMBERS + 3;
    CHECK_INT(whet_asking_n_questions(&s), 3);
    s.opts.max_programs = N_MEMBERS + 30;
    CHECK_INT(whet_asking_n_questions(&s), N_QUESTIONS);
    s.opts.llm.n_questions = 0;
    CHECK_INT(whet_asking_n_questions(&s), 1);
}

/* ---- a crew ---- */

static whet_status fail_or_wait(whet_ctx *own, void *job) {
    if (*(const int *)job) return whet_fail(own, WHET_E_IO, "number %d is lost", *(const int *)job);
    whet_status st = WHET_OK;
    while (st == WHET_OK)
        st = whet_check_cancelled(own);
    return st;
}

static whet_status take_nothing(whet_ctx *own, void *job) {
    (void)job;
    return whet_fail(own, WHET_E_INTERNAL, "nothing is to be taken");
}

static void drop(whet_ctx *own, void *job) {
    (void)own;
    *(int *)job = -1;
}

static void test_failure(void) {
    int jobs[] = { 0, 0, 7, 0 };
    const whet_crew_work work = { fail_or_wait, take_nothing, drop };
    CHECK_STATUS(ctx, whet_crew_run(ctx, &work, jobs, sizeof *jobs, 4), WHET_E_IO);
    CHECK_STR(whet_ctx_message(ctx), "number 7 is lost");
    for (int i = 0; i < 4; i++)
        CHECK_INT(jobs[i], -1);
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "order", test_order },
        { "repair", test_repair },
        { "no_two_prompts_are_the_same", test_no_two_prompts_are_the_same },
        { "bounds", test_bounds },
        { "failure", test_failure },
    };
    ctx = whet_ctx_open(NULL);
    snprintf(folder, sizeof folder, "/tmp/whet-ask-%d", (int)getpid());
    CHECK_STATUS(ctx, whet_dir_make(ctx, folder), WHET_OK);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? rc : 1;
}
