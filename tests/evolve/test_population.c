/* SPDX-License-Identifier: MIT */
/* The bandit, islands, the grid and the parents that are drawn, on members that are made up. */
#include "tests/test.h"

#include <math.h>

#include <whet/attention.h>

#include "evolve/ablate.h"
#include "evolve/bandit.h"
#include "evolve/draft.h"
#include "evolve/facts.h"
#include "evolve/frame.h"
#include "evolve/hunks.h"
#include "evolve/population.h"
#include "evolve/suite.h"

static whet_ctx *ctx;

enum { N = 400 };

static whet_member members[N];
static whet_evolve_result result;

static whet_search make_search(void) {
    memset(members, 0, sizeof members);
    result = (whet_evolve_result){ 0 };
    whet_search s = { .members = members, .n_room = N, .result = &result };
    whet_rng_init(&s.rng, test_seed);
    return s;
}

/* A timed member of that speed and layout settles on the island. */
static int add(whet_search *s, int island, double speed, int parent, const char *operator_name) {
    whet_member *m = &s->members[s->n_members++];
    *m = (whet_member){ .operator_name = operator_name, .parent = parent, .parent2 = -1 };
    m->log_speed = m->log_speeds[WHET_SHAPE_DECODE] = log(speed);
    m->is_timed = m->has_speed = true;
    m->n_looks = 1;
    m->seconds = 1;
    whet_population_settle(s, s->n_members - 1, island);
    return s->n_members - 1;
}

/* The arm that gains is drawn most; with nothing known, shares decide; the rest is still tried. */
static void test_bandit(void) {
    whet_bandit b = { 0 };
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    int drawn[WHET_N_ARMS] = { 0 };
    for (int i = 0; i < 4000; i++)
        drawn[whet_bandit_draw(&b, &rng, 0)]++;
    CHECK(drawn[WHET_ARM_STEP] > drawn[WHET_ARM_CROSS]);
    for (int arm = 0; arm < WHET_ARM_DIFF; arm++)
        CHECK(drawn[arm] > 50);
    CHECK_INT(drawn[WHET_ARM_DIFF], 0);
    for (int i = 0; i < 60; i++) {
        whet_bandit_learn(&b, WHET_ARM_STEP, 0, 1);
        whet_bandit_learn(&b, WHET_ARM_CROSS, 0.05, 1);
    }
    memset(drawn, 0, sizeof drawn);
    for (int i = 0; i < 4000; i++)
        drawn[whet_bandit_draw(&b, &rng, 0)]++;
    CHECK(drawn[WHET_ARM_CROSS] > 4 * drawn[WHET_ARM_STEP]);
    const int calm = drawn[WHET_ARM_CROSS];
    memset(drawn, 0, sizeof drawn);
    for (int i = 0; i < 4000; i++)
        drawn[whet_bandit_draw(&b, &rng, 1)]++;
    CHECK(drawn[WHET_ARM_CROSS] < calm); /* stagnation makes the draw more even */
}

/* What costs ten times as much has to gain ten times as much. */
static void test_cost(void) {
    whet_bandit b = { 0 };
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int i = 0; i < 100; i++) {
        whet_bandit_learn(&b, WHET_ARM_KNOB, 0.02, 1);
        whet_bandit_learn(&b, WHET_ARM_REWRITE, 0.02, 10);
    }
    double knob = 0, ask = 0;
    for (int i = 0; i < 1000; i++) {
        knob += whet_bandit_sample(&b, &rng, WHET_ARM_KNOB);
        ask += whet_bandit_sample(&b, &rng, WHET_ARM_REWRITE);
    }
    CHECK(knob > 3 * ask);
    CHECK_INT(whet_arm_of("rewrite"), WHET_ARM_REWRITE);
    CHECK_INT(whet_arm_of("seed"), WHET_N_ARMS);
}

/* A parent with many children makes way for another that is as fast. */
static void test_children(void) {
    whet_search s = make_search();
    s.opts.population = (whet_population_opts){ .exploration = 1e-9, .exploitation = 0.5 };
    add(&s, 0, 0.3, -1, "seed");
    const int a = add(&s, 0, 1.0, 0, "step"), b = add(&s, 0, 1.0, 0, "step");
    members[a].n_children = 40;
    int drawn[3] = { 0 };
    for (int i = 0; i < 2000; i++)
        drawn[whet_population_draw(&s, 0)]++;
    CHECK(drawn[b] > 4 * drawn[a]);
    CHECK(drawn[a] > 0);
    CHECK(drawn[0] < 100); /* a third of the speed */
}

