/* SPDX-License-Identifier: MIT */
/* The input families. Scores are steered through q = u (a vector of signs, one for each KV
 * head) and k_j = a_j u / sqrt(head_dim), which give the score a_j. */
#include "kernels/cases.h"

#include <math.h>
#include <stdbool.h>

#include "base/rng.h"
#include "kernels/dtype.h"

static const char *const names[] = {
#define X(code, name, why) name,
    WHET_CASE_LIST(X)
#undef X
};

const char *whet_case_name(whet_case_family family) {
    return names[family];
}

/* What is asked for, and the streams: one each, so that q does not depend on how many keys are. */
typedef struct maker {
    const whet_problem *p;
    whet_case_family family;
    uint64_t seed;
    void *q;
    void *k;
    void *v;
} maker;

static void put(const maker *m, void *to, int64_t i, double x) {
    whet_store_f32((whet_dtype)m->p->dtype, to, i, (float)x);
}

static double sign(const maker *m, int32_t group, int32_t c) {
    const uint64_t bits = whet_rng_derive(m->seed ^ 0x516e, (uint64_t)group * 65536 + (uint64_t)c);
    return bits >> 63 ? 1 : -1;
}

/* A number in [0, 1) that belongs to a KV head and something else of it: a key, a purpose. */
static double fraction(const maker *m, int32_t group, int64_t what) {
    const uint64_t index = (uint64_t)what * 65536 + (uint64_t)group;
    return (double)(whet_rng_derive(m->seed ^ 0xf7ac, index) >> 11) * 0x1p-53;
}

/* Purposes, below all keys; a query's is as far below the last as its row. */
enum {
    ABOUT_FAMILY = -1,
    ABOUT_QK = -2,
    ABOUT_V = -3,
    ABOUT_PEAK = -4,
    ABOUT_TAIL = -5,
    ABOUT_HEIGHT = -6,
    ABOUT_UNIT = -7,
    ABOUT_QUERY = -8,
};

/* What a KV head and its queries are filled as. */
static whet_case_family family_of(const maker *m, int32_t group) {
    static const whet_case_family among[] = {
        WHET_CASE_GAUSS_1,   WHET_CASE_GAUSS_3,   WHET_CASE_NEEDLE,    WHET_CASE_V_MEAN_8,
        WHET_CASE_RAMP_UP,   WHET_CASE_RAMP_DOWN, WHET_CASE_SHIFT_226, WHET_CASE_SINK,
        WHET_CASE_ANY_SCALE, WHET_CASE_FAR_HUGE,  WHET_CASE_PEAK_TAIL,
    };
    const size_t n = sizeof among / sizeof *among;
    if (m->family != WHET_CASE_MIXED) return m->family;
    return among[(size_t)(fraction(m, group, ABOUT_FAMILY) * (double)n)];
}

/* Equal scores, whatever the query is. */
static bool is_flat(whet_case_family family) {
    return family == WHET_CASE_FLAT_CODED || family == WHET_CASE_V_OUTLIER;
}

static bool is_steered(whet_case_family family) {
    return family == WHET_CASE_RAMP_UP || family == WHET_CASE_RAMP_DOWN ||
           family == WHET_CASE_SHIFT_226 || family == WHET_CASE_SINK ||
           family == WHET_CASE_FAR_HUGE || family == WHET_CASE_PEAK_TAIL ||
           family == WHET_CASE_HIGH_PEAK || family == WHET_CASE_DEEP_KEYS;
}

/* Size of the Gaussian part of q and k of a head. */
static double deviation_qk(const maker *m, int32_t group) {
    switch (family_of(m, group)) {
    case WHET_CASE_GAUSS_01: return 0.1;
    case WHET_CASE_GAUSS_3: return 3;
    case WHET_CASE_TINY: return 1e-3;
    case WHET_CASE_RAMP_UP:
    case WHET_CASE_RAMP_DOWN: return 0.25;
    case WHET_CASE_PEAK_TAIL: return 0.1;
    case WHET_CASE_ANY_SCALE: return exp(-3 + 4.2 * fraction(m, group, ABOUT_QK));
    default: return 1;
    }
}

static double deviation_v(const maker *m, int32_t group) {
    switch (family_of(m, group)) {
    case WHET_CASE_GAUSS_01: return 0.1;
    case WHET_CASE_GAUSS_3: return 3;
    case WHET_CASE_TINY: return 1e-3;
    case WHET_CASE_ANY_SCALE: return exp(-6 + 12 * fraction(m, group, ABOUT_V));
    default: return 1;
    }
}

