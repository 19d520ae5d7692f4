/* SPDX-License-Identifier: MIT */
/* Gate 7: a short look at a program's speed, against the yardstick. */
#include "evolve/referee.h"

#include <math.h>

/* A program clearly slower than that part of the best one's speed in decoding is dropped; what was
 * seen of it still teaches the model. */
static const double drop_factor = 0.8;

/* Enough to order programs that differ by a tenth; the finals measure. */
static const struct {
    int n_pairs, n_blocks;
} looks[WHET_N_SHAPES] = { [WHET_SHAPE_DECODE] = { 2, 4 }, [WHET_SHAPE_PREFILL] = { 1, 3 } };

int whet_search_elites(const whet_search *s, int *elites, int n) {
    int count = 0;
    for (int i = 0; i < s->n_members; i++) {
        if (!s->members[i].is_timed) continue;
        int at = count < n ? count++ : n;
        while (at > 0 && s->members[elites[at - 1]].log_speed < s->members[i].log_speed) {
            if (at < n) elites[at] = elites[at - 1];
            at--;
        }
        if (at < n) elites[at] = i;
    }
    return count;
}

static whet_status time_shape(whet_ctx *ctx, whet_search *s, whet_member *m, whet_shape shape,
                              double drop_below) {
    const whet_duel_opts opts = {
        .shape = shape,
        .n_pairs = looks[shape].n_pairs,
        .n_blocks = looks[shape].n_blocks,
        .seed = whet_rng_u64(&s->rng),
        .drop_below = drop_below,
        .keeps_data = true,
    };
    whet_duel duel;
    WHET_TRY(whet_referee_duel(ctx, s, m, s->yardstick, "race", &opts, &duel));
    for (size_t i = 0; i < duel.n_samples; i++)
        m->seconds += duel.samples[i].ns * 1e-9;
    m->ns[shape] = duel.ns;
    m->kv_bytes[shape] = duel.kv_bytes;
    if (duel.n_samples) m->races[shape] = duel.result;
    m->log_speeds[shape] = duel.n_samples ? log(duel.result.ratio) : -HUGE_VAL;
    if (duel.verdict.code != WHET_V_PASS) m->verdict = duel.verdict;
    whet_duel_fini(ctx, &duel);
    return WHET_OK;
}

const double whet_race_weights[WHET_N_SHAPES] = {
    [WHET_SHAPE_DECODE] = 4.0 / 6,
    [WHET_SHAPE_PREFILL] = 2.0 / 6,
};

double whet_search_mean(const double log_speeds[WHET_N_SHAPES]) {
    double sum = 0;
    for (int shape = 0; shape < WHET_N_SHAPES; shape++)
        sum += whet_race_weights[shape] * log_speeds[shape];
    return sum;
}

whet_status whet_search_race(whet_ctx *ctx, whet_search *s, whet_member *m) {
    int best = -1;
    whet_search_elites(s, &best, 1);
    double drop_below =
        best >= 0 ? drop_factor * exp(s->members[best].log_speeds[WHET_SHAPE_DECODE]) : 0;
    for (int shape = 0; shape < WHET_N_SHAPES; shape++) {
        WHET_TRY(time_shape(ctx, s, m, (whet_shape)shape, drop_below));
        m->has_speed = m->verdict.code == WHET_V_PASS || m->verdict.code == WHET_V_SLOWER;
        if (shape == WHET_SHAPE_DECODE) m->log_speed = m->log_speeds[shape];
        if (m->verdict.code != WHET_V_PASS) return WHET_OK;
        drop_below = 0;
    }
    m->log_speed = whet_search_mean(m->log_speeds);
    m->n_looks = 1;
    m->verdict.gate = WHET_GATE_RACE;
    m->is_timed = true;
    return WHET_OK;
}
