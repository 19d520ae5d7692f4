/* SPDX-License-Identifier: MIT */
/* A timed process, from the judge's side. With a core to spare the judge spins on a shared bell and
 * times every call; with none it sleeps on the socket while the worker makes a batch of them. */
#include "judge/side.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernels/attention.h"
#include "platform/relax.h"

enum {
    MAX_CALLS = 4096,
    MAX_OUT_BYTES = 64 << 20,
    COPY_BYTES = 8 << 20, /* rows that an append of many is measured with: some milliseconds */
    COPY_ROUNDS = 4,      /* of which the best counts: a busy machine is not the kernel's fault */
    POLLS_PER_CLOCK = 64,
};

static const double batch_seconds = 30, prepare_seconds = 60;
static const double look_ns = 1e6; /* between looks at the socket while spinning */

static size_t out_bytes(const whet_problem *p, int n_calls) {
    return (size_t)n_calls * (size_t)p->n_rows * (size_t)p->n_heads * (size_t)p->head_dim *
           whet_dtype_bytes((whet_dtype)p->dtype);
}

int whet_side_max_calls(const whet_problem *p, int n) {
    const size_t room = MAX_OUT_BYTES / out_bytes(p, 1);
    const int most = room > MAX_CALLS ? MAX_CALLS : (int)room;
    return most < n ? n : most < 1 ? 1 : most;
}

/* ---- starting ---- */

static whet_request make_request(const whet_side_opts *o) {
    const whet_problem *p = &o->timed->problem;
    return (whet_request){
        .problem = *p,
        .capacity = p->n_context,
        .kv_stride = (int64_t)p->n_kv_heads * p->head_dim,
        .q_stride = (int64_t)p->n_heads * p->head_dim,
        .out_stride = (int64_t)p->n_heads * p->head_dim,
        .scale = (float)(1 / sqrt(p->head_dim)),
        .n_workers = o->n_workers,
        .n_context = p->n_context,
        .n_rows = p->n_rows,
        .n_caches = o->timed->n_most,
        .has_rows = o->timed->rows.is_sealed,
    };
}

static char *data_of(const whet_side *s, whet_section section) {
    return whet_link_section(&s->link, &s->request, section) + s->request.sections[section].skip;
}

/* The rows of the pools, which both sides read where nobody but the judge can write them. */
static void share_rows(whet_side *s) {
    whet_span *k = &s->request.sections[WHET_SECTION_K], *v = &s->request.sections[WHET_SECTION_V];
    const uint64_t at[] = { k->address, v->address };
    *k = s->timed->of_k;
    *v = s->timed->of_v;
    k->address = at[0];
    v->address = at[1];
}

/* Everything in the middle of pages and anywhere, as where outputs are checked. */
static whet_status lay_out(whet_ctx *ctx, whet_side *s) {
    const whet_timed *t = s->timed;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), kv_bytes = (size_t)t->n_most * t->pool_bytes;
    const size_t bytes[WHET_N_SECTIONS] = {
        [WHET_SECTION_K] = kv_bytes, /* copied: of which there is what caches were filled from */
        [WHET_SECTION_V] = kv_bytes,
        [WHET_SECTION_Q] = out_bytes(&t->problem, s->max_calls), /* as large as out */
        [WHET_SECTION_CALLS] = (size_t)s->max_calls * sizeof(whet_call),
        [WHET_SECTION_OUT] = out_bytes(&t->problem, s->max_calls),
        [WHET_SECTION_WORKSPACE] = s->workspace_bytes,
        [WHET_SECTION_BELL] = sizeof(whet_bell) + (size_t)s->max_calls * sizeof(uint16_t),
    };
    for (int i = 0; i < WHET_N_SECTIONS; i++)
        s->request.sections[i] = (whet_span){
            .bytes = bytes[i] ? (bytes[i] + 2 * page - 1) / page * page : 0,
            .skip = whet_rng_below(&s->rng, page / WHET_TIMED_ALIGNMENT) * WHET_TIMED_ALIGNMENT,
            .address = whet_judge_choose_address(&s->rng),
        };
    s->request.sections[WHET_SECTION_BELL].skip = 0;
    if (s->request.has_rows) share_rows(s);
    WHET_TRY(whet_link_place(ctx, &s->link, &s->request));
    s->q = data_of(s, WHET_SECTION_Q);
    s->calls = (whet_call *)data_of(s, WHET_SECTION_CALLS);
    s->out = data_of(s, WHET_SECTION_OUT);
    s->bell = (whet_bell *)data_of(s, WHET_SECTION_BELL);
    return WHET_OK;
}

