/* SPDX-License-Identifier: MIT */
/* One question put to the kernel: memory laid out and filled, rows appended, a run, what came of
 * it. Whatever is found against the kernel goes to the verdict; a status is ours. */
#ifndef WHET_JUDGE_TRIAL_H
#define WHET_JUDGE_TRIAL_H

#include "judge/judge_int.h"

/* What lies in memory before: nothing that a kernel could tell from data. */
typedef enum whet_leftover {
    WHET_LEFT_ZERO,
    WHET_LEFT_FINITE,    /* one byte everywhere, a finite number in every dtype */
    WHET_LEFT_PLAUSIBLE, /* numbers between 1/2 and 2, of both signs */
    WHET_LEFT_NAN,
    WHET_LEFT_BYTES, /* any */
} whet_leftover;

/* Where data lie in their pages. */
typedef enum whet_place {
    WHET_PLACE_BEGIN,  /* behind the guard page before them */
    WHET_PLACE_END,    /* up to the guard page behind them */
    WHET_PLACE_MIDDLE, /* anywhere, aligned as elements are; caches and workspaces to 64 bytes */
} whet_place;

typedef struct whet_memory {
    uint64_t seed; /* of addresses, canaries and leftovers */
    whet_place place;
    whet_leftover kv; /* one of the finite ones */
    whet_leftover workspace, out;
} whet_memory;

/* One section's data in the shared memory. */
typedef struct whet_part {
    char *data;
    size_t n_bytes;
} whet_part;

typedef struct whet_trial {
    const whet_judge *judge;
    const whet_bank_case *c;
    whet_link *link;
    whet_verdict *verdict;
    whet_reply sizes; /* what the kernel asks for */
    whet_request request;
    whet_memory memory;
    whet_rng rng;
    char canary[4096];
    whet_part parts[WHET_N_SECTIONS];
} whet_trial;

/* Rows of the context as one append after another. */
typedef struct whet_rows {
    int32_t first; /* row of k and v that becomes token pos */
    int32_t pos;
    int32_t n;
    int32_t chunk; /* rows of one append; 0 = all at once */
} whet_rows;

/* Asks for the sizes; the verdict rejects those that are not allowed. */
whet_status whet_trial_open(whet_ctx *ctx, const whet_judge *judge, const whet_bank_case *c,
                            whet_link *link, whet_verdict *verdict, whet_trial *trial);

/* Places everything anew and fills it: inputs, leftovers, canaries between. */
whet_status whet_trial_lay_out(whet_ctx *ctx, whet_trial *trial, const whet_memory *memory);

/* Other inputs in the same places, contiguous rows like the case's. */
void whet_trial_put(const whet_trial *trial, const void *q, const void *k, const void *v);

/* Each does nothing once the verdict rejects. A run moves the cache to another address first. */
whet_status whet_trial_append(whet_ctx *ctx, whet_trial *trial, whet_rows rows);
whet_status whet_trial_run(whet_ctx *ctx, whet_trial *trial);

/* All rows as the case has it (chunks, going back), then the run. */
whet_status whet_trial_play(whet_ctx *ctx, whet_trial *trial);

static inline bool whet_trial_is_over(const whet_trial *trial) {
    return trial->verdict->code != WHET_V_PASS;
}

/* The run's rows one after the other, without what lies between them: out must have room for
 * n_rows * n_heads * head_dim elements. */
void whet_trial_take(const whet_trial *trial, void *out);

#endif
