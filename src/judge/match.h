/* SPDX-License-Identifier: MIT */
/* A duel that goes on: its pairs of processes, one after the other. */
#ifndef WHET_JUDGE_MATCH_H
#define WHET_JUDGE_MATCH_H

#include "judge/side.h"

enum { WHET_CANDIDATE = 0, WHET_RIVAL = 1 };

typedef struct whet_match {
    whet_judge *judge;
    const whet_duel_opts *opts; /* defaults filled in */
    whet_duel *duel;
    whet_team *team; /* of the judge, for what it calculates itself */
    whet_rng rng;
    whet_problem problem;
    whet_timed *timed; /* of this pair: `own`, or the judge's */
    whet_timed own;
    whet_calls own_calls;
    bool is_brief; /* this pair has single calls: the candidate seems far too slow */
    bool was_brief;
    whet_seats seats;
    whet_side sides[2];
    const whet_object *objects[2];
    const whet_sweep *sweep;   /* before every block; NULL = none */
    char *out;                 /* what a sample wrote */
    int kept[WHET_KEPT_CALLS]; /* in a race: the calls of this pair's blocks */
    double *call_ns[2];        /* of all samples, for the medians */
    size_t n_samples;          /* of each side */
} whet_match;

/* One pair: both sides start, fill their caches and warm up, then come the blocks. Samples are
 * appended to the duel; what the candidate does wrong ends it. */
whet_status whet_match_run_pair(whet_ctx *ctx, whet_match *match, int pair);

static inline bool whet_match_is_over(const whet_match *match) {
    return match->duel->verdict.code != WHET_V_PASS;
}

#endif
