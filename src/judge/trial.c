/* SPDX-License-Identifier: MIT */
/* Memory of one question: sections between guard pages at addresses of our choice, canaries around
 * the data, leftovers of every kind in what the kernel writes. */
#include "judge/trial.h"

#include <string.h>
#include <unistd.h>

#include "kernels/attention.h"

enum { MAX_WORKSPACE_BYTES = 1 << 30, FINITE_BYTE = 0x5c };

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

static size_t element_bytes(const whet_trial *t) {
    return whet_dtype_bytes((whet_dtype)t->c->problem.dtype);
}

/* Elements between the rows of the output: others than between those of q, so that neither stride
 * does for both. */
static int out_padding(const whet_bank_case *c) {
    return (c->padding + 1) / 2;
}

/* Bytes from the first element of the first row to the last of the last. */
static size_t rows_bytes(const whet_trial *t, int n_rows, int n_heads, int padding) {
    const size_t row = (size_t)n_heads * (size_t)t->c->problem.head_dim;
    return ((size_t)n_rows * (row + (size_t)padding) - (size_t)padding) * element_bytes(t);
}

/* ---- sizes ---- */

/* The cache is bounded by the rows it holds, the workspace by reason. */
void whet_judge_check_sizes(const whet_problem *p, int64_t capacity, const whet_reply *sizes,
                            whet_gate gate, whet_verdict *verdict) {
    const double limit = whet_judge_kv_limit(p, capacity);
    if ((double)sizes->kv_bytes > limit || sizes->kv_bytes == 0)
        whet_verdict_reject(verdict, WHET_V_OUT_OF_BOUNDS, gate,
                            "it asks for %.0f bytes of cache, between 1 and %.0f are allowed",
                            (double)sizes->kv_bytes, limit);
    else if (sizes->workspace_bytes > MAX_WORKSPACE_BYTES)
        whet_verdict_reject(verdict, WHET_V_OUT_OF_BOUNDS, gate,
                            "it asks for %.0f bytes of workspace, at most %d are allowed",
                            (double)sizes->workspace_bytes, MAX_WORKSPACE_BYTES);
}

double whet_judge_kv_limit(const whet_problem *p, int64_t capacity) {
    return 1.1 * 2 * (double)capacity * p->n_kv_heads * p->head_dim *
               (double)whet_dtype_bytes((whet_dtype)p->dtype) +
           65536;
}

/* The request of a case; strides say how far rows lie apart. */
static whet_request make_request(const whet_bank_case *c) {
    const whet_problem *p = &c->problem;
    return (whet_request){
        .problem = c->bounds,
        .capacity = c->capacity,
        .kv_stride = (int64_t)p->n_kv_heads * p->head_dim + c->padding,
        .q_stride = (int64_t)p->n_heads * p->head_dim + c->padding,
        .out_stride = (int64_t)p->n_heads * p->head_dim + out_padding(c),
        .scale = whet_bank_scale(c),
        .n_workers = c->n_workers,
        .n_context = p->n_context,
        .n_rows = p->n_rows,
    };
}

static whet_status ask(whet_ctx *ctx, whet_trial *t, whet_op op, whet_reply *reply) {
    whet_link_end end;
    t->request.op = op;
    const whet_limits limits = whet_judge_limits(t->judge, &t->request);
    WHET_TRY(whet_link_ask(ctx, t->link, &t->request, &limits, &end, reply, NULL));
    whet_link_blame(end, reply, t->c->gate, t->verdict);
    return WHET_OK;
}

whet_status whet_trial_open(whet_ctx *ctx, const whet_judge *judge, const whet_bank_case *c,
                            whet_link *link, whet_verdict *verdict, whet_trial *t) {
    *t = (whet_trial){
        .judge = judge, .c = c, .link = link, .verdict = verdict, .request = make_request(c)
    };
    WHET_TRY(ask(ctx, t, WHET_OP_SIZES, &t->sizes));
    if (!whet_trial_is_over(t))
        whet_judge_check_sizes(&c->problem, c->capacity, &t->sizes, c->gate, verdict);
    return WHET_OK;
}

