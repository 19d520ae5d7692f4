/* SPDX-License-Identifier: MIT */
/* From logits to the next token, as Hugging Face's generate chooses it. */
#ifndef WHET_SAMPLER_H
#define WHET_SAMPLER_H

#include <whet/tokenizer.h>
#include <whet/whet.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero means default. The steps are taken in this order, each on what the one before it left
 * (transformers 5, generation/logits_process.py). */
typedef struct whet_sampler_opts {
    double repetition_penalty; /* of ids in the prompt or the output: logits above 0 are divided by
                                * it, others multiplied; 0 and 1 = none */
    double temperature; /* logits are divided by it; 0 = greedy: the highest logit, the lowest
                         * id among equals, and the steps below are not taken */
    int32_t top_k;      /* the k highest, and all equal to the last of them; 0 = all */
    double top_p;       /* the fewest highest whose probabilities reach it; 0 and 1 = all.
                         * Among equals at the border the lowest ids stay */
    double min_p;       /* those at least so many times as probable as the highest; 0 = all */
    uint64_t seed;
    const whet_tokenizer *tokenizer; /* borrowed for the call of open: ids without text are never
                                      * chosen; NULL = any id may be */
} whet_sampler_opts;

typedef struct whet_sampler whet_sampler;

/* Opens a sampler for rows of `vocab` logits, with all the memory it will need. ctx must outlive
 * it. WHET_E_ARG for options out of range, or when no id of the vocabulary has text. */
WHET_API whet_status whet_sampler_open(whet_ctx *ctx, const whet_sampler_opts *opts, size_t vocab,
                                       whet_sampler **sampler);
WHET_API void whet_sampler_close(whet_sampler *sampler); /* NULL is fine */

/* Chooses an id by [vocab] logits; takes one random number unless greedy. The same seed and logits
 * give the same ids on every machine of one arithmetic. Allocates nothing. WHET_E_FORMAT for a
 * logit that is not a number or is infinite, or when all are -infinity. Does not call accept. */
WHET_API whet_status whet_sampler_next(whet_ctx *ctx, whet_sampler *sampler, const float *logits,
                                       int32_t *id);

/* Counts an id of the prompt or the output for the repetition penalty; others than 0 .. vocab - 1
 * do nothing. */
WHET_API void whet_sampler_accept(whet_sampler *sampler, int32_t id);

/* Forgets the accepted ids, for a sequence that goes back or begins anew. */
WHET_API void whet_sampler_forget(whet_sampler *sampler);

#ifdef __cplusplus
}
#endif

#endif
