/* SPDX-License-Identifier: MIT */
/* Evolution: from the naive attention program to a faster one that is proved right. */
#ifndef WHET_EVOLVE_H
#define WHET_EVOLVE_H

#include <whet/judge.h>
#include <whet/text.h>
#include <whet/winner.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a simple search did with its share of the programs, beside evolution. */
typedef struct whet_evolve_control {
    const char *name; /* "random", "best-of-n", "hill-climb" */
    int n;            /* programs */
    double speed;     /* of its best one, times the yardstick's; 0 = none */
    double evolution; /* of the best one that evolution had after as many programs */
} whet_evolve_control;

enum { WHET_N_CONTROLS = 3 };

/* What happens while it runs, for a person to see. Strings are borrowed for the call. */
typedef struct whet_evolve_event {
    const char *what; /* "generation", "program", "elite", "final", "end of search", "resumed" */
    const char *hash; /* of the program, or "" */
    const char *operator_name;
    const char *change; /* what the operator did */
    const whet_verdict *verdict;
    double speed;      /* times the yardstick's speed; 0 = was not timed */
    double best_speed; /* of the best program so far */
    whet_ratio best;   /* of it, when it was raced in decode; 0 = none */
    const char *rival; /* in that race */
    int n_tried;
    const int *n_rejected; /* by whet_gate: WHET_N_GATES counts */
    int n_generations;
    int island, n_islands; /* whose turn it is, from 0 */
    int64_t n_tokens;      /* of prompts and replies */
    double money;
    double seconds; /* since the start */
    double budget_seconds;
} whet_evolve_event;

typedef void (*whet_evolve_fn)(void *data, const whet_evolve_event *event);

enum { WHET_MAX_LLMS = 8, WHET_MAX_QUESTIONS = 8 };

/* A server of language models that speaks OpenAI's chat protocol. Zero means default. */
typedef struct whet_llm_opts {
    const char *api_base; /* "https://host/v1"; NULL = https://api.openai.com/v1 */
    const char *api_key;  /* from the caller's environment; never stored, never logged */
    struct {
        const char *name;
        double weight; /* shares of the questions; 0 = 1 */
    } models[WHET_MAX_LLMS];
    int n_models;
    double temperature; /* sent when has_temperature */
    double top_p;       /* 0 = not sent */
    bool has_temperature;
    int max_tokens;         /* 0 = 4096 */
    double timeout_seconds; /* of one try; 0 = 60 */
    int n_retries;          /* behind the first try; with has_retries, else 3 */
    bool has_retries;
    double retry_delay_seconds; /* before the first retry; 0 = 5 */
    const char *system_message; /* NULL = whet's own */
    bool is_streaming;          /* the answer is asked for in pieces */
    int n_questions; /* of a generation, whoever the proposer is, asked side by side: at most
                        WHET_MAX_QUESTIONS; 0 = 1 */
    double prompt_price, reply_price; /* of a million tokens, in your money */
    /* Nobody is asked when that could be exceeded; 0 = no such limit. Money needs prices. */
    uint64_t budget_tokens;
    double budget_money, budget_seconds;
} whet_llm_opts;

/* What the grid's axes can be: facts of the source and of the object, bits of a mask. */
typedef enum whet_feature {
    WHET_FEATURE_LAYOUT = 1, /* of the KV cache: what the program's layout says it is */
    WHET_FEATURE_PASSES = 2, /* over the scores: three-pass, two-pass, one-pass softmax */
    WHET_FEATURE_VECTOR = 4, /* widest vectors in the object, and a bf16 dot product or not */
    WHET_FEATURE_CODE = 8,   /* bytes of code, by powers of two */
} whet_feature;

/* How the population is kept and drawn from. Zero means default. */
typedef struct whet_population_opts {
    int n_islands;          /* 0 = one for each ten minutes, at most 4; at most 8 */
    int n_programs;         /* alive on all islands together; 0 = 200 */
    int n_archive;          /* of the best of all islands; 0 = 20 */
    double exploration;     /* share of parents drawn from an island's whole grid; 0 = 0.2 */
    double exploitation;    /* share of parents drawn from the archive; 0 = 0.5 */
    int migration_interval; /* programs of an island between migrations; 0 = 25 */
    double migration_rate;  /* share of an island's elites that go; 0 = 0.1, at least one */
    unsigned features;      /* whet_feature; 0 = layout, passes and vector */
    double control;         /* share of programs for random, best-of-N and hill climbing together;
                               0 = 0.1; below 0 = none */
    int patience;           /* programs without a gain that end the search; 0 = no such end */
    double least_gain;      /* that counts as one, as a ratio above 1; 0 = 0.001 */
} whet_population_opts;

