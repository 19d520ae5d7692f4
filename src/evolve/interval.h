/* SPDX-License-Identifier: MIT */
/* Speed ratios with their intervals, put together: means of several looks, gains over a parent. */
#ifndef WHET_EVOLVE_INTERVAL_H
#define WHET_EVOLVE_INTERVAL_H

#include <whet/judge.h>

/* The product of ratios to the power of their weights: a mean of two with weights of 1/2, a
 * quotient with 1 and -1. On the scale of logarithms the distances to the ends of independent
 * intervals add as squares do, with the end that a negative weight turns round (MOVER; Zou and
 * Donner, Statistics in Medicine 27, 2008). A ratio of 0 where one of them is not known; without
 * its ends (0) where those of one are not. */
whet_ratio whet_interval_combine(const whet_ratio *ratios, const double *weights, int n);

/* Whether 1 lies outside: the difference is more than the noise. */
bool whet_interval_is_decided(const whet_ratio *ratio);

#endif
