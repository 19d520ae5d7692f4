/* SPDX-License-Identifier: MIT */
/* The judging side of gate 10: what the baseline draws, what the model asks of attention, and the
 * verdict about what the engine's process says. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/child.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/sanitized.h"
#include "bench/champion_int.h"
#include "judge/check.h"
#include "judge/jail.h"
#include "judge/proof.h"
#include "judge/verdict.h"
#include "kernels/attention.h"

static const double default_seconds = 3600;

typedef struct trial {
    const whet_judge *judge;
    const whet_object *object;
    whet_champion_opts opts; /* defaults filled in */
    whet_drawn *drawn;       /* [WHET_CHAMPION_TEXTS], by the baseline; owned */
    int n_texts;
    int32_t n_tokens[WHET_CHAMPION_TEXTS]; /* of drawn */
    whet_champion *champion;
    whet_verdict *verdict;
    whet_folder folder;
} trial;

/* ---- without the candidate: what must come out ---- */

static whet_status count_texts(whet_ctx *ctx, const whet_stage *stage, whet_ids *prompt, int *n) {
    const whet_scenario *scenario;
    *n = 0;
    do {
        WHET_TRY(whet_stage_text(ctx, stage, *n, prompt, &scenario));
        *n += scenario != NULL;
    } while (scenario && *n < WHET_CHAMPION_TEXTS);
    if (*n) return WHET_OK;
    return whet_fail(ctx, WHET_E_ARG, "%s: its context of %d tokens holds none of the texts",
                     stage->opts->model, (int)stage->facts.config.max_position_embeddings);
}

/* The baseline's texts; one of them, by the seed, is looked into. */
static whet_status draw_baseline(whet_ctx *ctx, trial *t, const whet_stage *stage,
                                 whet_arena *arena, whet_ids *prompt, whet_recorder **recorder) {
    const whet_attention_kernel *kernel = whet_attention_find(t->opts.baseline);
    const whet_scenario *scenario;
    whet_rng rng;
    int n;
    if (!kernel)
        return whet_fail(ctx, WHET_E_ARG, "no built-in kernel \"%.40s\" runs here",
                         t->opts.baseline);
    WHET_TRY(count_texts(ctx, stage, prompt, &n));
    whet_rng_init(&rng, whet_rng_derive(t->opts.seed, 78));
    const int looked_into = (int)whet_rng_below(&rng, (uint64_t)n);
    for (int i = 0; i < n; i++) {
        WHET_TRY(whet_stage_text(ctx, stage, i, prompt, &scenario));
        whet_draw draw = { .kernel = kernel, .prompt = prompt, .n_tokens = scenario->n_tokens };
        if (i == looked_into) {
            WHET_TRY(whet_recorder_open(ctx, stage, prompt->n, draw.n_tokens, arena, recorder));
            draw.tap = whet_recorder_tap;
            draw.tap_data = *recorder;
        }
        WHET_TRY(whet_stage_draw(ctx, stage, &draw, &t->drawn[i]));
        t->n_tokens[t->n_texts++] = (int32_t)draw.n_tokens;
    }
    return WHET_OK;
}

static whet_status check_in_jail(whet_ctx *ctx, trial *t, const whet_recorder *recorder) {
    whet_bank_case cases[WHET_CHAMPION_MAX_CASES];
    int n;
    WHET_TRY(whet_recorder_cases(ctx, recorder, cases, &n));
    t->champion->n_cases = n;
    return whet_check_cases(ctx, t->judge, t->object, cases, n, t->verdict);
}

static whet_status prepare(whet_ctx *ctx, trial *t) {
    whet_stage stage = { 0 };
    whet_arena arena = { 0 };
    whet_ids prompt = { 0 };
    whet_recorder *recorder = NULL;
    whet_status st = whet_stage_open(ctx, &t->opts, &stage);
    if (st == WHET_OK) st = whet_arena_init(ctx, &arena, (size_t)4 << 30);
    if (st == WHET_OK) st = draw_baseline(ctx, t, &stage, &arena, &prompt, &recorder);
    if (st == WHET_OK) st = check_in_jail(ctx, t, recorder);
    whet_ids_fini(ctx, &prompt);
    whet_arena_fini(&arena);
    whet_stage_close(&stage);
    return st;
}

/* ---- the engine's process ---- */