/* How far below the others' the score of a key is whose V is e to that times larger; 0 for most
 * keys. Weights of e^-9 do without few bits of an f16, and that times V fits into it. */
static double depth_of(const maker *m, int32_t group, int32_t j) {
    const double x = fraction(m, group, j);
    return x < 0.125 ? 6 + 24 * x : 0;
}

/* Weights of e^-100 and less are nothing to an f32, and e^100 is too much. */
static double far_apart(const maker *m, int32_t group) {
    return 100 + 100 * fraction(m, group, ABOUT_TAIL);
}

/* Where all scores lie, above 0 and below it by turns: up to where a bf16 key still tells one from
 * another. */
static double height(const maker *m, int32_t group) {
    return (group % 2 ? -1500 : 1500) * fraction(m, group, ABOUT_HEIGHT);
}

/* What K and V of a head are measured in, and Q in the inverse of it: sizes that f16 does not have.
 */
static double unit_of(const maker *m, int32_t group) {
    if (m->family != WHET_CASE_DEEP_KEYS || m->p->dtype == WHET_F16) return 1;
    const double x = fraction(m, group, ABOUT_UNIT);
    return ldexp(1, x < 0.5 ? -18 - (int)(12 * x) : 12 + (int)(12 * x));
}

static int32_t peak_of(const maker *m, int32_t group) {
    return (int32_t)(fraction(m, group, ABOUT_PEAK) * (double)m->p->n_context);
}

/* a_j, the steered part of the score of key j. */
static double steered_score(const maker *m, int32_t group, int32_t j) {
    const int32_t n = m->p->n_context;
    const double at = n > 1 ? (double)j / (n - 1) : 1;
    switch (family_of(m, group)) {
    case WHET_CASE_RAMP_UP: return 20 * at;
    case WHET_CASE_RAMP_DOWN: return 20 * (1 - at);
    case WHET_CASE_SHIFT_226: return 226;
    case WHET_CASE_SINK: return j == 0 ? 9 : 0;
    case WHET_CASE_FAR_HUGE: return -depth_of(m, group, j);
    case WHET_CASE_PEAK_TAIL:
        return j == peak_of(m, group) ? log(n) + 3 * fraction(m, group, ABOUT_TAIL) : 0;
    case WHET_CASE_HIGH_PEAK: return j == peak_of(m, group) ? far_apart(m, group) : 0;
    case WHET_CASE_DEEP_KEYS:
        return height(m, group) - (fraction(m, group, j) < 0.125 ? far_apart(m, group) : 0);
    default: return 0;
    }
}

static int64_t kv_at(const maker *m, int32_t j, int32_t g, int32_t c) {
    return ((int64_t)j * m->p->n_kv_heads + g) * m->p->head_dim + c;
}

static double of_first_head(const maker *m, const void *rows, int32_t j, int32_t c) {
    return (double)whet_load_f32((whet_dtype)m->p->dtype, rows, kv_at(m, j, 0, c));
}

static void fill_key(const maker *m, whet_rng *rng, int32_t j, int32_t g) {
    const whet_problem *p = m->p;
    const whet_case_family family = family_of(m, g);
    const double size = deviation_qk(m, g), even = 1 / sqrt(p->head_dim), unit = unit_of(m, g);
    const double score = is_steered(family) ? steered_score(m, g, j) : 0;
    for (int32_t c = 0; c < p->head_dim; c++) {
        double x = is_flat(family) ? 0 : size * whet_rng_bell(rng);
        if (is_steered(family)) x += score * even * sign(m, g, c);
        /* Flat is not zero: q.k is the same for all keys, whatever q is. */
        if (is_flat(family)) x = 0.5 * sign(m, g, c);
        if (family == WHET_CASE_CORRELATED && g > 0) x = of_first_head(m, m->k, j, c) + 0.2 * x;
        put(m, m->k, kv_at(m, j, g, c), x * unit);
    }
}

static void fill_value(const maker *m, whet_rng *rng, int32_t j, int32_t g) {
    const whet_case_family family = family_of(m, g);
    const double size = deviation_v(m, g), depth = depth_of(m, g, j), unit = unit_of(m, g);
    for (int32_t c = 0; c < m->p->head_dim; c++) {
        double x = size * whet_rng_bell(rng);
        if (family == WHET_CASE_V_MEAN_8) x += 8;
        /* Key j shows up in one dimension of its own. */
        if (family == WHET_CASE_FLAT_CODED) x = c == (j + g) % m->p->head_dim ? 16 : 0;
        if (family == WHET_CASE_V_OUTLIER && j == 0) x = c % 2 ? -2000 : 2000;
        if (family == WHET_CASE_SINK && j == 0) x *= 0.05;
        if (family == WHET_CASE_FAR_HUGE && depth > 0)
            x = exp(depth) * (x < 0 ? -0.5 - 0.5 * exp(x) : 0.5 + 0.5 * exp(-x));
        if (family == WHET_CASE_PEAK_TAIL) x += j == peak_of(m, g) ? -sign(m, g, c) : sign(m, g, c);
        if (family == WHET_CASE_CORRELATED && g > 0) x = of_first_head(m, m->v, j, c) + 0.2 * x;
        put(m, m->v, kv_at(m, j, g, c), x * unit);
    }
}

