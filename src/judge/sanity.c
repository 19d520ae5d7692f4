/* SPDX-License-Identifier: MIT */
/* Gate 9: times that are too good to be true, appends that cost too much, and pairs that are not
 * good enough to count. */
#include <math.h>
#include <stdlib.h>

#include "judge/verdict.h"

static const double credible = 1.1; /* of a probe: it, too, can be disturbed */
static const double miracle = 3;    /* times the best baseline's speed */
static const double calm = 0.1;     /* quartiles apart / median */
static const double least_gain = 0.01;

bool whet_judge_doubts(const whet_sanity *s, whet_verdict *v) {
    const double reading_ns = s->bytes / (credible * s->bytes_per_second) * 1e9;
    const double counting_ns = s->flop / (credible * s->flop_per_second) * 1e9;
    if (s->bytes > 0 && s->bytes_per_second > 0 && !(s->ns >= reading_ns))
        whet_verdict_reject(v, WHET_V_QUARANTINE, WHET_GATE_SANITY,
                            "%.3f us a call, but reading its %.2f MB takes %.3f us at %.1f GB/s",
                            s->ns * 1e-3, s->bytes * 1e-6, reading_ns * 1e-3,
                            credible * s->bytes_per_second * 1e-9);
    else if (s->flop > 0 && s->flop_per_second > 0 && !(s->ns >= counting_ns))
        whet_verdict_reject(v, WHET_V_QUARANTINE, WHET_GATE_SANITY,
                            "%.3f us a call, but its %.1f MFLOP take %.3f us at %.0f GFLOP/s",
                            s->ns * 1e-3, s->flop * 1e-6, counting_ns * 1e-3,
                            credible * s->flop_per_second * 1e-9);
    else if (s->best && !(s->speed <= miracle))
        whet_verdict_reject(v, WHET_V_QUARANTINE, WHET_GATE_SANITY,
                            "%.2f times the speed of %s, the best baseline; above %.0f somebody "
                            "has to look",
                            s->speed, s->best, miracle);
    else if (s->copies != 0 && !(s->copies <= WHET_MAX_COPIES))
        whet_verdict_reject(v, WHET_V_SLOWER, WHET_GATE_SANITY,
                            "an append of many rows takes %.1f times as long as a plain copy, at "
                            "most %.0f are allowed",
                            s->copies, WHET_MAX_COPIES);
    else
        return false;
    return true;
}

whet_claim whet_ratio_claim(const whet_ratio *r) {
    const bool is_ratio = r->low > 0 && r->high >= r->low; /* without a sample there is none */
    if (!is_ratio) return WHET_CLAIM_NONE;
    if (r->low > 1 && r->ratio >= 1 + least_gain) return WHET_CLAIM_FASTER;
    if (r->high < 1 && r->ratio <= 1 - least_gain) return WHET_CLAIM_SLOWER;
    return WHET_CLAIM_NONE;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool whet_duel_is_disturbed(const whet_duel_sample *samples, size_t n, int32_t pair) {
    enum { MOST = 64 };
    double ns[MOST];
    size_t count = 0;
    for (size_t i = 0; i < n && count < MOST; i++)
        if (samples[i].pair == pair && samples[i].is_rival) ns[count++] = samples[i].ns;
    if (count < 4) return false; /* that says nothing */
    qsort(ns, count, sizeof *ns, by_value);
    return !(ns[count - 1 - count / 4] - ns[count / 4] <= calm * ns[count / 2]);
}
