/* SPDX-License-Identifier: MIT */
/* Intervals of products and quotients. */
#include "evolve/interval.h"

#include <math.h>

static double square(double x) {
    return x * x;
}

whet_ratio whet_interval_combine(const whet_ratio *ratios, const double *weights, int n) {
    double sum = 0, below = 0, above = 0;
    bool has_ends = true;
    for (int i = 0; i < n; i++) {
        const whet_ratio *r = &ratios[i];
        const double w = weights[i];
        if (!(r->ratio > 0)) return (whet_ratio){ 0 };
        sum += w * log(r->ratio);
        has_ends &= r->low > 0 && r->high > 0;
        if (!has_ends) continue;
        const double down = w * log(r->ratio / r->low), up = w * log(r->high / r->ratio);
        below += square(w > 0 ? down : up);
        above += square(w > 0 ? up : down);
    }
    whet_ratio all = { exp(sum), 0, 0 };
    if (has_ends) all.low = exp(sum - sqrt(below));
    if (has_ends) all.high = exp(sum + sqrt(above));
    return all;
}

bool whet_interval_is_decided(const whet_ratio *r) {
    return r->low > 1 || (r->high > 0 && r->high < 1);
}
