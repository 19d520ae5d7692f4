/* SPDX-License-Identifier: MIT */
/* The judge's end of a worker process: start, ask with a time limit, end. */
#ifndef WHET_JUDGE_LINK_H
#define WHET_JUDGE_LINK_H

#include <sys/types.h>

#include "base/ctx.h"
#include "base/rng.h"
#include "judge/protocol.h"
#include "judge/shared.h"
#include "judge/verdict.h"

typedef struct whet_link {
    pid_t pid;  /* 0 = none */
    int socket; /* 0 = none */
    whet_shared inputs, outputs;
    uint32_t jail;   /* layers in force */
    whet_rng rng;    /* of serial numbers */
    uint64_t serial; /* of the last request */
    double cpu_ns;   /* of all that was asked within limits */
    double wall_ns;
    double baseline_ns;
} whet_link;

/* What a call may take. On top of both limits of processor time come 20 times the baseline's; and
 * 20 times the limit of processor time is that of the clock, for one that sleeps. A machine that
 * is busy with other things counts against nobody. */
typedef struct whet_limits {
    double call_seconds;  /* of processor time; 0 = no limit, as for a team */
    double total_seconds; /* of all calls of this worker together, where call_seconds is given */
    double baseline_ns;   /* processor time that the oracle would take */
    double wall_seconds;  /* where there is no limit of processor time: by the clock */
} whet_limits;

/* How a worker took a request. */
typedef enum whet_link_end {
    WHET_LINK_ANSWERED, /* see the reply: done or unsupported */
    WHET_LINK_FAULT,    /* see the reply: what was touched, or the signal */
    WHET_LINK_DIED,     /* reply.signal, 0 when it simply went */
    WHET_LINK_LATE,     /* it was stopped; reply.text says when */
    WHET_LINK_GARBLED,  /* what came is no answer to the request */
} whet_link_end;

/* Starts `program _worker` for the object, with an empty environment, and loads the kernel: the
 * answer is in *end and *reply, as of whet_link_ask. */
whet_status whet_link_open(whet_ctx *ctx, const char *program, const whet_object *object,
                           const whet_problem *problem, whet_link *link, whet_link_end *end,
                           whet_reply *reply);

/* The same for a worker that is timed: with `rows`, which are sealed, it shares them with others.
 * NULL: it does not. */
whet_status whet_link_open_timed(whet_ctx *ctx, const char *program, const whet_object *object,
                                 const whet_problem *problem, const whet_shared *rows,
                                 whet_link *link, whet_link_end *end, whet_reply *reply);

/* Kills the worker, waits for it, gives the memory back. A zeroed link is fine. */
void whet_link_close(whet_link *link);

/* Gives those of the request's sections that have bytes (whole pages) their place in the shared
 * memory, one behind the other, and makes room; the memory may move. Not those of rows, which have
 * a place already. */
whet_status whet_link_place(whet_ctx *ctx, whet_link *link, whet_request *request);

/* The section's pages as the judge sees them; not of rows. */
char *whet_link_section(const whet_link *link, const whet_request *request, whet_section section);

/* Takes away what stands in an output section behind `from`, whole pages; it reads as zeros then.
 */
void whet_link_forget(const whet_link *link, const whet_request *request, whet_section section,
                      size_t from);

/* Sends a request, with a serial number, and waits for the reply within limits. After anything but
 * ANSWERED the worker is gone. WHET_E_CANCELLED, WHET_E_INTERNAL when the worker itself is
 * broken. wall_ns, if wanted: from before the sending to after the receiving. */
whet_status whet_link_ask(whet_ctx *ctx, whet_link *link, const whet_request *request,
                          const whet_limits *limits, whet_link_end *end, whet_reply *reply,
                          double *wall_ns);

/* The two halves of it. False: the worker has gone, which receiving will say. *at_ns: the clock
 * right after the receiving. */
bool whet_link_send(whet_link *link, const whet_request *request);
whet_status whet_link_receive(whet_ctx *ctx, whet_link *link, double deadline_ns,
                              whet_link_end *end, whet_reply *reply, double *at_ns);

/* Whether something can be received, the worker's end included. */
bool whet_link_has_word(const whet_link *link);

/* Turns an end that is not a done request into the verdict; true when it rejects. */
bool whet_link_blame(whet_link_end end, const whet_reply *reply, whet_gate gate,
                     whet_verdict *verdict);

#endif
