/* SPDX-License-Identifier: MIT */
/* A pair of fresh processes in interleaved blocks. The clock, the inputs, the truth and the order
 * are the judge's; while one side works the other one sleeps. */
#include "judge/match.h"

#include <math.h>
#include <string.h>

enum {
    NAN_BYTE = 0xff,
    EMPTY_SHARE = 100,
    FRESH = 20,
    N_TRIAL = 8,
    WARM_UP = -1, /* in place of a block */
    PAIRS_A_POOL = 4,
    LONG = 3,       /* times the least length of a sample */
    LEAST_HALF = 4, /* blocks: with less a disturbed pair cannot be told */
};

static const double longest_sample_ns = 1e9; /* the slower side is not to take for ever */

/* What a side's process did wrong goes to the verdict; a rival that is not judged is ours. */
static whet_status blame(whet_ctx *ctx, whet_match *m, int which, const whet_verdict *found) {
    if (found->code == WHET_V_PASS) return WHET_OK;
    if (which == WHET_RIVAL && !m->opts->judges_rival)
        return whet_fail(ctx, WHET_E_INTERNAL, "the rival of the duel is rejected: %s",
                         found->reason);
    m->duel->verdict = *found;
    m->duel->is_of_rival = which == WHET_RIVAL;
    return WHET_OK;
}

/* ---- the pair's data ---- */

/* New pools now and then, so that a duel sees most of the families. */
static whet_status open_data(whet_ctx *ctx, whet_match *m, int pair) {
    const bool keeps = m->opts->keeps_data;
    const uint64_t seed = keeps ? m->judge->opts.seed : m->opts->seed;
    const uint64_t which = keeps ? (uint64_t)m->opts->shape : 100 + (uint64_t)pair / PAIRS_A_POOL;
    m->timed = keeps ? &m->judge->timed[m->opts->shape] : &m->own;
    if (!keeps && pair % PAIRS_A_POOL == 0) whet_timed_close(&m->own);
    return whet_timed_open(ctx, &m->problem, whet_judge_max_caches(m->judge, &m->problem, m->opts),
                           whet_rng_derive(seed, 2000 + which), m->timed);
}

/* A twentieth of the cache is new in every sample, except in races. */
static int n_fresh(const whet_match *m) {
    const int n_old = m->problem.n_context - m->problem.n_rows;
    const int n = (m->problem.n_context + FRESH - 1) / FRESH;
    return m->opts->keeps_data ? 0 : n < n_old ? n : n_old;
}

/* In a race calls are kept, with their answers, which cost more than the calls; but no process is
 * asked the same twice: whatever a kernel may note down, and wherever, it gains nothing by it. */
static void shuffle_kept(whet_match *m) {
    for (int i = 0; i < WHET_KEPT_CALLS; i++)
        m->kept[i] = i;
    for (int i = m->duel->n_blocks - 1; i > 0; i--) {
        const int j = (int)whet_rng_below(&m->rng, (uint64_t)i + 1), other = m->kept[j];
        m->kept[j] = m->kept[i];
        m->kept[i] = other;
    }
}

/* The calls of a block, or of a warm-up, which has none and is not answered. */
static whet_status deal(whet_ctx *ctx, whet_match *m, int n_calls, int block, whet_calls **calls) {
    const bool is_kept = m->opts->keeps_data && block != WARM_UP;
    whet_calls *c = is_kept ? &m->judge->kept[m->opts->shape][m->kept[block]] : &m->own_calls;
    if (!is_kept) c->n_calls = 0;
    c->n_caches = m->timed->n_most;
    c->n_fresh = n_fresh(m);
    *calls = c;
    return whet_calls_extend(ctx, m->timed, block == WARM_UP ? NULL : m->team, &m->rng, n_calls, c);
}

/* ---- samples ---- */

/* Of both sides, so that what is read to leave nothing of it in the processor's caches is read once
 * for both. */
static whet_status refresh(whet_ctx *ctx, whet_match *m, const whet_calls *calls, int n_calls) {
    for (int which = 0; which < 2 && !whet_match_is_over(m); which++) {
        whet_verdict found = m->duel->verdict;
        WHET_TRY(whet_side_refresh(ctx, &m->sides[which], calls, n_calls, &found));
        WHET_TRY(blame(ctx, m, which, &found));
    }
    if (m->sweep && !whet_match_is_over(m)) whet_sweep_run(m->sweep, m->team);
    return WHET_OK;
}

static whet_status run_sample(whet_ctx *ctx, whet_match *m, int which, const whet_calls *calls,
                              int n_calls, bool is_compared, double *ns) {
    whet_side *s = &m->sides[which];
    whet_verdict found = m->duel->verdict;
    found.n_workers = m->duel->n_workers;
    const uint64_t bits = whet_rng_u64(&m->rng);
    whet_side_sample sample = {
        .calls = calls,
        .n_calls = n_calls,
        .poison = bits & 1 ? NAN_BYTE : (int)(bits >> 8 & 0xff),
        .out = m->out,
    };
    WHET_TRY(whet_side_time(ctx, s, &sample, &found));
    *ns = sample.ns;
    if (is_compared && found.code == WHET_V_PASS)
        whet_calls_compare(m->timed, calls, n_calls, m->out, &found);
    WHET_TRY(whet_side_recall(ctx, s, &sample, &found));
    WHET_TRY(blame(ctx, m, which, &found));
    if (which == WHET_CANDIDATE) m->duel->verdict = found;
    return WHET_OK;
}