/* Each island draws its own; the archive is of all. */
static void test_islands(void) {
    whet_search s = make_search();
    s.opts.population = (whet_population_opts){ .n_islands = 2, .exploitation = 1e-9 };
    add(&s, 0, 0.5, -1, "seed");
    CHECK_INT(members[0].islands, 3); /* the seed lives on all of them */
    const int here = add(&s, 0, 1.0, 0, "step"), there = add(&s, 1, 1.1, 0, "step");
    CHECK_INT(whet_population_best(&s, 0), here);
    CHECK_INT(whet_population_best(&s, 1), there);
    for (int i = 0; i < 500; i++)
        CHECK(whet_population_draw(&s, 0) != there);
    s.opts.population.exploration = 1e-9;
    s.opts.population.exploitation = 1;
    int n_there = 0;
    for (int i = 0; i < 500; i++)
        n_there += whet_population_draw(&s, 0) == there;
    CHECK(n_there > 100);
}

/* A full island lets its slowest go, but never the best of a cell. */
static void test_room(void) {
    whet_search s = make_search();
    s.opts.population = (whet_population_opts){ .n_islands = 1, .n_programs = 10 };
    add(&s, 0, 0.3, -1, "seed");
    for (int i = 1; i < 60; i++)
        add(&s, 0, 0.5 + 0.01 * i, 0, "knob");
    int n = 0;
    for (int i = 0; i < s.n_members; i++)
        n += members[i].islands != 0;
    CHECK_INT(n, 10);
    CHECK_INT(whet_population_best(&s, 0), 59);
    CHECK(members[59].islands && !members[1].islands);
}

/* What controls find is nobody's parent. */
static void test_controls_stay_apart(void) {
    whet_search s = make_search();
    add(&s, 0, 0.5, -1, "seed");
    whet_member *m = &members[s.n_members++];
    *m = (whet_member){ .operator_name = "random",
                        .control = 1,
                        .log_speed = log(5),
                        .is_timed = true,
                        .has_speed = true };
    whet_population_settle(&s, 1, 0);
    CHECK_INT(m->islands, 0);
    for (int i = 0; i < 200; i++)
        CHECK_INT(whet_population_draw(&s, 0), 0);
}

static void test_boredom(void) {
    whet_search s = make_search();
    add(&s, 0, 0.5, -1, "seed");
    CHECK(whet_population_boredom(&s) < 0.05);
    for (int i = 0; i < 40; i++)
        add(&s, 0, 0.4, 0, "knob");
    const double some = whet_population_boredom(&s);
    CHECK(some > 0.5 && some <= 1);
    add(&s, 0, 0.9, 0, "knob");
    CHECK(whet_population_boredom(&s) < 0.05);
}

/* Equal facts are one cell; each axis that is asked for tells two apart. */
static void test_cells(void) {
    const whet_facts a = { .layout = "tiles", .passes = "one-pass", .vector_bits = 256 };
    whet_facts b = a;
    char x[WHET_CELL_BYTES], y[WHET_CELL_BYTES];
    b.vector_bits = 512;
    b.has_bf16_dot = true;
    b.code_bytes = 100000;
    whet_facts_cell(&a, 0, x);
    CHECK_STR(x, "tiles, one-pass, 256 bits");
    whet_facts_cell(&b, 0, y);
    CHECK_STR(y, "tiles, one-pass, 512 bits with bf16 dot");
    whet_facts_cell(&b, WHET_FEATURE_CODE, y);
    CHECK_STR(y, "code to 128 KiB");
    whet_facts_cell(&a, WHET_FEATURE_LAYOUT, x);
    whet_facts_cell(&b, WHET_FEATURE_LAYOUT, y);
    CHECK_STR(x, y);
}

/* D4, D10, D11 of docs/evolution.md: what is the same but for comments and blanks is no new
 * program, and what was rejected once is not judged again; told before anything is built. */
