/* SPDX-License-Identifier: MIT */
/* The cases of coverage: those of the bank, the exact ones, then others near the constants that
 * the source names, for these heads, for fewer, and for other ones. */
#include "judge/cover.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "judge/exam.h"
#include "judge/far.h"
#include "kernels/attention.h"
#include "kernels/dtype.h"

/* Looking ends by count, not by the clock: a busy machine must not change a verdict. */
enum {
    MAX_CONSTANTS = 64,
    MAX_CONSTANT = 70000,
    MAX_WORK = 1 << 25, /* multiplications of one case */
    MAX_AIMS = 800,
    MAX_DIM = 512,
    FAR = 4096,
    STREAM = 800,
    STREAM_NEAR = 801,
};

static const int64_t max_works = (int64_t)1 << 27; /* of all that are judged near constants */
static const int64_t max_walks = (int64_t)1 << 29; /* of all that look for what was not taken */

typedef struct search {
    const whet_judge *judge;
    whet_cover cover;
    whet_link link, real; /* the instrumented object, the judged one */
    const whet_object *object;
    whet_verdict *verdict;
    whet_arena arena;
    whet_rng rng;
    size_t n_left;
    int n_aims;
    int64_t works, walks;
    int32_t constants[MAX_CONSTANTS];
    int n_constants;
} search;

static bool is_going(const search *s) {
    return s->n_left > 0 && s->verdict->code == WHET_V_PASS && s->n_aims < MAX_AIMS &&
           s->walks < max_walks;
}

/* Integers of the text that a length, a number of rows or of workers might be compared with. */
static void read_constants(const char *source, size_t n, search *s) {
    for (size_t i = 0; i < n && s->n_constants < MAX_CONSTANTS;) {
        const bool is_word = isalpha((unsigned char)source[i]) || source[i] == '_';
        if (!isdigit((unsigned char)source[i]) && !is_word) {
            i++;
            continue;
        }
        const long x = is_word ? 0 : strtol(source + i, NULL, 0);
        while (i < n && (isalnum((unsigned char)source[i]) || source[i] == '_' || source[i] == '.'))
            i++;
        bool is_new = x > 1 && x <= MAX_CONSTANT;
        for (int j = 0; j < s->n_constants; j++)
            is_new &= s->constants[j] != x;
        if (is_new) s->constants[s->n_constants++] = (int32_t)x;
    }
}

static whet_status open_link(whet_ctx *ctx, search *s, const whet_object *object, whet_link *link) {
    whet_link_end end;
    whet_reply reply;
    WHET_TRY(whet_link_open(ctx, s->judge->opts.worker, object, &s->judge->opts.problem, link, &end,
                            &reply));
    whet_link_blame(end, &reply, WHET_GATE_SANITIZER, s->verdict);
    return WHET_OK;
}

/* One run of the instrumented object; its outputs are not looked at. */
static whet_status walk(whet_ctx *ctx, search *s, const whet_bank_case *c, whet_verdict *found) {
    whet_trial t;
    WHET_TRY(whet_trial_open(ctx, s->judge, c, &s->link, found, &t));
    const whet_memory memory = { .seed = c->seed, .place = WHET_PLACE_END };
    if (!whet_trial_is_over(&t)) WHET_TRY(whet_trial_lay_out(ctx, &t, &memory));
    return whet_trial_play(ctx, &t);
}

static whet_status count(whet_ctx *ctx, search *s) {
    return whet_cover_read(ctx, &s->cover, &s->link, s->verdict, &s->n_left);
}

/* A case that leads to new code is judged on the real object, with all families. */
static whet_status judge_case(whet_ctx *ctx, search *s, const whet_bank_case *c) {
    const whet_mark mark = whet_arena_mark(&s->arena);
    for (int family = 0; family < WHET_N_CASES && s->verdict->code == WHET_V_PASS; family++) {
        whet_bank_case full = *c;
        full.family = (whet_case_family)family;
        WHET_TRY(whet_bank_fill(ctx, &s->arena, &full));
        WHET_TRY(whet_judge_case(ctx, s->judge, &full, &s->real, s->verdict));
        whet_arena_reset(&s->arena, mark);
    }
    return WHET_OK;
}