static whet_status ask(whet_ctx *ctx, whet_side *s, whet_op op, double seconds, whet_reply *reply,
                       double *wall_ns, whet_verdict *v) {
    const whet_limits limits = { .wall_seconds = seconds };
    whet_link_end end;
    s->request.op = op;
    WHET_TRY(whet_link_ask(ctx, &s->link, &s->request, &limits, &end, reply, wall_ns));
    whet_link_blame(end, reply, WHET_GATE_DUEL, v);
    return WHET_OK;
}

/* n caches from their first row on. */
static whet_status append_all(whet_ctx *ctx, whet_side *s, whet_op op, int first, int n,
                              double *wall_ns, whet_verdict *v) {
    whet_reply reply;
    for (int i = 0; i < n; i++)
        s->calls[i] =
            (whet_call){ .cache = first + i, .first_row = whet_timed_base(s->timed, first + i) };
    s->request.n_calls = n;
    return ask(ctx, s, op, prepare_seconds, &reply, wall_ns, v);
}

whet_status whet_side_open(whet_ctx *ctx, const whet_side_opts *o, whet_side *s, whet_verdict *v) {
    whet_link_end end;
    whet_reply reply;
    *s = (whet_side){ .object = o->object, .timed = o->timed, .seats = o->seats };
    whet_rng_init(&s->rng, o->seed);
    s->max_calls = whet_side_max_calls(&o->timed->problem, o->timed->n_most);
    if (s->seats) whet_affinity_set(&s->seats->workers); /* it begins where its starter is */
    const whet_shared *rows = o->timed->rows.is_sealed ? &o->timed->rows : NULL;
    const whet_status st = whet_link_open_timed(ctx, o->judge->opts.worker, o->object,
                                                &o->timed->problem, rows, &s->link, &end, &reply);
    if (s->seats) whet_affinity_set(&s->seats->before);
    WHET_TRY(st);
    WHET_TRY(whet_judge_trust(ctx, o->judge, &s->link));
    if (whet_link_blame(end, &reply, WHET_GATE_DUEL, v)) return WHET_OK;
    s->request = make_request(o);
    WHET_TRY(ask(ctx, s, WHET_OP_SIZES, batch_seconds, &reply, NULL, v));
    if (v->code == WHET_V_PASS)
        whet_judge_check_sizes(&s->request.problem, s->request.capacity, &reply, WHET_GATE_DUEL, v);
    if (v->code != WHET_V_PASS) return WHET_OK;
    s->request.cache_bytes = reply.kv_bytes;
    s->workspace_bytes = reply.workspace_bytes;
    WHET_TRY(lay_out(ctx, s));
    return ask(ctx, s, WHET_OP_PREPARE, prepare_seconds, &reply, NULL, v);
}

whet_status whet_side_fill(whet_ctx *ctx, whet_side *s, int n_caches, whet_verdict *v) {
    const whet_timed *t = s->timed;
    const int first = s->n_caches, n = n_caches - first;
    if (n <= 0) return WHET_OK;
    const size_t at = (size_t)first * t->pool_bytes, n_bytes = (size_t)n * t->pool_bytes;
    if (!s->request.has_rows) {
        memcpy(data_of(s, WHET_SECTION_K) + at, (const char *)t->k + at, n_bytes);
        memcpy(data_of(s, WHET_SECTION_V) + at, (const char *)t->v + at, n_bytes);
    }
    s->n_caches = n_caches;
    return append_all(ctx, s, WHET_OP_FILL, first, n, NULL, v);
}

void whet_side_close(whet_side *s) {
    whet_link_close(&s->link);
}

/* ---- the clock ---- */

