/* SPDX-License-Identifier: MIT */
/* A run file read whole, for people: nothing about the file is changed, and nothing in it is
 * believed, so all texts are strangers' bytes. */
#ifndef WHET_STORE_READ_H
#define WHET_STORE_READ_H

#include "base/arena.h"

/* Why somebody was rejected; code "" = there is no such verdict. */
typedef struct whet_told_verdict {
    int gate;
    const char *code, *reason, *evidence;
} whet_told_verdict;

typedef struct whet_told_program {
    int64_t id, step;
    const char *hash, *source, *operator_name, *change, *knobs;
    int parent, parent2;      /* indices of programs before it; -1 = none */
    whet_told_verdict check;  /* of the gates before all timing */
    whet_told_verdict second; /* of the first duel that it did not pass */
    const char *compiler_text, *object;
    double build_ns, object_bytes;
    double seconds; /* since the start of the run; 0 = not known */
} whet_told_program;

typedef struct whet_told_duel {
    int64_t id;
    int program; /* index */
    const char *kind, *rival, *shape, *code, *reason;
    int64_t seed;
    int n_pairs, n_blocks, n_calls;
    double ratio, low, high, ns, rival_ns, kv_bytes;
} whet_told_duel;

typedef struct whet_told_proposal {
    int64_t id, step;
    int parent; /* index */
    const char *proposer, *operator_name, *model, *outcome, *why, *name, *reason, *child, *reply;
    size_t reply_bytes;
    double seconds, money;
    int64_t prompt_tokens, reply_tokens;
} whet_told_proposal;

typedef struct whet_told_event {
    int64_t id, step;
    const char *what, *detail;
    double seconds;
} whet_told_event;

/* Zero-initialise; all is owned by it. */
typedef struct whet_told {
    whet_arena arena;
    const char *started, *ended, *outcome, *version, *problem, *options, *machine, *fingerprint,
        *compiler;
    uint64_t seed;
    whet_told_program *programs;
    whet_told_duel *duels;
    whet_told_proposal *proposals;
    whet_told_event *events;
    int n_programs, n_duels, n_proposals, n_events;
    int winner;               /* index of the program that won; -1 = none */
    const char *installed_in; /* "" = nowhere */
} whet_told;

/* As the file was at one moment, also while a run writes it. WHET_E_NOT_FOUND: no such file, or it
 * holds no run; WHET_E_FORMAT: no run file, or one of another version; WHET_E_STORE: damaged. */
whet_status whet_told_read(whet_ctx *ctx, const char *path, whet_told *told);
void whet_told_fini(whet_told *told);

/* A line about a run, without its programs. */
typedef struct whet_told_brief {
    char started[24], outcome[24], problem[256], shape[48], rival[24];
    int64_t n_programs, n_steps;
    double ratio, low, high; /* of the winner's first final, else of the best race; 0 = none */
} whet_told_brief;

whet_status whet_told_read_brief(whet_ctx *ctx, const char *path, whet_told_brief *brief);

#endif
