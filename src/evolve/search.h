/* SPDX-License-Identifier: MIT */
/* The search: a population of programs, proposals, races, and the finals. */
#ifndef WHET_EVOLVE_SEARCH_H
#define WHET_EVOLVE_SEARCH_H

#include <whet/evolve.h>
#include <whet/machine.h>

#include "evolve/asking.h"
#include "evolve/bandit.h"
#include "evolve/limits.h"
#include "evolve/operators.h"
#include "store/run.h"

enum {
    WHET_MAX_MEMBERS = 20000,
    WHET_MAX_BREED = 16, /* children of one generation */
    WHET_N_ELITES = 3,
    WHET_MAX_FINALISTS = 4,
    WHET_N_LESSONS = 3,
    WHET_MAX_ISLANDS = 8,
    WHET_N_FIRST_GUIDED = 8, /* programs, the seed too, before the bandit chooses */
};

/* One program that was judged. */
typedef struct whet_member {
    int64_t id; /* in the run file */
    char hash[WHET_SHA256_HEX];
    whet_buf text;               /* owned */
    whet_genome genome;          /* of text */
    char frame[WHET_SHA256_HEX]; /* what stands around its segments (evolve/frame.h) */
    whet_object object;          /* owned; kept while it is among the elites or the seed */
    whet_verdict verdict;        /* of gates 0 to 4 and of the race */
    whet_buf evidence;           /* owned; of gates 0 to 4, as JSON */
    bool is_unanswered;          /* nobody can judge it */
    bool is_repaired;            /* somebody was asked to repair it */
    const char *operator_name;
    char change[160];
    int parent, parent2;              /* members; -1 = none */
    double log_speeds[WHET_N_SHAPES]; /* log(yardstick's time / program's) */
    double ns[WHET_N_SHAPES];         /* of one call, when it was raced; 0 = not timed */
    double kv_bytes[WHET_N_SHAPES];   /* of K and V that such a call must read */
    double log_speed; /* their weighted mean; of decode alone for what was dropped then */
    whet_ratio races[WHET_N_SHAPES]; /* the same speeds, with their intervals */
    bool has_speed;                  /* log_speed says something */
    bool is_timed;                   /* on all shapes, and not rejected: it may be an elite */
    double seconds;                  /* that it cost: build and races */
    int control;      /* 0: of evolution itself; else whose it is (evolve/control.h) */
    int n_children;   /* that were admitted */
    int n_looks;      /* times that decoding was timed; log_speeds has the mean */
    int n_behind;     /* islands behind the generation's: where it settles */
    unsigned islands; /* where it lives, as bits; 0 = nowhere */
    uint32_t cell;    /* of the grid: a hash of its facts */
} whet_member;

/* A kernel of known quality to time against. */
typedef struct whet_baseline {
    const char *name; /* "repeat", "fused", "grouped"; NULL = there is none */
    whet_object object;
    const char *from; /* "source" or "built-in" */
} whet_baseline;