static whet_status is_supported(whet_ctx *ctx, search *s, const whet_problem *p, bool *answer) {
    const whet_request request = { .op = WHET_OP_LOAD, .problem = *p };
    whet_link_end end;
    whet_reply reply;
    const whet_limits limits = whet_judge_limits(s->judge, &request);
    WHET_TRY(whet_link_ask(ctx, &s->real, &request, &limits, &end, &reply, NULL));
    whet_link_blame(end, &reply, WHET_GATE_SANITIZER, s->verdict);
    *answer = s->verdict->code == WHET_V_PASS;
    if (s->verdict->code == WHET_V_UNSUPPORTED) {
        s->verdict->code = WHET_V_PASS;
        s->verdict->gate = WHET_GATE_SANITIZER;
        s->verdict->reason[0] = '\0';
    }
    return WHET_OK;
}

/* What a directed case is like. */
typedef struct aim {
    int32_t n_context, n_rows, n_workers, chunk;
    int64_t capacity;
} aim;

static int64_t work_of(const whet_problem *heads, aim a) {
    return (int64_t)a.n_context * a.n_rows * heads->n_heads * heads->head_dim;
}

/* False: there is no such case, or it is too long. */
static bool make_case(search *s, const whet_problem *heads, aim a, whet_bank_case *c) {
    if (a.n_rows < 1 || a.n_context < a.n_rows || a.n_workers < 1 || work_of(heads, a) > MAX_WORK)
        return false;
    *c = (whet_bank_case){
        .family = WHET_CASE_GAUSS_1,
        .gate = WHET_GATE_SANITIZER,
        .problem = *heads,
        .seed = whet_rng_u64(&s->rng) >> 11,
        .n_workers = a.n_workers,
        .chunk = a.chunk,
        .capacity = a.capacity > a.n_context ? a.capacity : a.n_context,
    };
    c->problem.n_context = a.n_context;
    c->problem.n_rows = a.n_rows;
    c->bounds = c->problem;
    c->bounds.n_context = (int32_t)c->capacity;
    return true;
}

static whet_status try_aim(whet_ctx *ctx, search *s, const whet_problem *heads, aim a) {
    whet_bank_case c;
    if (!is_going(s) || !make_case(s, heads, a, &c)) return WHET_OK;
    s->n_aims++;
    s->walks += work_of(heads, a);
    const whet_mark mark = whet_arena_mark(&s->arena);
    WHET_TRY(whet_bank_fill_inputs(ctx, &s->arena, &c));
    const size_t before = s->n_left;
    whet_verdict found = { 0 };
    WHET_TRY(walk(ctx, s, &c, &found));
    if (found.code != WHET_V_PASS) {
        *s->verdict = found;
        return WHET_OK;
    }
    WHET_TRY(count(ctx, s));
    whet_arena_reset(&s->arena, mark);
    return s->n_left < before ? judge_case(ctx, s, &c) : WHET_OK;
}

static whet_status judge_near(whet_ctx *ctx, search *s) {
    whet_problem heads;
    WHET_TRY(whet_far_heads(ctx, s->judge, &s->real, &heads));
    for (int i = 0; i < s->n_constants && s->verdict->code == WHET_V_PASS; i++) {
        const int32_t x = s->constants[i];
        const bool is_far = x > FAR; /* and costs accordingly */
        const aim aims[] = { { x, 1, 2, 0, 0 },
                             { x + 1, 1, 1, 16, 0 },
                             { is_far ? 0 : x - 1, 1, 1, 0, x },
                             { is_far ? 0 : x + 2, 2, 3, 0, 0 },
                             { is_far ? 0 : 5, 2, 2, 0, x },
                             { x < 300 ? 60 : 0, 3, x, 0, 0 },
                             { x < 90 ? x + 3 : 0, x, 2, 0, 0 } };
        for (size_t j = 0; j < sizeof aims / sizeof *aims; j++) {
            const whet_mark mark = whet_arena_mark(&s->arena);
            whet_bank_case c;
            if (!make_case(s, &heads, aims[j], &c) || s->verdict->code != WHET_V_PASS) continue;
            s->works +=
                (int64_t)c.problem.n_context * c.problem.n_rows * heads.n_heads * heads.head_dim;
            if (s->works > max_works) return WHET_OK;
            c.family = (whet_case_family)whet_rng_below(&s->rng, WHET_N_CASES);
            WHET_TRY(whet_bank_fill(ctx, &s->arena, &c));
            WHET_TRY(whet_judge_case(ctx, s->judge, &c, &s->real, s->verdict));
            whet_arena_reset(&s->arena, mark);
        }
    }
    return WHET_OK;
}

