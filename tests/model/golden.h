/* SPDX-License-Identifier: MIT */
/* Golden vectors of models: reading them, and the acceptance rule of their README. */
#ifndef WHET_TESTS_MODEL_GOLDEN_H
#define WHET_TESTS_MODEL_GOLDEN_H

#include <whet/model.h>

#include "base/json.h"

enum { GOLDEN_MAX_IDS = 1024, GOLDEN_MAX_PROMPTS = 8 };

typedef struct golden_prompt {
    int32_t ids[GOLDEN_MAX_IDS];
    size_t n_ids;
    int32_t greedy[GOLDEN_MAX_IDS];
    double margins[GOLDEN_MAX_IDS], ranges[GOLDEN_MAX_IDS];
    size_t n_greedy;
} golden_prompt;

typedef struct golden {
    char dir[512]; /* the checkpoint's folder */
    int32_t sequence[GOLDEN_MAX_IDS];
    size_t n_sequence;
    float *logits; /* [n_sequence][vocab] */
    size_t vocab;
    double bar_max, bar_mean;
    golden_prompt *prompts;
    size_t n_prompts;
} golden;

/* Reads golden_dir/golden.json and logits_f32.bin; false, with a failed CHECK, if it cannot. */
bool golden_open(whet_ctx *ctx, const char *dir, const char *golden_dir, golden *g);
void golden_close(golden *g);

/* Opens a session and lets fn do its checks; a failure to open is a failed CHECK. */
typedef void (*golden_check_fn)(whet_ctx *ctx, whet_session *session, const golden *g);
void golden_check(whet_ctx *ctx, const golden *g, const whet_session_opts *opts, int n_threads,
                  golden_check_fn fn);

/* Worst and mean |logit - golden| over the sequence are at most the bars. */
void golden_check_logits(whet_ctx *ctx, whet_session *session, const golden *g);

/* With --precise: within 5e-4. */
void golden_check_logits_closely(whet_ctx *ctx, whet_session *session, const golden *g);

/* The golden token is on top at every step whose margin is above bar_max. */
void golden_check_decided(whet_ctx *ctx, whet_session *session, const golden *g);

/* Greedy generation gives the golden tokens up to the first step that differs, which must have a
 * margin of at most bar_max; with --precise, of at most 1e-3 of the logit range. */
void golden_check_greedy(whet_ctx *ctx, whet_session *session, const golden *g);
void golden_check_greedy_closely(whet_ctx *ctx, whet_session *session, const golden *g);

#endif
