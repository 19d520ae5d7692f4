/* SPDX-License-Identifier: MIT */
/* The worker process: loads one kernel and has children do what the judge asks for. It holds no
 * clock, no expected output, no seed and no verdict. */
#include "judge/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <unistd.h>

#include "judge/jail.h"

enum { BROKEN = 3 }; /* exit code of a child that could not do what comes before its lock */

/* The signal handler has no other way to it. Written once, before the first request. */
static whet_worker *the_worker;

/* The pages in which an object marks what it takes: the children share them. */
static whet_status find_cover(whet_worker *w) {
    uint8_t *begin = whet_attention_library_find(w->library, "whet_cover");
    const uint8_t *end = whet_attention_library_find(w->library, "whet_cover_end");
    if (!begin || end <= begin || (uintptr_t)begin % w->page) return WHET_OK;
    w->n_seen = (size_t)(end - begin);
    w->seen = mmap(begin, w->n_seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
                   -1, 0);
    return w->seen == MAP_FAILED ? whet_fail_nomem(w->ctx, w->n_seen) : WHET_OK;
}

static whet_status load(whet_worker *w, const whet_request *request) {
    const whet_attention_kernel *kernel = NULL;
    if (*request->built_in) {
        kernel = whet_attention_find(request->built_in);
        if (!kernel)
            return whet_fail(w->ctx, WHET_E_UNSUPPORTED, "there is no built-in kernel %s",
                             request->built_in);
    } else {
        WHET_TRY(whet_attention_load(w->ctx, "/proc/self/fd/6", &w->library));
        kernel = whet_attention_library_kernel(w->library);
        WHET_TRY(find_cover(w));
    }
    w->attention.kernel = kernel;
    return WHET_OK;
}

/* ---- in a child, locked in ---- */

static void ask_sizes(whet_worker *w, const whet_request *r) {
    const whet_attention_kernel *kernel = w->attention.kernel;
    w->answer->kv_bytes = kernel->kv_bytes(&r->problem, r->capacity);
    w->answer->workspace_bytes = kernel->workspace_bytes(&r->problem, r->n_workers);
}

static void ask_capacities(const whet_worker *w, const whet_request *r) {
    uint64_t *bytes = (uint64_t *)w->windows[WHET_SECTION_OUT].data;
    for (int64_t i = 0; i < r->n; i++)
        bytes[i] = w->attention.kernel->kv_bytes(&r->problem, i + 1);
}

static void tell_cover(const whet_worker *w, const whet_request *r) {
    const size_t n = (size_t)r->n < w->n_seen ? (size_t)r->n : w->n_seen;
    if (w->seen) memcpy(w->windows[WHET_SECTION_OUT].data, w->seen, n);
}

/* The worker itself could not do it. */
static void tell_fault(const whet_worker *w, whet_reply *reply) {
    reply->answer = WHET_ANSWER_BROKEN;
    snprintf(reply->text, sizeof reply->text, "%s", whet_ctx_message(w->ctx));
}

/* Nothing is flushed, and no sanitizer is asked, which would call the system once more. */
static _Noreturn void end_process(long code) {
    for (;;)
        syscall(SYS_exit_group, code);
}

static bool receive(whet_worker *w, whet_request *request) {
    ssize_t n;
    do
        n = recv(WHET_WORKER_SOCKET, request, sizeof *request, 0);
    while (n < 0 && errno == EINTR);
    request->built_in[sizeof request->built_in - 1] = '\0';
    w->answer->serial = request->serial;
    return n == (ssize_t)sizeof *request;
}

static bool answer(const whet_worker *w, const whet_reply *reply) {
    whet_reply numbered = *reply;
    numbered.serial = w->answer->serial;
    return send(WHET_WORKER_SOCKET, &numbered, sizeof numbered, MSG_NOSIGNAL) >= 0;
}

/* Timed requests, until the judge has enough: it kills us. */
static void serve_batches(whet_worker *w, const whet_request *first) {
    whet_reply reply = { .answer = WHET_ANSWER_DONE };
    const whet_status st = whet_worker_prepare(w, first);
    if (st != WHET_OK) tell_fault(w, &reply);
    close_range(0, WHET_WORKER_SOCKET - 1, 0);
    close_range(WHET_WORKER_SOCKET + 1, ~0U, 0);
    whet_jail_lock_team();
    whet_request request;
    while (answer(w, &reply) && receive(w, &request)) {
        reply = (whet_reply){ .answer = WHET_ANSWER_DONE };
        if (!whet_worker_time(w, &request, &reply)) break;
    }
}

