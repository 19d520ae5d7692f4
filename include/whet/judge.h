/* SPDX-License-Identifier: MIT */
/* The judge: is this attention kernel right, and how much faster than another is it here? */
#ifndef WHET_JUDGE_H
#define WHET_JUDGE_H

#include <whet/kernel.h>
#include <whet/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every candidate runs in jailed processes of its own, and all that it writes is compared with the
 * float64 oracle; docs/judging.md says what holds and what does not yet.
 *
 * Functions that judge return WHET_OK when the judging worked; the candidate's fate is the verdict.
 * A judge is immutable after open: several threads may use it at once, each with its own context,
 * except for whet_judge_duel, which owns the machine while it runs. */

/* code, what it means */
#define WHET_VERDICT_LIST(X)                                                                       \
    X(PASS, "nothing was found against it")                                                        \
    X(WRONG, "an output differs from the oracle by more than the tolerance")                       \
    X(NOT_A_NUMBER, "an output is NaN, infinite or was never written")                             \
    X(OUT_OF_BOUNDS, "it read or wrote outside its buffers")                                       \
    X(TOUCHED_INPUT, "it wrote to its inputs, or to the cache during run")                         \
    X(NOT_REPEATABLE, "the same call gave other bits")                                             \
    X(CRASHED, "it was ended by a signal")                                                         \
    X(TIMED_OUT, "it did not come to an end in time")                                              \
    X(NO_BUILD, "it does not compile")                                                             \
    X(UNSUPPORTED, "it exports no kernel for this problem")                                        \
    X(SLOWER, "it is clearly slower than what it must beat")                                       \
    X(FORBIDDEN, "it holds or does what a kernel may not")                                         \
    X(INCONSISTENT, "two answers that must agree bit for bit do not")                              \
    X(UNCOVERED, "it has code that no case could reach, and so nothing is known about it")         \
    X(UNPROVEN, "nothing shows that its outputs came from its code")                               \
    X(QUARANTINE, "it is too fast to be believed without a look")

typedef enum whet_verdict_code {
    WHET_V_PASS = 0,
    WHET_V_WRONG,
    WHET_V_NOT_A_NUMBER,
    WHET_V_OUT_OF_BOUNDS,
    WHET_V_TOUCHED_INPUT,
    WHET_V_NOT_REPEATABLE,
    WHET_V_CRASHED,
    WHET_V_TIMED_OUT,
    WHET_V_NO_BUILD,
    WHET_V_UNSUPPORTED,
    WHET_V_SLOWER,
    WHET_V_FORBIDDEN,
    WHET_V_INCONSISTENT,
    WHET_V_UNCOVERED,
    WHET_V_UNPROVEN,
    WHET_V_QUARANTINE,
    WHET_N_VERDICTS,
} whet_verdict_code;

/* "PASS", "WRONG", ... and what it means. Static strings. */
WHET_API const char *whet_verdict_name(whet_verdict_code code);
WHET_API const char *whet_verdict_meaning(whet_verdict_code code);

/* layer, its bit, its name, what it does. Only SECCOMP is indispensable. */
#define WHET_JAIL_LIST(X)                                                                          \
    X(SECCOMP, 0, "seccomp", "a system call other than waiting and ending kills it")               \
    X(LANDLOCK, 1, "landlock", "it opens no file, and its compiler only what that needs")          \
    X(NAMESPACES, 2, "namespaces",                                                                 \
      "it sees no network and no other process, and none survives it")                             \
    X(USER, 3, "user", "the candidate and its compiler are never run as root")                     \
    X(CLOCK, 4, "no-clock", "it cannot read a clock while its outputs are checked")                \
    X(SEALS, 5, "seals", "nothing makes its inputs writable, not even the system when it is asked")

typedef enum whet_jail_layer {
#define WHET_X(code, bit, name, meaning) WHET_JAIL_##code = 1 << (bit),
    WHET_JAIL_LIST(WHET_X)
#undef WHET_X
} whet_jail_layer;

