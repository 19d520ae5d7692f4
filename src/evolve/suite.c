/* SPDX-License-Identifier: MIT */
/* Finalists and the winners of each shape. */
#include "evolve/suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/shape.h"

const double whet_suite_noise = 0.02;

const whet_shape whet_suite[WHET_N_SUITE] = {
    WHET_SHAPE_DECODE_16TH, WHET_SHAPE_DECODE_4TH,    WHET_SHAPE_DECODE,
    WHET_SHAPE_DECODE_4X,   WHET_SHAPE_PREFILL_FIRST, WHET_SHAPE_PREFILL_BEHIND,
};

static bool is_there(const int *list, int n, int member) {
    for (int i = 0; i < n; i++)
        if (list[i] == member) return true;
    return false;
}

static bool is_beaten(const whet_search *s, int member) {
    const double *a = s->members[member].log_speeds;
    for (int i = 0; i < s->n_members; i++) {
        if (i == member || !s->members[i].is_timed) continue;
        bool is_better = true;
        for (int shape = 0; shape < WHET_N_SHAPES; shape++)
            is_better &= s->members[i].log_speeds[shape] > a[shape];
        if (is_better) return true;
    }
    return false;
}

/* The fastest in one race that nobody beats in all of them. */
static int leader_of(const whet_search *s, int shape, const int *taken, int n) {
    int best = -1;
    for (int i = 0; i < s->n_members; i++) {
        const whet_member *m = &s->members[i];
        if (!m->is_timed || is_there(taken, n, i) || is_beaten(s, i)) continue;
        if (best < 0 || m->log_speeds[shape] > s->members[best].log_speeds[shape]) best = i;
    }
    return best;
}

int whet_suite_finalists(const whet_search *s, int *finalists, int n) {
    int elites[WHET_MAX_FINALISTS], count = 0;
    const int n_elites = whet_search_elites(s, elites, n);
    if (n_elites) finalists[count++] = elites[0];
    for (int shape = 0; shape < WHET_N_SHAPES && count && count < n; shape++) {
        const int leader = leader_of(s, shape, finalists, count);
        if (leader >= 0) finalists[count++] = leader;
    }
    for (int i = 1; i < n_elites && count < n; i++)
        if (!is_there(finalists, count, elites[i])) finalists[count++] = elites[i];
    return count;
}

const whet_baseline *whet_suite_rival(const whet_search *s) {
    const whet_baseline *const baselines[] = { &s->grouped, &s->fused, &s->repeat };
    for (int i = 0; i < 3; i++) {
        const char *name = baselines[i]->name; /* of a family: "grouped-avx2" is one of grouped */
        if (name && strncmp(s->engine, name, strlen(name)) == 0) return baselines[i];
    }
    return s->yardstick;
}

double whet_suite_mean(const whet_finalist *f) {
    double sum = 0;
    for (int i = 0; i < WHET_N_SUITE; i++)
        sum += f->logs[i];
    return sum / WHET_N_SUITE;
}

static double far_decode(const whet_finalist *f) {
    double sum = 0;
    for (int i = 0; i < WHET_N_SUITE; i++)
        if (whet_suite[i] == WHET_SHAPE_DECODE || whet_suite[i] == WHET_SHAPE_DECODE_4X)
            sum += f->logs[i];
    return sum;
}

/* As far as these short looks tell: faster in a text job, and not slower in decode or the suite. */
static bool might_be_installed(const whet_finalist *f) {
    double decode = 0, prefill = 0; /* of the run's context; of all prefills */
    for (int i = 0; i < WHET_N_SUITE; i++) {
        if (whet_suite[i] == WHET_SHAPE_DECODE) decode = f->logs[i];
        if (whet_suite[i] >= WHET_SHAPE_PREFILL_FIRST) prefill += f->logs[i] / 2;
    }
    return f->is_whole && decode > log(1 - WHET_DECODE_LOSS) &&
           WHET_DECODE_WEIGHT * decode + (1 - WHET_DECODE_WEIGHT) * prefill > 0 &&
           whet_suite_mean(f) > -whet_suite_noise;
}

int whet_suite_take(const whet_finalist *finalists, int n) {
    double top = -HUGE_VAL;
    int taken = -1;
    bool has_winner = false;
    for (int i = 0; i < n; i++)
        has_winner |= might_be_installed(&finalists[i]);
    for (int i = 0; i < n; i++)
        if (finalists[i].is_whole && (!has_winner || might_be_installed(&finalists[i])))
            top = fmax(top, whet_suite_mean(&finalists[i]));
    for (int i = 0; i < n; i++) {
        const whet_finalist *f = &finalists[i];
        if (!f->is_whole || (has_winner && !might_be_installed(f))) continue;
        if (whet_suite_mean(f) < top - whet_suite_noise) continue;
        if (taken < 0 || far_decode(f) > far_decode(&finalists[taken])) taken = i;
    }
    return taken;
}

static int best_in(const whet_finalist *finalists, int n, int shape) {
    int best = -1;
    for (int i = 0; i < n; i++)
        if (finalists[i].is_whole &&
            (best < 0 || finalists[i].logs[shape] > finalists[best].logs[shape]))
            best = i;
    return best;
}

void whet_suite_report(whet_search *s, const whet_finalist *finalists, int n, int taken) {
    whet_evolve_suite *suite = &s->result->suite;
    *suite = (whet_evolve_suite){ .n_finalists = n };
    snprintf(suite->rival, sizeof suite->rival, "%s", whet_suite_rival(s)->name);
    memcpy(suite->engine, s->engine, sizeof suite->engine);
    if (taken < 0) return;
    suite->speed = exp(whet_suite_mean(&finalists[taken]));
    int n_led = 0, other = -1;
    for (int i = 0; i < WHET_N_SUITE; i++) {
        const int best = best_in(finalists, n, i);
        whet_evolve_kept *kept = &suite->kept[i];
        snprintf(kept->shape, sizeof kept->shape, "%s", s->shape_names[whet_suite[i]]);
        memcpy(kept->hash, s->members[finalists[best].member].hash, sizeof kept->hash);
        kept->speed = exp(finalists[best].logs[i]);
        kept->taken_speed = exp(finalists[taken].logs[i]);
        n_led += best == taken;
        if (best != taken) other = i;
    }
    bool is_top = true;
    for (int i = 0; i < n; i++)
        is_top &= !finalists[i].is_whole ||
                  whet_suite_mean(&finalists[i]) <= whet_suite_mean(&finalists[taken]);
    if (n == 1)
        snprintf(suite->why, sizeof suite->why, "it is the only finalist");
    else if (other < 0)
        snprintf(suite->why, sizeof suite->why, "it is the fastest of %d finalists in all %d", n,
                 WHET_N_SUITE);
    else
        snprintf(
            suite->why, sizeof suite->why,
            "it has the largest geometric mean of %d finalists%s, and is the fastest in %d of %d; "
            "one program owns a cache, so none is mixed in for %s",
            n, is_top ? "" : " to 2 %, or of those that might be installed", n_led, WHET_N_SUITE,
            suite->kept[other].shape);
}