static void serve_once(whet_worker *w, const whet_request *r) {
    whet_status st = WHET_OK;
    if (r->op == WHET_OP_APPEND) st = whet_worker_map_append(w, r);
    if (r->op == WHET_OP_RUN) st = whet_worker_map_run(w, r);
    if (r->op == WHET_OP_CAPACITIES || r->op == WHET_OP_COVER)
        st = whet_worker_map(w, r, 1u << WHET_SECTION_OUT);
    if (st != WHET_OK) {
        tell_fault(w, w->answer);
        end_process(BROKEN);
    }
    if (r->cpu_ns) whet_jail_limit_cpu(r->cpu_ns);
    whet_jail_lock();
    whet_answer end = WHET_ANSWER_DONE;
    switch ((whet_op)r->op) {
    case WHET_OP_LOAD:
        if (!w->attention.kernel->supports(&r->problem)) end = WHET_ANSWER_UNSUPPORTED;
        break;
    case WHET_OP_SIZES: ask_sizes(w, r); break;
    case WHET_OP_COVER: tell_cover(w, r); break;
    case WHET_OP_CAPACITIES: ask_capacities(w, r); break;
    case WHET_OP_APPEND: whet_worker_append(w, r); break;
    case WHET_OP_RUN: end = whet_worker_run(w, r); break;
    default: break; /* PREPARE and what comes after it has a child of its own */
    }
    w->answer->answer = end; /* it came back */
}

/* ---- the worker ---- */

/* Waits for a child's end; the processor time that it took. */
static uint64_t bury(pid_t pid, int *status) {
    struct rusage used = { 0 };
    while (wait4(pid, status, 0, &used) < 0 && errno == EINTR)
        continue;
    const struct timeval *user = &used.ru_utime, *system = &used.ru_stime;
    return (uint64_t)(user->tv_sec + system->tv_sec) * 1000000000 +
           (uint64_t)(user->tv_usec + system->tv_usec) * 1000;
}

/* Has a child do it, and waits for its end. */
static whet_status serve_in_child(whet_worker *w, const whet_request *r, whet_reply *reply) {
    *w->answer = (whet_reply){ .serial = r->serial, .answer = WHET_ANSWER_ENDED };
    const pid_t self = getpid(), pid = fork();
    if (pid < 0) return whet_fail(w->ctx, WHET_E_IO, "start a process: %s", strerror(errno));
    if (pid == 0) {
        w->is_child = true;
        if (!whet_jail_follow(self)) end_process(0);
        if (r->op == WHET_OP_PREPARE)
            serve_batches(w, r);
        else
            serve_once(w, r);
        end_process(0);
    }
    int status = 0;
    const uint64_t cpu_ns = bury(pid, &status);
    *reply = *w->answer;
    /* Only what came before the kernel was called is believed to be our own fault. */
    if (reply->answer == WHET_ANSWER_BROKEN &&
        !(WIFEXITED(status) && WEXITSTATUS(status) == BROKEN))
        reply->answer = WHET_ANSWER_ENDED;
    if (WIFSIGNALED(status))
        *reply = (whet_reply){ .answer = WHET_ANSWER_FAULT,
                               .signal = WTERMSIG(status),
                               .section = WHET_N_SECTIONS };
    reply->cpu_ns = cpu_ns;
    return WHET_OK;
}

static whet_status serve(whet_worker *w, const whet_request *request, whet_reply *reply) {
    if (request->op > WHET_OP_PREPARE)
        return whet_fail(w->ctx, WHET_E_INTERNAL, "request %u is not known", request->op);
    if (request->op == WHET_OP_LOAD && !w->attention.kernel) WHET_TRY(load(w, request));
    if (!w->attention.kernel) return whet_fail(w->ctx, WHET_E_INTERNAL, "no kernel is loaded");
    return serve_in_child(w, request, reply);
}

whet_status whet_judge_worker(whet_ctx *ctx) {
    whet_worker w = { .ctx = ctx, .page = (size_t)sysconf(_SC_PAGESIZE) };
    struct stat about;
    if (fstat(WHET_WORKER_SOCKET, &about) != 0 || !S_ISSOCK(about.st_mode))
        return whet_fail(ctx, WHET_E_ARG, "_worker is started by the judge, not by hand");
    w.jail = whet_jail_enter();
    w.answer = mmap(NULL, w.page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (w.answer == MAP_FAILED) return whet_fail_nomem(ctx, w.page);
    the_worker = &w;
    whet_request request;
    bool is_served = answer(&w, &(whet_reply){ .jail = w.jail });
    while (is_served && receive(&w, &request)) {
        whet_reply reply = { .answer = WHET_ANSWER_DONE };
        const whet_status st = serve(&w, &request, &reply);
        if (st == WHET_E_UNSUPPORTED || st == WHET_E_FORMAT) {
            tell_fault(&w, &reply);
            reply.answer = WHET_ANSWER_UNSUPPORTED;
        } else if (st != WHET_OK) {
            tell_fault(&w, &reply);
        }
        is_served = answer(&w, &reply);
    }
    the_worker = NULL;
    munmap(w.answer, w.page);
    return WHET_OK; /* the judge has gone */
}

__attribute__((no_sanitize("address", "undefined"))) void
whet_judge_worker_fault(int signal_number, const void *address) {
    if (the_worker) {
        whet_reply reply = { .serial = the_worker->answer->serial,
                             .answer = WHET_ANSWER_FAULT,
                             .signal = signal_number,
                             .section = WHET_N_SECTIONS };
        whet_worker_locate(the_worker, address, &reply);
        *the_worker->answer = reply;
        if (!the_worker->is_child)
            answer(the_worker, &reply); /* a constructor's fault, while it is loaded */
    }
    end_process(0);
}