static whet_status run_block(whet_ctx *ctx, whet_match *m, int pair, int block) {
    whet_duel *duel = m->duel;
    const int first = (int)whet_rng_below(&m->rng, 2);
    double ns[2] = { 0, 0 };
    whet_calls *calls;
    WHET_TRY(deal(ctx, m, duel->n_calls, block, &calls));
    WHET_TRY(refresh(ctx, m, calls, duel->n_calls));
    for (int i = 0; i < 2 && !whet_match_is_over(m); i++)
        WHET_TRY(run_sample(ctx, m, i ^ first, calls, duel->n_calls, true, &ns[i ^ first]));
    if (whet_match_is_over(m)) return WHET_OK;
    for (int which = 0; which < 2; which++) {
        duel->samples[duel->n_samples++] = (whet_duel_sample){
            .pair = pair,
            .block = block,
            .is_rival = which == WHET_RIVAL,
            .order = which != first,
            .ns = ns[which],
        };
        m->call_ns[which][m->n_samples] = ns[which] / duel->n_calls;
    }
    m->n_samples++;
    return WHET_OK;
}

/* ---- warming up ---- */

static whet_status open_sides(whet_ctx *ctx, whet_match *m, int first) {
    const uint64_t seed = whet_rng_u64(&m->rng);
    for (int i = 0; i < 2 && !whet_match_is_over(m); i++) {
        const int which = i ^ first;
        whet_verdict found = { 0 };
        const whet_side_opts opts = {
            .judge = m->judge,
            .timed = m->timed,
            .object = m->objects[which],
            .n_workers = m->duel->n_workers,
            .seed = seed, /* of both: the addresses of one are as good as the other's */
            .seats = m->duel->is_rung ? &m->seats : NULL,
        };
        WHET_TRY(whet_side_open(ctx, &opts, &m->sides[which], &found));
        WHET_TRY(blame(ctx, m, which, &found));
    }
    return WHET_OK;
}

static void close_sides(whet_match *m) {
    for (int i = 0; i < 2; i++)
        whet_side_close(&m->sides[i]);
}

/* As many caches as there may be, of n; those that are there stay. */
static whet_status fill_caches(whet_ctx *ctx, whet_match *m, int first, int n) {
    const int n_caches = n < m->timed->n_most ? n : m->timed->n_most;
    WHET_TRY(whet_timed_extend(ctx, m->team, n_caches, m->timed));
    for (int i = 0; i < 2 && !whet_match_is_over(m); i++) {
        whet_verdict found = { 0 };
        WHET_TRY(whet_side_fill(ctx, &m->sides[i ^ first], n_caches, &found));
        WHET_TRY(blame(ctx, m, i ^ first, &found));
    }
    m->duel->n_caches = n_caches;
    return WHET_OK;
}

/* Each side alone, without counting, and so without comparing; the times of one call, if they are
 * wanted, where they are less than before. */
static whet_status warm_up(whet_ctx *ctx, whet_match *m, int first, int n_calls,
                           double call_ns[2]) {
    whet_calls *calls;
    WHET_TRY(deal(ctx, m, n_calls, WARM_UP, &calls));
    WHET_TRY(refresh(ctx, m, calls, n_calls));
    for (int i = 0; i < 2 && !whet_match_is_over(m); i++) {
        double ns;
        WHET_TRY(run_sample(ctx, m, i ^ first, calls, n_calls, false, &ns));
        if (call_ns) call_ns[i ^ first] = fmin(call_ns[i ^ first], ns / n_calls);
    }
    return WHET_OK;
}

/* What starting and stopping cost, by the rival, which is ours. */
static whet_status time_nothing(whet_ctx *ctx, whet_match *m, int n_calls) {
    whet_verdict found = { 0 };
    for (int i = 0; i < 3; i++) {
        double ns;
        WHET_TRY(whet_side_time_nothing(ctx, &m->sides[WHET_RIVAL], n_calls, &ns, &found));
        WHET_TRY(blame(ctx, m, WHET_RIVAL, &found));
        if (m->duel->empty_ns == 0 || ns < m->duel->empty_ns) m->duel->empty_ns = ns;
    }
    return WHET_OK;
}

/* A sample that a call alone makes long tells more than a short one: half as many blocks do. It is
 * pairs that count, and their number stays. */
static void choose_blocks(whet_match *m, double sample_ns) {
    const int half = (m->duel->n_blocks + 1) / 2;
    if (!m->opts->keeps_data && half >= LEAST_HALF && sample_ns > LONG * m->judge->opts.sample_ns)
        m->duel->n_blocks = half;
}

