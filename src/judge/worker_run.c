/* SPDX-License-Identifier: MIT */
/* What the worker does with its kernel when it is checked: one case, in one thread. */
#include "judge/worker.h"

#define SECTION(name) (1u << WHET_SECTION_##name)

static const void *row_at(const whet_request *r, const char *rows, int64_t row, int64_t stride) {
    return rows + row * stride * (int64_t)whet_dtype_bytes((whet_dtype)r->problem.dtype);
}

whet_append_args whet_worker_append_args(const whet_worker *w, const whet_request *r, void *kv,
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

whet_run_args whet_worker_run_args(const whet_worker *w, const whet_request *r, const void *kv,
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
        const whet_append_args args = whet_worker_append_args(
            w, r, kv, r->first_row + done, r->pos + done, left < chunk ? left : chunk);
        append_in_turn(w, &args, r->n_workers);
    }
}

whet_status whet_worker_map_run(whet_worker *w, const whet_request *r) {
    return whet_worker_map(w, r, SECTION(Q) | SECTION(CACHE) | SECTION(OUT) | SECTION(WORKSPACE));
}

void whet_worker_run(whet_worker *w, const whet_request *r) {
    const whet_run_args args =
        whet_worker_run_args(w, r, w->windows[WHET_SECTION_CACHE].data, 0, 0);
    run_in_turn(w, &args, r->n_workers);
}
