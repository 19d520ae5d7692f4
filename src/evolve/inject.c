/* SPDX-License-Identifier: MIT */
/* The inbox of a run: filled by whet_evolve_inject, read by the search between generations. */
#include "evolve/inject.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "evolve/journal.h"

static const char what[] = "inject";

/* ---- into the inbox ---- */

static whet_status check_source(whet_ctx *ctx, const char *name, const char *source, size_t n) {
    whet_genome genome;
    if (n > WHET_MAX_SOURCE_BYTES)
        return whet_fail(ctx, WHET_E_ARG, "%s has %zu bytes, a program at most %d", name, n,
                         WHET_MAX_SOURCE_BYTES);
    for (size_t i = 0, step; i < n; i += step) {
        uint32_t c;
        if (!whet_utf8_decode(source + i, n - i, &c, &step) || c == 0)
            return whet_fail(ctx, WHET_E_FORMAT, "%s is not UTF-8 text: byte %zu", name, i);
    }
    const whet_status st = whet_genome_parse(ctx, source, n, &genome);
    return st == WHET_E_FORMAT ? whet_fail(ctx, st, "%s: %s", name, whet_ctx_message(ctx)) : st;
}

static whet_status check_run(whet_ctx *ctx, whet_store *store, const char *run_file,
                             const char *hash) {
    whet_store_run_info info;
    whet_store_answer known;
    WHET_TRY(whet_store_get_run(ctx, store, &info));
    const bool is_over = info.outcome.len > 0;
    whet_store_run_info_fini(ctx, &info);
    if (is_over)
        return whet_fail(ctx, WHET_E_ARG, "%s: the run has come to its end; nothing can be added",
                         run_file);
    WHET_TRY(whet_store_get_answer(ctx, store, hash, &known));
    const bool is_known = known.is_there;
    whet_store_answer_fini(ctx, &known);
    if (!is_known) return WHET_OK;
    return whet_fail(ctx, WHET_E_ARG, "%s has program %.12s already", run_file, hash);
}

whet_status whet_evolve_inject(whet_ctx *ctx, const char *run_file, const char *name,
                               const char *source, size_t n_bytes, char hash[WHET_HASH_HEX]) {
    int64_t id;
    whet_store *store;
    WHET_TRY(check_source(ctx, name, source, n_bytes));
    WHET_TRY(whet_genome_hash(ctx, source, n_bytes, hash));
    WHET_TRY(whet_store_open(ctx, run_file, false, &store));
    whet_status st = check_run(ctx, store, run_file, hash);
    if (st == WHET_OK) st = whet_store_inject(ctx, store, name, source, &id);
    whet_store_close(ctx, store);
    return st;
}

/* ---- out of it ---- */

static whet_status adopt(whet_ctx *ctx, whet_search *s, whet_store_injected *injected,
                         whet_member *bred, int *n_bred, bool *is_new) {
    whet_child_text text = { .text = injected->source };
    injected->source = (whet_buf){ 0 };
    snprintf(text.change, sizeof text.change, "%s", injected->name);
    WHET_TRY(whet_search_adopt(ctx, s, &bred[*n_bred], bred, *n_bred, &text, what, -1, is_new));
    *n_bred += *is_new;
    return WHET_OK;
}

/* As a step. In another file than the answers' the inbox is filled as it was there. */
static whet_status take(whet_ctx *ctx, whet_search *s, whet_store_injected *injected,
                        whet_member *bred, int *n_bred) {
    char detail[128];
    int64_t id;
    bool is_new = false;
    WHET_TRY(whet_journal_begin(ctx, s));
    if (s->is_other)
        WHET_TRY(whet_store_inject(ctx, s->store, injected->name, injected->source.text, &id));
    WHET_TRY(adopt(ctx, s, injected, bred, n_bred, &is_new));
    s->n_injected++;
    if (is_new)
        snprintf(detail, sizeof detail, "%d %s", s->n_injected, bred[*n_bred - 1].hash);
    else
        snprintf(detail, sizeof detail, "%d known already", s->n_injected);
    WHET_TRY(whet_record_event(ctx, s, what, detail));
    return whet_journal_commit(ctx, s);
}

/* The log decides where it has something to say. */
static whet_status take_next(whet_ctx *ctx, whet_search *s, whet_member *bred, int *n_bred,
                             bool *is_taken) {
    whet_store_said next;
    whet_store_injected injected = { 0 };
    *is_taken = false;
    WHET_TRY(whet_journal_next(ctx, s, &next));
    if (next.is_there && strcmp(next.what, what) != 0) return WHET_OK;
    whet_store *from = s->is_other ? s->answers : s->store;
    whet_status st = whet_store_get_injected(ctx, from, s->n_injected + 1, &injected);
    *is_taken = injected.is_there;
    if (st == WHET_OK && injected.is_there)
        st = take(ctx, s, &injected, bred, n_bred);
    else if (st == WHET_OK && next.is_there)
        st = whet_fail(ctx, WHET_E_STORE, "the run parts from its log here: its inbox has no %d",
                       s->n_injected + 1);
    whet_buf_fini(ctx, &injected.source);
    return st;
}

whet_status whet_inject_take(whet_ctx *ctx, whet_search *s, whet_member *bred, int *n_bred) {
    bool is_taken = true;
    while (is_taken && *n_bred < WHET_MAX_BREED)
        WHET_TRY(take_next(ctx, s, bred, n_bred, &is_taken));
    return WHET_OK;
}