/* Samples are sized by the faster side, so that a candidate which is many times slower would take
 * as many times longer: first it is looked at in single calls. */
static bool choose_brief(whet_match *m, const double call_ns[2]) {
    const double bound = m->opts->drop_below;
    m->is_brief = !m->was_brief && call_ns[WHET_CANDIDATE] * bound > WHET_FAR * call_ns[WHET_RIVAL];
    if (!m->is_brief) return false;
    m->was_brief = true;
    m->duel->n_calls = 1;
    m->duel->n_blocks = WHET_FAR_BLOCKS;
    return true;
}

/* As many calls as make the faster side's sample long enough, and so long that what starting and
 * stopping a batch cost is less than a hundredth of it. */
static void choose_size(whet_match *m, const double call_ns[2]) {
    whet_duel *duel = m->duel;
    const double fast = fmin(call_ns[0], call_ns[1]), slow = fmax(call_ns[0], call_ns[1]);
    double least_ns = m->judge->opts.sample_ns;
    if (!duel->is_rung && !m->opts->is_rough)
        least_ns = fmax(least_ns, EMPTY_SHARE * duel->empty_ns);
    double n = fmin(ceil(least_ns / fast), longest_sample_ns / slow);
    n = fmin(n, whet_side_max_calls(&m->problem, 1));
    duel->n_calls = n < 1 ? 1 : (int)n;
    choose_blocks(m, duel->n_calls * fast);
}

/* Nothing of a cache is in the processor's caches when its call comes: they are swept before a
 * sample, and a cache that comes again in it comes after all others. */
static bool is_cold(const whet_match *m) {
    const whet_duel *duel = m->duel;
    const double bytes = duel->n_caches * duel->kv_bytes;
    return m->sweep && (duel->n_calls <= duel->n_caches || bytes > (double)m->sweep->n_bytes);
}

/* The first pair finds out how large a sample has to be: by two tries, since one may be disturbed.
 */
static whet_status find_size(whet_ctx *ctx, whet_match *m, int first) {
    double call_ns[2] = { HUGE_VAL, HUGE_VAL };
    WHET_TRY(fill_caches(ctx, m, first, 1));
    if (whet_match_is_over(m)) return WHET_OK;
    WHET_TRY(warm_up(ctx, m, first, 1, call_ns));
    const bool is_short = fmax(call_ns[0], call_ns[1]) < m->judge->opts.sample_ns / N_TRIAL;
    const int n_trial = (int)fmin(is_short ? N_TRIAL : 2, m->sides[first].max_calls);
    WHET_TRY(fill_caches(ctx, m, first, n_trial));
    if (whet_match_is_over(m)) return WHET_OK;
    WHET_TRY(warm_up(ctx, m, first, n_trial, call_ns));
    if (whet_match_is_over(m)) return WHET_OK;
    WHET_TRY(time_nothing(ctx, m, 1));
    if (!choose_brief(m, call_ns)) choose_size(m, call_ns);
    return WHET_OK;
}

/* Once a duel: the caches are as they were afterwards. */
static whet_status look_at_append(whet_ctx *ctx, whet_match *m) {
    whet_verdict found = m->duel->verdict;
    const bool is_asked = !m->opts->keeps_data || m->opts->times_append;
    if (m->duel->copies > 0 || !is_asked) return WHET_OK;
    WHET_TRY(whet_side_append_cost(ctx, &m->sides[WHET_CANDIDATE], &m->duel->copies, &found));
    if (found.code == WHET_V_PASS)
        whet_judge_doubts(&(whet_sanity){ .copies = m->duel->copies }, &found);
    return blame(ctx, m, WHET_CANDIDATE, &found);
}

static whet_status prepare(whet_ctx *ctx, whet_match *m, int pair) {
    const int first = (int)whet_rng_below(&m->rng, 2);
    WHET_TRY(open_data(ctx, m, pair));
    shuffle_kept(m);
    WHET_TRY(open_sides(ctx, m, first));
    if (!whet_match_is_over(m) && m->duel->n_calls == 0) WHET_TRY(find_size(ctx, m, first));
    if (!whet_match_is_over(m)) WHET_TRY(fill_caches(ctx, m, first, m->duel->n_calls));
    m->duel->is_cold = is_cold(m);
    if (!whet_match_is_over(m)) WHET_TRY(look_at_append(ctx, m));
    return whet_match_is_over(m) ? WHET_OK : warm_up(ctx, m, first, m->duel->n_calls, NULL);
}

whet_status whet_match_run_pair(whet_ctx *ctx, whet_match *m, int pair) {
    whet_status st = prepare(ctx, m, pair);
    for (int block = 0; block < m->duel->n_blocks; block++)
        if (st == WHET_OK && !whet_match_is_over(m)) st = run_block(ctx, m, pair, block);
    close_sides(m);
    return st;
}
