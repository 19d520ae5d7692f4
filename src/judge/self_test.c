/* SPDX-License-Identifier: MIT */
/* The judge's own test: the corpus, and a clock that must tell a tenth from nothing. */
#include <whet/self_test.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "judge/corpus.h"
#include "judge/elf.h"
#include "judge/judge_int.h"
#include "kernels/programs.h"
#include "kernels/text.h"

enum {
    MAX_TWINS = 256, /* different objects among them */
    RACED = 500,     /* keys, where an append of many rows is looked at */
    RACED_PAIRS = 3,
    TIMED_HEADS = 20, /* of which the slowed kernel does 2 twice */
    TIMED_AGAIN = 2,
};

/* What the clock must say, as times slower. */
static const double most_of_itself = 1.01, least_slowed = 1.08, most_slowed = 1.12;
static const double most_when_quick = 1.05;

/* One cheat of every gate, and two that are honest. */
static const char *const quick[] = { "a36-constructor", "a51-compile-bomb", "a27-cache-by-pointer",
                                     "a01-noop",        "b08-one-bit",      "b21-notes-in-cache",
                                     "b10-index",       "h02-tiles",        "h04-bf16-weights" };

static const whet_problem small_problem = { WHET_BF16, 4, 2, 64, 8, 96 };
static const whet_problem timed_problem = { WHET_BF16, TIMED_HEADS, 1, 64, 1, 1024 };

typedef struct tester {
    const whet_self_test_opts *opts;
    whet_self_test *result;
    whet_judge *judge;                      /* gates 0 to 5 */
    whet_judge full, late;                  /* borrow its cases: to gate 6; without 0 and 2 */
    whet_object plain;                      /* rival of the twins; empty until it is needed */
    char twins[MAX_TWINS][WHET_SHA256_HEX]; /* objects that were judged */
    int n_twins;
    double item_start_ns;
} tester;

/* ---- telling ---- */

static whet_self_item begin(tester *t, const char *kind, const char *name) {
    t->item_start_ns = whet_clock_ns();
    return (whet_self_item){ .kind = kind, .name = name };
}

/* An item without a fault is right. */
static void end(tester *t, whet_self_item *item) {
    whet_self_test *r = t->result;
    item->seconds = (whet_clock_ns() - t->item_start_ns) * 1e-9;
    item->is_right = !*item->fault;
    r->n_items++;
    if (!item->is_right && r->n_wrong++ == 0)
        snprintf(r->fault, sizeof r->fault, "%s %s: %s", item->kind, item->name, item->fault);
    if (t->opts->on_item) t->opts->on_item(t->opts->data, item);
}

static void expect_pass(whet_self_item *item) {
    const whet_verdict *v = &item->verdict;
    if (v->code != WHET_V_PASS)
        snprintf(item->fault, sizeof item->fault, "%s (%s)", whet_verdict_name(v->code), v->reason);
}

/* ---- the corpus ---- */

/* Builds some text before the plain kernel; what does not compile is a fault of ours. */
static whet_status build(whet_ctx *ctx, const whet_judge *judge, const char *defines,
                         const char *text, whet_object *object) {
    whet_buf source = { 0 };
    whet_verdict v = { 0 };
    whet_status st = whet_corpus_compose(ctx, defines, text, &source);
    if (st == WHET_OK) st = whet_judge_build(ctx, judge, source.text, source.len, object, &v);
    whet_buf_fini(ctx, &source);
    if (st == WHET_OK && v.code != WHET_V_PASS)
        st = whet_fail(ctx, WHET_E_INTERNAL, "a kernel of the self-test: %s", v.reason);
    return st;
}

static whet_status judge_file(whet_ctx *ctx, const whet_judge *judge, const whet_corpus_file *file,
                              whet_verdict *verdict) {
    whet_buf source = { 0 };
    whet_status st = whet_corpus_compose(ctx, "", file->text, &source);
    if (st == WHET_OK) st = whet_judge_source(ctx, judge, source.text, source.len, NULL, verdict);
    whet_buf_fini(ctx, &source);
    return st;
}

/* Gates 0 to 5 have nothing against it; then it is raced, with two workers; against gate 9 with
 * fresh data, at a context that the cases are right about. */
