/* SPDX-License-Identifier: MIT */
/* The worker process: loads one kernel and does what the judge asks for. It holds no clock, no
 * expected output, no seed and no verdict. */
#include "judge/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <unistd.h>

#include <whet/judge.h>

enum { MAX_CPU_SECONDS = 600, ADDRESS_SPACE_GIB = 64 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SHADOW_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SHADOW_MEMORY 1
#endif
#endif

/* The signal handler has no other way to it. Written once, before the first request. */
static whet_worker *the_worker;

static void limit_self(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, 0 });
    setrlimit(RLIMIT_CPU, &(struct rlimit){ MAX_CPU_SECONDS, MAX_CPU_SECONDS });
#ifndef HAS_SHADOW_MEMORY
    const rlim_t space = (rlim_t)ADDRESS_SPACE_GIB << 30;
    setrlimit(RLIMIT_AS, &(struct rlimit){ space, space });
#endif
}

static whet_status load(whet_worker *w, const whet_request *request, whet_reply *reply) {
    const whet_attention_kernel *kernel = NULL;
    if (*request->built_in) {
        kernel = whet_attention_find(request->built_in);
        if (!kernel)
            return whet_fail(w->ctx, WHET_E_UNSUPPORTED, "there is no built-in kernel %s",
                             request->built_in);
    } else {
        WHET_TRY(whet_attention_load(w->ctx, "/proc/self/fd/5", &w->library));
        kernel = whet_attention_library_kernel(w->library);
    }
    w->attention.kernel = kernel;
    if (kernel->supports(&request->problem)) return WHET_OK;
    reply->answer = WHET_ANSWER_UNSUPPORTED;
    snprintf(reply->text, sizeof reply->text, "it does not support the problem");
    return WHET_OK;
}

static whet_status serve(whet_worker *w, const whet_request *request, whet_reply *reply) {
    const whet_attention_kernel *kernel = w->attention.kernel;
    if (request->op == WHET_OP_LOAD) return load(w, request, reply);
    if (!kernel) return whet_fail(w->ctx, WHET_E_INTERNAL, "no kernel is loaded");
    switch ((whet_op)request->op) {
    case WHET_OP_SIZES:
        reply->kv_bytes = kernel->kv_bytes(&request->problem, request->capacity);
        reply->workspace_bytes = kernel->workspace_bytes(&request->problem, request->n_workers);
        return WHET_OK;
    case WHET_OP_CASE: return whet_worker_case(w, request);
    case WHET_OP_PREPARE: return whet_worker_prepare(w, request);
    case WHET_OP_BATCH: return whet_worker_batch(w, request, reply);
    case WHET_OP_LOAD: break;
    }
    return whet_fail(w->ctx, WHET_E_INTERNAL, "request %u is not known", request->op);
}

whet_status whet_judge_worker(whet_ctx *ctx) {
    limit_self();
    whet_worker w = { .ctx = ctx, .page = (size_t)sysconf(_SC_PAGESIZE) };
    the_worker = &w;
    for (;;) {
        whet_request request;
        const ssize_t n = recv(WHET_WORKER_SOCKET, &request, sizeof request, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) return WHET_OK; /* the judge has gone */
        if (n != (ssize_t)sizeof request)
            return whet_fail(ctx, WHET_E_ARG, "_worker is started by the judge, not by hand");
        request.built_in[sizeof request.built_in - 1] = '\0';
        whet_reply reply = { .answer = WHET_ANSWER_DONE };
        const whet_status st = serve(&w, &request, &reply);
        if (st != WHET_OK) {
            const bool is_kernel = st == WHET_E_UNSUPPORTED || st == WHET_E_FORMAT;
            reply.answer = is_kernel ? WHET_ANSWER_UNSUPPORTED : WHET_ANSWER_BROKEN;
            snprintf(reply.text, sizeof reply.text, "%s", whet_ctx_message(ctx));
        }
        if (send(WHET_WORKER_SOCKET, &reply, sizeof reply, MSG_NOSIGNAL) < 0) return WHET_OK;
    }
}

void whet_judge_worker_fault(int signal_number, const void *address) {
    whet_reply reply = { .answer = WHET_ANSWER_FAULT, .signal = signal_number };
    if (the_worker) whet_worker_locate(the_worker, address, &reply);
    send(WHET_WORKER_SOCKET, &reply, sizeof reply, MSG_NOSIGNAL);
    _exit(1);
}
