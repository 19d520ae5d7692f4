/* SPDX-License-Identifier: MIT */
/* What the judging process and the engine's process of gate 10 share. */
#ifndef WHET_BENCH_CHAMPION_INT_H
#define WHET_BENCH_CHAMPION_INT_H

#include <whet/champion.h>

#include "base/arena.h"
#include "base/ctx.h"
#include "judge/bank.h"
#include "model/tap.h"

/* A model with what runs it. */
typedef struct whet_stage {
    const whet_champion_opts *opts;
    whet_checkpoint_facts facts;
    whet_model *model;
    whet_tokenizer *tokenizer; /* NULL: there is none, prompts are seeded ids */
    whet_team *team;
} whet_stage;

/* A zeroed stage goes in; close it whatever comes back. */
whet_status whet_stage_open(whet_ctx *ctx, const whet_champion_opts *opts, whet_stage *stage);
void whet_stage_close(whet_stage *stage);

/* The i-th text that is asked for and fits the model; NULL behind the last one. `prompt` is
 * replaced by its ids. WHET_E_ARG for a scenario that is none. */
whet_status whet_stage_text(whet_ctx *ctx, const whet_stage *stage, int i, whet_ids *prompt,
                            const whet_scenario **scenario);

/* Greedy tokens of one kernel and how decided each was. */
typedef struct whet_drawn {
    int32_t ids[WHET_CHAMPION_TOKENS];
    double margins[WHET_CHAMPION_TOKENS]; /* between the two largest logits */
    double ranges[WHET_CHAMPION_TOKENS];  /* of all logits */
} whet_drawn;

/* Draws n tokens behind the prompt in a session of its own. WHET_E_INTERNAL unless the dispatch
 * counts as many calls of this very kernel as there must be. */
typedef struct whet_draw {
    const whet_attention_kernel *kernel;
    const whet_ids *prompt;
    size_t n_tokens;
    whet_tap_fn tap; /* or NULL */
    void *tap_data;
} whet_draw;
whet_status whet_stage_draw(whet_ctx *ctx, const whet_stage *stage, const whet_draw *draw,
                            whet_drawn *drawn);

/* Calls inside the model that the seed chooses, recorded while some kernel of ours runs. */
typedef struct whet_recorder whet_recorder;

/* For a text of n_prompt and n_tokens tokens; its memory is the arena's. */
whet_status whet_recorder_open(whet_ctx *ctx, const whet_stage *stage, size_t n_prompt,
                               size_t n_tokens, whet_arena *arena, whet_recorder **recorder);
void whet_recorder_tap(void *recorder, int layer, const whet_append_args *append,
                       const whet_run_args *run); /* a whet_tap_fn */

/* The recorded calls as cases with the oracle's word, and some shapes by the seed. */
enum { WHET_CHAMPION_MAX_CASES = 16 };
whet_status whet_recorder_cases(whet_ctx *ctx, const whet_recorder *recorder,
                                whet_bank_case cases[WHET_CHAMPION_MAX_CASES], int *n);

#endif
