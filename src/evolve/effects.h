/* SPDX-License-Identifier: MIT */
/* What each alternative of a segment is worth, from all programs that were timed. */
#ifndef WHET_EVOLVE_EFFECTS_H
#define WHET_EVOLVE_EFFECTS_H

#include "base/ctx.h"

enum {
    WHET_MAX_IDEAS = 256, /* alternatives in the library, and pairs of them */
    WHET_MAX_PARTS = 48,  /* of them in a program */
};

/* log speed = mean + the sum of its ideas' effects: an additive model, fitted with a penalty of
 * half an observation an idea (ridge regression), so that what was rarely seen stays near zero. */
typedef struct whet_effects {
    double mean;
    double of[WHET_MAX_IDEAS];
    int n[WHET_MAX_IDEAS]; /* programs that had it */
    int n_ideas;
} whet_effects;

/* One timed program: the ideas it is made of. */
typedef struct whet_observation {
    int ideas[WHET_MAX_PARTS];
    int n_ideas;
    double log_speed;
} whet_observation;

void whet_effects_fit(const whet_observation *observations, int n, int n_ideas,
                      whet_effects *effects);

#endif
