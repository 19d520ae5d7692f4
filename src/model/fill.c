/* SPDX-License-Identifier: MIT */
/* A context of synthetic keys and values, written through the kernel's own append: what a token
 * costs behind 32k others can be measured without computing those. */
#include "model/model_int.h"

#include "base/rng.h"
#include "kernels/dtype.h"

enum { FILL_ROWS = 256 };

/* One chunk of rows, the same for all layers. */
typedef struct filling {
    whet_step *step;
    char *k, *v; /* [FILL_ROWS][kv_width] in the problem's dtype */
    int64_t kv_width;
    uint64_t seed;
    int32_t pos, n;
} filling;

/* Uniform with variance 1: attention is neither flat nor a single key. */
static void make_row(const filling *f, int32_t row) {
    static const double half_width = 1.7320508075688772;
    const whet_dtype dtype = (whet_dtype)f->step->problem.dtype;
    whet_rng rng;
    whet_rng_init(&rng, whet_rng_derive(f->seed, (uint64_t)(f->pos + row)));
    for (int64_t i = row * f->kv_width; i < (row + 1) * f->kv_width; i++) {
        whet_store_f32(dtype, f->k, i, (float)((2 * whet_rng_uniform(&rng) - 1) * half_width));
        whet_store_f32(dtype, f->v, i, (float)((2 * whet_rng_uniform(&rng) - 1) * half_width));
    }
}

static void fill_chunk(void *arg, int worker, int n_workers) {
    const filling *f = arg;
    whet_step *s = f->step;
    for (int32_t row = worker; row < f->n; row += n_workers)
        make_row(f, row);
    whet_team_barrier(s->team, worker);
    for (int layer = 0; layer < s->model->config.n_layers; layer++) {
        const whet_append_args append = {
            .problem = &s->problem,
            .capacity = s->capacity,
            .kv = s->kv + (size_t)layer * s->kv_stride,
            .k = f->k,
            .v = f->v,
            .k_stride = f->kv_width,
            .v_stride = f->kv_width,
            .pos = f->pos,
            .n = f->n,
        };
        whet_attention_dispatch(&s->attention, &append, NULL, s->team, worker, n_workers);
    }
}

whet_status whet_fill(whet_ctx *ctx, whet_step *step, int32_t pos, int32_t n, uint64_t seed) {
    filling f = { .step = step, .seed = seed };
    f.kv_width = (int64_t)step->problem.n_kv_heads * step->problem.head_dim;
    const size_t bytes = FILL_ROWS * (size_t)f.kv_width * sizeof(float);
    f.k = whet_alloc(ctx, 2 * bytes);
    if (!f.k) return WHET_E_NOMEM;
    f.v = f.k + bytes;
    whet_status st = WHET_OK;
    for (int32_t done = 0; done < n && st == WHET_OK; done += f.n) {
        f.pos = pos + done;
        f.n = n - done < FILL_ROWS ? n - done : FILL_ROWS;
        whet_team_run(step->team, fill_chunk, &f);
        st = whet_check_cancelled(ctx);
    }
    whet_free(ctx, f.k);
    return st;
}
