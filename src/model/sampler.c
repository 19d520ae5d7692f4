/* SPDX-License-Identifier: MIT */
/* Choosing the next token. */
#include <whet/sampler.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/ctx.h"
#include "base/rng.h"

/* exp(-60) of even a million ids adds up to less than the smallest step of a random number in
 * [0, 1), 2^-53: what is further below the best can be left out. */
#define MAX_DISTANCE 60.0

enum { LANES = 16, N_BUCKETS = (0x3f800000 >> 18) + 1 }; /* 0x3f800000: 1.0f */

typedef struct candidate {
    float weight; /* relative to the best, which has 1 */
    int32_t id;
} candidate;

struct whet_sampler {
    whet_ctx *ctx;
    whet_sampler_opts opts;
    whet_rng rng;
    size_t vocab;
    size_t n_ids;    /* ids from here on are never chosen */
    int32_t *banned; /* those below that are not either */
    size_t n_banned;
    bool *is_seen; /* [vocab]; NULL without a penalty, as `seen` */
    int32_t *seen; /* the ids that were seen, in any order */
    size_t n_seen;
    float *scores;         /* [n_ids], where the logits must be changed; else NULL */
    candidate *candidates; /* [n_ids], unless greedy */
    float *top;            /* [top_k], a heap with its lowest in front; NULL without top_k */
    double mass[N_BUCKETS];
};

/* ---- opening ---- */

static whet_status check_opts(whet_ctx *ctx, const whet_sampler_opts *o) {
    if (!(o->temperature >= 0 && isfinite(o->temperature)))
        return whet_fail(ctx, WHET_E_ARG, "temperature is %g, not 0 or more", o->temperature);
    if (o->top_k < 0) return whet_fail(ctx, WHET_E_ARG, "top_k is %d, not 0 or more", o->top_k);
    if (!(o->top_p >= 0 && o->top_p <= 1))
        return whet_fail(ctx, WHET_E_ARG, "top_p is %g, not from 0 to 1", o->top_p);
    if (!(o->min_p >= 0 && o->min_p <= 1))
        return whet_fail(ctx, WHET_E_ARG, "min_p is %g, not from 0 to 1", o->min_p);
    if (!(o->repetition_penalty >= 0 && isfinite(o->repetition_penalty)))
        return whet_fail(ctx, WHET_E_ARG, "repetition_penalty is %g, not above 0",
                         o->repetition_penalty);
    return WHET_OK;
}

/* Which ids can be chosen. */
static whet_status find_banned(whet_sampler *s) {
    const whet_tokenizer *t = s->opts.tokenizer;
    s->n_ids = s->vocab;
    if (!t) return WHET_OK;
    while (s->n_ids && !whet_tokenizer_has(t, (int32_t)s->n_ids - 1))
        s->n_ids--;
    if (!s->n_ids)
        return whet_fail(s->ctx, WHET_E_ARG,
                         "none of the model's %zu ids has text in the tokenizer", s->vocab);
    for (size_t i = 0; i < s->n_ids; i++)
        s->n_banned += !whet_tokenizer_has(t, (int32_t)i);
    if (!s->n_banned) return WHET_OK;
    s->banned = whet_alloc_zero(s->ctx, s->n_banned, sizeof *s->banned);
    if (!s->banned) return WHET_E_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < s->n_ids; i++)
        if (!whet_tokenizer_has(t, (int32_t)i)) s->banned[n++] = (int32_t)i;
    return WHET_OK;
}

static whet_status allocate(whet_sampler *s) {
    const bool has_penalty = s->opts.repetition_penalty != 1;
    if (has_penalty) {
        s->is_seen = whet_alloc_zero(s->ctx, s->vocab, sizeof *s->is_seen);
        s->seen = whet_alloc_zero(s->ctx, s->vocab, sizeof *s->seen);
        if (!s->is_seen || !s->seen) return WHET_E_NOMEM;
    }
    if (has_penalty || s->n_banned) {
        s->scores = whet_alloc_zero(s->ctx, s->n_ids, sizeof *s->scores);
        if (!s->scores) return WHET_E_NOMEM;
    }
    if (s->opts.temperature == 0) return WHET_OK;
    s->candidates = whet_alloc_zero(s->ctx, s->n_ids, sizeof *s->candidates);
    if (!s->candidates) return WHET_E_NOMEM;
    if (!s->opts.top_k || (size_t)s->opts.top_k >= s->n_ids) return WHET_OK;
    s->top = whet_alloc_zero(s->ctx, (size_t)s->opts.top_k, sizeof *s->top);
    return s->top ? WHET_OK : WHET_E_NOMEM;
}

