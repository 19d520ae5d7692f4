/* SPDX-License-Identifier: MIT */
/* One of the two processes of a pair: it fills caches, waits, and makes the calls of a sample by
 * the judge's clock. */
#ifndef WHET_JUDGE_SIDE_H
#define WHET_JUDGE_SIDE_H

#include "judge/judge_int.h"
#include "judge/link.h"
#include "judge/seats.h"

typedef struct whet_side {
    const whet_object *object; /* borrowed */
    const whet_timed *timed;   /* borrowed */
    whet_link link;
    whet_request request;
    const whet_seats *seats; /* borrowed: the judge spins and times call by call; NULL: it sleeps
                              * through a batch */
    whet_rng rng;            /* of places, and of what is looked at again */
    int n_caches;            /* filled */
    int max_calls;           /* in one sample */
    uint64_t workspace_bytes;
    whet_call *calls; /* these four are in the shared memory */
    char *q, *out;
    whet_bell *bell;
} whet_side;

typedef struct whet_side_opts {
    const whet_judge *judge;
    const whet_timed *timed;
    const whet_object *object;
    int n_workers;
    uint64_t seed;           /* of where things lie */
    const whet_seats *seats; /* apart, or NULL */
} whet_side_opts;

/* Calls that one sample of a problem may have, at least n. */
int whet_side_max_calls(const whet_problem *problem, int n);

/* Starts it, with room for as many caches as there may be pools. What the kernel does wrong, here
 * and below, is in the verdict. */
whet_status whet_side_open(whet_ctx *ctx, const whet_side_opts *opts, whet_side *side,
                           whet_verdict *verdict);
void whet_side_close(whet_side *side); /* a zeroed one is fine */

/* Fills caches, each from its pool, until there are n_caches. */
whet_status whet_side_fill(whet_ctx *ctx, whet_side *side, int n_caches, whet_verdict *verdict);

/* Before a sample of n_calls: has their caches refreshed. */
whet_status whet_side_refresh(whet_ctx *ctx, whet_side *side, const whet_calls *calls, int n_calls,
                              whet_verdict *verdict);

/* A sample: hands over the calls' queries, poisons outputs and workspace, and then times the calls;
 * `out` is what had been written when the clock stopped. */
typedef struct whet_side_sample {
    const whet_calls *calls;
    int n_calls;
    int poison; /* a byte */
    char *out;  /* [n_calls][n_rows] rows */
    double ns;  /* result: of all calls */
} whet_side_sample;
whet_status whet_side_time(whet_ctx *ctx, whet_side *side, whet_side_sample *sample,
                           whet_verdict *verdict);

/* Now and then, after a sample, nobody knowing when: whether a cache is still what appends make of
 * its rows. */
whet_status whet_side_recall(whet_ctx *ctx, whet_side *side, const whet_side_sample *sample,
                             whet_verdict *verdict);

/* The time of a sample of n_calls that calls nothing. */
whet_status whet_side_time_nothing(whet_ctx *ctx, whet_side *side, int n_calls, double *ns,
                                   whet_verdict *verdict);

/* How often a plain copy of the rows fits into an append of many. */
whet_status whet_side_append_cost(whet_ctx *ctx, whet_side *side, double *copies,
                                  whet_verdict *verdict);

#endif
