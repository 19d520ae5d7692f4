/* SPDX-License-Identifier: MIT */
/* Worker processes, from the judge's side. */
#include "judge/link.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "judge/jail.h"
#include "platform/sealed.h"

enum { POLL_MS = 50, LOAD_SECONDS = 20, N_FDS = 5, SPARE_FD = 20, GOING_MS = 200, TIMES = 20 };

/* In the child, between fork and exec: async-signal-safe calls only. The descriptors go up first,
 * so that none is overwritten before it is moved to its place. */
static void become_worker(const char *program, const int fds[N_FDS]) {
    setpgid(0, 0); /* the terminal's Ctrl-C is for the judge */
    int high[N_FDS];
    for (int i = 0; i < N_FDS; i++)
        high[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, SPARE_FD);
    const int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < WHET_WORKER_SOCKET; i++)
        dup2(null, i);
    for (int i = 0; i < N_FDS; i++)
        if (high[i] >= 0)
            dup2(high[i], WHET_WORKER_SOCKET + i);
        else
            close(WHET_WORKER_SOCKET + i);
    close_range(WHET_WORKER_SOCKET + N_FDS, ~0U, 0);
    char name[] = "_worker";
    char *const argv[] = { (char *)(uintptr_t)program, name, NULL };
    char *const environment[] = { NULL };
    execve(program, argv, environment);
    _exit(127);
}

/* The very bytes of the object, under a descriptor: what is hashed is what is loaded. */
static whet_status hand_over(whet_ctx *ctx, const whet_object *object, int *fd) {
    *fd = -1;
    if (object->built_in) return WHET_OK;
    return whet_sealed_open(ctx, "whet-object", object->bytes, object->n_bytes, fd);
}