static whet_status race_file(whet_ctx *ctx, tester *t, const whet_corpus_file *file,
                             whet_verdict *verdict) {
    whet_buf source = { 0 };
    whet_object object = { 0 };
    whet_duel duel = { 0 };
    const whet_duel_opts opts = { .n_context = file->gate == WHET_GATE_SANITY ? RACED : 0,
                                  .n_pairs = RACED_PAIRS,
                                  .n_blocks = 8,
                                  .seed = t->opts->seed,
                                  .keeps_data = true };
    whet_status st = whet_corpus_compose(ctx, "", file->text, &source);
    if (st == WHET_OK)
        st = whet_judge_source(ctx, t->judge, source.text, source.len, &object, verdict);
    const bool is_going = st == WHET_OK && verdict->code == WHET_V_PASS;
    if (is_going && !t->plain.bytes) st = build(ctx, t->judge, "", "", &t->plain);
    if (is_going && st == WHET_OK)
        st = whet_judge_duel(ctx, t->judge, &object, &t->plain, &opts, &duel);
    if (is_going && st == WHET_OK) *verdict = duel.verdict;
    whet_duel_fini(ctx, &duel);
    whet_object_fini(ctx, &object);
    whet_buf_fini(ctx, &source);
    return st;
}

static whet_status try_cheat(whet_ctx *ctx, tester *t, const whet_corpus_file *file) {
    whet_self_item item = begin(t, "cheat", file->name);
    const whet_verdict *v = &item.verdict;
    item.gate = file->gate;
    if (file->gate >= WHET_GATE_DUEL && file->gate <= WHET_GATE_SANITY)
        WHET_TRY(race_file(ctx, t, file, &item.verdict));
    else
        WHET_TRY(judge_file(ctx, file->gate > WHET_GATE_PROPERTY ? &t->full : t->judge, file,
                            &item.verdict));
    if (file->gate == WHET_GATE_CHAMPION)
        snprintf(item.fault, sizeof item.fault, "its first comment names no gate");
    else if (v->code == WHET_V_PASS)
        snprintf(item.fault, sizeof item.fault, "it passes");
    else if (v->gate > file->gate)
        snprintf(item.fault, sizeof item.fault, "it is stopped by gate %s, not by %s",
                 whet_gate_name(v->gate), whet_gate_name(file->gate));
    end(t, &item);
    if (!file->is_late || t->opts->is_quick) return WHET_OK;
    item = begin(t, "no gates 0, 2", file->name);
    item.gate = file->gate;
    WHET_TRY(judge_file(ctx, &t->late, file, &item.verdict));
    if (v->code == WHET_V_PASS || v->gate < WHET_GATE_SMOKE)
        snprintf(item.fault, sizeof item.fault, "%s, gate %s (%s)", whet_verdict_name(v->code),
                 whet_gate_name(v->gate), v->reason);
    end(t, &item);
    return WHET_OK;
}

static whet_status try_honest(whet_ctx *ctx, tester *t, const whet_corpus_file *file) {
    whet_self_item item = begin(t, "honest", file->name);
    const bool is_full = strstr(file->text, "also by gate 6") && !t->opts->is_quick;
    WHET_TRY(judge_file(ctx, is_full ? &t->full : t->judge, file, &item.verdict));
    expect_pass(&item);
    end(t, &item);
    return WHET_OK;
}

/* The program that evolutions start from. */
static whet_status try_repeat(whet_ctx *ctx, tester *t) {
    const char *name = "repeat", *text = whet_program_text(name);
    whet_self_item item = begin(t, "honest", name);
    WHET_TRY(whet_judge_source(ctx, t->judge, text, strlen(text), NULL, &item.verdict));
    expect_pass(&item);
    end(t, &item);
    return WHET_OK;
}

/* ---- timing ---- */

typedef struct limits {
    double least, most;
    int n_pairs, n_blocks;
    bool is_wide; /* it is enough that a part of the interval lies between them */
} limits;

static bool is_within(const limits *l, const whet_ratio *r) {
    return l->is_wide ? r->low <= l->most && r->high >= l->least
                      : r->ratio >= l->least && r->ratio <= l->most;
}