whet_status whet_sampler_open(whet_ctx *ctx, const whet_sampler_opts *opts, size_t vocab,
                              whet_sampler **sampler) {
    *sampler = NULL;
    WHET_TRY(check_opts(ctx, opts));
    if (vocab < 1 || vocab > INT32_MAX)
        return whet_fail(ctx, WHET_E_ARG, "a vocabulary of %zu ids", vocab);
    whet_sampler *s = whet_alloc_zero(ctx, 1, sizeof *s);
    if (!s) return WHET_E_NOMEM;
    s->ctx = ctx;
    s->opts = *opts;
    s->vocab = vocab;
    if (s->opts.repetition_penalty == 0) s->opts.repetition_penalty = 1;
    whet_rng_init(&s->rng, opts->seed);
    whet_status st = find_banned(s);
    if (st == WHET_OK) st = allocate(s);
    s->opts.tokenizer = NULL;
    if (st == WHET_OK)
        *sampler = s;
    else
        whet_sampler_close(s);
    return st;
}

void whet_sampler_close(whet_sampler *s) {
    if (!s) return;
    whet_free(s->ctx, s->banned);
    whet_free(s->ctx, s->is_seen);
    whet_free(s->ctx, s->seen);
    whet_free(s->ctx, s->scores);
    whet_free(s->ctx, s->candidates);
    whet_free(s->ctx, s->top);
    whet_free(s->ctx, s);
}

void whet_sampler_accept(whet_sampler *s, int32_t id) {
    if (!s->is_seen || id < 0 || (size_t)id >= s->vocab || s->is_seen[id]) return;
    s->is_seen[id] = true;
    s->seen[s->n_seen++] = id;
}

void whet_sampler_forget(whet_sampler *s) {
    for (size_t i = 0; i < s->n_seen; i++)
        s->is_seen[s->seen[i]] = false;
    s->n_seen = 0;
}

/* ---- scores ---- */