/* The key that a needle query is aligned with: the first, the last, or any that it sees. */
static int32_t needle(whet_rng *rng, int32_t position) {
    const uint64_t which = whet_rng_below(rng, 4);
    if (which == 0) return 0;
    if (which == 1) return position;
    return (int32_t)whet_rng_below(rng, (uint64_t)position + 1);
}

/* The i-th query's key: one after the other; in longer contexts those at the edges of tiles of 64
 * that lie behind the first 512. */
static int32_t swept(const maker *m, int32_t i, int32_t position) {
    enum { SWEPT = 600, FROM = 512, TILE = 64 };
    if (m->p->n_context > SWEPT) {
        const int32_t n_edges = (m->p->n_context - FROM) / TILE;
        i = FROM + TILE * (i / 3 % n_edges) + i % 3 - 1;
    }
    return i % (position + 1);
}

static void align_query(const maker *m, int64_t at, int32_t key, int32_t g) {
    for (int32_t c = 0; c < m->p->head_dim; c++)
        put(m, m->q, at + c,
            2 * (double)whet_load_f32((whet_dtype)m->p->dtype, m->k, kv_at(m, key, g, c)));
}

/* Half the queries hear little of a high peak: another head's or row's maximum is not theirs. */
static double loudness(const maker *m, whet_case_family family, int32_t r, int32_t h) {
    return family == WHET_CASE_HIGH_PEAK && fraction(m, h, ABOUT_QUERY - r) < 0.5 ? 0x1p-6 : 1;
}

static void fill_query(const maker *m, whet_rng *rng, int32_t r, int32_t h) {
    const whet_problem *p = m->p;
    const int32_t g = h / (p->n_heads / p->n_kv_heads), position = p->n_context - p->n_rows + r;
    const int64_t row = (int64_t)r * p->n_heads * p->head_dim, at = row + h * (int64_t)p->head_dim;
    const whet_case_family family = family_of(m, g);
    if (family == WHET_CASE_NEEDLE) align_query(m, at, needle(rng, position), g);
    if (family == WHET_CASE_SWEEP) align_query(m, at, swept(m, r * p->n_heads + h, position), g);
    if (family == WHET_CASE_NEEDLE || family == WHET_CASE_SWEEP) return;
    const double size = deviation_qk(m, g);
    for (int32_t c = 0; c < p->head_dim; c++) {
        double x = size * whet_rng_bell(rng);
        if (family == WHET_CASE_SHIFT_226)
            x = sign(m, g, c);
        else if (is_steered(family))
            x = (sign(m, g, c) + 0.25 * x) * loudness(m, family, r, h);
        if (family == WHET_CASE_ONE_DIM) x = c == (r + h) % p->head_dim ? 3 * sqrt(p->head_dim) : 0;
        if (family == WHET_CASE_CORRELATED && h > 0)
            x = (double)whet_load_f32((whet_dtype)p->dtype, m->q, row + c) + 0.2 * x;
        put(m, m->q, at + c, x / unit_of(m, g));
    }
}

void whet_case_fill(whet_case_family family, const whet_problem *problem, uint64_t seed, void *q,
                    void *k, void *v) {
    const maker m = { problem, family, whet_rng_derive(seed, (uint64_t)family), q, k, v };
    whet_rng rng;
    whet_rng_init(&rng, whet_rng_derive(m.seed, 1));
    for (int32_t j = 0; j < problem->n_context; j++)
        for (int32_t g = 0; g < problem->n_kv_heads; g++)
            fill_key(&m, &rng, j, g);
    whet_rng_init(&rng, whet_rng_derive(m.seed, 2));
    for (int32_t j = 0; j < problem->n_context; j++)
        for (int32_t g = 0; g < problem->n_kv_heads; g++)
            fill_value(&m, &rng, j, g);
    whet_rng_init(&rng, whet_rng_derive(m.seed, 3));
    for (int32_t r = 0; r < problem->n_rows; r++)
        for (int32_t h = 0; h < problem->n_heads; h++)
            fill_query(&m, &rng, r, h);
}