/* ---- leftovers and canaries ---- */

static void put_bytes(whet_rng *rng, char *to, size_t n) {
    uint64_t bits = whet_rng_u64(rng);
    for (size_t i = 0; i < n; i += 8) {
        bits = bits * 6364136223846793005 + 1442695040888963407; /* a quick stream, no more */
        const uint64_t mixed = bits ^ bits >> 29;
        memcpy(to + i, &mixed, n - i < 8 ? n - i : 8);
    }
}

/* Numbers between 1/2 and 2 of that dtype. */
static void put_plausible(whet_rng *rng, char *to, size_t n, whet_dtype dtype) {
    static const struct {
        uint32_t keep, one;
    } of[] = { [WHET_F32] = { 0x80ffffff, 0x3f000000 },
               [WHET_BF16] = { 0x80ff80ff, 0x3f003f00 },
               [WHET_F16] = { 0x87ff87ff, 0x38003800 } };
    put_bytes(rng, to, n);
    for (size_t i = 0; i + 4 <= n; i += 4) {
        uint32_t x;
        memcpy(&x, to + i, 4);
        x = (x & of[dtype].keep) | of[dtype].one;
        memcpy(to + i, &x, 4);
    }
    memset(to + n / 4 * 4, 0, n % 4);
}

static void leave(whet_trial *t, whet_leftover what, whet_dtype dtype, char *to, size_t n) {
    switch (what) {
    case WHET_LEFT_ZERO: memset(to, 0, n); break;
    case WHET_LEFT_FINITE: memset(to, FINITE_BYTE, n); break;
    case WHET_LEFT_PLAUSIBLE: put_plausible(&t->rng, to, n, dtype); break;
    case WHET_LEFT_NAN: memset(to, 0xff, n); break;
    case WHET_LEFT_BYTES: put_bytes(&t->rng, to, n); break;
    }
}

/* The canary's piece that belongs at `from`; memory begins at a page, so addresses will do. */
static const char *canary_at(const whet_trial *t, const char *from, const char *to, size_t *n) {
    const size_t at = (uintptr_t)from % sizeof t->canary;
    *n = sizeof t->canary - at;
    if (*n > (size_t)(to - from)) *n = (size_t)(to - from);
    return t->canary + at;
}

static void put_canary(const whet_trial *t, char *from, char *to) {
    for (size_t n; from < to; from += n) {
        const char *canary = canary_at(t, from, to, &n);
        memcpy(from, canary, n);
    }
}

static bool is_canary(const whet_trial *t, const char *from, const char *to) {
    for (size_t n; from < to; from += n) {
        const char *canary = canary_at(t, from, to, &n);
        if (memcmp(from, canary, n) != 0) return false;
    }
    return true;
}

/* ---- places ---- */

uint64_t whet_judge_choose_address(whet_rng *rng) {
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
#ifdef __x86_64__
    const uint64_t from = (uint64_t)1 << 45, room = (uint64_t)1 << 45;
#else
    const uint64_t from = (uint64_t)1 << 36, room = (uint64_t)1 << 36;
#endif
    return from + whet_rng_below(rng, room / page) * page;
}

static size_t alignment(const whet_trial *t, int section) {
    switch (section) {
    case WHET_SECTION_CACHE:
    case WHET_SECTION_KV:
    case WHET_SECTION_WORKSPACE: return WHET_TIMED_ALIGNMENT;
    default: return element_bytes(t);
    }
}

static size_t choose_skip(whet_trial *t, int section, size_t whole, size_t n_bytes) {
    const size_t room = whole - n_bytes;
    size_t to = alignment(t, section);
    switch (t->memory.place) {
    case WHET_PLACE_BEGIN: break;
    case WHET_PLACE_END: return room / to * to;
    case WHET_PLACE_MIDDLE:
        if (whet_rng_below(&t->rng, 2)) to = WHET_TIMED_ALIGNMENT; /* as where it is timed */
        return (size_t)whet_rng_below(&t->rng, room / to + 1) * to;
    }
    return 0;
}