/* The layers that this machine gives, as bits; one layer's name and meaning, NULL for no layer. */
WHET_API uint32_t whet_judge_jail(void);
WHET_API const char *whet_jail_layer_name(uint32_t layer);
WHET_API const char *whet_jail_layer_meaning(uint32_t layer);

/* Gates of the design that exist so far; the first failing one is the verdict. */
typedef enum whet_gate {
    WHET_GATE_SOURCE = 0,
    WHET_GATE_BUILD = 1,
    WHET_GATE_OBJECT = 2,
    WHET_GATE_SMOKE = 3,
    WHET_GATE_CORRECTNESS = 4,
    WHET_GATE_PROPERTY = 5,
    WHET_GATE_SANITIZER = 6,
    WHET_GATE_RACE = 7,
    WHET_GATE_DUEL = 8,
    WHET_GATE_SANITY = 9,
    WHET_GATE_CHAMPION = 10,
} whet_gate;

enum { WHET_N_GATES = WHET_GATE_CHAMPION + 1 };

/* "source", "build", ... Static strings. */
WHET_API const char *whet_gate_name(whet_gate gate);

/* The judge's answer with its evidence. Numbers that do not apply are zero. */
typedef struct whet_verdict {
    whet_verdict_code code;
    whet_gate gate;   /* the rejecting gate, or the last one passed */
    char reason[256]; /* one sentence; "" for PASS */
    /* the case: */
    char family[16];
    uint64_t seed;
    int32_t n_context;
    int32_t n_rows;
    int32_t n_workers;
    /* the worst element of the case that was rejected: */
    int32_t row, head, dim;
    double expected, got, tolerance;
    double worst;              /* largest |got - expected| / tolerance of all that was compared */
    int64_t n_checked;         /* outputs compared */
    whet_verdict_code spoiled; /* of a copy whose `run` returns at once: must not be PASS; PASS =
                                  there was none */
    char object_sha256[65];    /* of the bytes that were loaded; "" for a built-in kernel */
    double build_ns;
    uint32_t jail;            /* layers in which it was run: WHET_JAIL_... bits */
    char compiler_text[2048]; /* the compiler's first words, without paths */
} whet_verdict;

/* Appends the evidence as a JSON object: how much was checked and the worst quotient of difference
 * and tolerance; the case, when there is one; the worst element, when one rejects. */
WHET_API whet_status whet_verdict_evidence(whet_ctx *ctx, const whet_verdict *verdict,
                                           whet_buf *json);

/* A kernel ready to be judged: a shared object in memory, or a built-in kernel by its name. */
typedef struct whet_object {
    void *bytes; /* owned; NULL for a built-in one */
    size_t n_bytes;
    char sha256[65];      /* of the bytes; "" for a built-in one */
    const char *built_in; /* borrowed name, or NULL */
} whet_object;

/* Releases the bytes; ctx is the one it was built with. A zeroed object is fine. */
WHET_API void whet_object_fini(whet_ctx *ctx, whet_object *object);

typedef struct whet_judge whet_judge;

/* Zero means default. Strings are borrowed for the life of the judge. */
typedef struct whet_judge_opts {
    whet_problem problem; /* n_context: the context of timed decoding (0 = 2048); n_rows: rows of a
                             timed prefill (0 = 64), whose context is at most 8 times as many */
    int n_threads;        /* workers of timed runs; 0 = the machine's default */
    uint64_t seed;        /* of inputs and orders */
    const char *worker;   /* the program that `whet _worker` is: started as "worker _worker" */
    const char *cc;       /* compiler; NULL = "cc" */
    double build_seconds; /* limit; default 10 */
    double call_seconds;  /* processor time that a call may take while outputs are checked, beyond
                             20 times the oracle's; 20 times as much by the clock; default 1 */
    double total_seconds; /* the same for all calls of one process together, of which a judgement
                             has at most six; default 60 */
    uint64_t cache_bytes; /* the timed caches are more than twice that; 0 = the machine's last-level
                             caches */
    double sample_ns;     /* least length of one timed sample; default 10 ms */
    bool is_full;         /* whet_judge_source goes on to gate 6; a search looks without it */
    bool has_no_cases;    /* for duels of kernels that are trusted: nothing is checked in advance */
    bool is_unsafe;       /* judge also where there is no seccomp */
    /* For the judge's own tests: what one gate stops the later ones must stop as well. */
    bool skips_source_gate;
    bool skips_object_gate;
} whet_judge_opts;

