/* SPDX-License-Identifier: MIT */
/* Gate 8: paired, interleaved timing over fresh processes. The clock, the inputs, the truth and the
 * order are the parent's; it sleeps while a worker works, and the other worker sleeps too. */
#include "judge/judge_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "judge/link.h"
#include "kernels/attention.h"

enum { DEFAULT_PAIRS = 5, DEFAULT_BLOCKS = 5, MIN_PAIRS = 2, CANDIDATE = 0, RIVAL = 1 };

static const double prepare_seconds = 60, batch_seconds = 30;
static const double longest_sample_ns = 1e9; /* the slower side is not to take for ever */

/* One of the two processes of a pair. */
typedef struct side {
    const whet_object *object;
    whet_link link;
    whet_request request;
    whet_call *calls; /* in the shared memory */
    char *out;
} side;

typedef struct match {
    const whet_judge *judge;
    const whet_timed *timed;
    const whet_duel_opts *opts;
    whet_duel *duel;
    whet_rng rng;
    side sides[2];
    double *call_ns[2]; /* of all samples, for the medians */
    size_t n_samples;   /* of each side */
} match;

static size_t out_row_bytes(const whet_problem *p) {
    return (size_t)p->n_heads * (size_t)p->head_dim * whet_dtype_bytes((whet_dtype)p->dtype);
}

static whet_status lay_out(whet_ctx *ctx, const whet_timed *t, side *s, size_t workspace_bytes) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t bytes[WHET_N_SECTIONS] = {
        [WHET_SECTION_K] = t->kv_bytes,
        [WHET_SECTION_V] = t->kv_bytes,
        [WHET_SECTION_Q] = t->q_bytes,
        [WHET_SECTION_CALLS] = (size_t)t->max_calls * sizeof(whet_call),
        [WHET_SECTION_OUT] =
            (size_t)t->max_calls * (size_t)t->problem.n_rows * out_row_bytes(&t->problem),
        [WHET_SECTION_WORKSPACE] = workspace_bytes,
    };
    for (int i = 0; i < WHET_N_SECTIONS; i++)
        s->request.sections[i] = (whet_span){ .bytes = (bytes[i] + page - 1) / page * page };
    WHET_TRY(whet_link_place(ctx, &s->link, &s->request));
    memcpy(whet_link_section(&s->link, &s->request, WHET_SECTION_K), t->k, t->kv_bytes);
    memcpy(whet_link_section(&s->link, &s->request, WHET_SECTION_V), t->v, t->kv_bytes);
    memcpy(whet_link_section(&s->link, &s->request, WHET_SECTION_Q), t->q, t->q_bytes);
    s->calls = (whet_call *)whet_link_section(&s->link, &s->request, WHET_SECTION_CALLS);
    s->out = whet_link_section(&s->link, &s->request, WHET_SECTION_OUT);
    return WHET_OK;
}

static whet_request make_request(const match *m) {
    const whet_problem *p = &m->timed->problem;
    return (whet_request){
        .problem = *p,
        .capacity = p->n_context,
        .kv_stride = (int64_t)p->n_kv_heads * p->head_dim,
        .q_stride = (int64_t)p->n_heads * p->head_dim,
        .out_stride = (int64_t)p->n_heads * p->head_dim,
        .scale = (float)(1 / sqrt(p->head_dim)),
        .n_workers = m->judge->opts.n_threads,
        .n_context = p->n_context,
        .n_rows = p->n_rows,
        .n_caches = m->timed->n_caches,
        .cache_shift = m->timed->shift,
    };
}

/* What a side's process did wrong goes to the verdict for the candidate; the rival is ours. */
static whet_status blame(whet_ctx *ctx, match *m, int which, const whet_verdict *found) {
    if (found->code == WHET_V_PASS) return WHET_OK;
    if (which == RIVAL)
        return whet_fail(ctx, WHET_E_INTERNAL, "the rival of the duel is rejected: %s",
                         found->reason);
    m->duel->verdict = *found;
    return WHET_OK;
}

static bool is_over(const match *m) {
    return m->duel->verdict.code != WHET_V_PASS;
}

/* Asks one thing of a side; its end goes to the verdict. */
static whet_status ask(whet_ctx *ctx, match *m, int which, uint32_t op, double seconds,
                       whet_reply *reply, double *wall_ns) {
    side *s = &m->sides[which];
    whet_link_end end;
    whet_verdict found = m->duel->verdict;
    s->request.op = op;
    WHET_TRY(whet_link_ask(ctx, &s->link, &s->request, seconds, &end, reply, wall_ns));
    whet_link_blame(end, reply, seconds, WHET_GATE_DUEL, &found);
    return blame(ctx, m, which, &found);
}