static whet_status write_objects(whet_ctx *ctx, trial *t) {
    char path[64];
    whet_object spoiled;
    WHET_TRY(whet_folder_open(ctx, &t->folder));
    snprintf(path, sizeof path, "%s/candidate.so", t->folder.path);
    WHET_TRY(whet_file_write(ctx, path, t->object->bytes, t->object->n_bytes));
    WHET_TRY(whet_proof_spoil(ctx, t->object, &spoiled));
    snprintf(path, sizeof path, "%s/spoiled.so", t->folder.path);
    const whet_status st =
        spoiled.bytes ? whet_file_write(ctx, path, spoiled.bytes, spoiled.n_bytes) : WHET_OK;
    whet_object_fini(ctx, &spoiled);
    return st;
}

/* Reads the model, whet itself and what the machine is; writes nothing but the sign that resets its
 * peak of memory. */
static whet_status run_engine(whet_ctx *ctx, trial *t, whet_buf *out, whet_buf *words,
                              whet_child_result *result) {
    const whet_champion_opts *o = &t->opts;
    char seed[24], threads[16], pairs[16], blobs[1024], program[1024];
    snprintf(seed, sizeof seed, "%" PRIu64, o->seed);
    snprintf(threads, sizeof threads, "%d", o->n_threads);
    snprintf(pairs, sizeof pairs, "%d", o->n_pairs);
    snprintf(blobs, sizeof blobs, "%s/../../blobs", o->model); /* of the Hugging Face cache */
    snprintf(program, sizeof program, "%s", o->program);
    const char *const argv[] = { o->program,   "_champion", "--model",
                                 o->model,     "--folder",  t->folder.path,
                                 "--seed",     seed,        "--threads",
                                 threads,      "--pairs",   pairs,
                                 "--baseline", o->baseline, o->scenarios ? "--scenario" : NULL,
                                 o->scenarios, NULL };
    const char *const readable[] = { o->model,         blobs,
                                     program,          "/proc/cpuinfo",
                                     "/proc/meminfo",  "/sys/devices/system",
                                     "/sys/fs/cgroup", NULL };
    const char *const environment[] = {
#if WHET_IS_SANITIZED
        "ASAN_OPTIONS=detect_leaks=0", /* which takes system calls that are not allowed there */
#endif
        NULL
    };
    const char *const writable[] = { "/proc/self/clear_refs", NULL };
    const whet_jail_build jail = {
        .folder = t->folder.path,
        .kept = &t->folder,
        .readable = readable,
        .writable = writable,
    };
    const whet_child_opts limits = {
        .wall_seconds = o->seconds,
        .environment = environment,
        .confine = whet_jail_enter_build,
        .confine_data = &jail,
    };
    const whet_status st = whet_child_run(ctx, argv, &limits, out, words, result);
    whet_folder_leave(&t->folder);
    return st;
}

/* How its process ended, when not well. */
static whet_status blame(whet_ctx *ctx, trial *t, const whet_child_result *r,
                         const whet_buf *words) {
    if (r->how == WHET_CHILD_TIMED_OUT)
        whet_verdict_reject(t->verdict, WHET_V_TIMED_OUT, WHET_GATE_CHAMPION,
                            "in the engine it did not come to an end in %.0f s", t->opts.seconds);
    else if (r->how == WHET_CHILD_SIGNALLED)
        whet_verdict_reject(t->verdict, WHET_V_CRASHED, WHET_GATE_CHAMPION,
                            "in the engine signal %d ended it (%s)", r->signal,
                            strsignal(r->signal));
    else if (r->exit_code != 0)
        return whet_fail(ctx, WHET_E_INTERNAL, "the engine's process: %.*s",
                         words->len ? (int)strcspn(words->text, "\n") : 7,
                         words->len ? words->text : "nothing");
    return WHET_OK;
}

static whet_status ask_engine(whet_ctx *ctx, trial *t) {
    whet_buf out = { 0 }, words = { 0 };
    whet_child_result result;
    const int32_t n_cases = t->champion->n_cases;
    whet_status st = write_objects(ctx, t);
    if (st == WHET_OK) st = run_engine(ctx, t, &out, &words, &result);
    if (st == WHET_OK) st = blame(ctx, t, &result, &words);
    if (st == WHET_OK && t->verdict->code == WHET_V_PASS && out.len != sizeof *t->champion)
        st = whet_fail(ctx, WHET_E_INTERNAL, "the engine's process answers with %zu bytes, not %zu",
                       out.len, sizeof *t->champion);
    if (st == WHET_OK && t->verdict->code == WHET_V_PASS) {
        memcpy(t->champion, out.text, sizeof *t->champion);
        t->champion->n_cases = n_cases;
    }
    whet_folder_close(&t->folder);
    whet_buf_fini(ctx, &out);
    whet_buf_fini(ctx, &words);
    return st;
}

