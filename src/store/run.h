/* SPDX-License-Identifier: MIT */
/* The run file: one evolution with its programs, verdicts and every timing sample. */
#ifndef WHET_STORE_RUN_H
#define WHET_STORE_RUN_H

#include "base/buf.h"
#include "base/hash.h"

/* All writes between begin and commit are one step: after a crash the file has all of it or none.
 * Strings are borrowed for the call; ids are those of the file. */
typedef struct whet_store whet_store;

/* Makes the file when it is not there (`may_create`), refuses what is not a run file. */
whet_status whet_store_open(whet_ctx *ctx, const char *path, bool may_create, whet_store **store);
/* The same for reading and for following to the end: the file stays as it is, an old one, too. */
whet_status whet_store_open_to_read(whet_ctx *ctx, const char *path, whet_store **store);
/* An open transaction is rolled back; NULL is fine. */
void whet_store_close(whet_ctx *ctx, whet_store *store);

whet_status whet_store_begin(whet_ctx *ctx, whet_store *store);
whet_status whet_store_commit(whet_ctx *ctx, whet_store *store);
void whet_store_rollback(whet_store *store); /* no effect outside a transaction */

/* The one row that says what the run is. Options and machine are JSON text. */
typedef struct whet_store_run {
    uint64_t seed;
    const char *version; /* of whet */
    const char *problem; /* JSON */
    const char *options;
    const char *machine;
    const char *fingerprint;
    const char *compiler; /* first line of its --version, and the flags */
} whet_store_run;

/* WHET_E_BUSY when the file already holds a run. The second for one that is not followed. */
whet_status whet_store_check_free(whet_ctx *ctx, whet_store *store);
whet_status whet_store_put_run(whet_ctx *ctx, whet_store *store, const whet_store_run *run);
whet_status whet_store_end_run(whet_ctx *ctx, whet_store *store, const char *outcome);

typedef struct whet_store_program {
    const char *hash; /* SHA-256 of the normalised source */
    const char *source;
    const char *operator_name; /* "seed", "segment", "cross", "knob" */
    const char *change;        /* what it did: "softmax: online", "TILE: 64 -> 128" */
    const char *knobs;         /* JSON object of name and value */
    int64_t parent;            /* program ids; 0 = none */
    int64_t parent2;
    int64_t step;
} whet_store_program;

/* Adds a program; when its hash is already there, gives that one's id. */
whet_status whet_store_put_program(whet_ctx *ctx, whet_store *store,
                                   const whet_store_program *program, int64_t *id);

typedef struct whet_store_build {
    int64_t program;
    const char *object_sha256; /* "" when there is no object */
    const void *object;
    size_t object_bytes;
    const char *compiler_text;
    double wall_ns;
} whet_store_build;

/* Objects are kept once, by their hash. */
whet_status whet_store_put_build(whet_ctx *ctx, whet_store *store, const whet_store_build *build);

typedef struct whet_store_verdict {
    int64_t program;
    int64_t duel; /* after which duel; 0 = of the check before all duels */
    int gate;
    const char *code; /* "PASS", "WRONG", ... */
    const char *reason;
    const char *evidence; /* JSON */
} whet_store_verdict;

whet_status whet_store_put_verdict(whet_ctx *ctx, whet_store *store,
                                   const whet_store_verdict *verdict);

/* One paired timing of a program and a rival. */
typedef struct whet_store_duel {
    int64_t program;
    const char *kind;  /* "race", "duel", "final", "self" */
    const char *rival; /* "repeat", "fused", or a program's hash */
    const char *shape; /* "decode@2048" */
    uint64_t seed;
    int n_pairs;
    int n_blocks;
    int n_calls;  /* of attention in one sample */
    double ratio; /* rival's time / program's time */
    double low, high;
    double ns, rival_ns; /* medians of one call */
    double kv_bytes;     /* that one call must read */
} whet_store_duel;

typedef struct whet_store_sample {
    int pair;
    int block;
    int is_rival; /* whose time this is */
    int order;    /* 0: first in its block */
    double ns;    /* of n_calls calls */
} whet_store_sample;

whet_status whet_store_put_duel(whet_ctx *ctx, whet_store *store, const whet_store_duel *duel,
                                const whet_store_sample *samples, size_t n_samples, int64_t *id);

/* What happened in order, with the state of the random numbers behind it (hexadecimal), so that a
 * run can be resumed and its choices recomputed. Every step ends with its one event. */
typedef struct whet_store_event {
    int64_t step;
    const char *what, *detail, *rng;
    double seconds; /* since the start of the run */
} whet_store_event;

whet_status whet_store_put_event(whet_ctx *ctx, whet_store *store, const whet_store_event *event);

/* A model was asked for a child of a program. */
typedef struct whet_store_proposal {
    int64_t step;
    int64_t parent;
    const char *proposer; /* "command:..." */
    const char *prompt;
    const void *reply; /* as it came */
    size_t reply_bytes;
    const char *outcome; /* "PROGRAM", "NO_MATCH", ... */
    const char *why, *name, *reason;
    const char *child; /* hash of the program that came out, also if it was known; "" = none */
    double wall_ns;
    const char *operator_name; /* what it was asked for: "diff", "rewrite", ... */
    const char *model;         /* "" = a proposer that names none */
    int64_t prompt_tokens, reply_tokens;
    double money;
} whet_store_proposal;

whet_status whet_store_put_proposal(whet_ctx *ctx, whet_store *store,
                                    const whet_store_proposal *proposal);

