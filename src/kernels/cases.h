/* SPDX-License-Identifier: MIT */
/* Input families that show what a wrong kernel does wrong (design, section 6). */
#ifndef WHET_KERNELS_CASES_H
#define WHET_KERNELS_CASES_H

#include <whet/kernel.h>

/* code, name, what it is made to catch */
#define WHET_CASE_LIST(X)                                                                          \
    X(GAUSS_01, "gauss-0.1", "the usual, weak one")                                                \
    X(GAUSS_1, "gauss-1", "ordinary mistakes")                                                     \
    X(GAUSS_3, "gauss-3", "peaked weights: a wrong scale, a cheap exp")                            \
    X(NEEDLE, "needle", "every query is aligned with one key, near or far: windows, lost keys")    \
    X(V_MEAN_8, "v-mean-8", "weights that do not sum to 1")                                        \
    X(FLAT_CODED, "flat-coded", "equal weights, V tells which keys were read")                     \
    X(RAMP_UP, "ramp-up", "the maximum comes last: rescaling, the last key")                       \
    X(RAMP_DOWN, "ramp-down", "the maximum comes first: the first key, stale tails")               \
    X(SHIFT_226, "shift-226", "all scores near 226: no maximum subtracted, scores rounded")        \
    X(SINK, "sink", "key 0 takes most of the weight and has a small V")                            \
    X(V_OUTLIER, "v-outlier", "V of key 0 is 2000: narrow sums, keys dropped")                     \
    X(TINY, "tiny", "everything near 1e-3: flushed or absolute thresholds")                        \
    X(ANY_SCALE, "any-scale", "sizes anywhere, others for each head: nothing to recognise")        \
    X(MIXED, "mixed", "every KV head of a family of its own: one path taken for all of them")      \
    X(CORRELATED, "correlated", "heads that are nearly alike: one computed for another")           \
    X(FAR_HUGE, "far-huge", "keys of tiny weight with a V that makes up for it: keys dropped")     \
    X(PEAK_TAIL, "peak-tail", "one peak, and as much weight again in a long flat tail")            \
    X(HIGH_PEAK, "high-peak",                                                                      \
      "one score 100 to 200 above all others, for every other query: a wrong maximum")             \
    X(DEEP_KEYS, "deep-keys",                                                                      \
      "far from 0, some 100 to 200 below the others: scores and exp out of range")                 \
    X(SWEEP, "sweep", "query after query aligned with key after key: each key, each tile's edge")  \
    X(ONE_DIM, "one-dim", "queries of one dimension each: dimensions left out")

typedef enum whet_case_family {
#define X(code, name, why) WHET_CASE_##code,
    WHET_CASE_LIST(X)
#undef X
        WHET_N_CASES
} whet_case_family;

/* Families before MIXED have no values far beyond those that count, so that a bound from the
 * largest ones is tight: what is timed is compared with such a bound (kernels/trusted.h). */
enum { WHET_N_TIMED_CASES = WHET_CASE_MIXED };

const char *whet_case_name(whet_case_family family);

/* Fills q [n_rows][n_heads][head_dim], k and v [n_context][n_kv_heads][head_dim], contiguous, in
 * the problem's dtype, for rows at the positions n_context - n_rows .. n_context - 1 and the scale
 * head_dim^-0.5. Equal arguments give equal bytes. */
void whet_case_fill(whet_case_family family, const whet_problem *problem, uint64_t seed, void *q,
                    void *k, void *v);

#endif
