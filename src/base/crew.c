/* SPDX-License-Identifier: MIT */
/* Threads for jobs that are done side by side. */
#include "base/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { POLL_NS = 20000000 };

typedef struct crew {
    whet_ctx *ctx;
    const whet_crew_work *work;
    atomic_bool has_failed;
    pthread_mutex_t telling; /* guards the log of ctx */
} crew;

typedef struct hand {
    crew *crew;
    whet_ctx *ctx; /* owned */
    void *job;
    whet_status status;
    pthread_t thread;
    bool is_started;
} hand;

static void pass_on(void *data, whet_log_level level, const char *module, const char *text) {
    crew *c = data;
    pthread_mutex_lock(&c->telling);
    whet_log(c->ctx, level, module, "%s", text);
    pthread_mutex_unlock(&c->telling);
}

static void *work_on(void *arg) {
    hand *h = arg;
    h->status = h->crew->work->run(h->ctx, h->job);
    if (h->status != WHET_OK) atomic_store(&h->crew->has_failed, true);
    return NULL;
}

static whet_status begin(hand *h) {
    crew *c = h->crew;
    h->ctx = whet_ctx_open(
        &(whet_ctx_opts){ .log = pass_on, .log_data = c, .log_level = WHET_LOG_DEBUG });
    if (!h->ctx) return whet_fail_nomem(c->ctx, 1);
    if (pthread_create(&h->thread, NULL, work_on, h) != 0)
        return whet_fail(c->ctx, WHET_E_NOMEM, "the system starts no more threads");
    h->is_started = true;
    return WHET_OK;
}

/* Waits for a thread, and hands on a request to stop. */
static void join(hand *h) {
    for (;;) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += POLL_NS;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        if (pthread_timedjoin_np(h->thread, NULL, &until) != ETIMEDOUT) return;
        if (whet_ctx_is_cancelled(h->crew->ctx) || atomic_load(&h->crew->has_failed))
            whet_ctx_cancel(h->ctx);
    }
}

whet_status whet_crew_run(whet_ctx *ctx, const whet_crew_work *work, void *jobs, size_t job_bytes,
                          int n) {
    crew c = { .ctx = ctx, .work = work, .telling = PTHREAD_MUTEX_INITIALIZER };
    hand hands[WHET_MAX_CREW] = { 0 };
    whet_status st = WHET_OK;
    for (int i = 0; i < n && st == WHET_OK; i++) {
        hands[i] = (hand){ .crew = &c, .job = (char *)jobs + (size_t)i * job_bytes };
        st = begin(&hands[i]);
    }
    if (st != WHET_OK) atomic_store(&c.has_failed, true);
    for (int i = 0; i < n; i++) {
        const hand *h = &hands[i];
        if (h->is_started) join(&hands[i]);
        if (h->status != WHET_OK && (st == WHET_OK || st == WHET_E_CANCELLED))
            st = whet_fail(ctx, h->status, "%s", whet_ctx_message(h->ctx));
    }
    for (int i = 0; i < n && st == WHET_OK; i++)
        st = work->take(ctx, hands[i].job);
    for (int i = 0; i < n; i++) {
        if (hands[i].is_started) work->drop(hands[i].ctx, hands[i].job);
        whet_ctx_close(hands[i].ctx);
    }
    return st;
}