/* Everything near one number: keys, position, rows, workers, chunk, capacity. */
static whet_status try_number(whet_ctx *ctx, search *s, const whet_problem *heads, int32_t x) {
    for (int32_t n = x - 1; n <= x + 2; n++) {
        WHET_TRY(try_aim(ctx, s, heads, (aim){ n, 1, 1, 0, 0 }));
        WHET_TRY(try_aim(ctx, s, heads, (aim){ 2 * n, n, 2, 0, 0 }));
        WHET_TRY(try_aim(ctx, s, heads, (aim){ n + 40, n, 1, n, 0 }));
        WHET_TRY(try_aim(ctx, s, heads, (aim){ n + 7, 7, 2, 0, 0 }));
        WHET_TRY(try_aim(ctx, s, heads, (aim){ 37, 3, 2, 0, n }));
        if (n <= 300) WHET_TRY(try_aim(ctx, s, heads, (aim){ 90, 9, n, 0, 0 }));
        if (n <= 3000) WHET_TRY(try_aim(ctx, s, heads, (aim){ n + 50, 2, 1, n, 0 }));
    }
    for (int i = 0; i < s->n_constants && is_going(s); i++) {
        const int32_t y = s->constants[i];
        WHET_TRY(try_aim(ctx, s, heads, (aim){ x + y, y, 1, 0, 0 }));
        WHET_TRY(try_aim(ctx, s, heads, (aim){ x, y, 2, 0, 0 }));
        if (y <= 300) WHET_TRY(try_aim(ctx, s, heads, (aim){ x, 1, y, 0, 0 }));
    }
    return WHET_OK;
}

/* Lengths for all of these heads, one after the other: what only other heads have is mostly seen at
 * the first. */
static whet_status try_lengths(whet_ctx *ctx, search *s, const whet_problem *heads, int n) {
    static const aim some[] = { { 1, 1, 1, 0, 0 },    { 37, 37, 3, 0, 50 }, { 700, 64, 1, 0, 999 },
                                { 300, 1, 2, 16, 0 }, { 130, 40, 5, 3, 0 }, { 1500, 1, 7, 0, 0 },
                                { 257, 2, 3, 0, 0 },  { 1025, 3, 2, 0, 0 } };
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        for (int j = 0; j < n; j++)
            WHET_TRY(try_aim(ctx, s, &heads[j], some[i]));
    return WHET_OK;
}

static whet_status try_numbers(whet_ctx *ctx, search *s, const whet_problem *heads) {
    for (int i = 0; i < s->n_constants && is_going(s); i++)
        WHET_TRY(try_number(ctx, s, heads, s->constants[i]));
    return WHET_OK;
}

/* Heads that it supports are kept. */
static whet_status add_heads(whet_ctx *ctx, search *s, whet_problem p, whet_problem *heads,
                             int *n) {
    bool answer = false;
    p.n_context = 4096;
    p.n_rows = 64;
    if (is_going(s) && whet_problem_is_valid(&p)) WHET_TRY(is_supported(ctx, s, &p, &answer));
    if (answer) heads[(*n)++] = p;
    return WHET_OK;
}

/* Code for other heads, dimensions and types is the kernel's as well, where it supports them. */
static whet_status try_others(whet_ctx *ctx, search *s) {
    static const int common[][3] = { { 1, 1, 64 },   { 2, 1, 128 }, { 8, 8, 64 },  { 40, 8, 128 },
                                     { 5, 1, 80 },   { 3, 3, 96 },  { 8, 1, 256 }, { 6, 2, 33 },
                                     { 24, 2, 128 }, { 32, 1, 64 }, { 4, 2, 20 } };
    enum { N_COMMON = sizeof common / sizeof *common, N_TYPES = WHET_F16 + 1 };
    whet_problem heads[N_COMMON * N_TYPES + 2 * MAX_CONSTANTS];
    int n = 0;
    for (int i = 0; i < N_COMMON; i++)
        for (int dtype = WHET_F32; dtype <= WHET_F16; dtype++) {
            const int *h = common[i];
            WHET_TRY(add_heads(ctx, s, (whet_problem){ dtype, h[0], h[1], h[2], 1, 1 }, heads, &n));
        }
    WHET_TRY(try_lengths(ctx, s, heads, n));
    n = 0;
    for (int i = 0; i < s->n_constants; i++) {
        whet_problem p = s->judge->opts.problem;
        if (s->constants[i] > MAX_DIM) continue;
        p.head_dim = s->constants[i];
        WHET_TRY(add_heads(ctx, s, p, heads, &n));
        p = s->judge->opts.problem;
        p.n_heads = p.n_kv_heads * s->constants[i];
        WHET_TRY(add_heads(ctx, s, p, heads, &n));
    }
    return try_lengths(ctx, s, heads, n);
}