/* Zero means default. Strings are borrowed for the call. */
typedef struct whet_evolve_opts {
    whet_problem problem; /* n_context: the context that is timed (0 = 2048) */
    double minutes;       /* for search and finals together; 0 = 1 */
    int max_programs;     /* the search ends behind so many, if its time lasts; 0 = by time alone */
    int n_children;       /* of a generation, built and checked side by side: at most 8; 0 = one for
                             each processor that may be used, at least 2 */
    uint64_t seed;
    int n_threads;            /* workers of timed runs; 0 = the machine's default */
    const char *run_file;     /* SQLite; made, with its folder; must not hold a run yet */
    const char *program_file; /* where the best program's source goes; NULL = nowhere */
    const char *winners;      /* folder of winners; NULL = the winner is not installed */
    const char
        *measured_attention; /* the engine's own kernel by a profile, as of whet_session_opts:
                                what a winner has to beat; NULL = as the static order has it */
    const char *worker;      /* the whet program (whet_judge_opts) */
    const char *cc;
    double sample_ns;  /* least length of a timed sample; 0 = the judge's default, 10 ms, or 50 us
                          of a rehearsal */
    bool is_rehearsal; /* everything in its order, but speeds are rough (rough duels, two pairs of
                          them in the finals), and nothing is installed:
                          to try out a configuration, a proposer, a disk; the run file tells */
    bool is_resumed;   /* go on with the run that run_file holds: its problem, seed, minutes and
                          n_threads count, not those here */
    bool is_ending;    /* with is_resumed: no more programs, but the finals of those there are */
    const char *proposer; /* who is asked for llm.n_questions children of every generation, one by
                             default: "command:" and a shell command that reads a prompt from stdin
                             and writes the reply to stdout; "openai": the models of llm; "manual:"
                             and a folder: somebody answers NUMBER.prompt.txt with
                             NUMBER.answer.txt; NULL = nobody */
    whet_llm_opts llm;
    whet_population_opts population;
    int n_top_programs;     /* that a prompt shows; 0 = 3 */
    int n_diverse_programs; /* 0 = 2 */
    bool is_rewriting;      /* models are asked for whole programs, not for hunks */
    const char *prompts;    /* a folder with templates of prompts that are taken instead of ours:
                               task.txt, facts.txt, diff.txt, rewrite.txt, crossover.txt, repair.txt */
    int max_prompt_bytes; /* beyond what a prompt must have, it is filled up to this; 0 = 64 KiB */
    int max_code_bytes;   /* of a program that a model writes; 0 = 256 KiB */
    bool tests_judge;     /* a new run begins only where the judge's own quick test comes out right
                             (whet_self_test_run), else WHET_E_INTERNAL; the run does not know of it */
    const char *answers;  /* a run file: its run is taken anew, into run_file, with the verdicts and
                             timings that it has; nothing is judged or installed. NULL = judge */
    whet_evolve_fn on_event;
    void *event_data;
} whet_evolve_opts;

/* What a configuration says. Strings belong to the configuration. */
typedef struct whet_evolve_settings {
    whet_evolve_opts opts; /* without paths, callbacks and keys */
    const char *model;     /* folder or name; NULL = none */
    const char *heads;     /* "16:8"; NULL = the model's */
    const char *api_key;   /* the name of an environment variable; the caller reads it */
} whet_evolve_settings;

/* Settings with their origins. The keys are OpenEvolve's, where they mean something here, and
 * whet's own; docs/evolution.md lists them. */
typedef struct whet_evolve_config whet_evolve_config;

WHET_API whet_status whet_evolve_config_open(whet_ctx *ctx, whet_evolve_config **config);
WHET_API void whet_evolve_config_close(whet_ctx *ctx, whet_evolve_config *config); /* or NULL */

/* Reads YAML; `name` is for sentences. WHET_E_FORMAT: no YAML, an unknown key (with the nearest one
 * that is known), a value that is out of bounds, a key twice. */
WHET_API whet_status whet_evolve_config_parse(whet_ctx *ctx, whet_evolve_config *config,
                                              const char *name, const char *text, size_t n_bytes);

/* The same from a file. */
WHET_API whet_status whet_evolve_config_read(whet_ctx *ctx, whet_evolve_config *config,
                                             const char *path);

/* One value, over what a file said. */
WHET_API whet_status whet_evolve_config_set(whet_ctx *ctx, whet_evolve_config *config,
                                            const char *key, const char *value, const char *origin);

/* Borrowed until the configuration is changed or closed. */
WHET_API const whet_evolve_settings *whet_evolve_config_settings(const whet_evolve_config *config);

/* Appends every effective value as YAML, its origin in a comment. What this writes can be read. */
WHET_API whet_status whet_evolve_config_print(whet_ctx *ctx, const whet_evolve_config *config,
                                              whet_buf *text);

/* Appends a line for each key that was given and does nothing here, with the reason. */
WHET_API whet_status whet_evolve_config_warnings(whet_ctx *ctx, const whet_evolve_config *config,
                                                 whet_buf *text);

/* Timings of one shape: of the finals, or of the suite. A ratio of 0 means that it was not
 * measured.
 */
