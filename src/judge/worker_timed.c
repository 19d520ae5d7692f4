/* SPDX-License-Identifier: MIT */
/* What the worker does with its kernel when it is timed: many caches, and a team of threads. It has
 * no part in the timing but to wait for the bell and to say when a call is done. */
#include "judge/worker.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "judge/registers.h"
#include "judge/timed.h"
#include "platform/relax.h"

#define SECTION(name) (1u << WHET_SECTION_##name)

typedef struct job {
    whet_worker *w;
    const whet_request *r;
    const whet_call *calls;
    _Atomic bool is_other; /* a cache is not what its rows make it */
} job;

/* Fresh memory of this process alone, in large pages where the system gives them. Each cache begins
 * elsewhere in its first page. */
static whet_status make_caches(whet_worker *w, const whet_request *r) {
    const whet_span *span = &r->sections[WHET_SECTION_KV];
    const size_t step = (r->cache_bytes + 2 * w->page - 1) / w->page * w->page;
    const size_t n = (size_t)r->n_caches + 1, odd = 37 * (size_t)WHET_TIMED_ALIGNMENT;
    w->caches = whet_alloc_zero(w->ctx, n, sizeof *w->caches);
    if (!w->caches) return WHET_E_NOMEM;
    char *pages = mmap((void *)(uintptr_t)span->address, n * step, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return whet_fail_nomem(w->ctx, n * step);
    madvise(pages, n * step, MADV_HUGEPAGE);
    for (size_t i = 0; i < n; i++)
        w->caches[i] = pages + i * step + (span->skip + i * odd) % w->page;
    w->cache_bytes = r->cache_bytes;
    w->n_caches = r->n_caches;
    return WHET_OK;
}

static void arrive(void *arg, int worker, int n_workers) {
    (void)arg, (void)worker, (void)n_workers;
}

whet_status whet_worker_prepare(whet_worker *w, const whet_request *r) {
    WHET_TRY(whet_worker_map(w, r,
                             SECTION(K) | SECTION(V) | SECTION(Q) | SECTION(CALLS) | SECTION(OUT) |
                                 SECTION(WORKSPACE) | SECTION(BELL)));
    WHET_TRY(make_caches(w, r));
    WHET_TRY(whet_team_open(w->ctx, r->n_workers, &w->team));
    whet_team_run(w->team, arrive, NULL); /* its threads have done what starting takes */
    return WHET_OK;
}

/* Rows become tokens of a cache, nothing is run. */
static void append(const job *j, int cache, int32_t first_row, int32_t pos, int32_t n, int worker,
                   int n_workers) {
    const whet_append_args args =
        whet_worker_append_args(j->w, j->r, j->w->caches[cache], first_row, pos, n);
    whet_registers_wipe();
    whet_attention_dispatch(&j->w->attention, &args, NULL, j->w->team, worker, n_workers);
}

/* What a worker's share of n bytes begins with. */
static size_t share(size_t n, int worker, int n_workers) {
    return n * (size_t)worker / (size_t)n_workers;
}

static void wipe(const job *j, int cache, int worker, int n_workers) {
    const size_t n = j->w->cache_bytes, at = share(n, worker, n_workers);
    memset(j->w->caches[cache] + at, 0, share(n, worker + 1, n_workers) - at);
    whet_team_barrier(j->w->team, worker);
}

static void fill(void *arg, int worker, int n_workers) {
    const job *j = arg;
    for (int i = 0; i < j->r->n_calls && j->r->is_empty; i++)
        wipe(j, j->calls[i].cache, worker, n_workers);
    for (int i = 0; i < j->r->n_calls; i++)
        append(j, j->calls[i].cache, j->calls[i].first_row, 0, j->r->n_context, worker, n_workers);
}

/* What an append must do at least: half of the cache from K, half from V, a share a worker. */
static void copy(void *arg, int worker, int n_workers) {
    const job *j = arg;
    const whet_request *r = j->r;
    const size_t row = (size_t)r->kv_stride * whet_dtype_bytes((whet_dtype)r->problem.dtype);
    const int32_t begin = r->n_context * worker / n_workers;
    const int32_t end = r->n_context * (worker + 1) / n_workers;
    const size_t half = j->w->cache_bytes / 2, at = (size_t)begin * row;
    const size_t n = at < half ? (size_t)(end - begin) * row : 0;
    for (int i = 0; i < r->n_calls; i++) {
        const whet_append_args rows = whet_worker_append_args(
            j->w, r, j->w->caches[j->calls[i].cache], j->calls[i].first_row + begin, 0, 0);
        memcpy((char *)rows.kv + at, rows.k, n < half - at ? n : half - at);
        memcpy((char *)rows.kv + half + at, rows.v, n < half - at ? n : half - at);
        whet_team_barrier(j->w->team, worker);
    }
}

static void refresh(void *arg, int worker, int n_workers) {
    const job *j = arg;
    const whet_request *r = j->r;
    for (int i = 0; i < r->n_calls; i++)
        append(j, j->calls[i].cache, j->calls[i].fresh_row, r->n_context - r->n_rows - r->n_fresh,
               r->n_fresh, worker, n_workers);
}

/* A cache is a function of its rows, and runs do not write: the spare one, which begins as all did
 * and sees no run, must become the same. */
static void recall(void *arg, int worker, int n_workers) {
    job *j = arg;
    const whet_request *r = j->r;
    const whet_worker *w = j->w;
    const int spare = w->n_caches, n_old = r->n_context - r->n_rows;
    const size_t at = share(w->cache_bytes, worker, n_workers);
    const size_t n = share(w->cache_bytes, worker + 1, n_workers) - at;
    wipe(j, spare, worker, n_workers);
    append(j, spare, r->first_row, 0, r->n_context, worker, n_workers);
    if (r->n_fresh)
        append(j, spare, j->calls->fresh_row, n_old - r->n_fresh, r->n_fresh, worker, n_workers);
    append(j, spare, j->calls->first_row, n_old, r->n_rows, worker, n_workers);
    if (memcmp(w->caches[spare] + at, w->caches[j->calls->cache] + at, n) != 0) j->is_other = true;
}

static whet_bell *bell_of(const job *j) {
    return (whet_bell *)j->w->windows[WHET_SECTION_BELL].data;
}

/* Its output, when all workers have done with it. */
static const uint16_t *run_call(const job *j, int i, int worker, int n_workers) {
    const whet_request *r = j->r;
    const whet_call *call = &j->calls[i];
    char *kv = j->w->caches[call->cache];
    const whet_append_args rows =
        whet_worker_append_args(j->w, r, kv, call->first_row, r->n_context - r->n_rows, r->n_rows);
    const whet_run_args run =
        whet_worker_run_args(j->w, r, kv, call->query, (int64_t)i * r->n_rows);
    whet_registers_wipe();
    whet_attention_dispatch(&j->w->attention, &rows, &run, j->w->team, worker, n_workers);
    return run.out;
}

/* Outputs are compared when all calls are done: what a call has not written by its own end was put
 * off, to be done with others. */
static void run_batch(void *arg, int worker, int n_workers) {
    const job *j = arg;
    for (int i = 0; i < j->r->n_calls && !j->r->is_empty; i++) {
        const uint16_t *out = run_call(j, i, worker, n_workers);
        if (worker == 0) bell_of(j)->seen[i] = out[j->calls[i].look];
    }
}

/* All workers wait for the bell; the barrier at a call's end comes before the first one's word. */
static void run_rung(void *arg, int worker, int n_workers) {
    const job *j = arg;
    whet_bell *bell = bell_of(j);
    if (worker == 0) atomic_store_explicit(&bell->done, 0, memory_order_release);
    for (int i = 0; i < j->r->n_calls; i++) {
        while (atomic_load_explicit(&bell->rung, memory_order_acquire) <= (uint32_t)i)
            whet_relax();
        if (!j->r->is_empty) run_call(j, i, worker, n_workers);
        if (worker == 0) atomic_store_explicit(&bell->done, (uint32_t)i + 1, memory_order_release);
    }
}

bool whet_worker_time(whet_worker *w, const whet_request *r, whet_reply *reply) {
    job j = { .w = w, .r = r };
    j.calls = (const whet_call *)w->windows[WHET_SECTION_CALLS].data;
    const uint64_t before = atomic_load(&w->attention.n_calls);
    switch ((whet_op)r->op) {
    case WHET_OP_FILL: whet_team_run(w->team, fill, &j); break;
    case WHET_OP_COPY: whet_team_run(w->team, copy, &j); break;
    case WHET_OP_REFRESH: whet_team_run(w->team, refresh, &j); break;
    case WHET_OP_BATCH: whet_team_run(w->team, r->is_rung ? run_rung : run_batch, &j); break;
    case WHET_OP_RECALL: whet_team_run(w->team, recall, &j); break;
    default: return false;
    }
    if (j.is_other) reply->answer = WHET_ANSWER_TOUCHED;
    reply->n_calls = atomic_load(&w->attention.n_calls) - before;
    return true;
}
