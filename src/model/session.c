/* SPDX-License-Identifier: MIT */
/* Sessions: memory for one sequence, its kernel, and feeding it tokens. */
#include "model/model_int.h"

#include <string.h>

enum { DEFAULT_CHUNK = 512, SCORE_ROWS = 64, PAGE_BYTES = 4096 };

struct whet_session {
    whet_ctx *ctx; /* borrowed: for the memory of this struct */
    whet_step step;
    whet_arena arena;                /* every buffer of the step and the KV cache */
    whet_attention_library *library; /* when the kernel came from a file */
    int32_t length, capacity, chunk;
};

static whet_status fail_unknown_kernel(whet_ctx *ctx, const char *name) {
    char known[512] = "";
    for (int i = 0; whet_attention_kernels[i]; i++) {
        if (!whet_attention_find(whet_attention_kernels[i]->name)) continue; /* not here */
        strncat(known, *known ? ", " : "", sizeof known - strlen(known) - 1);
        strncat(known, whet_attention_kernels[i]->name, sizeof known - strlen(known) - 1);
    }
    return whet_fail(ctx, WHET_E_ARG,
                     "kernel \"%s\" is neither a .c file nor one of those that run here: %s", name,
                     known);
}

static whet_status choose_kernel(whet_ctx *ctx, whet_session *s, const whet_session_opts *opts) {
    const whet_problem *p = &s->step.problem;
    const whet_attention_kernel *k = NULL;
    const char *name = opts->kernel;
    const size_t len = name ? strlen(name) : 0;
    if (opts->attention) {
        k = opts->attention;
    } else if (len > 2 && strcmp(name + len - 2, ".c") == 0) {
        WHET_TRY(whet_attention_compile(ctx, name, opts->compiler, &s->library));
        k = whet_attention_library_kernel(s->library);
    } else if (name) {
        k = whet_attention_find(name);
        if (!k) return fail_unknown_kernel(ctx, name);
    } else {
        if (opts->find_winner && !opts->is_precise)
            k = opts->find_winner(opts->find_winner_data, p);
        if (!k || !k->supports(p))
            k = whet_attention_choose(p, opts->is_precise ? NULL : opts->measured_attention);
    }
    if (!k->supports(p))
        return whet_fail(ctx, WHET_E_UNSUPPORTED,
                         "kernel %s does not do %s with %d query heads, %d KV heads, head_dim %d",
                         k->name, whet_dtype_name((whet_dtype)p->dtype), p->n_heads, p->n_kv_heads,
                         p->head_dim);
    s->step.attention.kernel = k;
    return WHET_OK;
}

static size_t max_of(size_t a, size_t b) {
    return a > b ? a : b;
}

