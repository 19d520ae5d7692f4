/* SPDX-License-Identifier: MIT */
/* The twelve input families. Scores are steered through q = u (a vector of signs, one for each KV
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
static const char *const purposes[] = {
#define X(code, name, why) why,
    WHET_CASE_LIST(X)
#undef X
};

const char *whet_case_name(whet_case_family family) {
    return names[family];
}
const char *whet_case_purpose(whet_case_family family) {
    return purposes[family];
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

/* Size of the Gaussian part of q and k, and of v. */
static double deviation(const maker *m, bool is_v) {
    switch (m->family) {
    case WHET_CASE_GAUSS_01: return 0.1;
    case WHET_CASE_GAUSS_3: return 3;
    case WHET_CASE_TINY: return 1e-3;
    case WHET_CASE_FLAT_CODED:
    case WHET_CASE_V_OUTLIER: return is_v ? 1 : 0;
    case WHET_CASE_RAMP_UP:
    case WHET_CASE_RAMP_DOWN: return is_v ? 1 : 0.25;
    default: return 1;
    }
}

static bool is_steered(const maker *m) {
    return m->family == WHET_CASE_RAMP_UP || m->family == WHET_CASE_RAMP_DOWN ||
           m->family == WHET_CASE_SHIFT_226 || m->family == WHET_CASE_SINK;
}

/* a_j, the steered part of the score of key j of n. */
static double steered_score(const maker *m, int32_t j, int32_t n) {
    const double at = n > 1 ? (double)j / (n - 1) : 1;
    switch (m->family) {
    case WHET_CASE_RAMP_UP: return 20 * at;
    case WHET_CASE_RAMP_DOWN: return 20 * (1 - at);
    case WHET_CASE_SHIFT_226: return 226;
    case WHET_CASE_SINK: return j == 0 ? 9 : 0;
    default: return 0;
    }
}

static void fill_keys(const maker *m, whet_rng *rng) {
    const whet_problem *p = m->p;
    const double size = deviation(m, false), unit = 1 / sqrt(p->head_dim);
    const bool is_flat = m->family == WHET_CASE_FLAT_CODED || m->family == WHET_CASE_V_OUTLIER;
    for (int32_t j = 0; j < p->n_context; j++)
        for (int32_t g = 0; g < p->n_kv_heads; g++)
            for (int32_t c = 0; c < p->head_dim; c++) {
                double x = size > 0 ? size * whet_rng_normal(rng) : 0;
                if (is_steered(m)) x += steered_score(m, j, p->n_context) * unit * sign(m, g, c);
                /* Flat is not zero: q.k is the same for all keys, whatever q is. */
                if (is_flat) x = 0.5 * sign(m, g, c);
                put(m, m->k, ((int64_t)j * p->n_kv_heads + g) * p->head_dim + c, x);
            }
}

static void fill_values(const maker *m, whet_rng *rng) {
    const whet_problem *p = m->p;
    const double size = deviation(m, true);
    for (int32_t j = 0; j < p->n_context; j++)
        for (int32_t g = 0; g < p->n_kv_heads; g++)
            for (int32_t c = 0; c < p->head_dim; c++) {
                double x = size * whet_rng_normal(rng);
                if (m->family == WHET_CASE_V_MEAN_8) x += 8;
                /* Key j shows up in one dimension of its own. */
                if (m->family == WHET_CASE_FLAT_CODED) x = c == (j + g) % p->head_dim ? 16 : 0;
                if (m->family == WHET_CASE_V_OUTLIER && j == 0) x = c % 2 ? -2000 : 2000;
                if (m->family == WHET_CASE_SINK && j == 0) x *= 0.05;
                put(m, m->v, ((int64_t)j * p->n_kv_heads + g) * p->head_dim + c, x);
            }
}

/* The key that a needle query is aligned with: the first, the last, or any that it sees. */
static int32_t needle(whet_rng *rng, int32_t position) {
    const uint64_t which = whet_rng_below(rng, 4);
    if (which == 0) return 0;
    if (which == 1) return position;
    return (int32_t)whet_rng_below(rng, (uint64_t)position + 1);
}

static void fill_query(const maker *m, whet_rng *rng, int32_t r, int32_t h) {
    const whet_problem *p = m->p;
    const int32_t g = h / (p->n_heads / p->n_kv_heads), first = p->n_context - p->n_rows;
    const int64_t target =
        m->family == WHET_CASE_NEEDLE ? (int64_t)needle(rng, first + r) * p->n_kv_heads + g : 0;
    const double size = m->family == WHET_CASE_FLAT_CODED || m->family == WHET_CASE_V_OUTLIER
                            ? 1
                            : deviation(m, false);
    for (int32_t c = 0; c < p->head_dim; c++) {
        double x = size * whet_rng_normal(rng);
        if (m->family == WHET_CASE_SHIFT_226)
            x = sign(m, g, c);
        else if (is_steered(m))
            x = sign(m, g, c) + 0.25 * x;
        if (m->family == WHET_CASE_NEEDLE)
            x = 2 * (double)whet_load_f32((whet_dtype)p->dtype, m->k, target * p->head_dim + c);
        put(m, m->q, ((int64_t)r * p->n_heads + h) * p->head_dim + c, x);
    }
}

void whet_case_fill(whet_case_family family, const whet_problem *problem, uint64_t seed, void *q,
                    void *k, void *v) {
    const maker m = { problem, family, whet_rng_derive(seed, (uint64_t)family), q, k, v };
    whet_rng rng;
    whet_rng_init(&rng, whet_rng_derive(m.seed, 1));
    fill_keys(&m, &rng);
    whet_rng_init(&rng, whet_rng_derive(m.seed, 2));
    fill_values(&m, &rng);
    whet_rng_init(&rng, whet_rng_derive(m.seed, 3));
    for (int32_t r = 0; r < problem->n_rows; r++)
        for (int32_t h = 0; h < problem->n_heads; h++)
            fill_query(&m, &rng, r, h);
}
