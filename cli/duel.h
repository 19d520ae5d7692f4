/* SPDX-License-Identifier: MIT */
/* Duels of one sitting: what is measured of a shape, and how it is told. */
#ifndef WHET_CLI_DUEL_H
#define WHET_CLI_DUEL_H

#include <whet/bench.h>
#include <whet/judge.h>

typedef struct cli_duel_opts {
    const char *problem;
    const char *dtype;
    const char *shapes;
    const char *model, *scenarios; /* in the engine, in place of shapes */
    const char *apart;
    const char *cc;
    uint64_t seed;
    int n_threads;
    int n_pairs, n_blocks;
    int n_sittings;
    double sample_ms;
    bool is_json;
    bool is_unsafe;
    bool is_asleep;
    bool is_bare;
} cli_duel_opts;

/* Whether a side is a file to judge, and no built-in kernel. */
bool cli_duel_is_file(const char *name);

/* One side: a built-in kernel, or a file that was built and checked. */
typedef struct cli_duellist {
    const char *name; /* as given, borrowed */
    whet_object object;
} cli_duellist;

/* A file is judged, a built-in kernel must only be there for these heads. Who is rejected is told
 * on stderr. The object is the caller's to release. */
whet_status cli_duel_open_side(whet_ctx *ctx, const whet_judge *judge, const whet_problem *heads,
                               cli_duellist *side, bool *is_rejected);

/* --scenario: both sides in the texts of whet bench, which see what the judge has passed. */
whet_status cli_duel_in_model(whet_ctx *ctx, const cli_duel_opts *opts,
                              const whet_judge_opts *judge, cli_duellist sides[2],
                              bool *is_rejected);

/* A row of the standard set: a context with its last n_rows rows. */
typedef struct cli_duel_shape {
    int32_t n_context, n_rows;
} cli_duel_shape;

typedef enum cli_duel_kind {
    CLI_DUEL_COLD,
    CLI_DUEL_WARM,
    CLI_DUEL_SAME,
    CLI_N_DUELS
} cli_duel_kind;

/* What one sitting found out about a shape at a number of workers. */
typedef struct cli_duel_figures {
    whet_duel duels[CLI_N_DUELS]; /* those that were fought have pairs; owned */
    whet_peaks peaks;             /* the larger of the probes before and behind */
    double shares[2];             /* of the limit that the roofline sets: A's and B's, cold */
    bool is_reading;              /* which one that is: P, else F */
    whet_verdict doubt;           /* gate 9 */
} cli_duel_figures;

typedef struct cli_sitting {
    const cli_duel_opts *opts;
    whet_judge *judge;
    whet_problem problem; /* heads, dimension and type */
    cli_duellist *sides;  /* A and B */
    uint64_t seed;
    int number; /* from 1 */
} cli_sitting;

/* Measures a shape at n_workers, between two probes; `figures` is the caller's to release. */
whet_status cli_duel_measure(whet_ctx *ctx, const cli_sitting *sitting, cli_duel_shape shape,
                             int n_workers, cli_duel_figures *figures);
void cli_duel_figures_fini(whet_ctx *ctx, cli_duel_figures *figures);

/* As text for people, or a line of JSON for each duel with all its samples. */
void cli_duel_print(const cli_sitting *sitting, const cli_duel_figures *figures);
whet_status cli_duel_print_json(whet_ctx *ctx, const cli_sitting *sitting,
                                const cli_duel_figures *figures);

#endif
