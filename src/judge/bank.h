/* SPDX-License-Identifier: MIT */
/* The cases of gates 3 and 4 with what the oracle says about them; made once for a judge, by
 * threads of their own, so that what is rejected without cases does not wait for them. */
#ifndef WHET_JUDGE_BANK_H
#define WHET_JUDGE_BANK_H

#include <pthread.h>

#include "base/arena.h"
#include "judge/compare.h"
#include "kernels/cases.h"

typedef struct whet_bank_case {
    whet_case_family family; /* WHET_N_CASES: none, a model's own */
    whet_gate gate;
    whet_problem problem; /* n_rows and n_context as they are */
    whet_problem bounds;  /* as the kernel is told: upper bounds, not always tight */
    uint64_t seed;
    int64_t capacity;
    int n_workers;
    int chunk;       /* rows of one append; 0 = all */
    int padding;     /* elements between rows */
    bool is_rewound; /* half is first appended wrongly */
    double stretch;  /* the scale is 1 + stretch times head_dim^-0.5 */
    const void *q;   /* contiguous rows, borrowed from the arena */
    const void *k;
    const void *v;
    whet_truth truth;
} whet_bank_case;

enum { WHET_BANK_HANDS = 4 };

typedef struct whet_bank {
    whet_arena arenas[WHET_BANK_HANDS]; /* of the threads that make them */
    whet_bank_case *cases;
    int n_cases;
    int n_smoke;      /* the first ones, gate 3 */
    double oracle_ns; /* processor time that it took for one product of Q and K, on average */
    whet_ctx *own;    /* of the thread that makes them; owned */
    whet_status made;
    pthread_t maker;
    pthread_mutex_t waiting; /* guards is_making */
    bool is_making;
} whet_bank;

/* Begins to make them: boundary lengths and families in rotation, for the heads of `problem`. The
 * bank stays where it is until it is closed. */
whet_status whet_bank_open(whet_ctx *ctx, const whet_problem *problem, int n_threads, uint64_t seed,
                           whet_bank *bank);

/* Until they are there: before that nothing of the bank may be read but n_cases. From any thread;
 * at once for a zeroed bank. */
whet_status whet_bank_wait(whet_ctx *ctx, whet_bank *bank);
void whet_bank_close(whet_bank *bank); /* made or not; a zeroed bank is fine */

/* Products of a query's element and a key's: the measure of a run's work. */
double whet_bank_products(const whet_problem *problem);

/* Inputs of a case by its family and seed, and with them what the oracle says; memory is the
 * arena's. */
whet_status whet_bank_fill_inputs(whet_ctx *ctx, whet_arena *arena, whet_bank_case *c);
whet_status whet_bank_fill(whet_ctx *ctx, whet_arena *arena, whet_bank_case *c);

/* What the oracle says about a case whose inputs are there. Memory of the truth is the arena's. */
whet_status whet_bank_ask_oracle(whet_ctx *ctx, whet_arena *arena, whet_bank_case *c);

/* WHET_E_UNSUPPORTED where the cases of such heads do not fit: known before the oracle's work. */
whet_status whet_bank_check_room(whet_ctx *ctx, const whet_problem *problem, uint64_t seed);

/* What multiplies q.k in a case. */
float whet_bank_scale(const whet_bank_case *c);

#endif