/* Makes the cases with what the oracle says about them. WHET_E_ARG: no valid problem.
 * WHET_E_UNSUPPORTED: the system has no seccomp, and is_unsafe is not set; or the cases of such
 * heads take more memory than there is for them. */
WHET_API whet_status whet_judge_open(whet_ctx *ctx, const whet_judge_opts *opts,
                                     whet_judge **judge);
WHET_API void whet_judge_close(whet_ctx *ctx, whet_judge *judge); /* NULL is fine */

/* First line of the compiler's --version and the flags that candidates are built with. */
WHET_API whet_status whet_judge_compiler(whet_ctx *ctx, const whet_judge *judge, char *text,
                                         size_t n);

/* Gates 0 and 1: reads a source text, and compiles it in a child process with limits on time and
 * memory. PASS fills *object, which is the caller's then; anything else leaves it empty. */
WHET_API whet_status whet_judge_build(whet_ctx *ctx, const whet_judge *judge, const char *source,
                                      size_t n_bytes, whet_object *object, whet_verdict *verdict);

/* Gates 2 to 5: loads the object in a process of its own, runs all cases twice with other leftovers
 * in its memory, compares every output with the oracle; then asks what must hold bit for bit. */
WHET_API whet_status whet_judge_check(whet_ctx *ctx, const whet_judge *judge,
                                      const whet_object *object, whet_verdict *verdict);

/* What a full judgement adds for an object that passed the check: cases past 64k keys, then gate 6
 * on the source that it was built from. The verdict must be that of the check. */
WHET_API whet_status whet_judge_finish(whet_ctx *ctx, const whet_judge *judge, const char *source,
                                       size_t n_bytes, const whet_object *object,
                                       whet_verdict *verdict);

/* Gates 0 to 5, and 6 when is_full, for one source text: builds it and checks the object. *object,
 * if wanted, is filled when it was built, whatever comes after; it is the caller's then. */
WHET_API whet_status whet_judge_source(whet_ctx *ctx, const whet_judge *judge, const char *source,
                                       size_t n_bytes, whet_object *object, whet_verdict *verdict);

/* What is timed: one append of rows and one run of them. */
typedef enum whet_shape {
    WHET_SHAPE_DECODE = 0, /* one row, the last of n_context */
    WHET_SHAPE_PREFILL,    /* n_rows rows, the last of a shorter context */
    WHET_N_SHAPES,         /* those two are raced on */
    /* the rest of the suite, with DECODE, that decides between finalists: */
    WHET_SHAPE_DECODE_16TH = WHET_N_SHAPES, /* decode at a sixteenth of n_context */
    WHET_SHAPE_DECODE_4TH,                  /* at a quarter */
    WHET_SHAPE_DECODE_4X,                   /* at four times, if that is at most 32768 */
    WHET_SHAPE_PREFILL_FIRST,  /* rows, at most 512 and a quarter of n_context, of a new text */
    WHET_SHAPE_PREFILL_BEHIND, /* as many behind n_context keys */
    WHET_N_ALL_SHAPES,
} whet_shape;

/* "decode@2048", "prefill64@512" into text. */
WHET_API void whet_judge_shape_name(const whet_judge *judge, whet_shape shape, char *text,
                                    size_t n);