/* Dimensions that are asked for where the text does not name others. */
static const int32_t common_dims[] = { 20, 32, 33, 40, 64, 72, 80, 96, 112, 128, 160, 192, 256 };

/* Whether it supports no other dtype, and no other dimension, for these heads. */
static whet_status find_fixed(whet_ctx *ctx, search *s, whet_fixed *fixed) {
    const whet_problem *own = &s->judge->opts.problem;
    const int n_common = (int)(sizeof common_dims / sizeof *common_dims);
    *fixed = (whet_fixed){ true, true, own->dtype, own->head_dim };
    whet_problem p = *own;
    for (p.dtype = WHET_F32; p.dtype <= WHET_F16 && fixed->has_dtype; p.dtype++) {
        bool answer = false;
        if (p.dtype != own->dtype) WHET_TRY(is_supported(ctx, s, &p, &answer));
        fixed->has_dtype = !answer;
    }
    p = *own;
    for (int i = 0; i < n_common + s->n_constants && fixed->has_head_dim; i++) {
        bool answer = false;
        p.head_dim = i < n_common ? common_dims[i] : s->constants[i - n_common];
        if (p.head_dim != own->head_dim && p.head_dim <= MAX_DIM)
            WHET_TRY(is_supported(ctx, s, &p, &answer));
        fixed->has_head_dim = !answer;
    }
    return WHET_OK;
}

static whet_problem few_heads(const search *s) {
    whet_problem few = s->judge->opts.problem;
    few.n_heads /= few.n_kv_heads;
    few.n_kv_heads = 1;
    return few;
}

static whet_status direct(whet_ctx *ctx, search *s) {
    const whet_problem *own = &s->judge->opts.problem, few = few_heads(s);
    bool has_few = false;
    WHET_TRY(try_lengths(ctx, s, own, 1));
    WHET_TRY(try_others(ctx, s));
    if (is_going(s)) WHET_TRY(is_supported(ctx, s, &few, &has_few));
    if (has_few) WHET_TRY(try_lengths(ctx, s, &few, 1));
    if (has_few) WHET_TRY(try_numbers(ctx, s, &few));
    return try_numbers(ctx, s, own);
}

/* The line's text without the blanks before it. */
static void blame(const search *s, const char *source, size_t n_bytes) {
    const whet_point *point = NULL;
    for (size_t i = 0; i < s->cover.n_points && !point; i++)
        if (!s->cover.points[i].is_taken) point = &s->cover.points[i];
    if (!point) return;
    size_t at = 0;
    for (int32_t line = 1; line < point->line && at < n_bytes; at++)
        line += source[at] == '\n';
    while (at < n_bytes && (source[at] == ' ' || source[at] == '\t'))
        at++;
    size_t n = 0;
    while (at + n < n_bytes && source[at + n] != '\n' && n < 100)
        n++;
    whet_verdict_reject(s->verdict, WHET_V_UNCOVERED, WHET_GATE_SANITIZER,
                        point->branch ? "a condition of line %d is the same in all cases: %.*s"
                                      : "no case reaches line %d or a part of it: %.*s",
                        point->line, (int)n, source + at);
}

/* What it says to nonsense does not matter, nor whether it survives it: the conditions with which
 * it refuses what it does not support are conditions, too. */
