/* SPDX-License-Identifier: MIT */
/* The thread team: one gate to start jobs, one barrier to end them and to keep step inside.
 *
 * Pinning. Each started thread is pinned to a processor of its own; the opener's current one is
 * kept free as the home of worker 0. The caller itself is never left pinned, since its children and
 * other threads would inherit that: when the scheduler has carried it away from home, a run begins
 * with moving it back. A team larger than the usable processors is not pinned, and a team of one
 * thread runs wherever the caller does. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include <whet/machine.h>

#include "base/ctx.h"
#include "platform/affinity.h"
#include "platform/gate.h"
#include "platform/machine.h"

enum {
    MAX_WORKERS = 256,
    GROUP = 8, /* workers that count their arrival on one line */
    SPIN_NS = 100000,
};

typedef struct counter {
    _Alignas(WHET_PADDING) _Atomic int n;
} counter;

typedef struct member {
    whet_team *team;
    pthread_t thread;
    int worker;
    int cpu; /* its own processor; -1 = not pinned */
} member;

struct whet_team {
    whet_gate start;   /* opened once a job, and once to stop */
    whet_gate barrier; /* opened when all workers have arrived */
    counter arrived[MAX_WORKERS / GROUP];
    counter groups_arrived;
    whet_team_fn fn; /* of the job; written before start opens */
    void *arg;
    bool is_stopping;
    whet_ctx *ctx; /* borrowed until close */
    void *block;   /* the allocation that holds this struct at its alignment */
    int n_workers;
    double spin_ns;
    member members[MAX_WORKERS]; /* [0] is the caller: only its cpu counts */
};

/* Counts one arrival; the last worker of the last group opens the barrier. */
static void arrive(whet_team *team, int worker) {
    const int n = team->n_workers;
    const int group = worker / GROUP, n_groups = (n + GROUP - 1) / GROUP;
    const int group_size = group < n_groups - 1 ? GROUP : n - group * GROUP;
    counter *c = &team->arrived[group];
    if (atomic_fetch_add_explicit(&c->n, 1, memory_order_acq_rel) + 1 < group_size) return;
    atomic_store_explicit(&c->n, 0, memory_order_relaxed); /* nobody comes before it opens */
    if (n_groups > 1) {
        c = &team->groups_arrived;
        if (atomic_fetch_add_explicit(&c->n, 1, memory_order_acq_rel) + 1 < n_groups) return;
        atomic_store_explicit(&c->n, 0, memory_order_relaxed);
    }
    whet_gate_open(&team->barrier);
}

void whet_team_barrier(whet_team *team, int worker) {
    if (team->n_workers == 1) return;
    /* It cannot open before we arrive: what we read is the value of this round. */
    const uint32_t round = atomic_load_explicit(&team->barrier.value, memory_order_relaxed);
    arrive(team, worker);
    whet_gate_wait(&team->barrier, round, team->spin_ns);
}

static void *work(void *arg) {
    member *m = arg;
    whet_team *team = m->team;
    if (m->cpu >= 0) whet_affinity_pin(m->cpu);
    for (uint32_t job = 0;; job++) {
        whet_gate_wait(&team->start, job, team->spin_ns);
        if (team->is_stopping) return NULL;
        team->fn(team->arg, m->worker, team->n_workers);
        arrive(team, m->worker);
    }
}

/* Brings worker 0 back to its processor without leaving it pinned there. */
static void go_home(const whet_team *team) {
    const int home = team->members[0].cpu;
    if (home < 0 || whet_affinity_current() == home) return;
    whet_cpuset allowed;
    whet_affinity_get(&allowed);
    if (whet_affinity_pin(home)) whet_affinity_set(&allowed);
}

void whet_team_run(whet_team *team, whet_team_fn fn, void *arg) {
    if (team->n_workers == 1) {
        fn(arg, 0, 1);
        return;
    }
    go_home(team);
    team->fn = fn;
    team->arg = arg;
    whet_gate_open(&team->start);
    fn(arg, 0, team->n_workers);
    whet_team_barrier(team, 0);
}

/* Sets the size and gives the workers processors, beginning with the one the caller runs on: cores
 * first, siblings of cores only for a team that needs them. */
static void choose_cpus(whet_team *team, int n_threads) {
    whet_cpuset usable;
    whet_machine machine;
    whet_topology topology;
    whet_affinity_get(&usable);
    whet_machine_read_at("", &usable, &machine, &topology);
    const int n = n_threads ? n_threads : machine.n_threads;
    const whet_cpuset *from = &usable;
    if (n <= whet_cpuset_count(&topology.cores)) from = &topology.cores;
    if (n <= whet_cpuset_count(&topology.team)) from = &topology.team;
    const bool fits = n <= machine.n_usable;
    team->n_workers = n;
    int cpu = whet_affinity_current();
    for (int i = 0; i < n; i++) {
        cpu = whet_cpuset_next(from, cpu);
        if (cpu < 0) cpu = whet_cpuset_next(from, 0);
        team->members[i].cpu = fits && n > 1 ? cpu : -1;
        cpu++;
    }
    team->spin_ns = fits ? SPIN_NS : 0; /* who spins there keeps others from arriving */
}

/* Starts the threads with all signals blocked: they are the caller's to handle. */
static int start_threads(whet_team *team) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int n = 1;
    for (; n < team->n_workers; n++) {
        member *m = &team->members[n];
        m->team = team;
        m->worker = n;
        if (pthread_create(&m->thread, NULL, work, m) != 0) break;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return n;
}

/* Ends the threads 1 .. n - 1, which are waiting for a job. */
static void stop_threads(whet_team *team, int n) {
    team->is_stopping = true;
    whet_gate_open(&team->start);
    for (int i = 1; i < n; i++)
        pthread_join(team->members[i].thread, NULL);
}

static void release(whet_team *team) {
    whet_gate_fini(&team->start);
    whet_gate_fini(&team->barrier);
    whet_free(team->ctx, team->block);
}

whet_status whet_team_open(whet_ctx *ctx, int n_threads, whet_team **out) {
    *out = NULL;
    if (n_threads < 0 || n_threads > MAX_WORKERS)
        return whet_fail(ctx, WHET_E_ARG, "a team of %d threads, at most %d are allowed", n_threads,
                         MAX_WORKERS);
    void *block = whet_alloc_zero(ctx, 1, sizeof(whet_team) + WHET_PADDING);
    if (!block) return WHET_E_NOMEM;
    const uintptr_t aligned = ((uintptr_t)block + WHET_PADDING - 1) & -(uintptr_t)WHET_PADDING;
    whet_team *team = (whet_team *)aligned;
    team->ctx = ctx;
    team->block = block;
    whet_gate_init(&team->start);
    whet_gate_init(&team->barrier);
    choose_cpus(team, n_threads);
    const int n_started = start_threads(team);
    if (n_started < team->n_workers) {
        const int n_wanted = team->n_workers;
        stop_threads(team, n_started);
        release(team);
        return whet_fail(ctx, WHET_E_NOMEM, "the system starts only %d of %d threads",
                         n_started - 1, n_wanted - 1);
    }
    *out = team;
    return WHET_OK;
}

void whet_team_close(whet_team *team) {
    if (!team) return;
    stop_threads(team, team->n_workers);
    release(team);
}

int whet_team_size(const whet_team *team) {
    return team->n_workers;
}