typedef struct whet_store_winner {
    int64_t program;
    const char *object_sha256;
    double ratio_repeat, low_repeat, high_repeat;
    double ratio_fused, low_fused, high_fused;
    const char *installed_in; /* folder, or "" */
} whet_store_winner;

whet_status whet_store_put_winner(whet_ctx *ctx, whet_store *store,
                                  const whet_store_winner *winner);

/* ---- programs that somebody puts into a run, in their order ---- */

typedef struct whet_store_injected {
    bool is_there;
    char name[160];
    whet_buf source; /* owned */
} whet_store_injected;

/* Adds a program behind those that wait; *id: its number, from 1. */
whet_status whet_store_inject(whet_ctx *ctx, whet_store *store, const char *name,
                              const char *source, int64_t *id);

/* Number `id` of the file itself, also in following. */
whet_status whet_store_get_injected(whet_ctx *ctx, whet_store *store, int64_t id,
                                    whet_store_injected *injected);

/* ---- following: resuming and replaying ---- */

/* From now on what is put is not written but compared, step by step, with the rows that the file
 * has: what differs is WHET_E_STORE at commit. Behind the last event whet_store_begin goes over to
 * writing where `may_go_on`, and else is WHET_E_NOT_FOUND. What only a clock knows (seconds) is not
 * compared. */
whet_status whet_store_follow(whet_ctx *ctx, whet_store *store, bool may_go_on);
bool whet_store_is_following(const whet_store *store);

/* WHET_E_STORE when the file has more than what was followed. */
whet_status whet_store_end_following(whet_ctx *ctx, whet_store *store);

/* ---- answers: what a run file knows already; following does not change them ---- */

/* The run's row; texts are owned: whet_store_run_info_fini. WHET_E_NOT_FOUND: it holds no run. */
typedef struct whet_store_run_info {
    uint64_t seed;
    double seconds; /* from its start to its last event, without the time between sittings */
    whet_buf machine, version, problem, options, fingerprint, compiler, started, outcome;
} whet_store_run_info;

whet_status whet_store_get_run(whet_ctx *ctx, whet_store *store, whet_store_run_info *info);
void whet_store_run_info_fini(whet_ctx *ctx, whet_store_run_info *info);

/* Event number `id` (they count from 1). */
typedef struct whet_store_said {
    bool is_there;
    char what[24], detail[160];
    double seconds;
} whet_store_said;

whet_status whet_store_get_event(whet_ctx *ctx, whet_store *store, int64_t id,
                                 whet_store_said *event);

/* Number of events that were put so far, in following: that were followed. */
whet_status whet_store_n_events(whet_ctx *ctx, whet_store *store, int64_t *n);

/* A verdict as it stands in the file; the evidence is owned. */
typedef struct whet_store_judgement {
    int gate;
    char code[24], reason[256];
    whet_buf evidence;
} whet_store_judgement;

/* The source of the program that the run began with, replacing what was there; empty where there is
 * none yet. */
whet_status whet_store_get_seed(whet_ctx *ctx, whet_store *store, whet_buf *source);

/* How a program was built and checked; the buffers are owned: whet_store_answer_fini. */
typedef struct whet_store_answer {
    bool is_there;
    char object_sha256[WHET_SHA256_HEX];
    whet_buf object, compiler_text;
    double wall_ns;
    whet_store_judgement check;
} whet_store_answer;

whet_status whet_store_get_answer(whet_ctx *ctx, whet_store *store, const char *hash,
                                  whet_store_answer *answer);
void whet_store_answer_fini(whet_ctx *ctx, whet_store_answer *answer);

/* The duel of that seed, kind and shape, with its samples; owned: whet_store_duel_answer_fini. */
typedef struct whet_store_duel_answer {
    bool is_there;
    whet_store_duel duel; /* without its texts */
    whet_store_sample *samples;
    size_t n_samples;
    whet_store_judgement verdict;
} whet_store_duel_answer;

whet_status whet_store_get_duel(whet_ctx *ctx, whet_store *store, uint64_t seed, const char *kind,
                                const char *shape, whet_store_duel_answer *answer);
void whet_store_duel_answer_fini(whet_ctx *ctx, whet_store_duel_answer *answer);

/* The reply to proposal number `id` (they count from 1), appended, with what it took; why it did
 * not come, if so. */
typedef struct whet_store_reply {
    bool is_there;
    char why[512];
    double wall_ns;
    int64_t prompt_tokens, reply_tokens;
} whet_store_reply;

whet_status whet_store_get_reply(whet_ctx *ctx, whet_store *store, int64_t id, whet_buf *text,
                                 whet_store_reply *reply);

/* The prompt of proposal number `id`, if it was asked in that step; appended. */
whet_status whet_store_get_prompt(whet_ctx *ctx, whet_store *store, int64_t id, int64_t step,
                                  whet_buf *text, bool *is_there);

/* Where the run's winner was installed; "" = nowhere. WHET_E_NOT_FOUND without a winner. */
whet_status whet_store_get_installed(whet_ctx *ctx, whet_store *store, whet_buf *folder);

/* For reports and tests: rows of a table by its name ("programs", "verdicts", ...). */
whet_status whet_store_count(whet_ctx *ctx, whet_store *store, const char *table, int64_t *n);

/* The source text of a program into buf, replacing what was there; WHET_E_NOT_FOUND. */
whet_status whet_store_get_source(whet_ctx *ctx, whet_store *store, const char *hash,
                                  whet_buf *source);

/* SQLite's own check of the whole file. */
whet_status whet_store_check(whet_ctx *ctx, whet_store *store);

#endif
