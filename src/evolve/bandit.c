/* SPDX-License-Identifier: MIT */
/* Gains arrive as a Poisson process of small units, one rate an arm; the rate's conjugate prior is
 * a gamma distribution whose mean is the arm's share. Thompson sampling of such rates (Chapelle and
 * Li, "An empirical evaluation of Thompson sampling", 2011) tries arms about as often as they may
 * be the best. */
#include "evolve/bandit.h"

#include <math.h>
#include <string.h>

static const double unit = 0.02;   /* of gain, as a logarithm */
static const double strength = 8;  /* of the shares known before, in seconds of search */
static const double fading = 0.95; /* with every program */
static const double most = 0.1;    /* that one program counts: a first find is no promise */
static const double bored_share = 1.0 / WHET_ARM_DIFF;

static const struct {
    const char *name;
    double share;
} arms[WHET_N_ARMS] = {
#define WHET_X(code, name, share) [WHET_ARM_##code] = { name, share },
    WHET_ARM_LIST(WHET_X)
#undef WHET_X
};

const char *whet_arm_name(whet_arm arm) {
    return arms[arm].name;
}

whet_arm whet_arm_of(const char *operator_name) {
    int arm = 0;
    while (arm < WHET_N_ARMS && strcmp(arms[arm].name, operator_name) != 0)
        arm++;
    return (whet_arm)arm;
}

bool whet_arm_is_asked(const char *operator_name) {
    const whet_arm arm = whet_arm_of(operator_name);
    return arm >= WHET_ARM_DIFF && arm < WHET_N_ARMS;
}

/* Gamma distributed with scale 1 (Marsaglia and Tsang, "A simple method for generating gamma
 * variables", 2000). */
static double draw_gamma(whet_rng *rng, double shape) {
    if (shape < 1) return draw_gamma(rng, shape + 1) * pow(1 - whet_rng_uniform(rng), 1 / shape);
    const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = whet_rng_normal(rng), v = pow(1 + c * x, 3);
        if (v <= 0) continue;
        const double u = 1 - whet_rng_uniform(rng);
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
    }
}

static double sample(const whet_bandit *b, whet_rng *rng, whet_arm arm, double boredom) {
    const double share = (1 - boredom) * arms[arm].share + boredom * bored_share;
    const double weight = 1 - 0.8 * boredom; /* of what was learned */
    const double shape = strength * share + weight * b->gain[arm] / unit;
    return draw_gamma(rng, shape) / (strength + weight * b->seconds[arm]);
}

double whet_bandit_sample(const whet_bandit *b, whet_rng *rng, whet_arm arm) {
    return sample(b, rng, arm, 0);
}

whet_arm whet_bandit_draw(const whet_bandit *b, whet_rng *rng, double boredom) {
    whet_arm best = WHET_ARM_GUIDED;
    double best_rate = -1;
    for (int arm = 0; arm < WHET_ARM_DIFF; arm++) {
        const double rate = sample(b, rng, (whet_arm)arm, boredom);
        if (rate <= best_rate) continue;
        best = (whet_arm)arm;
        best_rate = rate;
    }
    return best;
}

void whet_bandit_learn(whet_bandit *b, whet_arm arm, double gain, double seconds) {
    for (int i = 0; i < WHET_N_ARMS; i++) {
        b->gain[i] *= fading;
        b->seconds[i] *= fading;
    }
    b->gain[arm] += gain < most ? gain : most;
    b->seconds[arm] += seconds;
    b->n[arm]++;
}

whet_status whet_bandit_print(whet_ctx *ctx, const whet_bandit *b, whet_buf *text) {
    const char *separator = "";
    for (int i = 0; i < WHET_N_ARMS; i++) {
        if (b->n[i] == 0) continue;
        WHET_TRY(whet_buf_printf(ctx, text, "%s%s %d %.3f %.1f", separator, arms[i].name, b->n[i],
                                 b->gain[i], b->seconds[i]));
        separator = ", ";
    }
    return WHET_OK;
}