/* Spins until n calls are done; false when the worker has said something instead, or is late. */
static bool wait_for_bell(const whet_side *s, uint32_t n, double deadline_ns) {
    double next_ns = 0;
    for (;;) {
        for (int i = 0; i < POLLS_PER_CLOCK; i++) {
            if (atomic_load_explicit(&s->bell->done, memory_order_acquire) == n) return true;
            whet_relax();
        }
        const double now_ns = whet_clock_ns();
        if (next_ns == 0) next_ns = now_ns + look_ns;
        if (now_ns < next_ns) continue;
        if (now_ns > deadline_ns) return false;
        if (whet_link_has_word(&s->link))
            return atomic_load_explicit(&s->bell->done, memory_order_acquire) == n;
        next_ns = now_ns + look_ns;
    }
}

/* Call by call, each output taken at the stop of its clock. */
static double ring_calls(const whet_side *s, int n_calls, char *out, double deadline_ns) {
    const size_t each = out_bytes(&s->timed->problem, 1);
    double sum_ns = 0;
    if (!wait_for_bell(s, 0, deadline_ns)) return 0;
    for (int i = 0; i < n_calls; i++) {
        const double start_ns = whet_clock_ns();
        atomic_store_explicit(&s->bell->rung, (uint32_t)i + 1, memory_order_release);
        if (!wait_for_bell(s, (uint32_t)i + 1, deadline_ns)) return 0;
        sum_ns += whet_clock_ns() - start_ns;
        if (out) memcpy(out + (size_t)i * each, s->out + (size_t)i * each, each);
    }
    return sum_ns;
}

static double ring(const whet_side *s, int n_calls, char *out, double deadline_ns) {
    whet_affinity_set(&s->seats->judge);
    const double ns = ring_calls(s, n_calls, out, deadline_ns);
    whet_affinity_set(&s->seats->before);
    return ns;
}

/* Makes the calls that the shared memory tells of; with `out`, takes what they wrote. */
static whet_status run_batch(whet_ctx *ctx, whet_side *s, int n_calls, char *out, double *ns,
                             whet_verdict *v) {
    whet_link_end end;
    whet_reply reply;
    s->request.op = WHET_OP_BATCH;
    s->request.n_calls = n_calls;
    s->request.is_rung = s->seats != NULL;
    atomic_store(&s->bell->rung, 0);
    atomic_store(&s->bell->done, WHET_BELL_AWAY);
    const double start_ns = whet_clock_ns(), deadline_ns = start_ns + batch_seconds * 1e9;
    double at_ns, rung_ns = 0;
    whet_link_send(&s->link, &s->request);
    if (s->seats) rung_ns = ring(s, n_calls, out, deadline_ns);
    WHET_TRY(whet_link_receive(ctx, &s->link, deadline_ns, &end, &reply, &at_ns));
    if (out && !s->seats) memcpy(out, s->out, out_bytes(&s->timed->problem, n_calls));
    *ns = s->seats ? rung_ns : at_ns - start_ns;
    if (whet_link_blame(end, &reply, WHET_GATE_DUEL, v)) return WHET_OK;
    if (!s->request.is_empty && reply.n_calls != (uint64_t)n_calls)
        return whet_fail(ctx, WHET_E_INTERNAL, "the worker ran %d of %d calls", (int)reply.n_calls,
                         n_calls);
    return WHET_OK;
}

/* Outside of the clock. The kernel's append runs here: it may see nothing of the calls to come but
 * the rows that it stores. */
whet_status whet_side_refresh(whet_ctx *ctx, whet_side *s, const whet_calls *c, int n_calls,
                              whet_verdict *v) {
    whet_reply reply;
    if (!c->n_fresh) return WHET_OK;
    s->request.n_calls = n_calls < c->n_caches ? n_calls : c->n_caches;
    s->request.n_fresh = c->n_fresh;
    for (int i = 0; i < s->request.n_calls; i++)
        s->calls[i] = (whet_call){ .cache = c->calls[i].cache, .fresh_row = c->calls[i].fresh_row };
    return ask(ctx, s, WHET_OP_REFRESH, prepare_seconds, &reply, NULL, v);
}

/* All of a section that kernels write; what lies behind the sample's outputs as well. */
static void poison(const whet_side *s, whet_section section, size_t n_bytes, int byte) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const whet_span *span = &s->request.sections[section];
    const size_t end = (span->skip + n_bytes + page - 1) / page * page;
    if (span->bytes) memset(whet_link_section(&s->link, &s->request, section), byte, end);
    whet_link_forget(&s->link, &s->request, section, end);
}