static void test_duplicates(void) {
    whet_search s = make_search();
    const char *text = whet_program_text("repeat");
    REQUIRE_OK(ctx, whet_genome_hash(ctx, text, strlen(text), members[0].hash));
    s.n_members = 1;
    members[0].verdict.code = WHET_V_WRONG;
    whet_member child = { 0 };
    whet_draft d = { .s = &s, .child = &child };
    whet_child_text again = { 0 };
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &again.text, "/* another comment */\n\n"));
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &again.text, text));
    REQUIRE_OK(ctx, whet_draft_take(ctx, &d, &again, "knob", 0, -1));
    CHECK(!d.is_new);
    CHECK_INT(result.n_duplicates, 1);
}

/* The seed with `n` of its segments from the library; returns the member. */
static int add_swapped(whet_search *s, const char *const *names, int n, double speed, int parent) {
    const char *seed = whet_program_text("repeat");
    const int i = add(s, 0, speed, parent, n > 1 ? "guided" : "segment");
    whet_buf text = { 0 };
    CHECK_STATUS(ctx, whet_buf_puts(ctx, &text, seed), WHET_OK);
    for (int j = 0; j < n; j++) {
        whet_genome g;
        whet_child_text next = { 0 };
        for (size_t k = 0; k < whet_n_segment_texts; k++) {
            const whet_segment_text *t = &whet_segment_texts[k];
            if (strncmp(names[j], t->segment, strlen(t->segment)) != 0 ||
                strcmp(names[j] + strlen(t->segment) + 1, t->name) != 0)
                continue;
            CHECK_STATUS(ctx, whet_genome_parse(ctx, text.text, text.len, &g), WHET_OK);
            const int at = (int)(whet_genome_segment(&g, t->segment) - g.segments);
            CHECK_STATUS(ctx, whet_operate_segment(ctx, &g, at, t->text, t->len, &next), WHET_OK);
            whet_buf_fini(ctx, &text);
            text = next.text;
        }
    }
    members[i].text = text;
    CHECK_STATUS(ctx, whet_genome_parse(ctx, text.text, text.len, &members[i].genome), WHET_OK);
    CHECK_STATUS(ctx, whet_genome_hash(ctx, text.text, text.len, members[i].hash), WHET_OK);
    CHECK_STATUS(ctx, whet_frame_read(ctx, &members[i]), WHET_OK);
    return i;
}

/* A program whose text around the segments is another one, as a model writes it. */
static int add_foreign(whet_search *s, double speed) {
    const int i = add_swapped(s, NULL, 0, speed, 0);
    whet_member *m = &members[i];
    whet_buf text = { 0 };
    const char *end = strstr(m->text.text, "// EVOLVE-BLOCK-END");
    CHECK_STATUS(ctx, whet_buf_append(ctx, &text, m->text.text, (size_t)(end - m->text.text)),
                 WHET_OK);
    CHECK_STATUS(ctx, whet_buf_puts(ctx, &text, "typedef int other;\n"), WHET_OK);
    CHECK_STATUS(ctx, whet_buf_puts(ctx, &text, end), WHET_OK);
    whet_buf_fini(ctx, &m->text);
    m->text = text;
    CHECK_STATUS(ctx, whet_genome_parse(ctx, text.text, text.len, &m->genome), WHET_OK);
    CHECK_STATUS(ctx, whet_frame_read(ctx, m), WHET_OK);
    return i;
}

/* A block that a model wrote anew is the best program by far: its knobs are moved, but no idea of
 * the library and no segment of another frame is put into it. */
