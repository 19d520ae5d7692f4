/* SPDX-License-Identifier: MIT */
/* A Qwen3 model and sessions with it: tokens in, logits out. */
#ifndef WHET_MODEL_H
#define WHET_MODEL_H

#include <whet/checkpoint.h>
#include <whet/kernel.h>
#include <whet/machine.h>
#include <whet/whet.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Configuration and weights of a checkpoint folder. Immutable: any number of sessions may use it.
 * The weights are mapped and used where they lie; the files must not be truncated meanwhile. */
typedef struct whet_model whet_model;

/* Opens a folder with config.json and model.safetensors (or shards and their index).
 * WHET_E_NOT_FOUND, WHET_E_FORMAT, WHET_E_UNSUPPORTED with a sentence that names the file. */
WHET_API whet_status whet_model_open(whet_ctx *ctx, const char *dir, whet_model **model);
WHET_API void whet_model_close(whet_model *model); /* NULL is fine */

/* Borrowed until whet_model_close. */
WHET_API const whet_config *whet_model_config(const whet_model *model);

/* What attention the model asks for, with room for n_rows rows a run and n_context keys. */
WHET_API whet_problem whet_model_problem(const whet_model *model, whet_dtype dtype, int32_t n_rows,
                                         int32_t n_context);

/* Gives a kernel that someone else found for the problem (a winner), or NULL. The kernel must stay
 * valid while `data` does. */
typedef const whet_attention_kernel *(*whet_kernel_finder)(void *data, const whet_problem *problem);

/* One sequence: its KV cache and all memory of a step, allocated when it is opened. */
typedef struct whet_session whet_session;

/* Zero means default. */
typedef struct whet_session_opts {
    /* A built-in kernel's name, or a path that ends in ".c": it is compiled by the system's
     * compiler and loaded into this process as the user's own trusted code. NULL: what find_winner
     * gives, else the best built-in one as measured, else as the static order has it. */
    const char *kernel;
    /* In place of a name: one that the caller holds as long as the session is open. */
    const whet_attention_kernel *attention;
    whet_kernel_finder find_winner;
    void *find_winner_data;
    /* Built-in kernels to take before the static order's, by name, where they do what the model
     * asks for: those of a profile (whet/profile.h). NULL = none. */
    const char *measured_attention;
    const char *measured_linear;
    const char *compiler;    /* for kernel files; NULL = "cc" */
    int32_t capacity_tokens; /* room of the cache; 0 = the model's context */
    int32_t chunk_tokens;    /* a long prompt is taken in chunks of so many; 0 = 512 */
    bool is_precise;         /* f32 q, k, v and KV cache, portable arithmetic: for checking */
} whet_session_opts;

/* The model and the team are borrowed until whet_session_close; one session at a time may use a
 * team. WHET_E_ARG for an unknown kernel (the sentence lists the known ones), WHET_E_UNSUPPORTED
 * for one that does not do the model's heads. */
WHET_API whet_status whet_session_open(whet_ctx *ctx, const whet_model *model, whet_team *team,
                                       const whet_session_opts *opts, whet_session **session);
WHET_API void whet_session_close(whet_session *session); /* NULL is fine */

/* Appends n ids and computes the logits that follow the last one. WHET_E_ARG for an id outside the
 * vocabulary or when the cache has no room for n more; then nothing was appended. Cancellation is
 * looked at between chunks. Allocates nothing. */
WHET_API whet_status whet_session_feed(whet_ctx *ctx, whet_session *session, const int32_t *ids,
                                       size_t n);

/* [vocab_size] logits behind the last id that was fed. Borrowed until the next feed or score. */
WHET_API const float *whet_session_logits(const whet_session *session);

/* Called with n_rows rows of [vocab_size] logits, behind the ids first .. first + n_rows - 1. */
typedef whet_status (*whet_logits_fn)(void *data, whet_ctx *ctx, const float *logits, size_t first,
                                      size_t n_rows);

/* Like feed, and hands out the logits behind every id, in order. */
WHET_API whet_status whet_session_score(whet_ctx *ctx, whet_session *session, const int32_t *ids,
                                        size_t n, whet_logits_fn fn, void *data);

/* Appends n tokens that were never fed: seeded, finite K and V in every layer, stored by the
 * kernel's own append. For measuring what tokens behind a long context cost; there are no logits
 * until the next feed. WHET_E_ARG when the cache has no room for n more, WHET_E_NOMEM,
 * WHET_E_CANCELLED; then nothing was appended. */
WHET_API whet_status whet_session_fill(whet_ctx *ctx, whet_session *session, size_t n,
                                       uint64_t seed);

/* Number of tokens in the cache, and its room. */
WHET_API size_t whet_session_length(const whet_session *session);
WHET_API size_t whet_session_capacity(const whet_session *session);

/* Forgets the tokens from n_tokens on. */
WHET_API void whet_session_truncate(whet_session *session, size_t n_tokens);

/* The config of its model. Borrowed until whet_model_close. */
WHET_API const whet_config *whet_session_config(const whet_session *session);

/* Which kernel ran, and how many runs of it the dispatch counted since the session was opened. */
WHET_API const whet_attention_kernel *whet_session_kernel(const whet_session *session);
WHET_API uint64_t whet_session_kernel_calls(const whet_session *session);

#ifdef __cplusplus
}
#endif

#endif