/* How many times slower `object` is than `rival`: asked again where something disturbed it. */
static whet_status time_it(whet_ctx *ctx, tester *t, whet_judge *judge, const char *name,
                           const whet_object *object, const whet_object *rival, limits l) {
    whet_self_item item = begin(t, "timing", name);
    whet_ratio *r = &item.ratio;
    for (int i = 0; i < (l.is_wide ? 3 : 2); i++) {
        const whet_duel_opts opts = { .shape = WHET_SHAPE_DECODE,
                                      .n_pairs = l.n_pairs,
                                      .n_blocks = l.n_blocks,
                                      .seed = t->opts->seed + (uint64_t)i };
        whet_duel duel;
        WHET_TRY(whet_judge_duel(ctx, judge, object, rival, &opts, &duel));
        item.verdict = duel.verdict;
        *r = (whet_ratio){ 1 / duel.result.ratio, 1 / duel.result.high, 1 / duel.result.low };
        whet_duel_fini(ctx, &duel);
        if (is_within(&l, r)) break;
    }
    if (!is_within(&l, r))
        snprintf(item.fault, sizeof item.fault,
                 "%.3f [%.3f, %.3f] times slower, %.2f to %.2f would be right", r->ratio, r->low,
                 r->high, l.least, l.most);
    if (item.verdict.code != WHET_V_PASS) expect_pass(&item);
    end(t, &item);
    return WHET_OK;
}

/* Whether two objects hold the same machine code at the same places. */
static bool is_same_code(const whet_object *a, const whet_object *b) {
    whet_elf x, y;
    if (whet_elf_open(a->bytes, a->n_bytes, &x) || whet_elf_open(b->bytes, b->n_bytes, &y) ||
        x.n_sections != y.n_sections)
        return false;
    for (size_t i = 0; i < x.n_sections; i++) {
        const Elf64_Shdr *s = &x.sections[i];
        if (memcmp(s, &y.sections[i], sizeof *s) != 0) return false;
        if (!(s->sh_flags & SHF_EXECINSTR)) continue;
        const void *code = whet_elf_content(&x, s, 1);
        const void *other = whet_elf_content(&y, &y.sections[i], 1);
        if (!code || !other || memcmp(code, other, s->sh_size) != 0) return false;
    }
    return true;
}

static const char *slowed_text(void) {
    const whet_text *t = whet_corpus_texts;
    while (strcmp(t->path, "slowed.c") != 0)
        t++;
    return t->text;
}

static whet_status time_kernels(whet_ctx *ctx, tester *t, whet_judge *judge) {
    const limits same = { 1 / most_of_itself, most_of_itself, 20, 8 };
    const limits slower = { least_slowed, most_slowed, 20, 8 };
    char again[32];
    whet_object slowed = { 0 }, whole = { 0 };
    snprintf(again, sizeof again, "#define AGAIN %d\n", TIMED_AGAIN);
    whet_status st = build(ctx, judge, "#define AGAIN 0\n", slowed_text(), &whole);
    if (st == WHET_OK) st = build(ctx, judge, again, slowed_text(), &slowed);
    if (st == WHET_OK && !is_same_code(&whole, &slowed))
        st = whet_fail(ctx, WHET_E_INTERNAL, "the slowed kernel is not the code of the whole one");
    if (st == WHET_OK) st = time_it(ctx, t, judge, "a/a", &whole, &whole, same);
    if (st == WHET_OK) st = time_it(ctx, t, judge, "slowed", &slowed, &whole, slower);
    whet_object_fini(ctx, &slowed);
    whet_object_fini(ctx, &whole);
    return st;
}

static whet_status time_in_full(whet_ctx *ctx, tester *t) {
    whet_judge_opts opts = t->judge->opts;
    whet_judge *judge;
    opts.problem = timed_problem;
    opts.n_threads = 1;
    WHET_TRY(whet_judge_open(ctx, &opts, &judge));
    const whet_status st = time_kernels(ctx, t, judge);
    whet_judge_close(ctx, judge);
    return st;
}

static whet_status time_quickly(whet_ctx *ctx, tester *t) {
    const limits wide = { 1 / most_when_quick, most_when_quick, 4, 3, true };
    if (!t->plain.bytes) WHET_TRY(build(ctx, t->judge, "", "", &t->plain));
    return time_it(ctx, t, t->judge, "a/a", &t->plain, &t->plain, wide);
}

/* ---- twins ---- */

static bool is_known_twin(tester *t, const whet_object *object) {
    for (int i = 0; i < t->n_twins; i++)
        if (strcmp(t->twins[i], object->sha256) == 0) return true;
    if (t->n_twins < MAX_TWINS) memcpy(t->twins[t->n_twins++], object->sha256, WHET_SHA256_HEX);
    return false;
}