/* One timed sample: n_calls calls on distinct caches, by the parent's clock. */
typedef struct whet_duel_sample {
    int32_t pair;  /* of fresh processes */
    int32_t block; /* in that pair */
    int32_t is_rival;
    int32_t order; /* 0: came first in its block */
    double ns;
} whet_duel_sample;

typedef struct whet_ratio {
    double ratio;     /* rival's time / candidate's time: above 1 the candidate is faster */
    double low, high; /* 95 % interval */
} whet_ratio;

/* Zero means default. */
typedef struct whet_duel_opts {
    whet_shape shape;
    int32_t
        n_context;  /* not 0: this context, or one little above it by the seed, in place of shape */
    int32_t n_rows; /* with n_context: rows of a call, all of them for a prefill from nothing; 0 =
                       1, a decode */
    int n_workers;  /* default: the judge's n_threads */
    int n_pairs;    /* pairs of fresh processes; default 5 */
    int n_blocks;   /* interleaved blocks in each pair; default 5 */
    uint64_t seed;  /* of orders, inputs and the bootstrap */
    double seconds; /* no new pair is begun after them, but two are always run; 0 = no limit */
    double drop_below; /* stop after a pair when whet_ratio_is_below says so; 0 = never. Who seems
                          far below it has single calls in the first pair */
    bool is_warm; /* one cache, used again and again; else one for every call of a sample, and the
                     processor's caches are swept before both sides' samples, or, in a race of
                     prefills, two */
    bool keeps_data;   /* for races: queries and appended rows are some that the judge keeps, none
                          twice in a pair of processes, so that there are at most 8 blocks; caches
                          are not refreshed, and gate 9 does not look at the append of many rows */
    bool times_append; /* with keeps_data: gate 9 looks at that append after all */
    bool judges_rival; /* the rival is a candidate, too: a verdict may be of it */
    bool is_rough;  /* for rehearsals: samples as short as the judge's sample_ns, whatever starting
                       and  stopping them costs, on two caches; the judge sleeps meanwhile */
    bool is_asleep; /* the judge sleeps through a batch also where a core is left to it, on which
                       it would spin and time every call */
} whet_duel_opts;

typedef struct whet_duel {
    whet_ratio result;
    whet_verdict verdict;      /* of the candidate; a timed output that is wrong rejects */
    bool is_of_rival;          /* it is the rival that the verdict rejects */
    whet_duel_sample *samples; /* owned: whet_duel_fini */
    size_t n_samples;
    int n_pairs, n_blocks; /* done */
    int n_voided;          /* pairs that were repeated, since the rival was disturbed in them */
    int n_calls;           /* in a sample */
    int n_caches;          /* of which no two have a row in common */
    int n_workers;
    bool is_rung;              /* every call was timed by itself, the judge spinning */
    bool is_cold;              /* more than twice the last-level caches is read between two calls
                                  on one cache */
    int32_t n_context, n_rows; /* as timed */
    double ns, rival_ns;       /* median of one call */
    double kv_bytes;           /* raw K and V rows that one call must read */
    double flop;     /* 2 for each multiply-add of the two products that causality leaves */
    double empty_ns; /* a sample that calls nothing: what starting and stopping cost */
    double copies;   /* time of an append of many rows / of a plain copy; 0 = not measured */
} whet_duel;

/* Times a candidate against a rival in interleaved pairs over fresh processes. Before every sample
 * a twentieth of each cache, all queries and all rows to append are new; every timed output of both
 * is compared whole with a trusted attention in f32, secretly chosen heads with the oracle. A pair
 * in which the rival was disturbed is repeated, at most one for four. Gate 9 also looks at the
 * append of many rows: SLOWER beyond WHET_MAX_COPIES. Now and then, nobody knowing when, a cache is
 * compared with what appends make of its rows: runs must not have written to it. A rival that is
 * wrong is WHET_E_INTERNAL unless it is judged, too. */
WHET_API whet_status whet_judge_duel(whet_ctx *ctx, whet_judge *judge, const whet_object *candidate,
                                     const whet_object *rival, const whet_duel_opts *opts,
                                     whet_duel *duel);
