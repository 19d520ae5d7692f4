/* SPDX-License-Identifier: MIT */
/* Cases of gate 10: attention as a model asks for it, and shapes that no search has seen. */
#include <string.h>

#include "base/rng.h"
#include "bench/champion_int.h"
#include "kernels/attention.h"

enum {
    N_LAYERS = 3,   /* watched, at most */
    N_CALLS = 2,    /* of each: the prompt, and one token */
    MAX_ROWS = 64,  /* of the prompt, the last ones */
    N_HELD_OUT = 4, /* shapes */
    FAR = 4096,     /* keys of the longest of them, if the model goes so far */
};

static const uint64_t stream = 77; /* of the seed */

/* One layer: all its rows, and the query rows of some calls. */
typedef struct watched {
    int layer;
    char *k, *v; /* [n_tokens in all][n_kv_heads][head_dim] */
    char *q[N_CALLS];
    int32_t n_rows[N_CALLS], n_context[N_CALLS]; /* 0: not yet seen */
} watched;

struct whet_recorder {
    const whet_stage *stage;
    whet_arena *arena;
    whet_problem problem;
    whet_rng rng;
    int32_t token; /* position of the row that is looked at by itself */
    watched layers[N_LAYERS];
    int n_layers;
};

static size_t row_bytes(const whet_problem *p, int32_t n_heads) {
    return (size_t)n_heads * (size_t)p->head_dim * whet_dtype_bytes((whet_dtype)p->dtype);
}

/* Different layers, any of them. */
static void choose_layers(whet_recorder *r) {
    const int n = r->stage->facts.config.n_layers;
    while (r->n_layers < N_LAYERS && r->n_layers < n) {
        const int layer = (int)whet_rng_below(&r->rng, (uint64_t)n);
        bool is_taken = false;
        for (int i = 0; i < r->n_layers; i++)
            is_taken |= r->layers[i].layer == layer;
        if (!is_taken) r->layers[r->n_layers++].layer = layer;
    }
}

whet_status whet_recorder_open(whet_ctx *ctx, const whet_stage *stage, size_t n_prompt,
                               size_t n_tokens, whet_arena *arena, whet_recorder **recorder) {
    const size_t n = n_prompt + n_tokens;
    whet_recorder *r = whet_arena_alloc(ctx, arena, sizeof *r);
    if (!r) return WHET_E_NOMEM;
    *r = (whet_recorder){ .stage = stage, .arena = arena };
    r->problem = whet_model_problem(stage->model, WHET_BF16, 1, (int32_t)n);
    whet_rng_init(&r->rng, whet_rng_derive(stage->opts->seed, stream));
    r->token = (int32_t)(n_prompt + (n_tokens > 1 ? whet_rng_below(&r->rng, n_tokens - 1) : 0));
    choose_layers(r);
    for (int i = 0; i < r->n_layers; i++) {
        watched *w = &r->layers[i];
        w->k = whet_arena_alloc(ctx, arena, n * row_bytes(&r->problem, r->problem.n_kv_heads));
        w->v = whet_arena_alloc(ctx, arena, n * row_bytes(&r->problem, r->problem.n_kv_heads));
        if (!w->k || !w->v) return WHET_E_NOMEM;
        for (int call = 0; call < N_CALLS; call++) {
            w->q[call] =
                whet_arena_alloc(ctx, arena, MAX_ROWS * row_bytes(&r->problem, r->problem.n_heads));
            if (!w->q[call]) return WHET_E_NOMEM;
        }
    }
    *recorder = r;
    return WHET_OK;
}

/* Rows first .. first + n - 1 of some that lie `stride` elements apart. */
static void copy_rows(const whet_problem *p, char *to, const void *from, int64_t stride,
                      int32_t n_heads, int32_t first, int32_t n) {
    const size_t bytes = row_bytes(p, n_heads),
                 step = (size_t)stride * bytes / ((size_t)n_heads * (size_t)p->head_dim);
    for (int32_t i = 0; i < n; i++)
        memcpy(to + (size_t)i * bytes, (const char *)from + (size_t)(first + i) * step, bytes);
}

void whet_recorder_tap(void *data, int layer, const whet_append_args *append,
                       const whet_run_args *run) {
    whet_recorder *r = data;
    const whet_problem *p = &r->problem;
    for (int i = 0; i < r->n_layers; i++) {
        watched *w = &r->layers[i];
        if (w->layer != layer) continue;
        const size_t at = (size_t)append->pos * row_bytes(p, p->n_kv_heads);
        copy_rows(p, w->k + at, append->k, append->k_stride, p->n_kv_heads, 0, append->n);
        copy_rows(p, w->v + at, append->v, append->v_stride, p->n_kv_heads, 0, append->n);
        const int call = run->n_rows == 1 && run->pos > 0;
        if (call == 1 && run->pos != r->token) continue;
        const int32_t n = run->n_rows < MAX_ROWS ? run->n_rows : MAX_ROWS;
        copy_rows(p, w->q[call], run->q, run->q_stride, p->n_heads, run->n_rows - n, n);
        w->n_rows[call] = n;
        w->n_context[call] = run->pos + run->n_rows;
    }
}

/* As the engine would use it, appended in chunks by the seed. */
static whet_bank_case begin_case(whet_recorder *r, int32_t n_rows, int32_t n_context) {
    whet_bank_case c = {
        .family = WHET_N_CASES,
        .gate = WHET_GATE_CHAMPION,
        .problem = r->problem,
        .seed = whet_rng_u64(&r->rng) >> 11,
        .n_workers = whet_team_size(r->stage->team),
        .chunk = (int)whet_rng_below(&r->rng, (uint64_t)n_context + 1),
    };
    c.problem.n_rows = n_rows;
    c.problem.n_context = n_context;
    c.capacity = n_context + (int64_t)whet_rng_below(&r->rng, 100);
    c.bounds = c.problem;
    c.bounds.n_context = (int32_t)c.capacity;
    return c;
}

whet_status whet_recorder_cases(whet_ctx *ctx, const whet_recorder *recorder,
                                whet_bank_case cases[WHET_CHAMPION_MAX_CASES], int *n) {
    whet_recorder r = *recorder;
    *n = 0;
    for (int i = 0; i < r.n_layers; i++)
        for (int call = 0; call < N_CALLS; call++) {
            const watched *w = &r.layers[i];
            if (!w->n_rows[call]) continue;
            whet_bank_case *c = &cases[(*n)++];
            *c = begin_case(&r, w->n_rows[call], w->n_context[call]);
            c->q = w->q[call];
            c->k = w->k;
            c->v = w->v;
            WHET_TRY(whet_bank_ask_oracle(ctx, r.arena, c));
        }
    const int32_t limit = r.stage->facts.config.max_position_embeddings;
    const uint64_t far = limit < FAR ? (uint64_t)limit : FAR;
    for (int i = 0; i < N_HELD_OUT; i++) {
        const int32_t n_context = 1 + (int32_t)whet_rng_below(&r.rng, far);
        const int32_t most = n_context < MAX_ROWS ? n_context : MAX_ROWS;
        whet_bank_case *c = &cases[(*n)++];
        *c = begin_case(&r, 1 + (int32_t)whet_rng_below(&r.rng, (uint64_t)most), n_context);
        c->family = (whet_case_family)whet_rng_below(&r.rng, WHET_N_CASES);
        WHET_TRY(whet_bank_fill(ctx, r.arena, c));
    }
    return WHET_OK;
}
