/* SPDX-License-Identifier: MIT */
/* Gate 10, end to end: a kernel that has passed the others in a real model, against a baseline. */
#ifndef WHET_CHAMPION_H
#define WHET_CHAMPION_H

#include <whet/bench.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WHET_CHAMPION_TEXTS = 8,    /* at most */
    WHET_CHAMPION_CONTEXTS = 4, /* at most */
    WHET_CHAMPION_TOKENS = 256, /* of a text, at most */
};

/* Logits this much apart, as a share of their range at that step, are no decision: rounding alone
 * may turn it. */
#define WHET_CHAMPION_TIE 0.01

/* Zero means default. Strings are borrowed for the call. */
typedef struct whet_champion_opts {
    const char *model;     /* the checkpoint's folder */
    const char *program;   /* of the engine's process: started as "program _champion ..." */
    const char *baseline;  /* a built-in kernel; NULL = "fused" */
    const char *scenarios; /* names of whet_scenarios apart by commas; NULL = all of them, and how
                              decoding goes with the length of the context */
    uint64_t seed;         /* chooses what is looked at, and orders */
    int n_threads;         /* 0 = the machine's default */
    int n_pairs;           /* 0 = 5 */
    double seconds;        /* for the engine's process; 0 = 3600 */
    uint64_t cache_bytes;  /* in the engine's process, as of whet_bench_opts */
} whet_champion_opts;

/* Tokens per second of candidate and baseline, and the ratio of their times. */
typedef struct whet_champion_speed {
    double tokens_per_second[WHET_BENCH_MAX_SIDES];
    whet_ratio ratio;
} whet_champion_speed;

/* One text, greedy. */
typedef struct whet_champion_text {
    char name[16];
    int32_t n_prompt, n_tokens;
    int32_t ids[WHET_CHAMPION_TOKENS];     /* by the candidate */
    int32_t spoiled[WHET_CHAMPION_TOKENS]; /* by a copy whose run returns at once */
    int32_t has_spoiled;                   /* 0: no such copy can be made here */
    int32_t n_same;                        /* leading tokens that the baseline draws, too */
    double margin, range; /* at the first other token: between the baseline's two largest logits,
                             and of all of them */
    uint64_t n_calls[WHET_BENCH_MAX_SIDES]; /* while it was timed, by the dispatch's count; what the
                                               work needs, or there is no result */
    uint64_t rss_bytes[WHET_BENCH_MAX_SIDES]; /* peak; 0 = not known */
    whet_champion_speed prefill, decode;
} whet_champion_text;

typedef struct whet_champion_context {
    int32_t n_context;
    whet_champion_speed decode;
    uint64_t rss_bytes[WHET_BENCH_MAX_SIDES];
} whet_champion_context;

typedef struct whet_champion {
    whet_champion_text texts[WHET_CHAMPION_TEXTS];
    whet_champion_context contexts[WHET_CHAMPION_CONTEXTS];
    int32_t n_texts, n_contexts;
    int32_t n_cases; /* of the model's own Q, K and V, and of shapes never shown to a search */
    char baseline[48];
} whet_champion;

/* Judges an object that has passed: with the model's own Q, K and V, of calls that the seed
 * chooses, and with shapes by the seed, in the jail; then in the engine, in a process of its own
 * that can read the model and write nothing: there it must draw the baseline's tokens, or leave
 * them at a step that WHET_CHAMPION_TIE calls undecided; a spoiled copy must draw others. *verdict
 * goes on from what it is; not PASS: the rest was not asked. *champion is the caller's. */
WHET_API whet_status whet_champion_run(whet_ctx *ctx, const whet_judge *judge,
                                       const whet_object *object, const whet_champion_opts *opts,
                                       whet_champion *champion, whet_verdict *verdict);

/* The engine's process, called by `whet _champion` alone: `folder` holds candidate.so, and
 * spoiled.so where there is one. Fills ids, speeds and memory. */
WHET_API whet_status whet_champion_serve(whet_ctx *ctx, const whet_champion_opts *opts,
                                         const char *folder, whet_champion *champion);

#ifdef __cplusplus
}
#endif

#endif