static whet_status ask_nonsense(whet_ctx *ctx, search *s) {
    const whet_problem p = s->judge->opts.problem;
    const int32_t d = p.head_dim, h = p.n_heads, g = p.n_kv_heads, c = p.n_context;
    const whet_problem odd[] = { { -1, h, g, d, 1, c },         { 3, h, g, d, 1, c },
                                 { p.dtype, 0, g, d, 1, c },    { p.dtype, h, 0, d, 1, c },
                                 { p.dtype, 5, 3, d, 1, c },    { p.dtype, 64, 1, d, 1, c },
                                 { p.dtype, 4096, 8, d, 1, c }, { p.dtype, 2, 4, d, 1, c },
                                 { p.dtype, h, g, 0, 1, c },    { p.dtype, h, g, 1, 1, c },
                                 { p.dtype, h, g, 72, 1, c },   { p.dtype, h, g, 1 << 14, 1, c },
                                 { p.dtype, h, g, d, 0, c },    { p.dtype, h, g, d, 1, 0 },
                                 { p.dtype, h, g, d, 9, 5 },    { p.dtype, h, g, d, 1, 1 << 30 },
                                 { WHET_F32, h, g, d, 1, c },   { WHET_BF16, h, g, d, 1, c },
                                 { WHET_F16, h, g, d, 1, c } };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        whet_request request = { .op = WHET_OP_LOAD, .problem = odd[i] };
        whet_link_end end;
        whet_reply reply;
        const whet_limits limits = whet_judge_limits(s->judge, &request);
        WHET_TRY(whet_link_ask(ctx, &s->link, &request, &limits, &end, &reply, NULL));
    }
    return WHET_OK;
}

/* No numbers, minus infinity for every score, any bytes. */
static void spoil(search *s, const whet_bank_case *c, int how, void *rows, int n_rows,
                  int n_heads) {
    const whet_dtype dtype = (whet_dtype)c->problem.dtype;
    const int64_t n = (int64_t)n_rows * n_heads * c->problem.head_dim;
    const size_t bytes = whet_dtype_bytes(dtype);
    for (int64_t i = 0; i < n; i++) {
        const uint64_t bits = how == 0 ? UINT64_MAX : whet_rng_u64(&s->rng);
        memcpy((char *)rows + (size_t)i * bytes, &bits, bytes);
        if (how == 1) whet_store_f32(dtype, rows, i, rows == c->q ? 1 : -INFINITY);
    }
}

/* Guards against what is no number are conditions, too; what comes of it does not matter. */
static whet_status walk_nonsense_of(whet_ctx *ctx, search *s, const whet_problem *heads) {
    enum { N_WAYS = 3, N_SHAPES = 2 };
    static const aim shapes[N_SHAPES] = { { 300, 1, 2, 0, 0 }, { 70, 20, 3, 16, 0 } };
    const whet_mark mark = whet_arena_mark(&s->arena);
    for (int i = 0; i < N_WAYS * N_SHAPES; i++) {
        whet_bank_case c;
        whet_verdict found = { 0 };
        if (!make_case(s, heads, shapes[i % N_SHAPES], &c)) continue;
        WHET_TRY(whet_bank_fill_inputs(ctx, &s->arena, &c));
        const whet_problem *p = &c.problem;
        spoil(s, &c, i / N_SHAPES, (void *)c.q, p->n_rows, p->n_heads);
        spoil(s, &c, i / N_SHAPES, (void *)c.k, p->n_context, p->n_kv_heads);
        spoil(s, &c, i / N_SHAPES, (void *)c.v, p->n_context, p->n_kv_heads);
        WHET_TRY(walk(ctx, s, &c, &found));
        whet_arena_reset(&s->arena, mark);
    }
    return WHET_OK;
}

static whet_status walk_nonsense(whet_ctx *ctx, search *s) {
    whet_problem heads = s->judge->opts.problem;
    for (heads.dtype = WHET_F32; heads.dtype <= WHET_F16; heads.dtype++) {
        bool answer = heads.dtype == s->judge->opts.problem.dtype;
        if (!answer) WHET_TRY(is_supported(ctx, s, &heads, &answer));
        if (answer) WHET_TRY(walk_nonsense_of(ctx, s, &heads));
    }
    return WHET_OK;
}

