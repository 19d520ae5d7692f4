/* SPDX-License-Identifier: MIT */
/* The suite of shapes that decides between finalists, and who is one. */
#ifndef WHET_EVOLVE_SUITE_H
#define WHET_EVOLVE_SUITE_H

#include "evolve/search.h"

/* Decode from short to long contexts, then prefill: the order in which they are shown. */
extern const whet_shape whet_suite[WHET_N_SUITE];

/* A logarithm: what a repetition moves the mean of a suite by, at most as a rule. */
extern const double whet_suite_noise;

/* Members that no other one beats in all that was raced on, the fastest of all first, then by
 * how far each is ahead where it leads; returns how many, at most n. The fastest ones fill up. */
int whet_suite_finalists(const whet_search *s, int *finalists, int n);

/* Whom the suite is against: the engine's own kernel, where that is among the baselines. */
const whet_baseline *whet_suite_rival(const whet_search *s);

/* A finalist and what it did, as logarithms of the rival's time over its own. */
typedef struct whet_finalist {
    int member;
    bool is_whole; /* all shapes were timed and right */
    double logs[WHET_N_SUITE];
    whet_measured measured[WHET_N_SUITE]; /* the duels that the logarithms are of */
} whet_finalist;

double whet_suite_mean(const whet_finalist *finalist);

/* The one with the largest geometric mean, of those that might be installed if any might: faster
 * than the rival in a text job, and not slower in decode or the suite. Of those that it cannot be
 * told apart from, the fastest in decode at the run's context and beyond, where most of the time
 * goes. -1 = none is whole. */
int whet_suite_take(const whet_finalist *finalists, int n);

/* Fills result->suite: the best of each shape; and why `taken`, one of them, is taken. */
void whet_suite_report(whet_search *s, const whet_finalist *finalists, int n, int taken);

#endif
