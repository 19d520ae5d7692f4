/* SPDX-License-Identifier: MIT */
/* The door to libcurl. It comes with two dozen libraries, which a program that never asks a server
 * should neither need nor load: so it is opened by name. */
#include "base/http.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "base/loader.h"

#define CURL_FUNCTIONS(X)                                                                          \
    X(curl_global_init)                                                                            \
    X(curl_easy_init)                                                                              \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_perform)                                                                           \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_cleanup)                                                                           \
    X(curl_easy_strerror)                                                                          \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)

#undef curl_easy_setopt /* macros that check types, and call by name */
#undef curl_easy_getinfo

typedef struct curl_library {
#define MEMBER(f) __typeof__(f) *f;
    CURL_FUNCTIONS(MEMBER)
#undef MEMBER
} curl_library;

typedef struct transfer {
    whet_ctx *ctx;
    whet_http_answer *answer;
    size_t max_bytes;
    whet_status st;
} transfer;

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER; /* guards libcurl's own beginning */

static whet_status open_library(whet_ctx *ctx, curl_library *c) {
    static const char *const names[] = { "libcurl-gnutls.so.4", "libcurl.so.4" };
    void *library = NULL;
    WHET_TRY(whet_loader_check(ctx));
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return whet_fail(ctx, WHET_E_UNSUPPORTED,
                         "asking a server needs libcurl, and there is neither %s nor %s here",
                         names[0], names[1]);
    bool is_whole = true;
#define LOAD(f) is_whole &= (c->f = (__typeof__(f) *)(uintptr_t)dlsym(library, #f)) != NULL;
    CURL_FUNCTIONS(LOAD)
#undef LOAD
    dlclose(library); /* it stays: RTLD_NODELETE */
    pthread_mutex_lock(&starting);
    is_whole = is_whole && c->curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    pthread_mutex_unlock(&starting);
    if (!is_whole)
        return whet_fail(ctx, WHET_E_UNSUPPORTED, "the libcurl that is here does not start");
    return WHET_OK;
}

whet_status whet_http_check(whet_ctx *ctx) {
    curl_library c;
    return open_library(ctx, &c);
}

/* Returning less than it was given ends the transfer. */
static size_t take_bytes(char *bytes, size_t one, size_t n, void *data) {
    transfer *t = data;
    const size_t room = t->max_bytes - t->answer->body.len;
    n *= one;
    t->answer->is_cut |= n > room;
    t->st = whet_buf_append(t->ctx, &t->answer->body, bytes, n < room ? n : room);
    return t->st == WHET_OK && n <= room ? n : 0;
}

static int look_up(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    const transfer *t = data;
    (void)a, (void)b, (void)c, (void)d;
    return whet_ctx_is_cancelled(t->ctx);
}

static struct curl_slist *make_headers(whet_ctx *ctx, const curl_library *c,
                                       const whet_http_opts *opts) {
    whet_buf bearer = { 0 };
    struct curl_slist *headers = c->curl_slist_append(NULL, "Content-Type: application/json");
    struct curl_slist *more = headers ? c->curl_slist_append(headers, "Expect:") : NULL;
    if (more && opts->bearer && *opts->bearer) {
        more = NULL;
        if (whet_buf_printf(ctx, &bearer, "Authorization: Bearer %s", opts->bearer) == WHET_OK)
            more = c->curl_slist_append(headers, bearer.text);
        if (bearer.text) explicit_bzero(bearer.text, bearer.len);
        whet_buf_fini(ctx, &bearer);
    }
    if (!more) c->curl_slist_free_all(headers);
    return more ? headers : NULL;
}

static void set_options(const curl_library *c, CURL *curl, const whet_http_opts *opts,
                        struct curl_slist *headers, transfer *t, char *words) {
    c->curl_easy_setopt(curl, CURLOPT_URL, opts->url);
    c->curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    c->curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    c->curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)opts->body_bytes);
    c->curl_easy_setopt(curl, CURLOPT_POSTFIELDS, opts->body);
    c->curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(opts->timeout_seconds * 1e3));
    c->curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    c->curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
    c->curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    c->curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    c->curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    c->curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up);
    c->curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
}

static whet_status perform(whet_ctx *ctx, const curl_library *c, CURL *curl,
                           const whet_http_opts *opts, whet_http_answer *answer) {
    char words[CURL_ERROR_SIZE] = "";
    transfer t = { ctx, answer, opts->max_bytes, WHET_OK };
    struct curl_slist *headers = make_headers(ctx, c, opts);
    if (!headers) return whet_fail_nomem(ctx, opts->body_bytes);
    set_options(c, curl, opts, headers, &t, words);
    const CURLcode code = c->curl_easy_perform(curl);
    c->curl_slist_free_all(headers);
    WHET_TRY(t.st);
    WHET_TRY(whet_check_cancelled(ctx));
    long status = 0;
    curl_off_t wait = 0;
    c->curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    answer->wait_seconds = -1;
    if (c->curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
        answer->wait_seconds = (double)wait;
    answer->is_late = code == CURLE_OPERATION_TIMEDOUT;
    if (answer->is_cut)
        snprintf(answer->why, sizeof answer->why, "the answer is longer than %zu bytes",
                 opts->max_bytes);
    else if (answer->is_late)
        snprintf(answer->why, sizeof answer->why, "no whole answer came within %g s",
                 opts->timeout_seconds);
    else if (code != CURLE_OK)
        snprintf(answer->why, sizeof answer->why, "%s",
                 *words ? words : c->curl_easy_strerror(code));
    return WHET_OK;
}

whet_status whet_http_post(whet_ctx *ctx, const whet_http_opts *opts, whet_http_answer *answer) {
    curl_library c = { 0 };
    *answer = (whet_http_answer){ 0 };
    WHET_TRY(whet_check_cancelled(ctx));
    WHET_TRY(open_library(ctx, &c));
    CURL *curl = c.curl_easy_init();
    if (!curl) return whet_fail_nomem(ctx, sizeof(void *));
    const whet_status st = perform(ctx, &c, curl, opts, answer);
    c.curl_easy_cleanup(curl);
    if (st != WHET_OK) whet_http_answer_fini(ctx, answer);
    return st;
}

void whet_http_answer_fini(whet_ctx *ctx, whet_http_answer *answer) {
    whet_buf_fini(ctx, &answer->body);
}