/* ---- the verdict ---- */

static void compare_texts(const trial *t) {
    for (int i = 0; i < t->champion->n_texts && t->verdict->code == WHET_V_PASS; i++) {
        whet_champion_text *text = &t->champion->texts[i];
        const whet_drawn *want = &t->drawn[i];
        while (text->n_same < text->n_tokens && text->ids[text->n_same] == want->ids[text->n_same])
            text->n_same++;
        const int at = text->n_same;
        if (at == text->n_tokens) continue;
        text->margin = want->margins[at];
        text->range = want->ranges[at];
        if (text->margin <= WHET_CHAMPION_TIE * text->range) continue;
        whet_verdict_reject(t->verdict, WHET_V_WRONG, WHET_GATE_CHAMPION,
                            "text %s: token %d is %d, the baseline draws %d, which is ahead by "
                            "%.3g of logits that span %.3g: no near-tie",
                            text->name, at + 1, text->ids[at], want->ids[at], text->margin,
                            text->range);
    }
}

/* A copy that computes nothing must write something else. */
static void compare_spoiled(const trial *t) {
    bool has_one = false, is_other = false;
    for (int i = 0; i < t->champion->n_texts; i++) {
        const whet_champion_text *text = &t->champion->texts[i];
        has_one |= text->has_spoiled != 0;
        is_other |= memcmp(text->ids, text->spoiled, (size_t)text->n_tokens * sizeof *text->ids);
    }
    if (has_one && !is_other)
        whet_verdict_reject(t->verdict, WHET_V_UNPROVEN, WHET_GATE_CHAMPION,
                            "a copy whose run returns at once writes the same texts: the candidate "
                            "was not what ran");
}

static bool is_sound_speed(const whet_champion_speed *s) {
    bool is = isfinite(s->ratio.ratio) && isfinite(s->ratio.low) && isfinite(s->ratio.high);
    for (int i = 0; i < WHET_BENCH_MAX_SIDES; i++)
        is &= isfinite(s->tokens_per_second[i]);
    return is;
}

/* What came from another process: as much as the baseline drew, finite, its strings ending. */
static bool is_sound(const trial *t) {
    const whet_champion *c = t->champion;
    bool is = c->n_texts == t->n_texts && c->n_contexts >= 0 &&
              c->n_contexts <= WHET_CHAMPION_CONTEXTS &&
              memchr(c->baseline, '\0', sizeof c->baseline);
    for (int i = 0; is && i < c->n_texts; i++) {
        const whet_champion_text *text = &c->texts[i];
        is = text->n_tokens == t->n_tokens[i] && text->n_same == 0 &&
             memchr(text->name, '\0', sizeof text->name) && is_sound_speed(&text->prefill) &&
             is_sound_speed(&text->decode);
    }
    for (int i = 0; is && i < c->n_contexts; i++)
        is = is_sound_speed(&c->contexts[i].decode);
    return is;
}

whet_status whet_champion_run(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                              const whet_champion_opts *opts, whet_champion *champion,
                              whet_verdict *verdict) {
    trial t = {
        .judge = judge, .object = object, .opts = *opts, .champion = champion, .verdict = verdict
    };
    *champion = (whet_champion){ 0 };
    if (!object->bytes) return whet_fail(ctx, WHET_E_ARG, "gate 10 needs a shared object");
    if (!t.opts.baseline) t.opts.baseline = "fused";
    if (!(t.opts.seconds > 0)) t.opts.seconds = default_seconds;
    t.drawn = whet_alloc_zero(ctx, WHET_CHAMPION_TEXTS, sizeof *t.drawn);
    if (!t.drawn) return WHET_E_NOMEM;
    whet_status st = prepare(ctx, &t);
    if (st == WHET_OK && verdict->code == WHET_V_PASS) st = ask_engine(ctx, &t);
    if (st == WHET_OK && verdict->code == WHET_V_PASS && !is_sound(&t))
        st = whet_fail(ctx, WHET_E_INTERNAL, "the engine's process answers with nonsense");
    if (st == WHET_OK && verdict->code == WHET_V_PASS) {
        compare_spoiled(&t);
        compare_texts(&t);
        verdict->gate = WHET_GATE_CHAMPION;
    }
    whet_free(ctx, t.drawn);
    return st;
}