static void test_frames(void) {
    whet_search s = make_search();
    s.opts.population.control = 0.01; /* not their turn */
    static const char *const one[] = { "share/grouped" };
    add_swapped(&s, NULL, 0, 0.25, -1);
    const int fastest = add_swapped(&s, one, 1, 0.5, 0);
    CHECK(whet_frame_is_same(&members[0], &members[fastest]));
    while (s.n_members < WHET_N_FIRST_GUIDED + 2)
        add_swapped(&s, NULL, 0, 0.3, 0);
    const int foreign = add_foreign(&s, 4);
    CHECK(!whet_frame_is_same(&members[0], &members[foreign]));
    CHECK_INT(whet_frame_library_parent(&s, foreign), fastest);
    CHECK_INT(whet_frame_library_parent(&s, 0), 0);
    int n_of_library = 0, n_of_foreign = 0;
    for (int i = 0; i < 200; i++) {
        whet_member child = { 0 };
        bool is_found;
        REQUIRE_OK(ctx, whet_search_propose(ctx, &s, &child, NULL, 0, &is_found));
        REQUIRE(is_found);
        const bool is_knob =
            !strcmp(child.operator_name, "knob") || !strcmp(child.operator_name, "tune");
        if (child.parent == foreign) CHECK(is_knob);
        n_of_foreign += child.parent == foreign;
        n_of_library += !is_knob;
        whet_member_fini(ctx, &child);
    }
    CHECK(n_of_library > 0);
    CHECK(n_of_foreign > 0);
    for (int i = 0; i < s.n_members; i++)
        whet_member_fini(ctx, &members[i]);
}

/* A gain of two parts is taken apart, each part once, and the table says what each one gave. */
static void test_ablation(void) {
    whet_search s = make_search();
    static const char *const two[] = { "share/grouped", "split/keys" };
    add_swapped(&s, NULL, 0, 0.25, -1);
    const int child = add_swapped(&s, two, 2, 1.0, 0);
    for (int i = 0; i < 30; i++) /* an eighth of all programs, at most */
        add_swapped(&s, NULL, 0, 0.1, 0);
    for (int i = 0; i < 2; i++) {
        whet_member without = { 0 };
        whet_draft d = { .s = &s, .child = &without };
        REQUIRE_OK(ctx, whet_ablate_propose(ctx, &d, 0));
        REQUIRE(d.is_new);
        CHECK_STR(without.change, i ? "without split: keys" : "without share: grouped");
        CHECK_INT(without.parent, child);
        without.log_speed = without.log_speeds[WHET_SHAPE_DECODE] = log(i ? 0.8 : 0.5);
        without.is_timed = without.has_speed = true;
        members[s.n_members] = without;
        whet_population_settle(&s, s.n_members++, 0);
    }
    whet_draft d = { .s = &s, .child = &(whet_member){ 0 } };
    REQUIRE_OK(ctx, whet_ablate_propose(ctx, &d, 0));
    CHECK(!d.is_new); /* no part is left */
    whet_gain gains[3];
    int n = 0;
    REQUIRE_OK(ctx, whet_ablate_gains(ctx, &s, gains, 3, &n));
    CHECK_INT(n, 2);
    CHECK_CONTAINS(gains[0].what, "share: grouped over ");
    CHECK_NEAR(exp(gains[0].log_gain), 2, 1e-9);
    CHECK_CONTAINS(gains[1].what, "split: keys over ");
    CHECK_NEAR(exp(gains[1].log_gain), 1.25, 1e-9);
    for (int i = 0; i < s.n_members; i++)
        whet_member_fini(ctx, &members[i]);
}

static void check_hunks(const char *a, const char *b, int n_wanted) {
    whet_hunk hunks[WHET_MAX_HUNKS];
    whet_buf text = { 0 };
    int n;
    REQUIRE_OK(ctx, whet_hunks_find(ctx, a, strlen(a), b, strlen(b), hunks, &n));
    CHECK_INT(n, n_wanted);
    size_t done = 0;
    for (int i = 0; i < n; i++) { /* all of them put back make the other text */
        const whet_hunk *h = &hunks[i];
        REQUIRE_OK(ctx, whet_buf_append(ctx, &text, a + done, h->here.begin - done));
        REQUIRE_OK(ctx,
                   whet_buf_append(ctx, &text, b + h->there.begin, h->there.end - h->there.begin));
        done = h->here.end;
    }
    REQUIRE_OK(ctx, whet_buf_puts(ctx, &text, a + done));
    if (n) CHECK_STR(text.text, b);
    whet_buf_fini(ctx, &text);
}