WHET_API void whet_duel_fini(whet_ctx *ctx, whet_duel *duel);

#define WHET_MAX_COPIES 40.0

/* "decode@2063", "prefill512@2560": what was timed. */
WHET_API void whet_duel_name(const whet_duel *duel, char *text, size_t n);

/* What a duel may say. Of equals an interval of 95 % misses 1 now and then, and gains under 1 % are
 * not measured cheaply: a claim needs both. Where no sample counted there is no claim. */
typedef enum whet_claim { WHET_CLAIM_NONE = 0, WHET_CLAIM_FASTER, WHET_CLAIM_SLOWER } whet_claim;
WHET_API whet_claim whet_ratio_claim(const whet_ratio *ratio);

/* Whether the rival was disturbed in a pair: half of its times lie further apart than a tenth of
 * their median. */
WHET_API bool whet_duel_is_disturbed(const whet_duel_sample *samples, size_t n, int32_t pair);

/* Gate 9: what a time is compared with. Zero: not known, not asked. */
typedef struct whet_sanity {
    double ns;               /* of a call */
    double bytes;            /* that it must read from memory; 0 when they may be in caches */
    double bytes_per_second; /* the largest that was probed in the same sitting */
    double flop, flop_per_second;
    double speed;     /* ratio over the best baseline */
    const char *best; /* its name */
    double copies;    /* time of an append of many rows / of a plain copy */
} whet_sanity;

/* QUARANTINE, and true, for a time below the roofline's floor (Williams, Waterman, Patterson, 2009;
 * a tenth is left to the probe) and for a speed above three times that of the best baseline; SLOWER
 * for an append of many rows that takes more than WHET_MAX_COPIES. */
WHET_API bool whet_judge_doubts(const whet_sanity *sanity, whet_verdict *verdict);

/* The median over pairs of the median over blocks of log(rival / candidate), as a ratio, and its
 * 95 % interval by a bootstrap of 2000 seeded resamples of pairs, then of blocks in each. A block
 * counts when both sides are there. WHET_E_ARG without any. */
WHET_API whet_status whet_ratio_estimate(whet_ctx *ctx, const whet_duel_sample *samples, size_t n,
                                         uint64_t seed, whet_ratio *result);

/* Whether the ratio is clearly below `bound`, to be asked again after every pair: pairs whose true
 * ratio is the bound are ever said to be below it in at most 2.5 % of duels, however many pairs
 * there are. One-sided t test of the pairs' median logarithms (Student, "The probable error of a
 * mean", 1908) at a level of 2.1 % / (k (k + 1)) for the k-th look, k = pairs - 1; the levels add
 * up to the whole (alpha spending: Lan and DeMets, "Discrete sequential boundaries for clinical
 * trials", 1983; here by the union bound). After one pair only what is far below: every block, of
 * WHET_FAR_BLOCKS at least, is below the WHET_FAR-th part of the bound. Were those two alike but
 * for noise, each block would be a coin (the sign test, 2^-8 = 0.4 %), and no two equal processes
 * differ by so much for life. WHET_E_ARG without any pair. */
enum { WHET_FAR = 4, WHET_FAR_BLOCKS = 8 };
WHET_API whet_status whet_ratio_is_below(whet_ctx *ctx, const whet_duel_sample *samples, size_t n,
                                         double bound, bool *is_below);

/* The other side, called by `whet _worker` alone: serves the judge that started this process over
 * the descriptors 3 (requests), 4 (inputs), 5 (outputs) and 6 (object), until that is gone. */
WHET_API whet_status whet_judge_worker(whet_ctx *ctx);

/* For the worker's handler of SIGSEGV, SIGBUS, SIGILL and SIGFPE: tells the judge what was touched
 * at `address`, as far as that can be told. Async-signal-safe. */
WHET_API void whet_judge_worker_fault(int signal_number, const void *address);

#ifdef __cplusplus
}
#endif

#endif