typedef struct whet_evolve_shape {
    char name[48];
    double ns;        /* the winner's, one call */
    double repeat_ns; /* in its own duel */
    double fused_ns;
    double grouped_ns;
    double kv_bytes;    /* that one call must read */
    double limit_share; /* of the time that the machine's limits leave; 0 = not known */
    whet_ratio repeat;  /* over the `repeat` program */
    whet_ratio fused;   /* over `fused` */
    whet_ratio grouped; /* over `grouped` */
} whet_evolve_shape;

enum { WHET_N_SUITE = 6 }; /* four lengths of decode, two prefills */

/* The best finalist of one shape of the suite. */
typedef struct whet_evolve_kept {
    char shape[48];
    char hash[WHET_HASH_HEX];
    double speed;       /* times the rival's */
    double taken_speed; /* of the one that was taken */
} whet_evolve_kept;

/* What one part of a program gained over another in its place, measured where two programs differ
 * in nothing else. */
typedef struct whet_evolve_gain {
    char what[160]; /* "share: grouped over none" */
    double speed;   /* times that without it; geometric mean */
    int n;          /* times that it was measured */
} whet_evolve_gain;

enum { WHET_N_GAINS = 8 };

/* How the winner was chosen among the finalists. */
typedef struct whet_evolve_suite {
    char rival[16];  /* the baseline that all were timed against: the engine's own kernel */
    char engine[48]; /* the name of that kernel */
    int n_finalists;
    double speed; /* the winner's: geometric mean over the shapes; 0 = none */
    whet_evolve_kept kept[WHET_N_SUITE]; /* "" where there is none */
    char why[240];                       /* the winner was taken */
} whet_evolve_suite;

typedef struct whet_evolve_result {
    char hash[WHET_HASH_HEX];          /* of the best program; "" = none was found */
    char object_sha256[WHET_HASH_HEX]; /* of the object that was judged */
    char change[256];                  /* where it differs from `repeat` */
    char by_people[240]; /* its parts that are ideas of the library: "share: grouped, exp: poly" */
    char by_models[240]; /* its parts that are texts of their own: "softmax" */
    whet_evolve_shape shapes[WHET_N_ALL_SHAPES]; /* by whet_shape */
    double peak_bytes, peak_flop; /* a second, the largest by the run's probes; 0 = not known */
    whet_evolve_suite suite;
    whet_evolve_gain gains[WHET_N_GAINS]; /* the largest first; "" = no further one */
    int n_tried;                          /* programs judged */
    int n_by_verdict[WHET_N_VERDICTS];
    int n_rejected[WHET_N_GATES]; /* by the gate that rejected */
    int n_duplicates;             /* children that were known already */
    bool is_installed;
    char not_installed[160]; /* why, when it is not */
    whet_evolve_control controls[WHET_N_CONTROLS];
    char fused_from[48]; /* "built-in" or "source": what `fused` was */
    bool
        has_other_prompts; /* replayed: another version wrote the prompts; they were not compared */
    bool has_run;          /* the run file holds a run: what was cancelled can be resumed */
    double seconds;
} whet_evolve_result;

/* Searches for a faster program, beginning with `repeat`. All programs, verdicts and samples go
 * into the run file, one transaction a step. When ctx is cancelled during the search, the best so
 * far is still measured and judged once more; a second request ends it (WHET_E_CANCELLED). A run
 * that was ended so, or by anything else, can be resumed: it loses at most the step in hand.
 * WHET_E_ARG: resumed on another machine or with another compiler, whose timings do not compare. */
WHET_API whet_status whet_evolve(whet_ctx *ctx, const whet_evolve_opts *opts,
                                 whet_evolve_result *result);

/* Puts a program of somebody into a run that has not come to its end: the search takes it as a
 * child of its next generation, at once or when it is resumed, and judges it like any other; its
 * operator is "inject". `name` stands for it in sentences and in the run. WHET_E_FORMAT: no UTF-8
 * text, or no program with its marks. WHET_E_ARG: the run is over, or has that program. */
WHET_API whet_status whet_evolve_inject(whet_ctx *ctx, const char *run_file, const char *name,
                                        const char *source, size_t n_bytes,
                                        char hash[WHET_HASH_HEX]);

/* The prompt of a run's first question, replacing what was in `prompt`: the seed is judged and
 * timed, nobody is asked, no file is written. */
WHET_API whet_status whet_evolve_first_prompt(whet_ctx *ctx, const whet_evolve_opts *opts,
                                              whet_buf *prompt);

/* Recomputes a run from its log alone: every choice from the seed, the verdicts and the samples
 * that it holds, compared row by row with what it holds; nothing is built, timed or written.
 * Prompts are compared where this version of them wrote them (has_other_prompts). *n_steps: how
 * many were recomputed; *is_whole: the run had come to its end. WHET_E_STORE: run and log part,
 * with the place. */
WHET_API whet_status whet_evolve_replay(whet_ctx *ctx, const char *run_file,
                                        whet_evolve_result *result, int64_t *n_steps,
                                        bool *is_whole);

#ifdef __cplusplus
}
#endif

#endif