static whet_status open_side(whet_ctx *ctx, match *m, int which) {
    side *s = &m->sides[which];
    whet_link_end end;
    whet_reply reply;
    whet_verdict found = { 0 };
    WHET_TRY(whet_link_open(ctx, m->judge->opts.worker, s->object, &m->timed->problem, &s->link,
                            &end, &reply));
    WHET_TRY(whet_judge_trust(ctx, m->judge, &s->link));
    whet_link_blame(end, &reply, batch_seconds, WHET_GATE_DUEL, &found);
    WHET_TRY(blame(ctx, m, which, &found));
    if (is_over(m)) return WHET_OK;
    s->request = make_request(m);
    WHET_TRY(ask(ctx, m, which, WHET_OP_SIZES, batch_seconds, &reply, NULL));
    if (is_over(m)) return WHET_OK;
    s->request.cache_bytes = reply.kv_bytes;
    WHET_TRY(lay_out(ctx, m->timed, s, reply.workspace_bytes));
    return ask(ctx, m, which, WHET_OP_PREPARE, prepare_seconds, &reply, NULL);
}

/* One sample: n_calls calls with variants of the parent's choice, outputs poisoned before and
 * compared after; the clock runs from the request to the reply. */
static whet_status run_batch(whet_ctx *ctx, match *m, int which, int n_calls, double *wall_ns) {
    const whet_timed *t = m->timed;
    side *s = &m->sides[which];
    for (int i = 0; i < n_calls; i++)
        s->calls[i] =
            whet_timed_call(t, i % t->n_caches, (int)whet_rng_below(&m->rng, WHET_TIMED_VARIANTS));
    const size_t out_bytes =
        (size_t)n_calls * (size_t)t->problem.n_rows * out_row_bytes(&t->problem);
    memset(s->out, 0xff, out_bytes);
    s->request.n_calls = n_calls;
    whet_reply reply;
    WHET_TRY(ask(ctx, m, which, WHET_OP_BATCH, batch_seconds, &reply, wall_ns));
    if (is_over(m)) return WHET_OK;
    if (reply.n_calls != (uint64_t)n_calls)
        return whet_fail(ctx, WHET_E_INTERNAL, "the worker ran %d of %d calls", (int)reply.n_calls,
                         n_calls);
    whet_verdict found = m->duel->verdict;
    found.n_workers = m->judge->opts.n_threads;
    whet_timed_compare(t, s->calls, n_calls, s->out, &found);
    WHET_TRY(blame(ctx, m, which, &found));
    if (which == CANDIDATE) m->duel->verdict = found;
    return WHET_OK;
}

/* As many rounds through the caches as make the faster side's sample long enough. */
static int choose_n_calls(const match *m, const double warm_ns[2]) {
    const int n_caches = m->timed->n_caches;
    const double fast = fmin(warm_ns[0], warm_ns[1]), slow = fmax(warm_ns[0], warm_ns[1]);
    double rounds = ceil(m->judge->opts.sample_ns / fast);
    rounds = fmin(rounds, longest_sample_ns / slow);
    rounds = fmin(rounds, (double)(m->timed->max_calls / n_caches));
    return rounds < 1 ? n_caches : (int)rounds * n_caches;
}

/* Both sides start, fill their caches and run once without counting. */
static whet_status warm_up(whet_ctx *ctx, match *m) {
    const int first = (int)whet_rng_below(&m->rng, 2);
    double warm_ns[2] = { 0, 0 };
    for (int i = 0; i < 2 && !is_over(m); i++)
        WHET_TRY(open_side(ctx, m, i ^ first));
    for (int i = 0; i < 4 && !is_over(m); i++)
        WHET_TRY(run_batch(ctx, m, (i & 1) ^ first, m->timed->n_caches, &warm_ns[(i & 1) ^ first]));
    if (m->duel->n_calls || is_over(m)) return WHET_OK;
    m->duel->n_calls = choose_n_calls(m, warm_ns);
    return run_batch(ctx, m, RIVAL, 0, &m->duel->empty_ns);
}

static whet_status run_block(whet_ctx *ctx, match *m, int pair, int block) {
    whet_duel *duel = m->duel;
    const int first = (int)whet_rng_below(&m->rng, 2);
    double ns[2] = { 0, 0 };
    for (int i = 0; i < 2; i++) {
        WHET_TRY(run_batch(ctx, m, i ^ first, duel->n_calls, &ns[i ^ first]));
        if (is_over(m)) return WHET_OK;
    }
    for (int which = 0; which < 2; which++) {
        duel->samples[duel->n_samples++] = (whet_duel_sample){
            .pair = pair,
            .block = block,
            .is_rival = which == RIVAL,
            .order = which != first,
            .ns = ns[which],
        };
        m->call_ns[which][m->n_samples] = ns[which] / duel->n_calls;
    }
    m->n_samples++;
    return WHET_OK;
}

