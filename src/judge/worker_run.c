/* SPDX-License-Identifier: MIT */
/* What the worker does with its kernel: one case in one thread, or timed batches by the team. */
#include "judge/worker.h"

#include <sys/mman.h>

#define SECTION(name) (1u << WHET_SECTION_##name)

static const void *row_at(const whet_request *r, const char *rows, int64_t row, int64_t stride) {
    return rows + row * stride * (int64_t)whet_dtype_bytes((whet_dtype)r->problem.dtype);
}

/* Rows first_row .. of K and V become tokens pos .. of the cache. */
static whet_append_args append_args(const whet_worker *w, const whet_request *r, void *kv,
                                    int64_t first_row, int32_t pos, int32_t n) {
    return (whet_append_args){
        .problem = &r->problem,
        .capacity = r->capacity,
        .kv = kv,
        .k = row_at(r, w->windows[WHET_SECTION_K].data, first_row, r->kv_stride),
        .v = row_at(r, w->windows[WHET_SECTION_V].data, first_row, r->kv_stride),
        .k_stride = r->kv_stride,
        .v_stride = r->kv_stride,
        .pos = pos,
        .n = n,
    };
}

static whet_run_args run_args(const whet_worker *w, const whet_request *r, const void *kv,
                              int64_t first_query, int64_t first_out) {
    return (whet_run_args){
        .problem = &r->problem,
        .capacity = r->capacity,
        .kv = kv,
        .q = row_at(r, w->windows[WHET_SECTION_Q].data, first_query, r->q_stride),
        .out = w->windows[WHET_SECTION_OUT].data +
               first_out * r->out_stride * (int64_t)whet_dtype_bytes((whet_dtype)r->problem.dtype),
        .workspace = w->windows[WHET_SECTION_WORKSPACE].data,
        .q_stride = r->q_stride,
        .out_stride = r->out_stride,
        .scale = r->scale,
        .pos = r->n_context - r->n_rows,
        .n_rows = r->n_rows,
    };
}

/* Workers of one phase may run in any order: here one after the other, the last one first. */
static void append_in_turn(const whet_worker *w, const whet_append_args *args, int n_workers) {
    for (int i = n_workers - 1; i >= 0; i--)
        w->attention.kernel->append(args, i, n_workers);
}

static void run_in_turn(const whet_worker *w, const whet_run_args *args, int n_workers) {
    const whet_attention_kernel *kernel = w->attention.kernel;
    const int n_phases = kernel->n_phases(args->problem, args->n_rows, args->pos + args->n_rows);
    for (int phase = 0; phase < n_phases; phase++)
        for (int i = n_workers - 1; i >= 0; i--)
            kernel->run(args, phase, i, n_workers);
}

whet_status whet_worker_map_append(whet_worker *w, const whet_request *r) {
    return whet_worker_map(w, r, SECTION(K) | SECTION(V) | SECTION(KV));
}

void whet_worker_append(whet_worker *w, const whet_request *r) {
    char *kv = w->windows[WHET_SECTION_KV].data;
    const int32_t chunk = r->chunk > 0 ? r->chunk : r->n;
    for (int32_t done = 0; done < r->n; done += chunk) {
        const int32_t left = r->n - done;
        const whet_append_args args =
            append_args(w, r, kv, r->first_row + done, r->pos + done, left < chunk ? left : chunk);
        append_in_turn(w, &args, r->n_workers);
    }
}

whet_status whet_worker_map_run(whet_worker *w, const whet_request *r) {
    return whet_worker_map(w, r, SECTION(Q) | SECTION(CACHE) | SECTION(OUT) | SECTION(WORKSPACE));
}

void whet_worker_run(whet_worker *w, const whet_request *r) {
    const whet_run_args args = run_args(w, r, w->windows[WHET_SECTION_CACHE].data, 0, 0);
    run_in_turn(w, &args, r->n_workers);
}

typedef struct job {
    whet_worker *w;
    const whet_request *r;
    const whet_call *calls;
} job;

static void fill_caches(void *arg, int worker, int n_workers) {
    const job *j = arg;
    const whet_request *r = j->r;
    for (int c = 0; c < r->n_caches; c++) {
        const whet_append_args args =
            append_args(j->w, r, j->w->caches[c], (int64_t)c * r->cache_shift, 0, r->n_context);
        whet_attention_dispatch(&j->w->attention, &args, NULL, j->w->team, worker, n_workers);
    }
}

/* Fresh memory of this process alone, in large pages where the system gives them. */
static whet_status make_caches(whet_worker *w, const whet_request *r) {
    w->caches = whet_alloc_zero(w->ctx, (size_t)r->n_caches, sizeof *w->caches);
    if (!w->caches) return WHET_E_NOMEM;
    w->cache_bytes = r->cache_bytes;
    for (; w->n_caches < r->n_caches; w->n_caches++) {
        char *cache =
            mmap(NULL, w->cache_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (cache == MAP_FAILED) return whet_fail_nomem(w->ctx, w->cache_bytes);
        madvise(cache, w->cache_bytes, MADV_HUGEPAGE);
        w->caches[w->n_caches] = cache;
    }
    return WHET_OK;
}

static void arrive(void *arg, int worker, int n_workers) {
    (void)arg, (void)worker, (void)n_workers;
}

whet_status whet_worker_prepare(whet_worker *w, const whet_request *r) {
    WHET_TRY(whet_worker_map(w, r,
                             SECTION(K) | SECTION(V) | SECTION(Q) | SECTION(CALLS) | SECTION(OUT) |
                                 SECTION(WORKSPACE)));
    WHET_TRY(make_caches(w, r));
    WHET_TRY(whet_team_open(w->ctx, r->n_workers, &w->team));
    whet_team_run(w->team, arrive, NULL); /* its threads have done what starting takes */
    return WHET_OK;
}

void whet_worker_fill(whet_worker *w, const whet_request *r) {
    job j = { .w = w, .r = r };
    whet_team_run(w->team, fill_caches, &j);
}

static void run_batch(void *arg, int worker, int n_workers) {
    const job *j = arg;
    const whet_request *r = j->r;
    for (int i = 0; i < r->n_calls; i++) {
        const whet_call *call = &j->calls[i];
        char *kv = j->w->caches[call->cache];
        const whet_append_args append =
            append_args(j->w, r, kv, call->first_row, r->n_context - r->n_rows, r->n_rows);
        const whet_run_args run = run_args(j->w, r, kv, call->query, (int64_t)i * r->n_rows);
        whet_attention_dispatch(&j->w->attention, &append, &run, j->w->team, worker, n_workers);
    }
}

void whet_worker_batch(whet_worker *w, const whet_request *r, whet_reply *reply) {
    job j = { .w = w, .r = r };
    j.calls = (const whet_call *)w->windows[WHET_SECTION_CALLS].data;
    const uint64_t before = atomic_load(&w->attention.n_calls);
    whet_team_run(w->team, run_batch, &j);
    reply->n_calls = atomic_load(&w->attention.n_calls) - before;
}