static void test_hunks(void) {
    check_hunks("a\nb\nc\n", "a\nb\nc\n", 0);
    check_hunks("a\nB\nc\nd\nE\n", "a\nb\nc\nd\ne\n", 2);
    check_hunks("x\na\nb\n", "a\nb\ny\n", 2);
    check_hunks("a\nb", "", 1);
    check_hunks("", "a\n", 1);
    check_hunks("1\n-\n2\n-\n3\n-\n4\n-\n5\n-\n6\n-\n7\n-\n8\n-\n9\n",
                "a\n-\nb\n-\nc\n-\nd\n-\ne\n-\nf\n-\ng\n-\nh\n-\ni\n", 0);
}

/* A text of its own, changed in two places: it is tried without each of them. */
static void test_ablation_of_hunks(void) {
    whet_search s = make_search();
    static const char *const parts[] = { "int x; // old\nint y;\nint z; // old\n",
                                         "int x = 1;\nint y;\nint z = 1;\n" };
    for (int i = 0; i < 2; i++) {
        whet_member *m = &members[add(&s, 0, i ? 2 : 1, i - 1, i ? "diff" : "seed")];
        REQUIRE_OK(ctx, whet_buf_printf(ctx, &m->text,
                                        "// EVOLVE-BLOCK-START\n// SEGMENT-START exp\n%s"
                                        "// SEGMENT-END exp\n// EVOLVE-BLOCK-END\n",
                                        parts[i]));
        REQUIRE_OK(ctx, whet_genome_parse(ctx, m->text.text, m->text.len, &m->genome));
        REQUIRE_OK(ctx, whet_frame_read(ctx, m));
    }
    while (s.n_members < 20)
        add(&s, 0, 0.5, 0, "knob"); /* an eighth may be ablations */
    for (int i = 0; i < 2; i++) {
        whet_member child = { 0 };
        whet_draft d = { .s = &s, .child = &child };
        REQUIRE_OK(ctx, whet_ablate_propose(ctx, &d, 0));
        REQUIRE(d.is_new);
        CHECK_CONTAINS(child.change, i ? "exp: change 2 of 2" : "exp: change 1 of 2");
        CHECK_CONTAINS(child.text.text, i ? "int x = 1;\nint y;\nint z; // old"
                                          : "int x; // old\nint y;\nint z = 1;");
        members[s.n_members] = child;
        members[s.n_members].is_timed = members[s.n_members].has_speed = true;
        members[s.n_members].log_speed = members[s.n_members].log_speeds[0] = log(1.6);
        whet_population_settle(&s, s.n_members++, 0);
    }
    whet_gain gains[2];
    int n = 0;
    REQUIRE_OK(ctx, whet_ablate_gains(ctx, &s, gains, 2, &n));
    CHECK_INT(n, 2);
    CHECK_NEAR(exp(gains[1].log_gain), 1.25, 1e-9);
    CHECK_CONTAINS(gains[1].what, "exp: change ");
    for (int i = 0; i < s.n_members; i++)
        whet_member_fini(ctx, &members[i]);
}