/* Where each call's output is looked at when it ends: chosen anew for each, and told to no kernel.
 * One that searches the worker's stack for the calls could find it. */
static void hide_looks(whet_side *s, int n_calls) {
    const uint64_t n = out_bytes(&s->timed->problem, 1) / sizeof(uint16_t);
    for (int i = 0; i < n_calls; i++)
        s->calls[i].look = (int32_t)whet_rng_below(&s->rng, n);
}

/* A batch's outputs are what they were when each call ended. */
static void check_looks(const whet_side *s, const whet_side_sample *x, whet_verdict *v) {
    const size_t each = out_bytes(&s->timed->problem, 1);
    for (int i = 0; i < x->n_calls && !s->seats && v->code == WHET_V_PASS; i++) {
        const char *at = x->out + (size_t)i * each + (size_t)s->calls[i].look * sizeof(uint16_t);
        if (memcmp(at, &s->bell->seen[i], sizeof(uint16_t)) != 0)
            whet_verdict_reject(v, WHET_V_INCONSISTENT, WHET_GATE_DUEL,
                                "an output of call %d of %d was written after the call had ended",
                                i + 1, x->n_calls);
    }
}

/* Of what earlier calls wrote only the caches are left, which are looked at now and then: there is
 * nothing to remember answers in. */
whet_status whet_side_time(whet_ctx *ctx, whet_side *s, whet_side_sample *x, whet_verdict *v) {
    const whet_calls *c = x->calls;
    const size_t bytes = out_bytes(&s->timed->problem, x->n_calls);
    memcpy(s->calls, c->calls, (size_t)x->n_calls * sizeof *s->calls);
    hide_looks(s, x->n_calls);
    memcpy(s->q, c->q, bytes);
    poison(s, WHET_SECTION_OUT, bytes, x->poison);
    poison(s, WHET_SECTION_WORKSPACE, s->workspace_bytes, x->poison);
    WHET_TRY(run_batch(ctx, s, x->n_calls, x->out, &x->ns, v));
    check_looks(s, x, v);
    return WHET_OK;
}

/* A cache of the sample by the last call that it had. */
whet_status whet_side_recall(whet_ctx *ctx, whet_side *s, const whet_side_sample *x,
                             whet_verdict *v) {
    enum { ONE_IN = 2 };
    const whet_calls *c = x->calls;
    const int n = x->n_calls < c->n_caches ? x->n_calls : c->n_caches;
    const int which = x->n_calls - 1 - (int)whet_rng_below(&s->rng, (uint64_t)n);
    whet_reply reply;
    if (v->code != WHET_V_PASS || whet_rng_below(&s->rng, ONE_IN)) return WHET_OK;
    s->calls[0] = c->calls[which];
    s->request.n_calls = 1;
    s->request.n_fresh = c->n_fresh;
    s->request.first_row = whet_timed_base(s->timed, s->calls->cache);
    return ask(ctx, s, WHET_OP_RECALL, prepare_seconds, &reply, NULL, v);
}

whet_status whet_side_time_nothing(whet_ctx *ctx, whet_side *s, int n_calls, double *ns,
                                   whet_verdict *v) {
    s->request.is_empty = 1;
    const whet_status st = run_batch(ctx, s, n_calls, NULL, ns, v);
    s->request.is_empty = 0;
    return st;
}

whet_status whet_side_append_cost(whet_ctx *ctx, whet_side *s, double *copies, whet_verdict *v) {
    const uint64_t n = COPY_BYTES / s->request.cache_bytes + 1;
    const int n_caches = n < (uint64_t)s->n_caches ? (int)n : s->n_caches;
    double best[2] = { HUGE_VAL, HUGE_VAL };
    for (int i = 0; i < 2 * COPY_ROUNDS && v->code == WHET_V_PASS; i++) {
        double ns = HUGE_VAL;
        WHET_TRY(append_all(ctx, s, i % 2 ? WHET_OP_FILL : WHET_OP_COPY, 0, n_caches, &ns, v));
        best[i % 2] = fmin(best[i % 2], ns);
    }
    *copies = best[1] / best[0];
    s->request.is_empty = 1; /* nothing of the copies is left between the rows */
    const whet_status st = append_all(ctx, s, WHET_OP_FILL, 0, n_caches, NULL, v);
    s->request.is_empty = 0;
    return st;
}