typedef struct whet_search {
    whet_evolve_opts opts;
    bool is_replay; /* nothing is judged or written */
    whet_evolve_result *result;
    whet_judge *judge; /* NULL = the answers must do */
    whet_store *store;
    whet_store *answers;     /* where answers are looked up; NULL = there are none */
    bool is_other;           /* the answers are another file than the store */
    bool is_log_over;        /* an answer was asked for behind the end of the log */
    whet_store_run_info run; /* of the answers */
    char shape_names[WHET_N_ALL_SHAPES][48];
    char compiler[512];
    whet_buf machine;           /* what it is, and its limits, as JSON */
    whet_limits limits;         /* of that text */
    whet_buf proposer;          /* of a run that is resumed or replayed */
    whet_evolve_config *config; /* likewise; NULL = none */
    whet_asking asking;
    int64_t n_proposals;
    char lessons[WHET_N_LESSONS][512]; /* why the last replies were no programs; "" = none yet */
    int n_wanted;                      /* children of a generation */
    whet_rng rng;
    int64_t committed;    /* the last step that is stored */
    whet_member *members; /* owned; may move when one is admitted */
    int n_members, n_room;
    whet_baseline repeat, fused, grouped;
    const whet_baseline *yardstick; /* fused, or else repeat: races are against it */
    int64_t step;
    double start_ns;
    double probed_ns; /* when the limits were last measured */
    double race_ns;   /* all races so far: what the finals take is reckoned from it */
    int n_races;
    whet_bandit bandit;
    int n_generations;
    int n_injected;                 /* programs that were taken out of the inbox */
    int last_gain;                  /* members when the best one was last beaten */
    int n_landed[WHET_MAX_ISLANDS]; /* members of an island since its last migration */
    char engine[48];                /* the kernel that the engine takes where there is no winner */
    char fingerprint[33];
    whet_receipt receipt; /* of the program that wins */
    whet_team *team;      /* for the probes of the finals; NULL = not opened */
    whet_prober *prober;
    bool is_stopped; /* a person asked for the end of the search */
} whet_search;

/* Makes the seed program and the baselines and judges them. */
whet_status whet_search_begin(whet_ctx *ctx, whet_search *s);
void whet_search_end(whet_ctx *ctx, whet_search *s);

/* The search until its time is up. */
whet_status whet_search_run(whet_ctx *ctx, whet_search *s);

/* The island of this generation, and the n-th behind it. */
int whet_search_island(const whet_search *s);
int whet_search_island_behind(const whet_search *s, int n);

/* Proposes the next child into an unused member (text, genome, hash, lineage): never a program that
 * is known, nor one of the `n_bred` others. False when nothing new was found. */
whet_status whet_search_propose(whet_ctx *ctx, whet_search *s, whet_member *child,
                                const whet_member *bred, int n_bred, bool *is_found);

/* A text that somebody proposes becomes the child, unless it is known. `text` is taken over. */
whet_status whet_search_adopt(whet_ctx *ctx, whet_search *s, whet_member *child,
                              const whet_member *bred, int n_bred, whet_child_text *text,
                              const char *operator_name, int parent, bool *is_new);

/* Times a member against the yardstick on all shapes; fills log_speed, and SLOWER for the verdict
 * of a clear loser. Duels go into the run file: within a transaction. */
whet_status whet_search_race(whet_ctx *ctx, whet_search *s, whet_member *member);

/* The weighted mean of log speeds, one a race: decode for four of the suite's six shapes, prefill
 * for two. */
extern const double whet_race_weights[WHET_N_SHAPES];
double whet_search_mean(const double log_speeds[WHET_N_SHAPES]);

/* Indices of the fastest members, the fastest first; returns how many, at most n. */
int whet_search_elites(const whet_search *s, int *elites, int n);

/* The name of the kernel that the engine takes where no winner is installed; `measured` as of
 * whet_attention_choose. */
const char *whet_search_first_choice(const whet_problem *of_run, const char *measured);

/* The finals: elites once more, the best against all baselines, the winner installed. */
whet_status whet_search_finals(whet_ctx *ctx, whet_search *s);

/* Writing to the run file, within a step. A member goes there with its build and its check. */
whet_status whet_record_member(whet_ctx *ctx, whet_search *s, whet_member *m);
whet_status whet_record_verdict(whet_ctx *ctx, whet_search *s, const whet_member *m, int64_t duel,
                                const whet_verdict *verdict, const char *evidence);
whet_status whet_record_duel(whet_ctx *ctx, whet_search *s, const whet_member *m, const char *kind,
                             const char *rival, const whet_duel_opts *opts, const whet_duel *duel,
                             int64_t *id);
whet_status whet_record_event(whet_ctx *ctx, whet_search *s, const char *what, const char *detail);

void whet_member_fini(whet_ctx *ctx, whet_member *m);

/* Tells opts->on_event. */
void whet_search_tell(const whet_search *s, const char *what, const whet_member *m);

#endif
