/* SPDX-License-Identifier: MIT */
/* What a full judgement adds: four parts that need nothing of each other. They are done side by
 * side, in a thread each, since nothing is timed; the first of them that rejects is the verdict,
 * whichever was ready first. */
#include <math.h>

#include "base/crew.h"
#include "judge/cover.h"
#include "judge/far.h"

typedef struct part {
    whet_status (*check)(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                         const char *source, size_t n_bytes, whet_verdict *verdict);
    const whet_judge *judge;
    const whet_object *object;
    const char *source;
    size_t n_bytes;
    whet_verdict found;
    whet_verdict *verdict; /* of all */
} part;

static whet_status check(whet_ctx *own, void *job) {
    part *p = job;
    return p->check(own, p->judge, p->object, p->source, p->n_bytes, &p->found);
}

static whet_status take(whet_ctx *ctx, void *job) {
    (void)ctx;
    const part *p = job;
    whet_verdict *v = p->verdict;
    if (v->code != WHET_V_PASS) return WHET_OK;
    const int64_t n_before = v->n_checked;
    const double worst_before = v->worst;
    *v = p->found;
    v->n_checked += n_before;
    v->worst = fmax(v->worst, worst_before);
    return WHET_OK;
}

static void drop(whet_ctx *own, void *job) {
    (void)own, (void)job;
}

whet_status whet_judge_finish(whet_ctx *ctx, const whet_judge *judge, const char *source,
                              size_t n_bytes, const whet_object *object, whet_verdict *verdict) {
    static const whet_crew_work work = { check, take, drop };
    part parts[] = { { .check = whet_far_check },
                     { .check = whet_trap_check },
                     { .check = whet_near_check },
                     { .check = whet_cover_check } };
    const int n = (int)(sizeof parts / sizeof *parts);
    for (int i = 0; i < n; i++) {
        parts[i] = (part){ parts[i].check, judge, object, source, n_bytes, *verdict, verdict };
        parts[i].found.n_checked = 0;
        parts[i].found.worst = 0;
    }
    return whet_crew_run(ctx, &work, parts, sizeof *parts, n);
}