static whet_status run_pair(whet_ctx *ctx, match *m, int pair) {
    whet_status st = warm_up(ctx, m);
    for (int block = 0; block < m->opts->n_blocks && st == WHET_OK && !is_over(m); block++)
        st = run_block(ctx, m, pair, block);
    for (int i = 0; i < 2; i++)
        whet_link_close(&m->sides[i].link);
    if (st == WHET_OK && !is_over(m)) m->duel->n_pairs = pair + 1;
    return st;
}

static whet_status estimate(whet_ctx *ctx, match *m) {
    return whet_ratio_estimate(ctx, m->duel->samples, m->duel->n_samples, m->opts->seed,
                               &m->duel->result);
}

static whet_status run_pairs(whet_ctx *ctx, match *m) {
    const double start_ns = whet_clock_ns(), limit_ns = m->opts->seconds * 1e9;
    for (int pair = 0; pair < m->opts->n_pairs && !is_over(m); pair++) {
        if (limit_ns > 0 && pair >= MIN_PAIRS && whet_clock_ns() - start_ns > limit_ns) break;
        WHET_TRY(run_pair(ctx, m, pair));
        if (is_over(m)) break;
        WHET_TRY(estimate(ctx, m));
        bool is_below = false;
        if (m->opts->drop_below > 0)
            WHET_TRY(whet_ratio_is_below(ctx, m->duel->samples, m->duel->n_samples,
                                         m->opts->drop_below, &is_below));
        if (is_below) {
            whet_verdict_reject(&m->duel->verdict, WHET_V_SLOWER, WHET_GATE_RACE,
                                "%.3f times the rival's speed, clearly below %.3f",
                                m->duel->result.ratio, m->opts->drop_below);
            break;
        }
    }
    return WHET_OK;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n) {
    if (n == 0) return 0;
    qsort(x, n, sizeof *x, by_value);
    return x[n / 2];
}

static whet_status make_room(whet_ctx *ctx, match *m) {
    const size_t n = (size_t)m->opts->n_pairs * (size_t)m->opts->n_blocks;
    m->duel->samples = whet_alloc_zero(ctx, 2 * n, sizeof *m->duel->samples);
    m->call_ns[0] = whet_alloc_zero(ctx, 2 * n, sizeof *m->call_ns[0]);
    m->call_ns[1] = m->call_ns[0] + n;
    return m->duel->samples && m->call_ns[0] ? WHET_OK : WHET_E_NOMEM;
}

whet_status whet_judge_duel(whet_ctx *ctx, whet_judge *judge, const whet_object *candidate,
                            const whet_object *rival, const whet_duel_opts *given,
                            whet_duel *duel) {
    *duel = (whet_duel){ .verdict = { .gate = WHET_GATE_DUEL } };
    const double start_ns = whet_clock_ns();
    whet_duel_opts opts = *given;
    if (opts.n_pairs <= 0) opts.n_pairs = DEFAULT_PAIRS;
    if (opts.n_blocks <= 0) opts.n_blocks = DEFAULT_BLOCKS;
    WHET_TRY(whet_judge_prepare(ctx, judge, opts.shape));
    const whet_timed *t = &judge->timed[opts.shape];
    match m = { .judge = judge, .timed = t, .opts = &opts, .duel = duel };
    m.sides[CANDIDATE].object = candidate;
    m.sides[RIVAL].object = rival;
    whet_rng_init(&m.rng, opts.seed);
    duel->n_blocks = opts.n_blocks;
    duel->n_caches = t->n_caches;
    duel->kv_bytes = 2.0 * t->problem.n_context * t->problem.n_kv_heads * t->problem.head_dim *
                     (double)whet_dtype_bytes((whet_dtype)t->problem.dtype);
    whet_status st = make_room(ctx, &m);
    if (st == WHET_OK) st = run_pairs(ctx, &m);
    if (st == WHET_OK && m.n_samples) {
        duel->ns = median(m.call_ns[CANDIDATE], m.n_samples);
        duel->rival_ns = median(m.call_ns[RIVAL], m.n_samples);
    }
    whet_free(ctx, m.call_ns[0]);
    whet_log(ctx, WHET_LOG_DEBUG, "judge",
             "duel: %d pairs of %d blocks of %d calls, %.3f and %.3f ms a call, %.2f s",
             duel->n_pairs, duel->n_blocks, duel->n_calls, duel->ns * 1e-6, duel->rival_ns * 1e-6,
             (whet_clock_ns() - start_ns) * 1e-9);
    if (st != WHET_OK) whet_duel_fini(ctx, duel);
    return st;
}

void whet_duel_fini(whet_ctx *ctx, whet_duel *duel) {
    whet_free(ctx, duel->samples);
    duel->samples = NULL;
    duel->n_samples = 0;
}

whet_status whet_judge_self_test(whet_ctx *ctx, whet_judge *judge, const whet_object *object,
                                 const whet_duel_opts *opts, whet_duel *duel) {
    return whet_judge_duel(ctx, judge, object, object, opts, duel);
}