static whet_status place(whet_ctx *ctx, whet_trial *t) {
    const whet_problem *p = &t->c->problem;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t bytes[WHET_N_SECTIONS] = {
        [WHET_SECTION_K] = rows_bytes(t, p->n_context, p->n_kv_heads, t->c->padding),
        [WHET_SECTION_V] = rows_bytes(t, p->n_context, p->n_kv_heads, t->c->padding),
        [WHET_SECTION_Q] = rows_bytes(t, p->n_rows, p->n_heads, t->c->padding),
        [WHET_SECTION_CACHE] = t->sizes.kv_bytes,
        [WHET_SECTION_OUT] = rows_bytes(t, p->n_rows, p->n_heads, out_padding(t->c)),
        [WHET_SECTION_KV] = t->sizes.kv_bytes,
        [WHET_SECTION_WORKSPACE] = t->sizes.workspace_bytes,
    };
    const size_t spare = t->memory.place == WHET_PLACE_MIDDLE ? page : 0;
    for (int i = 0; i < WHET_N_SECTIONS; i++) {
        const size_t whole = bytes[i] ? round_up(bytes[i] + spare, page) : 0;
        t->request.sections[i] = (whet_span){
            .bytes = whole,
            .skip = bytes[i] ? choose_skip(t, i, whole, bytes[i]) : 0,
            .address = whet_judge_choose_address(&t->rng),
        };
    }
    WHET_TRY(whet_link_place(ctx, t->link, &t->request));
    for (int i = 0; i < WHET_N_SECTIONS; i++) {
        const whet_span *span = &t->request.sections[i];
        char *pages = whet_link_section(t->link, &t->request, (whet_section)i);
        put_canary(t, pages, pages + span->bytes);
        t->parts[i] = (whet_part){ pages + span->skip, bytes[i] };
    }
    return WHET_OK;
}

static void put_rows(const whet_trial *t, whet_section section, const void *rows, int n_rows,
                     int n_heads) {
    const size_t row = (size_t)n_heads * (size_t)t->c->problem.head_dim * element_bytes(t);
    const size_t step = row + (size_t)t->c->padding * element_bytes(t);
    for (int r = 0; r < n_rows; r++)
        memcpy(t->parts[section].data + (size_t)r * step, (const char *)rows + (size_t)r * row,
               row);
}

void whet_trial_put(const whet_trial *t, const void *q, const void *k, const void *v) {
    const whet_problem *p = &t->c->problem;
    put_rows(t, WHET_SECTION_K, k, p->n_context, p->n_kv_heads);
    put_rows(t, WHET_SECTION_V, v, p->n_context, p->n_kv_heads);
    put_rows(t, WHET_SECTION_Q, q, p->n_rows, p->n_heads);
}

/* One row of the output. */
static size_t row_bytes(const whet_trial *t) {
    return (size_t)t->c->problem.n_heads * (size_t)t->c->problem.head_dim * element_bytes(t);
}

static size_t row_step(const whet_trial *t) {
    return row_bytes(t) + (size_t)out_padding(t->c) * element_bytes(t);
}

whet_status whet_trial_lay_out(whet_ctx *ctx, whet_trial *t, const whet_memory *memory) {
    const whet_problem *p = &t->c->problem;
    const whet_dtype dtype = (whet_dtype)p->dtype;
    t->memory = *memory;
    whet_rng_init(&t->rng, memory->seed);
    put_bytes(&t->rng, t->canary, sizeof t->canary);
    WHET_TRY(place(ctx, t));
    whet_trial_put(t, t->c->q, t->c->k, t->c->v);
    const whet_part *kv = &t->parts[WHET_SECTION_KV];
    const whet_part *workspace = &t->parts[WHET_SECTION_WORKSPACE];
    leave(t, memory->kv, dtype, kv->data, kv->n_bytes);
    leave(t, memory->workspace, WHET_F32, workspace->data, workspace->n_bytes);
    for (int r = 0; r < p->n_rows; r++) /* between the rows the canary stays */
        leave(t, memory->out, dtype, t->parts[WHET_SECTION_OUT].data + (size_t)r * row_step(t),
              row_bytes(t));
    return WHET_OK;
}

