/* SPDX-License-Identifier: MIT */
/* What the worker does with its kernel when it is checked: one case, in one thread. */
#include "judge/worker.h"

#include <string.h>
#include <sys/mman.h>

#include "judge/registers.h"

enum { MAX_WATCHED_BYTES = 1 << 29 }; /* of one section, workers times its bytes */

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
    for (int i = n_workers - 1; i >= 0; i--) {
        whet_registers_wipe();
        w->attention.kernel->append(args, i, n_workers);
    }
}

static char *pages_of(const whet_worker *w, int section) {
    return w->windows[section].reserved + w->page;
}

/* Makes room for the copies; not where copying would take longer than the run. */
static whet_status watch(whet_worker *w, int section, int n_workers) {
    const size_t n = w->windows[section].bytes;
    whet_turns *t = &w->turns[section];
    if (n == 0 || n_workers < 2 || (double)n * n_workers > MAX_WATCHED_BYTES) return WHET_OK;
    char *room = mmap(NULL, 2 * n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return whet_fail_nomem(w->ctx, 2 * n);
    *t = (whet_turns){ .before = room, .merged = room + n };
    memcpy(t->before, pages_of(w, section), n);
    memcpy(t->merged, t->before, n);
    return WHET_OK;
}

/* Takes what a worker has changed of one page into the merged one, and undoes it. False where one
 * before it has made something else of the same byte. No branches: pages may be many. */
static bool take_page(size_t n, char *restrict now, const char *restrict before,
                      char *restrict merged) {
    char clashes = 0;
    for (size_t i = 0; i < n; i++) {
        const char is_new = now[i] != before[i], is_taken = merged[i] != before[i];
        clashes |= (char)(is_new & is_taken & (merged[i] != now[i]));
        merged[i] = is_new ? now[i] : merged[i];
    }
    memcpy(now, before, n);
    return !clashes;
}

/* False where two workers have made different things of a byte of the section. */
static bool end_turn(const whet_worker *w, int section) {
    const whet_turns *t = &w->turns[section];
    char *now = pages_of(w, section);
    bool is_alone = true;
    for (size_t at = 0; t->before && at < w->windows[section].bytes; at += w->page)
        if (memcmp(now + at, t->before + at, w->page) != 0 &&
            !take_page(w->page, now + at, t->before + at, t->merged + at))
            is_alone = false;
    return is_alone;
}

/* What all workers have changed is there for the next phase. */
static void end_phase(const whet_worker *w, int section) {
    const whet_turns *t = &w->turns[section];
    if (!t->before) return;
    memcpy(pages_of(w, section), t->merged, w->windows[section].bytes);
    memcpy(t->before, t->merged, w->windows[section].bytes);
}

static whet_answer run_in_turn(whet_worker *w, const whet_run_args *args, int n_workers) {
    static const whet_section written[] = { WHET_SECTION_OUT, WHET_SECTION_WORKSPACE };
    const whet_attention_kernel *kernel = w->attention.kernel;
    const int n_phases = kernel->n_phases(args->problem, args->n_rows, args->pos + args->n_rows);
    whet_answer answer = WHET_ANSWER_DONE;
    for (int phase = 0; phase < n_phases; phase++) {
        for (int i = n_workers - 1; i >= 0; i--) {
            whet_registers_wipe();
            kernel->run(args, phase, i, n_workers);
            for (size_t s = 0; s < sizeof written / sizeof *written; s++) {
                if (end_turn(w, (int)written[s])) continue;
                w->answer->section = (int32_t)written[s];
                answer = WHET_ANSWER_RACED;
            }
        }
        for (size_t s = 0; s < sizeof written / sizeof *written; s++)
            end_phase(w, (int)written[s]);
    }
    return answer;
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
    WHET_TRY(
        whet_worker_map(w, r, SECTION(Q) | SECTION(CACHE) | SECTION(OUT) | SECTION(WORKSPACE)));
    WHET_TRY(watch(w, WHET_SECTION_OUT, r->n_workers));
    return watch(w, WHET_SECTION_WORKSPACE, r->n_workers);
}

whet_answer whet_worker_run(whet_worker *w, const whet_request *r) {
    const whet_run_args args =
        whet_worker_run_args(w, r, w->windows[WHET_SECTION_CACHE].data, 0, 0);
    return run_in_turn(w, &args, r->n_workers);
}
