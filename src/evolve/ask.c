/* SPDX-License-Identifier: MIT */
/* The proposer: a command that reads a prompt and writes a reply. */
#include "evolve/ask.h"

#include <stdio.h>
#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "evolve/prompt.h"

static const double reply_seconds = 600;
static const char command_prefix[] = "command:";

void whet_proposal_fini(whet_ctx *ctx, whet_proposal *p) {
    whet_buf_fini(ctx, &p->prompt);
    whet_buf_fini(ctx, &p->reply);
    whet_reply_fini(ctx, &p->read);
}

/* Why no reply came, in `why`; "" when one came. */
static void explain(const whet_child_result *r, const whet_buf *err, char *why, size_t n) {
    const char *words = err->text ? err->text : "";
    const int len = (int)strcspn(words, "\n");
    *why = '\0';
    if (r->how == WHET_CHILD_TIMED_OUT)
        snprintf(why, n, "no reply came within %.0f s", reply_seconds);
    else if (r->how == WHET_CHILD_SIGNALLED)
        snprintf(why, n, "the proposer was ended by signal %d", r->signal);
    else if (r->exit_code)
        snprintf(why, n, "the proposer ended with status %d: %.*s", r->exit_code,
                 len < 300 ? len : 300, words);
    whet_utf8_make_printable(why);
}

static whet_status run_command(whet_ctx *ctx, const whet_search *s, whet_proposal *p) {
    const char *const argv[] = { "/bin/sh", "-c", s->opts.proposer + strlen(command_prefix), NULL };
    const whet_child_opts opts = {
        .wall_seconds = reply_seconds,
        .max_output_bytes = WHET_MAX_REPLY_BYTES + 1,
        .input = p->prompt.text,
        .input_bytes = p->prompt.len,
    };
    whet_child_result result;
    whet_buf err = { 0 };
    const double start_ns = whet_clock_ns();
    const whet_status st = whet_child_run(ctx, argv, &opts, &p->reply, &err, &result);
    p->wall_ns = whet_clock_ns() - start_ns;
    if (st == WHET_OK) explain(&result, &err, p->read.why, sizeof p->read.why);
    whet_buf_fini(ctx, &err);
    return st;
}

/* From the answers, where they have it. */
static whet_status get_reply(whet_ctx *ctx, whet_search *s, whet_proposal *p) {
    bool is_there = false;
    char why[sizeof p->read.why] = "";
    if (s->answers)
        WHET_TRY(whet_store_get_reply(ctx, s->answers, s->n_proposals + 1, &is_there, &p->reply,
                                      why, sizeof why, &p->wall_ns));
    if (is_there) {
        if (p->reply.len == 0) snprintf(p->read.why, sizeof p->read.why, "%s", why);
        return WHET_OK;
    }
    if (s->judge) return run_command(ctx, s, p);
    s->is_log_over = true;
    return whet_fail(ctx, WHET_E_NOT_FOUND, "the log has no further reply");
}

static void learn(whet_search *s, const whet_reply *r) {
    memmove(s->lessons[1], s->lessons[0], (WHET_N_LESSONS - 1) * sizeof *s->lessons);
    snprintf(s->lessons[0], sizeof *s->lessons, "%s", r->why);
}

static whet_status take_program(whet_ctx *ctx, whet_search *s, whet_member *bred, int *n_bred,
                                whet_proposal *p) {
    whet_child_text text = { 0 };
    bool is_new;
    WHET_TRY(whet_genome_hash(ctx, p->read.text.text, p->read.text.len, p->child));
    text.text = p->read.text;
    p->read.text = (whet_buf){ 0 };
    snprintf(text.change, sizeof text.change, "%s", *p->read.name ? p->read.name : "no name");
    WHET_TRY(whet_search_adopt(ctx, s, bred, NULL, 0, &text,
                               p->read.is_rewrite ? "rewrite" : "diff", p->parent, &is_new));
    *n_bred = is_new;
    return WHET_OK;
}

whet_status whet_search_ask(whet_ctx *ctx, whet_search *s, whet_member *bred, int *n_bred,
                            whet_proposal *p) {
    int elites[WHET_N_ELITES];
    const int n = whet_search_elites(s, elites, WHET_N_ELITES);
    *p = (whet_proposal){ 0 };
    if (n == 0) return WHET_OK;
    p->parent = elites[whet_rng_below(&s->rng, (uint64_t)n)];
    WHET_TRY(whet_prompt_write(ctx, s, p->parent, &p->prompt));
    WHET_TRY(get_reply(ctx, s, p));
    if (*p->read.why) {
        p->read.outcome = WHET_REPLY_NO_REPLY;
        whet_buf_clear(&p->reply);
    } else {
        WHET_TRY(whet_reply_read(ctx, &s->members[p->parent].genome,
                                 p->reply.text ? p->reply.text : "", p->reply.len, &p->read));
    }
    p->is_made = true;
    if (p->read.outcome == WHET_REPLY_PROGRAM) return take_program(ctx, s, bred, n_bred, p);
    learn(s, &p->read);
    return WHET_OK;
}

whet_status whet_record_proposal(whet_ctx *ctx, whet_search *s, const whet_proposal *p) {
    const whet_store_proposal row = {
        .step = s->step,
        .parent = s->members[p->parent].id,
        .proposer = s->opts.proposer,
        .prompt = p->prompt.text,
        .reply = p->reply.text ? p->reply.text : "",
        .reply_bytes = p->reply.len,
        .outcome = whet_reply_name(p->read.outcome),
        .why = p->read.why,
        .name = p->read.name,
        .reason = p->read.reason,
        .child = p->child,
        .wall_ns = p->wall_ns,
    };
    s->n_proposals++;
    return whet_store_put_proposal(ctx, s->store, &row);
}
