/* SPDX-License-Identifier: MIT */
/* Tests of the thread team: every worker runs once a job, and nobody passes a barrier early. */
#include "tests/test.h"

#include <pthread.h>
#include <unistd.h>

#include <whet/machine.h>

#include "platform/affinity.h"

static whet_ctx *ctx;

enum { N_RUNS = 200, N_BARRIERS = 5, MAX_TEAM = 64 };

/* Plain fields on purpose: the team alone orders the accesses (TSan looks). */
typedef struct steps {
    whet_team *team;
    int n_calls[MAX_TEAM];
    int step[MAX_TEAM];
    int n_wrong[MAX_TEAM];
} steps;

/* Every worker writes its own step and, after the barrier, must see all others at that step. */
static void keep_step(void *arg, int worker, int n_workers) {
    steps *s = arg;
    s->n_calls[worker]++;
    for (int b = 0; b < N_BARRIERS; b++) {
        s->step[worker]++;
        whet_team_barrier(s->team, worker);
        for (int i = 0; i < n_workers; i++)
            s->n_wrong[worker] += s->step[i] != s->step[worker];
        whet_team_barrier(s->team, worker);
    }
}

static void check_team_of(int n_threads, int n_runs) {
    steps s = { 0 };
    REQUIRE_OK(ctx, whet_team_open(ctx, n_threads, &s.team));
    CHECK_INT(whet_team_size(s.team), n_threads);
    for (int r = 0; r < n_runs; r++) {
        whet_team_run(s.team, keep_step, &s);
        for (int i = 0; i < n_threads; i++)
            CHECK_INT(s.n_calls[i], r + 1);
    }
    for (int i = 0; i < MAX_TEAM; i++) {
        CHECK_INT(s.step[i], i < n_threads ? n_runs * N_BARRIERS : 0);
        CHECK_INT(s.n_wrong[i], 0);
    }
    whet_team_close(s.team);
}

static void barriers_hold_for_every_size(void) {
    static const int sizes[] = { 1, 2, 3, 8, 9, 16, 17 };
    for (size_t i = 0; i < TEST_COUNT(sizes); i++)
        check_team_of(sizes[i], N_RUNS);
    check_team_of(MAX_TEAM, 5);
}

static void many_teams_open_and_close(void) {
    for (int i = 0; i < 50; i++)
        check_team_of(1 + i % 4, i % 3);
}

/* Sleeping waiters: jobs come later than any spinning lasts, and workers arrive late in turn. */
static void arrive_late(void *arg, int worker, int n_workers) {
    steps *s = arg;
    if (s->n_calls[worker] % n_workers == worker) usleep(2000);
    keep_step(arg, worker, n_workers);
}

static void sleepers_are_woken(void) {
    steps s = { 0 };
    REQUIRE_OK(ctx, whet_team_open(ctx, 2, &s.team));
    for (int r = 0; r < 20; r++) {
        usleep(1000);
        whet_team_run(s.team, arrive_late, &s);
    }
    CHECK_INT(s.n_wrong[0] + s.n_wrong[1], 0);
    CHECK_INT(s.n_calls[1], 20);
    whet_team_close(s.team);
}

static void add_worker(void *arg, int worker, int n_workers) {
    (void)n_workers;
    ((int *)arg)[worker] += worker + 1;
}

static void *run_from_here(void *arg) {
    int sums[MAX_TEAM] = { 0 };
    whet_team_run(arg, add_worker, sums);
    CHECK_INT(sums[0] + sums[1] + sums[2], 6);
    return NULL;
}

static void another_thread_may_call(void) {
    whet_team *team;
    REQUIRE_OK(ctx, whet_team_open(ctx, 3, &team));
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, run_from_here, team) == 0);
    pthread_join(thread, NULL);
    run_from_here(team);
    whet_team_close(team);
}

/* What the caller starts later (compilers, other threads) must not inherit a pin. */
static void the_caller_keeps_its_affinity(void) {
    whet_cpuset before, after;
    whet_affinity_get(&before);
    check_team_of(2, 10);
    whet_team *team;
    REQUIRE_OK(ctx, whet_team_open(ctx, 0, &team));
    CHECK(whet_team_size(team) >= 1 && whet_team_size(team) <= whet_cpuset_count(&before));
    int sums[256] = { 0 };
    whet_team_run(team, add_worker, sums);
    whet_affinity_get(&after);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    whet_team_close(team);
}

static void record_cpus(void *arg, int worker, int n_workers) {
    (void)n_workers;
    whet_affinity_get((whet_cpuset *)arg + worker);
}

static void workers_have_processors_of_their_own(void) {
    whet_cpuset usable, of[2];
    whet_affinity_get(&usable);
#ifndef __linux__
    SKIP("the system pins no threads");
#endif
    if (whet_cpuset_count(&usable) < 2) SKIP("one processor");
    whet_team *team;
    REQUIRE_OK(ctx, whet_team_open(ctx, 2, &team));
    whet_team_run(team, record_cpus, of);
    whet_team_close(team);
    CHECK_INT(whet_cpuset_count(&of[1]), 1);
    CHECK(whet_cpuset_has(&usable, whet_cpuset_next(&of[1], 0)));
}

static void sizes_outside_are_refused(void) {
    whet_team *team;
    CHECK_STATUS(ctx, whet_team_open(ctx, -1, &team), WHET_E_ARG);
    CHECK_STATUS(ctx, whet_team_open(ctx, 257, &team), WHET_E_ARG);
    CHECK_CONTAINS(whet_ctx_message(ctx), "257");
    CHECK(team == NULL);
    whet_team_close(NULL);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    static const test_case tests[] = {
        { "barriers_hold_for_every_size", barriers_hold_for_every_size },
        { "many_teams_open_and_close", many_teams_open_and_close },
        { "sleepers_are_woken", sleepers_are_woken },
        { "another_thread_may_call", another_thread_may_call },
        { "the_caller_keeps_its_affinity", the_caller_keeps_its_affinity },
        { "workers_have_processors_of_their_own", workers_have_processors_of_their_own },
        { "sizes_outside_are_refused", sizes_outside_are_refused },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