/* The logits after the repetition penalty, ids that cannot be chosen at -infinity. */
static const float *scores_of(whet_sampler *s, const float *logits) {
    if (!s->scores) return logits;
    memcpy(s->scores, logits, s->n_ids * sizeof *logits);
    const float penalty = (float)s->opts.repetition_penalty;
    for (size_t i = 0; i < s->n_seen; i++) {
        const int32_t id = s->seen[i];
        if ((size_t)id >= s->n_ids) continue;
        s->scores[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
    }
    for (size_t i = 0; i < s->n_banned; i++)
        s->scores[s->banned[i]] = -INFINITY;
    return s->scores;
}

/* Highest of x[0 .. n), n a multiple of LANES; false when one is not a number. Lanes side by side:
 * the compiler keeps them in vectors without reordering anything. */
static bool max_of_lanes(const float *x, size_t n, float *max) {
    float best[LANES];
    int is_bad[LANES] = { 0 };
    for (int j = 0; j < LANES; j++)
        best[j] = -INFINITY;
    for (size_t i = 0; i < n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            best[j] = x[i + j] > best[j] ? x[i + j] : best[j];
            is_bad[j] |= !(x[i + j] == x[i + j]);
        }
    int bad = 0;
    for (int j = 0; j < LANES; j++) {
        *max = best[j] > *max ? best[j] : *max;
        bad |= is_bad[j];
    }
    return !bad;
}

static whet_status find_max(whet_ctx *ctx, const float *x, size_t n, float *max) {
    const size_t whole = n - n % LANES;
    *max = -INFINITY;
    bool ok = max_of_lanes(x, whole, max);
    for (size_t i = whole; i < n; i++) {
        *max = x[i] > *max ? x[i] : *max;
        ok = ok && x[i] == x[i];
    }
    if (ok && isfinite(*max)) return WHET_OK;
    for (size_t i = 0; i < n; i++)
        if (!(x[i] < INFINITY))
            return whet_fail(ctx, WHET_E_FORMAT, "the logit of id %zu is %s", i,
                             isnan(x[i]) ? "not a number" : "infinite");
    return whet_fail(ctx, WHET_E_FORMAT, "the logits of all %zu ids are -infinity", n);
}

/* The first of the numbers x that is `wanted`; one is. */
static int32_t first_of(const float *x, float wanted) {
    size_t i = 0;
    while (x[i] != wanted)
        i++;
    return (int32_t)i;
}

/* ---- filters ---- */

static void sift_lowest(float *heap, size_t n, size_t i) {
    const float x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heap[child + 1] < heap[child]) child++;
        if (!(heap[child] < x)) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

/* The k-th highest of x[0 .. n), k <= n. */
static float kth_highest(const float *x, size_t n, float *heap, size_t k) {
    memcpy(heap, x, k * sizeof *x);
    for (size_t i = k / 2; i-- > 0;)
        sift_lowest(heap, k, i);
    for (size_t i = k; i < n; i++) {
        if (!(x[i] > heap[0])) continue;
        heap[0] = x[i];
        sift_lowest(heap, k, 0);
    }
    return heap[0];
}

/* Temperature and top-k: the candidates in the order of their ids. */
static size_t gather(whet_sampler *s, const float *x, float max) {
    const double temperature = s->opts.temperature, best = (double)max;
    float lowest = (float)fmax(best - MAX_DISTANCE * temperature, -(double)FLT_MAX);
    if (s->top) lowest = fmaxf(lowest, kth_highest(x, s->n_ids, s->top, (size_t)s->opts.top_k));
    size_t n = 0;
    for (size_t i = 0; i < s->n_ids; i++) {
        if (!(x[i] >= lowest)) continue;
        const float distance = (float)(((double)x[i] - best) / temperature);
        s->candidates[n++] = (candidate){ expf(distance), (int32_t)i };
    }
    return n;
}

static bool comes_before(candidate a, candidate b) {
    return a.weight > b.weight || (a.weight == b.weight && a.id < b.id);
}

static void sift_first(candidate *heap, size_t n, size_t i) {
    const candidate x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && comes_before(heap[child + 1], heap[child])) child++;
        if (!comes_before(heap[child], x)) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

static double total_of(const candidate *c, size_t n) {
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += (double)c[i].weight;
    return total;
}

/* Weights from 0 to 1 in the order of their size: 32 buckets for a factor of two. */
static size_t bucket_of(float weight) {
    uint32_t bits;
    memcpy(&bits, &weight, sizeof bits);
    return bits >> 18;
}

/* Puts the candidates of buckets above `border` in front, those of it behind them, and leaves out
 * the rest. */
static size_t split_at(candidate *c, size_t n, size_t border, size_t *n_above) {
    size_t n_left = 0;
    *n_above = 0;
    for (size_t i = 0; i < n; i++) {
        const candidate x = c[i];
        const size_t bucket = bucket_of(x.weight);
        if (bucket < border) continue;
        c[n_left] = x;
        if (bucket > border) {
            c[n_left] = c[*n_above];
            c[(*n_above)++] = x;
        }
        n_left++;
    }
    return n_left;
}

/* Keeps the fewest candidates, from the most probable on, whose probabilities reach top_p. Only the
 * bucket of the last one is sorted, as far as needed: a heap gives its candidates one by one. */
static size_t keep_top_p(candidate *c, size_t n, double top_p, double mass[N_BUCKETS]) {
    memset(mass, 0, N_BUCKETS * sizeof *mass);
    for (size_t i = 0; i < n; i++)
        mass[bucket_of(c[i].weight)] += (double)c[i].weight;
    const double target = top_p * total_of(c, n);
    double reached = 0;
    size_t border = N_BUCKETS - 1;
    for (; border && reached + mass[border] < target; border--)
        reached += mass[border];
    size_t n_above;
    const size_t n_heap = split_at(c, n, border, &n_above) - n_above;
    candidate *heap = c + n_above;
    for (size_t i = n_heap / 2; i-- > 0;)
        sift_first(heap, n_heap, i);
    size_t n_left = n_heap;
    while (n_left && reached < target) {
        const candidate best = heap[0];
        reached += (double)best.weight;
        heap[0] = heap[--n_left];
        sift_first(heap, n_left, 0);
        heap[n_left] = best;
    }
    memmove(heap, heap + n_left, (n_heap - n_left) * sizeof *heap);
    return n_above + n_heap - n_left;
}

static size_t keep_min_p(candidate *c, size_t n, double min_p) {
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++)
        if ((double)c[i].weight >= min_p) c[n_kept++] = c[i];
    return n_kept;
}

static int32_t draw(whet_rng *rng, const candidate *c, size_t n) {
    double left = whet_rng_uniform(rng) * total_of(c, n);
    for (size_t i = 0; i + 1 < n; i++) {
        left -= (double)c[i].weight;
        if (left < 0) return c[i].id;
    }
    return c[n - 1].id;
}

whet_status whet_sampler_next(whet_ctx *ctx, whet_sampler *s, const float *logits, int32_t *id) {
    const float *x = scores_of(s, logits);
    float max;
    WHET_TRY(find_max(ctx, x, s->n_ids, &max));
    if (s->opts.temperature == 0) {
        *id = first_of(x, max);
        return WHET_OK;
    }
    size_t n = gather(s, x, max);
    if (s->opts.top_p > 0 && s->opts.top_p < 1)
        n = keep_top_p(s->candidates, n, s->opts.top_p, s->mass);
    if (s->opts.min_p > 0) n = keep_min_p(s->candidates, n, s->opts.min_p);
    *id = draw(&s->rng, s->candidates, n);
    return WHET_OK;
}
