/* SPDX-License-Identifier: MIT */
/* Fitting the additive model by going round the ideas (Gauss-Seidel on the normal equations). */
#include "evolve/effects.h"

enum { N_ROUNDS = 50 };

static const double penalty = 0.5;

static double predict(const whet_effects *e, const whet_observation *o) {
    double sum = e->mean;
    for (int i = 0; i < o->n_ideas; i++)
        sum += e->of[o->ideas[i]];
    return sum;
}

static bool has(const whet_observation *o, int idea) {
    for (int i = 0; i < o->n_ideas; i++)
        if (o->ideas[i] == idea) return true;
    return false;
}

static void fit_idea(const whet_observation *observations, int n, int idea, whet_effects *e) {
    double sum = 0;
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (!has(&observations[i], idea)) continue;
        sum += observations[i].log_speed - predict(e, &observations[i]) + e->of[idea];
        count++;
    }
    e->n[idea] = count;
    e->of[idea] = sum / (count + penalty);
}

void whet_effects_fit(const whet_observation *observations, int n, int n_ideas,
                      whet_effects *effects) {
    *effects = (whet_effects){ .n_ideas = n_ideas };
    for (int round = 0; round < N_ROUNDS && n > 0; round++) {
        double rest = 0;
        for (int i = 0; i < n; i++)
            rest += observations[i].log_speed - predict(effects, &observations[i]);
        effects->mean += rest / n;
        for (int idea = 0; idea < n_ideas; idea++)
            fit_idea(observations, n, idea, effects);
    }
}