/* Every buffer is a row of the table: where its pointer goes, and its bytes. */
static whet_status reserve(whet_ctx *ctx, whet_session *s) {
    whet_step *t = &s->step;
    const whet_config *c = &t->model->config;
    const size_t rows = (size_t)s->chunk, hidden = (size_t)c->hidden_size;
    const size_t n_inner = (size_t)c->intermediate_size, d = (size_t)c->head_dim;
    const size_t q_width = (size_t)c->n_heads * d, kv_width = (size_t)c->n_kv_heads * d;
    const size_t element = whet_dtype_bytes((whet_dtype)t->problem.dtype);
    const size_t widest = max_of(max_of(hidden, q_width), n_inner);
    const size_t logit_rows = rows < SCORE_ROWS ? rows : SCORE_ROWS;
    const whet_attention_kernel *k = t->attention.kernel;
    t->kv_stride =
        (k->kv_bytes(&t->problem, t->capacity) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    t->own_width = (max_of(hidden, q_width) + 31) / 32 * 32; /* workers share no pair of lines */
    const struct {
        void *pointer; /* address of the pointer to set */
        size_t bytes;
    } buffers[] = {
        { &t->x, rows * hidden * sizeof(float) },
        { &t->h, rows * max_of(hidden, q_width) * sizeof(float) },
        { &t->own, t->own_width * (size_t)whet_team_size(t->team) * sizeof(float) },
        { &t->deals, WHET_N_PRODUCTS * sizeof *t->deals },
        { &t->packed, whet_linear_packed_floats(s->chunk, (int32_t)widest) * sizeof(float) },
        { &t->q, rows * q_width * sizeof(float) },
        { &t->k, rows * kv_width * sizeof(float) },
        { &t->v, rows * kv_width * sizeof(float) },
        { &t->q_typed, rows * q_width * element },
        { &t->k_typed, rows * kv_width * element },
        { &t->v_typed, rows * kv_width * element },
        { &t->attended, rows * q_width * element },
        { &t->gate, rows * n_inner * sizeof(float) },
        { &t->up, rows * n_inner * sizeof(float) },
        { &t->cosines, rows * d / 2 * sizeof(float) },
        { &t->sines, rows * d / 2 * sizeof(float) },
        { &t->logits, logit_rows * (size_t)c->vocab_size * sizeof(float) },
        { &t->workspace, k->workspace_bytes(&t->problem, whet_team_size(t->team)) },
        { &t->kv, t->kv_stride * (size_t)c->n_layers },
    };
    const size_t n = sizeof buffers / sizeof buffers[0];
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += (buffers[i].bytes / PAGE_BYTES + 1) * PAGE_BYTES;
    WHET_TRY(whet_arena_init(ctx, &s->arena, total));
    whet_arena_prefer_huge(&s->arena);
    for (size_t i = 0; i < n; i++) {
        void *p =
            whet_arena_alloc(ctx, &s->arena, (buffers[i].bytes / PAGE_BYTES + 1) * PAGE_BYTES);
        if (!p) return WHET_E_NOMEM;
        memcpy(buffers[i].pointer, &p, sizeof p);
    }
    return WHET_OK;
}

static bool is_all_bf16(const whet_model *m) {
    bool is_all = m->lm_head.dtype == WHET_BF16;
    for (int i = 0; i < m->config.n_layers; i++) {
        const whet_layer *l = &m->layers[i];
        const whet_weight *weights[] = { &l->q, &l->k, &l->v, &l->o, &l->gate, &l->up, &l->down };
        for (size_t w = 0; w < sizeof weights / sizeof *weights; w++)
            is_all &= weights[w]->dtype == WHET_BF16;
    }
    return is_all;
}

static whet_status open_session(whet_ctx *ctx, whet_session *s, const whet_session_opts *opts) {
    const whet_config *c = &s->step.model->config;
    s->capacity = opts->capacity_tokens ? opts->capacity_tokens : c->max_position_embeddings;
    s->chunk = opts->chunk_tokens ? opts->chunk_tokens : DEFAULT_CHUNK;
    if (s->capacity < 1 || s->chunk < 1)
        return whet_fail(ctx, WHET_E_ARG,
                         "a session needs room for 1 token and chunks of 1, not %d, %d",
                         s->capacity, s->chunk);
    if (s->chunk > s->capacity) s->chunk = s->capacity;
    whet_step *t = &s->step;
    t->capacity = s->capacity;
    t->problem = whet_model_problem(t->model, opts->is_precise ? WHET_F32 : WHET_BF16, s->chunk,
                                    s->capacity);
    t->linear = opts->is_precise ? whet_linear_precise()
                                 : whet_linear_choose(opts->measured_linear, is_all_bf16(t->model));
    WHET_TRY(choose_kernel(ctx, s, opts));
    return reserve(ctx, s);
}

whet_status whet_session_open(whet_ctx *ctx, const whet_model *model, whet_team *team,
                              const whet_session_opts *opts, whet_session **session) {
    static const whet_session_opts defaults = { 0 };
    *session = NULL;
    whet_session *s = whet_alloc_zero(ctx, 1, sizeof *s);
    if (!s) return WHET_E_NOMEM;
    s->ctx = ctx;
    s->step.model = model;
    s->step.team = team;
    const whet_status st = open_session(ctx, s, opts ? opts : &defaults);
    if (st == WHET_OK)
        *session = s;
    else
        whet_session_close(s);
    return st;
}

void whet_session_close(whet_session *s) {
    if (!s) return;
    whet_arena_fini(&s->arena);
    whet_attention_unload(s->library);
    whet_free(s->ctx, s);
}

static whet_status check_room(whet_ctx *ctx, const whet_session *s, size_t n) {
    if (n <= (size_t)(s->capacity - s->length)) return WHET_OK;
    return whet_fail(ctx, WHET_E_ARG, "%zu tokens do not fit behind %d in a context of %d", n,
                     s->length, s->capacity);
}

static whet_status check_ids(whet_ctx *ctx, const whet_session *s, const int32_t *ids, size_t n) {
    const int32_t vocab_size = s->step.model->config.vocab_size;
    WHET_TRY(check_room(ctx, s, n));
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= vocab_size)
            return whet_fail(ctx, WHET_E_ARG, "id %d is not in the vocabulary of %d", ids[i],
                             vocab_size);
    return WHET_OK;
}

