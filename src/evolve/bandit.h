/* SPDX-License-Identifier: MIT */
/* Which operator is tried next: Thompson sampling of what each one gains in a second. */
#ifndef WHET_EVOLVE_BANDIT_H
#define WHET_EVOLVE_BANDIT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/rng.h"

/* code, name, share that it has before anything is known. Those before DIFF work offline. */
#define WHET_ARM_LIST(X)                                                                           \
    X(GUIDED, "guided", 0.14)   /* all segments as the model of effects promises most */           \
    X(STEP, "step", 0.25)       /* one segment, as that model promises most */                     \
    X(KNOB, "knob", 0.12)       /* a knob, at random */                                            \
    X(TUNE, "tune", 0.18)       /* the next untried neighbour of a program's knobs */              \
    X(SUITE, "suite", 0.06)     /* an idea, with the ideas that it was made for */                 \
    X(SEGMENT, "segment", 0.07) /* a segment, at random */                                         \
    X(DOUBLE, "double", 0.06)   /* two of them */                                                  \
    X(CROSS, "cross", 0.06)     /* segments and knobs of two parents */                            \
    X(STACK, "stack", 0.06)     /* what a sibling did better than the common parent */             \
    X(DIFF, "diff", 0.10)       /* from here on as in WHET_ASK_LIST: somebody outside is asked */  \
    X(REWRITE, "rewrite", 0.05)                                                                    \
    X(CROSSOVER, "crossover", 0.05)                                                                \
    X(REPAIR, "repair", 0.05)

typedef enum whet_arm {
#define WHET_X(code, name, share) WHET_ARM_##code,
    WHET_ARM_LIST(WHET_X)
#undef WHET_X
        WHET_N_ARMS,
} whet_arm;

/* Gains and seconds fade, so that what paid at the beginning does not count for ever. */
typedef struct whet_bandit {
    double gain[WHET_N_ARMS];    /* logarithms of accepted gains */
    double seconds[WHET_N_ARMS]; /* that they cost: builds, races, replies, as the log has them */
    int n[WHET_N_ARMS];          /* programs */
} whet_bandit;

const char *whet_arm_name(whet_arm arm);

/* The arm of a program's operator; WHET_N_ARMS for none ("seed", the controls). */
whet_arm whet_arm_of(const char *operator_name);

/* Whether somebody outside wrote a program of that operator. */
bool whet_arm_is_asked(const char *operator_name);

/* An arm's gain in a second as it may be: a draw from a gamma distribution. */
double whet_bandit_sample(const whet_bandit *b, whet_rng *rng, whet_arm arm);

/* The offline arm with the largest sample. `boredom` from 0 to 1 makes the draw more even. */
whet_arm whet_bandit_draw(const whet_bandit *b, whet_rng *rng, double boredom);

void whet_bandit_learn(whet_bandit *b, whet_arm arm, double gain, double seconds);

/* Appends "step 12 0.310 9.8, knob ...": programs, gain, seconds; what was never tried is left out.
 */
whet_status whet_bandit_print(whet_ctx *ctx, const whet_bandit *b, whet_buf *text);

#endif
