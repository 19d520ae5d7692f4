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

/* WHET_E_BUSY when the file already holds a run. */
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
} whet_store_duel;

typedef struct whet_store_sample {
    int pair;
    int block;
    int is_rival; /* whose time this is */
    int order;    /* 0: first in its block */
    double ns;    /* of n_calls calls */
} whet_store_sample;

whet_status whet_store_put_duel(whet_ctx *ctx, whet_store *store, const whet_store_duel *duel,
                                const whet_store_sample *samples, size_t n_samples);

/* What happened in order, with the state of the random numbers behind it (hexadecimal), so that a
 * run can be resumed and its choices recomputed. */
whet_status whet_store_put_event(whet_ctx *ctx, whet_store *store, int64_t step, const char *what,
                                 const char *detail, const char *rng);

typedef struct whet_store_winner {
    int64_t program;
    const char *object_sha256;
    double ratio_repeat, low_repeat, high_repeat;
    double ratio_fused, low_fused, high_fused;
    const char *installed_in; /* folder, or "" */
} whet_store_winner;

whet_status whet_store_put_winner(whet_ctx *ctx, whet_store *store,
                                  const whet_store_winner *winner);

/* For reports and tests: rows of a table by its name ("programs", "verdicts", ...). */
whet_status whet_store_count(whet_ctx *ctx, whet_store *store, const char *table, int64_t *n);

/* The source text of a program into buf, replacing what was there; WHET_E_NOT_FOUND. */
whet_status whet_store_get_source(whet_ctx *ctx, whet_store *store, const char *hash,
                                  whet_buf *source);

/* SQLite's own check of the whole file. */
whet_status whet_store_check(whet_ctx *ctx, whet_store *store);

#endif
