/* SPDX-License-Identifier: MIT */
/* Measuring a model with one kernel or a pair of them, every sample between two probes. */
#ifndef WHET_BENCH_H
#define WHET_BENCH_H

#include <whet/checkpoint.h>
#include <whet/judge.h>
#include <whet/machine.h>
#include <whet/model.h>
#include <whet/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what work there is, and how fast it could be ---- */

/* What a piece of text costs at least: each weight is read once a step, keys and values once a
 * step, scores and sums are calculated for the keys that a row sees. Activations are not counted.
 */
typedef struct whet_work {
    double weight_bytes;
    double kv_bytes;
    double linear_flop;    /* one multiply-add = 2 */
    double attention_flop; /* two products over the keys before each row, itself included */
} whet_work;

/* n tokens, one a step, behind n_context others; logits at every step. */
WHET_API whet_work whet_work_decode(const whet_checkpoint_facts *facts, size_t n_context, size_t n);

/* n tokens, at most `chunk` a step, behind n_context others; logits at the last one. */
WHET_API whet_work whet_work_prompt(const whet_checkpoint_facts *facts, size_t n_context, size_t n,
                                    size_t chunk);

/* The two limits of the machine in the seconds of a measurement. */
typedef struct whet_peaks {
    double bytes_per_second; /* P: reading memory */
    double flop_per_second;  /* F: multiplying and adding */
} whet_peaks;

/* The least time for the work: the longer one of reading at P and calculating at F (the roofline;
 * Williams, Waterman, Patterson, 2009). *is_reading says which one it is; may be NULL. */
WHET_API double whet_work_limit_ns(const whet_work *work, const whet_peaks *peaks,
                                   bool *is_reading);

/* ---- measuring a model ---- */

enum { WHET_BENCH_MAX_SIDES = 2, WHET_BENCH_CANDIDATE = 0, WHET_BENCH_BASELINE = 1 };

/* Zero means default. Strings are borrowed for the call. */
typedef struct whet_bench_opts {
    whet_session_opts sides[WHET_BENCH_MAX_SIDES]; /* which kernel; capacity_tokens is not read */
    int n_sides;                                   /* 1 or 2 */
    uint64_t seed;        /* of ids, filled contexts, orders and the bootstrap */
    double probe_seconds; /* for each probe; 0 = 0.03 for P and a third of it for F */
    uint64_t cache_bytes; /* last-level caches that P is to leave; 0 = the machine's */
} whet_bench_opts;

typedef struct whet_bench whet_bench;

/* Opens the kernels and the probe. model, facts and team are borrowed until whet_bench_close; so is
 * ctx, which gives the memory. Errors: those of whet_session_open. */
WHET_API whet_status whet_bench_open(whet_ctx *ctx, const whet_model *model,
                                     const whet_checkpoint_facts *facts, whet_team *team,
                                     const whet_bench_opts *opts, whet_bench **bench);
WHET_API void whet_bench_close(whet_bench *bench); /* NULL is fine */

/* The kernel of a side. Borrowed until whet_bench_close. */
WHET_API const whet_attention_kernel *whet_bench_kernel(const whet_bench *bench, int side);

/* Tells whether sessions of n_context tokens for all sides fit the model and the memory that is
 * free now. WHET_E_ARG (the model's context), WHET_E_NOMEM, each with a sentence. */
WHET_API whet_status whet_bench_fits(whet_ctx *ctx, const whet_bench *bench, size_t n_context);

/* A piece of text, timed as prompts (n_prompt tokens fed at once) and slices of tokens made one by
 * one. Zero means default; no prompt or no tokens is fine when the other is there. */
typedef struct whet_bench_job {
    size_t n_filled;       /* tokens of synthetic K and V that the context holds before */
    const int32_t *prompt; /* [n_prompt], borrowed; NULL = seeded ids */
    size_t n_prompt;
    size_t n_tokens;
    size_t slice_tokens; /* at most so many tokens a sample; 0 = all */
    bool is_drawn; /* by whet_generate, greedy, past end-of-sequence ids, which needs a prompt;
                      else seeded ids are fed, and nothing is sampled */
    int n_pairs;   /* fresh sessions for each; 0 = 1 */
    int n_rounds;  /* times the prompt and the tokens are timed in a pair; 0 = 1 */
    int n_prompts; /* times the prompt is timed in a round; 0 = 1 */
} whet_bench_job;

typedef enum whet_bench_kind { WHET_BENCH_PROMPT = 0, WHET_BENCH_TOKENS } whet_bench_kind;

/* One sample: a side's prompt or slice. is_rival is the side: 1 = the baseline. */
typedef struct whet_bench_sample {
    whet_duel_sample time;
    whet_bench_kind kind;
    size_t n_context; /* tokens held before it */
    size_t n_tokens;
    whet_peaks peaks; /* mean of the probes right before and right after it */
} whet_bench_sample;

/* Both sides of a block did the same work: as many tokens behind as many. */
typedef struct whet_bench_result {
    whet_bench_sample *samples; /* owned: whet_bench_result_fini */
    size_t n_samples;
    uint64_t n_calls[WHET_BENCH_MAX_SIDES];   /* runs of its kernel that the dispatch counted in the
                                                 measured sessions; what the work needs, or the run
                                                 is WHET_E_INTERNAL */
    uint64_t rss_bytes[WHET_BENCH_MAX_SIDES]; /* peak of the memory this side needed alone, the
                                                 probe's buffer not counted; 0 = not known */
    size_t n_same; /* leading tokens that were drawn equal on both sides, the fewest of all pairs */
} whet_bench_result;