static whet_status duel_twin(whet_ctx *ctx, tester *t, const whet_object *twin,
                             whet_verdict *verdict) {
    const whet_duel_opts opts = { .n_pairs = 2, .n_blocks = 2, .seed = t->opts->seed };
    whet_duel duel;
    if (!t->plain.bytes) WHET_TRY(build(ctx, t->judge, "", "", &t->plain));
    WHET_TRY(whet_judge_duel(ctx, t->judge, twin, &t->plain, &opts, &duel));
    if (duel.verdict.code != WHET_V_PASS) *verdict = duel.verdict;
    whet_duel_fini(ctx, &duel);
    return WHET_OK;
}

/* Gate 0 is not asked: it reads what is not compiled, too. */
static whet_status try_twin(whet_ctx *ctx, tester *t, const whet_corpus_file *file) {
    whet_self_item item = begin(t, "twin", file->name);
    whet_buf source = { 0 };
    whet_object twin = { 0 };
    whet_status st = whet_corpus_compose(ctx, "#define HONEST\n", file->text, &source);
    if (st == WHET_OK)
        st = whet_judge_build(ctx, &t->late, source.text, source.len, &twin, &item.verdict);
    const bool is_new =
        st == WHET_OK && item.verdict.code == WHET_V_PASS && !is_known_twin(t, &twin);
    if (is_new) st = whet_judge_check(ctx, t->judge, &twin, &item.verdict);
    if (is_new && st == WHET_OK && item.verdict.code == WHET_V_PASS &&
        (t->opts->parts & WHET_SELF_TIMING))
        st = duel_twin(ctx, t, &twin, &item.verdict);
    whet_object_fini(ctx, &twin);
    whet_buf_fini(ctx, &source);
    expect_pass(&item);
    if (st == WHET_OK) end(t, &item);
    return st;
}

/* ---- all of it ---- */

static bool is_wanted(const tester *t, const whet_corpus_file *file) {
    bool is_quick = false;
    for (size_t i = 0; i < sizeof quick / sizeof *quick; i++)
        is_quick |= strcmp(quick[i], file->name) == 0;
    return is_quick || !t->opts->is_quick;
}

static whet_status run_files(whet_ctx *ctx, tester *t) {
    const unsigned parts = t->opts->parts;
    whet_corpus_file file;
    for (size_t i = 0; whet_corpus_get(i, &file); i++) {
        WHET_TRY(whet_check_cancelled(ctx));
        if (!is_wanted(t, &file)) continue;
        if (file.is_cheat && (parts & WHET_SELF_CHEATS)) WHET_TRY(try_cheat(ctx, t, &file));
        if (file.is_cheat && (parts & WHET_SELF_TWINS) && !t->opts->is_quick)
            WHET_TRY(try_twin(ctx, t, &file));
        if (!file.is_cheat && (parts & WHET_SELF_HONEST)) WHET_TRY(try_honest(ctx, t, &file));
    }
    if ((parts & WHET_SELF_HONEST) && !t->opts->is_quick) WHET_TRY(try_repeat(ctx, t));
    const bool is_enough = t->opts->is_quick && t->result->n_wrong;
    if (!(parts & WHET_SELF_TIMING) || is_enough) return WHET_OK;
    return t->opts->is_quick ? time_quickly(ctx, t) : time_in_full(ctx, t);
}

whet_status whet_self_test_run(whet_ctx *ctx, const whet_self_test_opts *given,
                               whet_self_test *result) {
    whet_self_test_opts opts = *given;
    tester t = { .opts = &opts, .result = result };
    const double start_ns = whet_clock_ns();
    if (!opts.parts) opts.parts = ~0u;
    *result = (whet_self_test){ 0 };
    const whet_judge_opts of_judge = {
        .problem = small_problem,
        .n_threads = 2,
        .seed = opts.seed,
        .worker = opts.worker,
        .cc = opts.cc,
        .call_seconds = opts.call_seconds,
        .cache_bytes = 1, /* arithmetic is timed, not memory */
        .is_unsafe = opts.is_unsafe,
    };
    WHET_TRY(whet_judge_open(ctx, &of_judge, &t.judge));
    t.full = t.late = *t.judge;
    t.full.opts.is_full = true;
    t.late.opts.skips_source_gate = t.late.opts.skips_object_gate = true;
    const whet_status st = run_files(ctx, &t);
    whet_object_fini(ctx, &t.plain);
    whet_judge_close(ctx, t.judge);
    result->seconds = (whet_clock_ns() - start_ns) * 1e-9;
    return st;
}
