/* SPDX-License-Identifier: MIT */
/* The judge's own test without its timings (whet judge --self-test --no-timing): the cheats are
 * stopped, their honest twins and the honest kernels pass. */
#include <stdlib.h>

#include "tests/test.h"

#include <whet/self_test.h>

#include "judge/corpus.h"

static whet_ctx *ctx;

static void show(void *data, const whet_self_item *item) {
    (void)data;
    printf("# %-13s %-22s %-14s gate %d: %s\n", item->kind, item->name,
           whet_verdict_name(item->verdict.code), item->verdict.gate, item->verdict.reason);
    if (!item->is_right) TEST_FAIL("%s %s: %s", item->kind, item->name, item->fault);
}

static int run(unsigned parts) {
    const whet_self_test_opts opts = {
        .parts = parts, .seed = test_seed, .worker = WHET_PROGRAM, .on_item = show
    };
    whet_self_test result;
    CHECK_STATUS(ctx, whet_self_test_run(ctx, &opts, &result), WHET_OK);
    CHECK_STR(result.fault, "");
    return result.n_items;
}

static void test_cheats(void) {
    CHECK(run(WHET_SELF_CHEATS) >= 100);
}

static void test_honest(void) {
    CHECK(run(WHET_SELF_HONEST) >= 20);
}

static void test_twins(void) {
    CHECK(run(WHET_SELF_TWINS) >= 70);
}

static void note_gate(void *data, const whet_self_item *item) {
    bool *has_gate = data;
    if (strcmp(item->kind, "cheat") == 0 && item->is_right) has_gate[item->verdict.gate] = true;
}

/* The quick form has a cheat of every gate, and ends there. */
static void test_quick(void) {
    bool has_gate[WHET_GATE_RACE] = { false };
    const whet_self_test_opts opts = { .parts = WHET_SELF_CHEATS | WHET_SELF_TWINS,
                                       .is_quick = true,
                                       .seed = test_seed,
                                       .worker = WHET_PROGRAM,
                                       .on_item = note_gate,
                                       .data = has_gate };
    whet_self_test result;
    REQUIRE_OK(ctx, whet_self_test_run(ctx, &opts, &result));
    CHECK_STR(result.fault, "");
    CHECK_INT(result.n_items, WHET_GATE_RACE);
    for (int gate = 0; gate < WHET_GATE_RACE; gate++)
        if (!has_gate[gate]) TEST_FAIL("no cheat of gate %s", whet_gate_name((whet_gate)gate));
}

/* A judge that refuses everything is found out: its compiler is one that compiles nothing. */
static void test_faults(void) {
    const whet_self_test_opts opts = { .is_quick = true, .worker = WHET_PROGRAM, .cc = "false" };
    whet_self_test result;
    REQUIRE_OK(ctx, whet_self_test_run(ctx, &opts, &result));
    CHECK_INT(result.n_items, WHET_GATE_RACE + 2); /* and nothing is timed any more */
    CHECK_INT(result.n_wrong, 2);
    CHECK_CONTAINS(result.fault, "honest h02-tiles: NO_BUILD");
}

/* Every number of the lists A01 to A58 and H01 to H14 has a file. */
static void test_complete(void) {
    static const struct {
        char letter;
        int n;
    } lists[] = { { 'a', 58 }, { 'h', 14 } };
    for (int i = 0; i < 2; i++) {
        bool is_there[100] = { false };
        whet_corpus_file file;
        for (size_t j = 0; whet_corpus_get(j, &file); j++) {
            const int number = file.name[0] == lists[i].letter ? atoi(file.name + 1) : 0;
            if (number > 0 && number < 100) is_there[number] = true;
        }
        for (int number = 1; number <= lists[i].n; number++)
            if (!is_there[number]) TEST_FAIL("no file of %c%02d", lists[i].letter, number);
    }
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "cheats", test_cheats }, { "honest", test_honest }, { "twins", test_twins },
        { "quick", test_quick },   { "faults", test_faults }, { "complete", test_complete },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