static void forward(whet_session *s, const int32_t *ids, int32_t n, int32_t n_logit_rows) {
    s->step.ids = ids;
    s->step.pos = s->length;
    s->step.n_rows = n;
    s->step.n_logit_rows = n_logit_rows;
    whet_team_run(s->step.team, whet_forward, &s->step);
    s->length += n;
}

whet_status whet_session_feed(whet_ctx *ctx, whet_session *s, const int32_t *ids, size_t n) {
    WHET_TRY(check_ids(ctx, s, ids, n));
    const int32_t start = s->length;
    for (size_t done = 0; done < n;) {
        const size_t left = n - done;
        const int32_t rows = left < (size_t)s->chunk ? (int32_t)left : s->chunk;
        const whet_status st = whet_check_cancelled(ctx);
        if (st != WHET_OK) {
            s->length = start;
            return st;
        }
        forward(s, ids + done, rows, (size_t)rows == left);
        done += (size_t)rows;
        if (n > (size_t)s->chunk) whet_progress(ctx, "prompt", "tokens", (double)done, (double)n);
    }
    return WHET_OK;
}

whet_status whet_session_fill(whet_ctx *ctx, whet_session *s, size_t n, uint64_t seed) {
    WHET_TRY(check_room(ctx, s, n));
    WHET_TRY(whet_fill(ctx, &s->step, s->length, (int32_t)n, seed));
    s->length += (int32_t)n;
    return WHET_OK;
}

whet_status whet_session_score(whet_ctx *ctx, whet_session *s, const int32_t *ids, size_t n,
                               whet_logits_fn fn, void *data) {
    WHET_TRY(check_ids(ctx, s, ids, n));
    const size_t chunk = s->chunk < SCORE_ROWS ? (size_t)s->chunk : SCORE_ROWS;
    for (size_t done = 0; done < n;) {
        const size_t rows = n - done < chunk ? n - done : chunk;
        WHET_TRY(whet_check_cancelled(ctx));
        forward(s, ids + done, (int32_t)rows, (int32_t)rows);
        WHET_TRY(fn(data, ctx, s->step.logits, done, rows));
        done += rows;
    }
    return WHET_OK;
}

const float *whet_session_logits(const whet_session *s) {
    return s->step.logits;
}
size_t whet_session_length(const whet_session *s) {
    return (size_t)s->length;
}
size_t whet_session_capacity(const whet_session *s) {
    return (size_t)s->capacity;
}

const whet_config *whet_session_config(const whet_session *s) {
    return &s->step.model->config;
}

void whet_session_truncate(whet_session *s, size_t n_tokens) {
    if (n_tokens < (size_t)s->length) s->length = (int32_t)n_tokens;
}

const whet_attention_kernel *whet_session_kernel(const whet_session *s) {
    return s->step.attention.kernel;
}

uint64_t whet_session_kernel_calls(const whet_session *s) {
    return s->step.attention.n_calls;
}

void whet_session_tap(whet_session *s, whet_tap_fn fn, void *data) {
    s->step.tap = fn;
    s->step.tap_data = data;
}