/* ---- what was written ---- */

static bool is_padding_intact(const whet_trial *t) {
    const char *out = t->parts[WHET_SECTION_OUT].data;
    for (int r = 0; r + 1 < t->c->problem.n_rows; r++)
        if (!is_canary(t, out + (size_t)r * row_step(t) + row_bytes(t),
                       out + ((size_t)r + 1) * row_step(t)))
            return false;
    return true;
}

/* Whether it stayed inside what it was given. */
static void check_bounds(const whet_trial *t) {
    static const struct {
        whet_section section;
        const char *name;
    } written[] = { { WHET_SECTION_OUT, "out" },
                    { WHET_SECTION_KV, "the cache" },
                    { WHET_SECTION_WORKSPACE, "the workspace" } };
    const char *where = is_padding_intact(t) ? NULL : "the rows of out";
    for (size_t i = 0; i < sizeof written / sizeof *written && !where; i++) {
        const whet_span *span = &t->request.sections[written[i].section];
        const whet_part *data = &t->parts[written[i].section];
        const char *begin = data->data - span->skip;
        if (!is_canary(t, begin, data->data) ||
            !is_canary(t, data->data + data->n_bytes, begin + span->bytes))
            where = written[i].name;
    }
    if (where)
        whet_verdict_reject(t->verdict, WHET_V_OUT_OF_BOUNDS, t->c->gate, "it wrote outside of %s",
                            where);
}

void whet_trial_take(const whet_trial *t, void *out) {
    for (int r = 0; r < t->c->problem.n_rows; r++)
        memcpy((char *)out + (size_t)r * row_bytes(t),
               t->parts[WHET_SECTION_OUT].data + (size_t)r * row_step(t), row_bytes(t));
}

/* ---- acts ---- */

whet_status whet_trial_append(whet_ctx *ctx, whet_trial *t, whet_rows rows) {
    if (whet_trial_is_over(t) || rows.n == 0) return WHET_OK;
    whet_reply reply;
    t->request.sections[WHET_SECTION_KV].address = whet_judge_choose_address(&t->rng);
    t->request.first_row = rows.first;
    t->request.pos = rows.pos;
    t->request.n = rows.n;
    t->request.chunk = rows.chunk;
    WHET_TRY(ask(ctx, t, WHET_OP_APPEND, &reply));
    if (!whet_trial_is_over(t)) check_bounds(t);
    return WHET_OK;
}

/* The run gets the same bytes elsewhere, sealed: no address in the cache is worth anything. */
static void hand_over_cache(whet_trial *t) {
    const whet_part *kv = &t->parts[WHET_SECTION_KV];
    memcpy(t->parts[WHET_SECTION_CACHE].data, kv->data, kv->n_bytes);
    t->request.sections[WHET_SECTION_CACHE].address = whet_judge_choose_address(&t->rng);
}

whet_status whet_trial_run(whet_ctx *ctx, whet_trial *t) {
    if (whet_trial_is_over(t)) return WHET_OK;
    whet_reply reply;
    hand_over_cache(t);
    WHET_TRY(ask(ctx, t, WHET_OP_RUN, &reply));
    if (!whet_trial_is_over(t)) check_bounds(t);
    return WHET_OK;
}

whet_status whet_trial_play(whet_ctx *ctx, whet_trial *t) {
    const int32_t n = t->c->problem.n_context, half = n / 2;
    /* what is appended later counts */
    if (t->c->is_rewound)
        WHET_TRY(whet_trial_append(ctx, t, (whet_rows){ .first = half, .n = half }));
    WHET_TRY(whet_trial_append(ctx, t, (whet_rows){ .n = n, .chunk = t->c->chunk }));
    return whet_trial_run(ctx, t);
}