static whet_status take_cases(whet_ctx *ctx, search *s) {
    for (int i = 0; i < s->judge->bank->n_cases; i++) {
        whet_verdict found = { 0 };
        WHET_TRY(walk(ctx, s, &s->judge->bank->cases[i], &found));
        if (found.code == WHET_V_PASS) continue;
        *s->verdict = found;
        s->verdict->gate = WHET_GATE_SANITIZER;
        return WHET_OK;
    }
    whet_verdict found = { 0 };
    WHET_TRY(whet_exam_run(ctx, s->judge, &s->link, &found));
    WHET_TRY(ask_nonsense(ctx, s));
    WHET_TRY(walk_nonsense(ctx, s));
    return count(ctx, s);
}

/* Opens what is asked. */
static whet_status begin(whet_ctx *ctx, search *s, uint64_t stream, const char *source,
                         size_t n_bytes) {
    whet_rng_init(&s->rng, whet_rng_derive(s->judge->opts.seed, stream));
    read_constants(source, n_bytes, s);
    WHET_TRY(whet_arena_init(ctx, &s->arena, (size_t)8 << 30));
    return open_link(ctx, s, s->object, &s->real);
}

static void end(whet_ctx *ctx, search *s) {
    whet_link_close(&s->link);
    whet_link_close(&s->real);
    whet_arena_fini(&s->arena);
    whet_cover_close(ctx, &s->cover);
}

/* Builds what is watched. */
static whet_status build(whet_ctx *ctx, search *s, const char *source, size_t n_bytes) {
    whet_fixed fixed;
    if (s->verdict->code == WHET_V_PASS) WHET_TRY(find_fixed(ctx, s, &fixed));
    if (s->verdict->code != WHET_V_PASS) return WHET_OK;
    WHET_TRY(whet_build_covered(ctx, s->judge, source, n_bytes, &fixed, &s->cover, s->verdict));
    if (s->verdict->code != WHET_V_PASS || !s->cover.n_points) return WHET_OK;
    return open_link(ctx, s, &s->cover.object, &s->link);
}

whet_status whet_cover_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                             const char *source, size_t n_bytes, whet_verdict *verdict) {
    search s = { .judge = judge, .object = object, .verdict = verdict };
    const double start_ns = whet_clock_ns();
    verdict->gate = WHET_GATE_SANITIZER;
    whet_status st = begin(ctx, &s, STREAM, source, n_bytes);
    if (st == WHET_OK) st = build(ctx, &s, source, n_bytes);
    const double built_ns = whet_clock_ns();
    if (st == WHET_OK && verdict->code == WHET_V_PASS && !s.cover.n_points)
        whet_log(ctx, WHET_LOG_WARN, "judge",
                 "gate 6 is not complete: jumps are marked in x86-64 text only");
    const bool is_marked = s.cover.n_points > 0;
    if (st == WHET_OK && verdict->code == WHET_V_PASS && is_marked) st = take_cases(ctx, &s);
    const double walked_ns = whet_clock_ns();
    const size_t n_left = s.n_left;
    if (st == WHET_OK && verdict->code == WHET_V_PASS && s.n_left) st = direct(ctx, &s);
    if (st == WHET_OK && verdict->code == WHET_V_PASS) blame(&s, source, n_bytes);
    whet_log(
        ctx, WHET_LOG_DEBUG, "judge",
        "cover: %zu points, %zu left by the cases, %zu after %d others; built in %.0f ms, cases "
        "in %.0f ms, others in %.0f ms",
        s.cover.n_points, n_left, s.n_left, s.n_aims, (built_ns - start_ns) * 1e-6,
        (walked_ns - built_ns) * 1e-6, (whet_clock_ns() - walked_ns) * 1e-6);
    end(ctx, &s);
    return st;
}

whet_status whet_near_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                            const char *source, size_t n_bytes, whet_verdict *verdict) {
    search s = { .judge = judge, .object = object, .verdict = verdict };
    const double start_ns = whet_clock_ns();
    verdict->gate = WHET_GATE_SANITIZER;
    whet_status st = begin(ctx, &s, STREAM_NEAR, source, n_bytes);
    if (st == WHET_OK && verdict->code == WHET_V_PASS) st = judge_near(ctx, &s);
    whet_log(ctx, WHET_LOG_DEBUG, "judge", "near %d integers: %s in %.0f ms", s.n_constants,
             whet_verdict_name(verdict->code), (whet_clock_ns() - start_ns) * 1e-6);
    end(ctx, &s);
    return st;
}