/* Finalists: the fastest, then who leads in a race and is beaten by nobody in all of them. */
static void test_finalists(void) {
    whet_search s = make_search();
    static const double speeds[][2] = {
        { 1, 1 }, { 4, 2 }, { 5, 1 }, { 2, 5 }, { 1.5, 4 }, { 3, 2 }
    };
    const whet_baseline fused = { .name = "fused" };
    int finalists[WHET_MAX_FINALISTS];
    s.yardstick = &fused;
    s.opts.problem = (whet_problem){
        .dtype = WHET_BF16, .n_heads = 16, .n_kv_heads = 8, .head_dim = 128, .n_context = 2048
    };
    for (int i = 0; i < 6; i++) {
        add(&s, 0, 1, i ? 0 : -1, "step");
        for (int j = 0; j < 2; j++)
            members[i].log_speeds[j] = log(speeds[i][j]);
        members[i].log_speed = whet_search_mean(members[i].log_speeds);
    }
    CHECK_INT(whet_suite_finalists(&s, finalists, 3), 3);
    CHECK_INT(finalists[0], 1); /* 3.17 */
    CHECK_INT(finalists[1], 2); /* leads in decode */
    CHECK_INT(finalists[2], 3); /* in prefill */
    CHECK_INT(whet_suite_finalists(&s, finalists, 4), 4);
    CHECK_INT(finalists[3], 5); /* the next by speed */
    whet_finalist f[2] = { { .member = 2, .is_whole = true }, { .member = 3, .is_whole = true } };
    f[0].logs[0] = log(2);
    f[1].logs[5] = log(4);
    whet_suite_report(&s, f, 2, 1);
    CHECK_NEAR(result.suite.speed, pow(4, 1.0 / 6), 1e-9);
    CHECK_NEAR(result.suite.kept[0].speed, 2, 1e-9);
    CHECK_NEAR(result.suite.kept[0].taken_speed, 1, 1e-9);
    CHECK_CONTAINS(result.suite.why,
                   "largest geometric mean of 2 finalists, and is the fastest in 1");
    CHECK_INT(whet_suite_take(f, 2), 1);
    f[0].logs[2] = log(1.01);
    f[1].logs[2] = log(0.97);
    CHECK_INT(whet_suite_take(f, 2), 0); /* the other one loses too much in decode */
    f[0].logs[4] = log(0.4);             /* but loses more in prefill: neither would be installed */
    CHECK_INT(whet_suite_take(f, 2), 1);
    f[0].logs[4] = 0;
    f[1].logs[2] = log(0.99); /* the mean is larger, the loss in decode small */
    CHECK_INT(whet_suite_take(f, 2), 1);
    f[1].logs[5] = log(1.04); /* 5 log 0.99 + log 1.04 / 2 < 0: no faster in a text job */
    CHECK_INT(whet_suite_take(f, 2), 0);
    f[1].logs[2] = log(1.01);
    f[1].logs[5] = log(2.05); /* its mean is larger by less than can be told */
    f[0].logs[0] = 0;
    f[0].logs[2] = log(2);
    CHECK_INT(whet_suite_take(f, 2), 0);
    whet_suite_report(&s, f, 2, 0);
    CHECK_CONTAINS(result.suite.why, "to 2 %");
    f[0].is_whole = f[1].is_whole = false;
    CHECK_INT(whet_suite_take(f, 2), -1);
}

/* What a winner has to beat is of the family that the engine's own kernel is of. */
static void test_the_rival_is_the_engine_s_kernel(void) {
    whet_search s = make_search();
    s.repeat.name = "repeat";
    s.fused.name = "fused";
    s.yardstick = &s.fused;
    static const char *const engines[] = { "fused-avx2", "repeat-portable", "grouped-avx512-bf16",
                                           "oracle" };
    for (int i = 0; i < 4; i++) {
        memset(s.engine, 0, sizeof s.engine);
        snprintf(s.engine, sizeof s.engine, "%s", engines[i]);
        s.grouped.name = NULL;
        CHECK_STR(whet_suite_rival(&s)->name, i == 1 ? "repeat" : "fused");
        s.grouped.name = "grouped";
        CHECK_STR(whet_suite_rival(&s)->name, i == 1 ? "repeat" : i == 2 ? "grouped" : "fused");
    }
}

/* Fused kernels refuse a problem of no rows, so a run's took `grouped` for the engine's choice. */
static void test_first_choice_of_a_run_without_rows(void) {
    whet_problem problem = {
        .dtype = WHET_BF16, .n_heads = 16, .n_kv_heads = 8, .head_dim = 128, .n_context = 2048
    };
    const char *first = whet_search_first_choice(&problem, NULL);
    CHECK_STR(whet_search_first_choice(&problem, "fused-portable"), "fused-portable");
    CHECK_STR(whet_search_first_choice(&problem, "no-such-kernel"), first);
    problem.n_rows = 512; /* as the engine asks */
    CHECK_STR(first, whet_attention_default(&problem)->name);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    static const test_case tests[] = {
        { "bandit", test_bandit },
        { "cost", test_cost },
        { "children", test_children },
        { "islands", test_islands },
        { "room", test_room },
        { "controls_stay_apart", test_controls_stay_apart },
        { "boredom", test_boredom },
        { "cells", test_cells },
        { "duplicates", test_duplicates },
        { "frames", test_frames },
        { "ablation", test_ablation },
        { "hunks", test_hunks },
        { "ablation_of_hunks", test_ablation_of_hunks },
        { "finalists", test_finalists },
        { "the_rival_is_the_engine_s_kernel", test_the_rival_is_the_engine_s_kernel },
        { "first_choice_of_a_run_without_rows", test_first_choice_of_a_run_without_rows },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
