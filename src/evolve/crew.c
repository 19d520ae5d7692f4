/* SPDX-License-Identifier: MIT */
/* Building and checking several children side by side: neither is timed. */
#include "evolve/search.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { POLL_NS = 20000000 };

typedef struct hand {
    whet_ctx *ctx; /* owned: one a thread */
    whet_search *search;
    whet_member *member;
    whet_object object; /* belongs to ctx */
    whet_status status;
    pthread_t thread;
    bool is_started;
} hand;

static void *judge_one(void *arg) {
    hand *h = arg;
    whet_member *m = h->member;
    if (m->object.built_in) {
        h->status = whet_judge_check(h->ctx, h->search->judge, &m->object, &m->verdict);
        return NULL;
    }
    h->status = whet_judge_build(h->ctx, h->search->judge, m->text.text, m->text.len, &h->object,
                                 &m->verdict);
    if (h->status != WHET_OK || m->verdict.code != WHET_V_PASS) return NULL;
    const whet_verdict built = m->verdict;
    h->status = whet_judge_check(h->ctx, h->search->judge, &h->object, &m->verdict);
    m->verdict.build_ns = built.build_ns;
    memcpy(m->verdict.compiler_text, built.compiler_text, sizeof built.compiler_text);
    return NULL;
}

/* Waits for a thread, and hands on a request to stop. */
static void join(whet_ctx *ctx, hand *h) {
    for (;;) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += POLL_NS;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        if (pthread_timedjoin_np(h->thread, NULL, &until) != ETIMEDOUT) return;
        if (whet_ctx_is_cancelled(ctx)) whet_ctx_cancel(h->ctx);
    }
}

/* The object into the member's own memory, the message into the caller's context. */
static whet_status take_over(whet_ctx *ctx, hand *h) {
    if (h->status != WHET_OK) return whet_fail(ctx, h->status, "%s", whet_ctx_message(h->ctx));
    if (!h->object.bytes) return WHET_OK;
    h->member->object = h->object;
    h->member->object.bytes = whet_alloc(ctx, h->object.n_bytes);
    if (!h->member->object.bytes) return WHET_E_NOMEM;
    memcpy(h->member->object.bytes, h->object.bytes, h->object.n_bytes);
    return WHET_OK;
}

whet_status whet_search_judge_all(whet_ctx *ctx, whet_search *s, whet_member *const *members,
                                  int n) {
    hand hands[WHET_MAX_BREED] = { 0 };
    whet_status st = WHET_OK;
    for (int i = 0; i < n && st == WHET_OK; i++) {
        hands[i] = (hand){ .ctx = whet_ctx_open(NULL), .search = s, .member = members[i] };
        if (!hands[i].ctx)
            st = whet_fail_nomem(ctx, 1);
        else if (pthread_create(&hands[i].thread, NULL, judge_one, &hands[i]) != 0)
            st = whet_fail(ctx, WHET_E_NOMEM, "the system starts no more threads");
        else
            hands[i].is_started = true;
    }
    for (int i = 0; i < n; i++) {
        if (hands[i].is_started) join(ctx, &hands[i]);
        if (st == WHET_OK && hands[i].is_started) st = take_over(ctx, &hands[i]);
        if (hands[i].ctx) whet_object_fini(hands[i].ctx, &hands[i].object);
        whet_ctx_close(hands[i].ctx);
    }
    return st;
}