/* Runs a job: for every pair both sides open sessions, fill them and run a little without counting;
 * then, in random order in every block, each side is timed between two probes. WHET_E_ARG for a job
 * without work or past the model's context, WHET_E_NOMEM, WHET_E_CANCELLED; *result is then empty.
 */
WHET_API whet_status whet_bench_run(whet_ctx *ctx, whet_bench *bench, const whet_bench_job *job,
                                    whet_bench_result *result);
WHET_API void whet_bench_result_fini(whet_ctx *ctx, whet_bench_result *result);

/* What samples of one kind and side say. */
typedef struct whet_bench_figure {
    int n_samples;
    double mean, sd; /* tokens per second; sd 0 for one sample */
    double median;
    whet_peaks peaks;      /* medians */
    double share_of_limit; /* median of limit / time, each with its own probes */
    bool is_reading;       /* whether P was the limit (of the first sample) */
} whet_bench_figure;

WHET_API whet_status whet_bench_summarise(whet_ctx *ctx, const whet_bench *bench,
                                          const whet_bench_result *result, whet_bench_kind kind,
                                          int side, whet_bench_figure *figure);

/* Baseline's time / candidate's time with its interval, by whet_ratio_estimate. WHET_E_ARG without
 * samples of both sides. */
WHET_API whet_status whet_bench_compare(whet_ctx *ctx, const whet_bench *bench,
                                        const whet_bench_result *result, whet_bench_kind kind,
                                        whet_ratio *ratio);

/* A text job: a prompt of our own writing and an answer of so many tokens, whatever they are. */
typedef struct whet_scenario {
    const char *name;
    const char *prompt;
    size_t n_tokens;
    size_t
        n_prompt; /* tokens of the prompt in Qwen3's vocabulary, for models without a tokenizer */
} whet_scenario;

/* "primary", "short", "medium", "long", "code"; a NULL name at the end. Static. */
WHET_API extern const whet_scenario whet_scenarios[];

/* One of them by its name, `len` bytes; NULL when there is none. */
WHET_API const whet_scenario *whet_scenario_find(const char *name, size_t len);

/* The job of a scenario whose context is filled up to n_context tokens before (0 = not at all):
 * the prompt's ids go to `ids`, which the job borrows; tokenizer NULL: seeded ids. The pairs are
 * the caller's to set. */
WHET_API whet_status whet_scenario_job(whet_ctx *ctx, const whet_tokenizer *tokenizer,
                                       const whet_scenario *scenario, size_t n_context,
                                       whet_ids *ids, whet_bench_job *job);

/* Some tokens behind n_context others, for how decoding goes with the length of the context. */
WHET_API whet_bench_job whet_context_job(size_t n_context);

/* An attention that keeps nothing, costs nothing and answers zeros: a session with it shows what
 * the rest of a token takes (Amdahl, 1967). For measuring alone; in no list of kernels. */
WHET_API extern const whet_attention_kernel whet_attention_free;

/* ---- measuring one op ---- */

typedef enum whet_bench_op { WHET_BENCH_ATTENTION = 0, WHET_BENCH_LINEAR } whet_bench_op;

/* Zero means default. */
typedef struct whet_op_opts {
    whet_bench_op op;
    whet_problem attention;      /* n_rows rows, the last of n_context, appended and attended to */
    int32_t n_out, n_in, n_rows; /* of a linear layer with bf16 weights */
    const char *kernels;  /* names and files FILE.c apart by commas; NULL = all built-in ones that
                             do this here. "fused" names the best one of "fused-avx512", ... */
    const char *compiler; /* for files; NULL = "cc" */
    double seconds;       /* for each kernel, cold and warm together; 0 = 1 */
    uint64_t seed;        /* of the data */
    uint64_t cache_bytes; /* last-level caches that cold data is to leave; 0 = the machine's */
} whet_op_opts;

/* One kernel, cold (on copies of the data that are together more than twice the last-level caches)
 * or warm (always the same). */
typedef struct whet_op_figure {
    char name[48];
    bool is_cold;
    int n_copies;
    int n_samples;
    double *samples_ns;    /* [n_samples] of one call each; owned by the result */
    double ns, low, high;  /* median and quartiles of them */
    whet_peaks peaks;      /* medians */
    double share_of_limit; /* median; of a warm one only what calculating allows */
    bool is_reading;
} whet_op_figure;

typedef struct whet_op_result {
    double bytes, flop;      /* of one call: keys and values or weights; two a multiply-add */
    whet_op_figure *figures; /* owned: whet_op_result_fini */
    int n_figures;
} whet_op_result;

/* Times an op with each kernel in turns, in rounds between two probes. A sample is as many calls as
 * last 5 ms or more. A kernel whose calls are so slow that its seconds are over takes part in no
 * further round. WHET_E_ARG: no such kernel, a shape that makes no sense; WHET_E_UNSUPPORTED: a
 * named kernel that does not do it; WHET_E_NOMEM, WHET_E_CANCELLED, those of compiling. */
WHET_API whet_status whet_op_run(whet_ctx *ctx, whet_team *team, const whet_op_opts *opts,
                                 whet_op_result *result);
WHET_API void whet_op_result_fini(whet_ctx *ctx, whet_op_result *result);

/* A figure above this share of its limit tells of a disturbed probe, not of a fast kernel. */
#define WHET_BENCH_CREDIBLE 1.04

#ifdef __cplusplus
}
#endif

#endif
