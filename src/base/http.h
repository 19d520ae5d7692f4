/* SPDX-License-Identifier: MIT */
/* One request to a web server, over libcurl, which is loaded when it is first needed. */
#ifndef WHET_BASE_HTTP_H
#define WHET_BASE_HTTP_H

#include "base/buf.h"

typedef struct whet_http_opts {
    const char *url;    /* http or https; redirects are not followed */
    const char *bearer; /* for the header Authorization; NULL or "" = none */
    const void *body;   /* JSON that is posted */
    size_t body_bytes;
    double timeout_seconds; /* for the whole */
    size_t max_bytes;       /* of the answer: what comes after is not waited for */
} whet_http_opts;

typedef struct whet_http_answer {
    int status;          /* 200, 429, ...; 0 = no answer came */
    double wait_seconds; /* that Retry-After asks for; -1 = it does not */
    bool is_late;        /* the time was up */
    bool is_cut;         /* longer than max_bytes */
    char why[300];       /* why the answer did not come, or not to its end; "" = it did */
    whet_buf body;       /* owned */
} whet_http_answer;

/* Whether libcurl can be loaded. WHET_E_UNSUPPORTED: not here, or not by a program that is linked
 * statically. */
whet_status whet_http_check(whet_ctx *ctx);

/* Posts and waits for the answer. WHET_OK means that it was tried, whatever came; the bearer is in
 * no message. WHET_E_UNSUPPORTED: there is no libcurl here. WHET_E_CANCELLED: within a second. */
whet_status whet_http_post(whet_ctx *ctx, const whet_http_opts *opts, whet_http_answer *answer);
void whet_http_answer_fini(whet_ctx *ctx, whet_http_answer *answer);

#endif