static whet_status start(whet_ctx *ctx, const char *program, const whet_object *object,
                         const whet_shared *rows, whet_link *link) {
    int object_fd, pair[2] = { -1, -1 };
    uint64_t seed;
    whet_status st = hand_over(ctx, object, &object_fd);
    if (st == WHET_OK && getrandom(&seed, sizeof seed, 0) != sizeof seed)
        st = whet_fail(ctx, WHET_E_IO, "the system has no random seed: %s", strerror(errno));
    if (st == WHET_OK) whet_rng_init(&link->rng, seed);
    if (st == WHET_OK) st = whet_shared_open(ctx, true, &link->inputs);
    if (st == WHET_OK) st = whet_shared_open(ctx, false, &link->outputs);
    if (st == WHET_OK && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        st = whet_fail(ctx, WHET_E_IO, "make a worker's channel: %s", strerror(errno));
    if (st == WHET_OK) {
        const int fds[N_FDS] = { pair[1], link->inputs.fd, link->outputs.fd, object_fd,
                                 rows ? rows->fd : -1 };
        link->pid = whet_jail_fork();
        if (link->pid == 0) become_worker(program, fds);
        if (link->pid < 0) {
            link->pid = 0;
            st = whet_fail(ctx, WHET_E_IO, "start %s: %s", program, strerror(errno));
        }
    }
    if (pair[0] >= 0) link->socket = pair[0];
    if (pair[1] >= 0) close(pair[1]);
    if (object_fd >= 0) close(object_fd);
    return st;
}

/* Ends the worker; its wait status. */
static int end_worker(whet_link *link) {
    int status = 0;
    if (link->pid > 0) {
        kill(-link->pid, SIGKILL); /* those that it started */
        kill(link->pid, SIGKILL);
        while (waitpid(link->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    link->pid = 0;
    return status;
}

void whet_link_close(whet_link *link) {
    end_worker(link);
    if (link->socket > 0) close(link->socket);
    whet_shared_close(&link->inputs);
    whet_shared_close(&link->outputs);
    *link = (whet_link){ 0 };
}

whet_status whet_link_place(whet_ctx *ctx, whet_link *link, whet_request *request) {
    size_t n_inputs = 0, n_outputs = 0;
    for (int i = 0; i < WHET_N_SECTIONS; i++) {
        whet_span *span = &request->sections[i];
        if (whet_section_is_of_rows(request, i)) continue;
        size_t *n = whet_section_is_input(i) ? &n_inputs : &n_outputs;
        span->offset = *n;
        if (__builtin_add_overflow(*n, span->bytes, n)) return whet_fail_nomem(ctx, SIZE_MAX);
    }
    WHET_TRY(whet_shared_grow(ctx, &link->inputs, n_inputs));
    return whet_shared_grow(ctx, &link->outputs, n_outputs);
}

void whet_link_forget(const whet_link *link, const whet_request *request, whet_section section,
                      size_t from) {
    const whet_span *span = &request->sections[section];
    if (from < span->bytes)
        fallocate(link->outputs.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  (off_t)(span->offset + from), (off_t)(span->bytes - from));
}

char *whet_link_section(const whet_link *link, const whet_request *request, whet_section section) {
    const whet_shared *s = whet_section_is_input(section) ? &link->inputs : &link->outputs;
    return s->bytes + request->sections[section].offset;
}

/* Waits for the socket until the time is up; false = late. */
static whet_status wait_for_reply(whet_ctx *ctx, const whet_link *link, double deadline_ns,
                                  bool *is_there) {
    *is_there = false;
    while (!*is_there && whet_clock_ns() < deadline_ns) {
        struct pollfd p = { .fd = link->socket, .events = POLLIN };
        *is_there = poll(&p, 1, POLL_MS) > 0;
        WHET_TRY(whet_check_cancelled(ctx));
    }
    return WHET_OK;
}

/* Takes what has come, believing nothing of it. */
static whet_link_end receive(const whet_link *link, uint64_t serial, whet_reply *reply) {
    const ssize_t n = recv(link->socket, reply, sizeof *reply, MSG_DONTWAIT | MSG_TRUNC);
    reply->text[sizeof reply->text - 1] = '\0';
    if (n <= 0) return WHET_LINK_DIED;
    if (n != (ssize_t)sizeof *reply || reply->serial != serial || reply->answer >= WHET_N_ANSWERS)
        return WHET_LINK_GARBLED;
    return reply->answer == WHET_ANSWER_FAULT ? WHET_LINK_FAULT : WHET_LINK_ANSWERED;
}

/* A fresh worker says that it is there before it touches the object. */
static whet_status greet(whet_ctx *ctx, whet_link *link, const char *program, whet_reply *reply) {
    bool is_there;
    WHET_TRY(wait_for_reply(ctx, link, whet_clock_ns() + LOAD_SECONDS * 1e9, &is_there));
    if (!is_there || receive(link, 0, reply) != WHET_LINK_ANSWERED)
        return whet_fail(ctx, WHET_E_IO, "%s does not serve as a worker", program);
    link->jail = reply->jail & ~(uint32_t)WHET_JAIL_SEALS;
    if (link->inputs.is_sealed) link->jail |= WHET_JAIL_SEALS;
    return WHET_OK;
}

bool whet_link_send(whet_link *link, const whet_request *request) {
    whet_request numbered = *request;
    numbered.serial = link->serial = whet_rng_u64(&link->rng);
    return send(link->socket, &numbered, sizeof numbered, MSG_NOSIGNAL) >= 0;
}

bool whet_link_has_word(const whet_link *link) {
    struct pollfd p = { .fd = link->socket, .events = POLLIN };
    return poll(&p, 1, 0) > 0;
}

/* It has gone, or is going: its own signal, which may come before ours, tells why. */
static void bury(whet_link *link, whet_reply *reply) {
    int status = 0;
    bool is_gone = false;
    for (int i = 0; i < GOING_MS && !is_gone && link->pid > 0; i++) {
        is_gone = waitpid(link->pid, &status, WNOHANG) == link->pid;
        if (!is_gone) usleep(1000);
    }
    *reply = (whet_reply){ .section = WHET_N_SECTIONS };
    if (is_gone && WIFSIGNALED(status)) reply->signal = WTERMSIG(status);
    if (is_gone) kill(-link->pid, SIGKILL); /* those that it started */
    if (is_gone) link->pid = 0;
    end_worker(link);
}

whet_status whet_link_receive(whet_ctx *ctx, whet_link *link, double deadline_ns,
                              whet_link_end *end, whet_reply *reply, double *at_ns) {
    bool is_there;
    *reply = (whet_reply){ 0 };
    WHET_TRY(wait_for_reply(ctx, link, deadline_ns, &is_there));
    *end = is_there ? receive(link, link->serial, reply) : WHET_LINK_LATE;
    if (!is_there) snprintf(reply->text, sizeof reply->text, "it was stopped, being late");
    *at_ns = whet_clock_ns();
    const bool is_broken = *end == WHET_LINK_ANSWERED && reply->answer == WHET_ANSWER_BROKEN;
    if (*end == WHET_LINK_DIED)
        bury(link, reply);
    else if (*end != WHET_LINK_ANSWERED || is_broken)
        end_worker(link);
    if (is_broken) return whet_fail(ctx, WHET_E_INTERNAL, "the worker says: %s", reply->text);
    return WHET_OK;
}

/* ---- limits ---- */

static double call_limit_ns(const whet_limits *l) {
    return l->call_seconds * 1e9 + TIMES * l->baseline_ns;
}

/* Of all that was asked until now. */
static double total_limit_ns(const whet_link *link, const whet_limits *l) {
    return l->total_seconds * 1e9 + TIMES * link->baseline_ns;
}

/* By the clock: of the call, or what is left of that of all. */
static double patience_ns(const whet_link *link, const whet_limits *l) {
    if (l->call_seconds == 0) return l->wall_seconds * 1e9;
    return fmin(TIMES * call_limit_ns(l), TIMES * total_limit_ns(link, l) - link->wall_ns);
}

static void stop(whet_link *link, whet_link_end *end, whet_reply *reply, const char *what,
                 double ns) {
    end_worker(link);
    *end = WHET_LINK_LATE;
    snprintf(reply->text, sizeof reply->text, "%s more than %.3g s of processor time", what,
             ns * 1e-9);
}

static void tell_late(const whet_link *link, const whet_limits *l, double patience,
                      whet_reply *reply) {
    const bool is_last = l->call_seconds > 0 && patience < TIMES * call_limit_ns(l);
    snprintf(reply->text, sizeof reply->text, "%s stopped after %.3g s",
             is_last ? "its calls were together" : "it was",
             (is_last ? link->wall_ns + patience : patience) * 1e-9);
}

static void count(whet_link *link, const whet_limits *l, double wall_ns, whet_link_end *end,
                  whet_reply *reply) {
    const double total_ns = total_limit_ns(link, l);
    link->cpu_ns += (double)reply->cpu_ns;
    link->wall_ns += wall_ns;
    if (*end == WHET_LINK_FAULT && reply->signal == SIGPROF)
        stop(link, end, reply, "it took", call_limit_ns(l));
    else if (*end == WHET_LINK_ANSWERED && link->cpu_ns > total_ns)
        stop(link, end, reply, "its calls took together", total_ns);
}

whet_status whet_link_ask(whet_ctx *ctx, whet_link *link, const whet_request *request,
                          const whet_limits *limits, whet_link_end *end, whet_reply *reply,
                          double *wall_ns) {
    whet_request limited = *request;
    link->baseline_ns += limits->baseline_ns;
    limited.cpu_ns = (uint64_t)(limits->call_seconds > 0 ? call_limit_ns(limits) : 0);
    const double start_ns = whet_clock_ns(), patience = patience_ns(link, limits);
    double at_ns = start_ns;
    whet_link_send(link, &limited); /* where that cannot be, the socket is at its end */
    WHET_TRY(whet_link_receive(ctx, link, start_ns + patience, end, reply, &at_ns));
    if (*end == WHET_LINK_LATE) tell_late(link, limits, patience, reply);
    if (limits->call_seconds > 0) count(link, limits, at_ns - start_ns, end, reply);
    if (wall_ns) *wall_ns = at_ns - start_ns;
    return WHET_OK;
}

whet_status whet_link_open_timed(whet_ctx *ctx, const char *program, const whet_object *object,
                                 const whet_problem *problem, const whet_shared *rows,
                                 whet_link *link, whet_link_end *end, whet_reply *reply) {
    *link = (whet_link){ 0 };
    whet_status st = start(ctx, program, object, rows, link);
    whet_request request = { .op = WHET_OP_LOAD, .problem = *problem };
    if (object->built_in)
        snprintf(request.built_in, sizeof request.built_in, "%s", object->built_in);
    if (st == WHET_OK) st = greet(ctx, link, program, reply);
    const whet_limits limits = { .wall_seconds = LOAD_SECONDS };
    if (st == WHET_OK) st = whet_link_ask(ctx, link, &request, &limits, end, reply, NULL);
    if (st != WHET_OK) whet_link_close(link);
    return st;
}

whet_status whet_link_open(whet_ctx *ctx, const char *program, const whet_object *object,
                           const whet_problem *problem, whet_link *link, whet_link_end *end,
                           whet_reply *reply) {
    return whet_link_open_timed(ctx, program, object, problem, NULL, link, end, reply);
}

static const char *const section_names[WHET_N_SECTIONS] = {
    "k", "v", "q", "the calls", "the cache", "out", "the cache", "the workspace", "the bell",
};

static void blame_fault(const whet_reply *reply, whet_gate gate, whet_verdict *verdict) {
    const bool is_known = reply->section >= 0 && reply->section < WHET_N_SECTIONS;
    const char *where = is_known ? section_names[reply->section] : "memory";
    if (is_known && reply->touch == WHET_TOUCH_READ_ONLY)
        whet_verdict_reject(verdict, WHET_V_TOUCHED_INPUT, gate,
                            "it wrote to %s, which is read-only there", where);
    else if (is_known && reply->touch == WHET_TOUCH_GUARD)
        whet_verdict_reject(verdict, WHET_V_OUT_OF_BOUNDS, gate, "it went past the pages of %s",
                            where);
    else if (reply->signal == SIGSYS)
        whet_verdict_reject(verdict, WHET_V_FORBIDDEN, gate, "it called the system");
    else
        whet_verdict_reject(verdict, WHET_V_CRASHED, gate, "signal %d ended it (%s)", reply->signal,
                            strsignal(reply->signal));
}

bool whet_link_blame(whet_link_end end, const whet_reply *reply, whet_gate gate,
                     whet_verdict *verdict) {
    switch (end) {
    case WHET_LINK_FAULT: blame_fault(reply, gate, verdict); return true;
    case WHET_LINK_LATE:
        whet_verdict_reject(verdict, WHET_V_TIMED_OUT, gate, "%s", reply->text);
        return true;
    case WHET_LINK_DIED:
        if (reply->signal)
            blame_fault(reply, gate, verdict);
        else
            whet_verdict_reject(verdict, WHET_V_CRASHED, gate, "it ended the process");
        return true;
    case WHET_LINK_GARBLED:
        whet_verdict_reject(verdict, WHET_V_FORBIDDEN, gate, "what its process says is no answer");
        return true;
    case WHET_LINK_ANSWERED: break;
    }
    if (reply->answer == WHET_ANSWER_ENDED)
        whet_verdict_reject(verdict, WHET_V_CRASHED, gate, "it ended the process");
    if (reply->answer == WHET_ANSWER_ENDED) return true;
    if (reply->answer == WHET_ANSWER_RACED) {
        const bool is_known = reply->section >= 0 && reply->section < WHET_N_SECTIONS;
        whet_verdict_reject(verdict, WHET_V_INCONSISTENT, gate,
                            "two workers of one phase write the same memory of %s",
                            is_known ? section_names[reply->section] : "the run");
        return true;
    }
    if (reply->answer == WHET_ANSWER_TOUCHED)
        whet_verdict_reject(verdict, WHET_V_TOUCHED_INPUT, gate,
                            "its timed runs wrote to the cache, which is read-only there");
    if (reply->answer == WHET_ANSWER_TOUCHED) return true;
    if (reply->answer != WHET_ANSWER_UNSUPPORTED) return false;
    whet_verdict_reject(verdict, WHET_V_UNSUPPORTED, WHET_GATE_OBJECT, "%s",
                        *reply->text ? reply->text : "it does not support the problem");
    return true;
}
