/* SPDX-License-Identifier: MIT */
/* Generating text with a session: prompt in, tokens and pieces of text out. */
#ifndef WHET_GENERATE_H
#define WHET_GENERATE_H

#include <whet/model.h>
#include <whet/sampler.h>
#include <whet/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The sampling that generation_config.json asks for; greedy if it asks for none. */
WHET_API whet_sampler_opts whet_sampling_of(const whet_config *config);

typedef enum whet_stop {
    WHET_STOP_LENGTH = 0, /* max_tokens were made */
    WHET_STOP_EOS,        /* an end-of-sequence token, which is the last of the tokens */
    WHET_STOP_CONTEXT,    /* the session is full */
    WHET_STOP_CANCELLED,
} whet_stop;

/* Called for every token as it is made, with the text that it completes (UTF-8, often "", NUL at
 * the end), and once at the end with id -1 for text that was held back. Both are borrowed. The
 * end-of-sequence token that stops it has no text. */
typedef whet_status (*whet_token_fn)(void *data, whet_ctx *ctx, int32_t id, const char *text,
                                     size_t bytes);

/* Zero means default. */
typedef struct whet_generate_opts {
    whet_sampler_opts sampling; /* its tokenizer also makes the text; NULL: no text */
    const int32_t *held;        /* ids that the session holds, which count for the repetition */
    size_t n_held;              /* penalty as the prompt's do; borrowed for the call */
    size_t max_tokens;          /* 0 = until something else stops it */
    bool ignore_eos;            /* end-of-sequence tokens are tokens like others */
    whet_token_fn on_token;
    void *on_token_data;
} whet_generate_opts;

/* What happened. The times do not include opening anything. */
typedef struct whet_generated {
    size_t n_prompt;
    size_t n_tokens;
    double prompt_ns;     /* from the start to the first logits */
    double generation_ns; /* the rest */
    whet_stop stop;
} whet_generated;

/* Feeds the prompt behind what the session holds and draws tokens until something stops it. Every
 * token drawn but the last is fed back. tokens may be NULL; the tokens drawn are appended to it.
 * WHET_OK also when it was cancelled (stop says so). The heap is used before the first token and
 * for what on_token does, not between tokens, while `tokens` has room. */
WHET_API whet_status whet_generate(whet_ctx *ctx, whet_session *session, const int32_t *prompt,
                                   size_t n_prompt, const whet_generate_opts *opts,
                                   whet_ids *tokens, whet_generated *result);

#ifdef __cplusplus
}
#endif

#endif
