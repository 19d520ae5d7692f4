/* SPDX-License-Identifier: MIT */
/* A run and its programs as text and as JSON; the trace. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "report/report_int.h"

/* ---- finding ---- */

static whet_status find(whet_ctx *ctx, const whet_report *r, const char *hash, int *found) {
    *found = -1;
    for (int i = 0; i < r->told.n_programs; i++) {
        if (strncmp(r->told.programs[i].hash, hash, strlen(hash)) != 0) continue;
        if (*found >= 0)
            return whet_fail(ctx, WHET_E_ARG, "%s: several programs begin with %.64s", r->path,
                             hash);
        *found = i;
    }
    if (*found >= 0 && *hash) return WHET_OK;
    return whet_fail(ctx, WHET_E_NOT_FOUND, "%s has no program %.64s", r->path, hash);
}

/* ---- text ---- */

static whet_status put_field(whet_ctx *ctx, whet_buf *out, const char *name, const char *value) {
    if (!*value) return WHET_OK;
    WHET_TRY(whet_buf_printf(ctx, out, "%-12s ", name));
    WHET_TRY(whet_report_put(ctx, out, value));
    return whet_buf_putc(ctx, out, '\n');
}

/* At most n bytes of a text, made printable. */
static whet_status put_short(whet_ctx *ctx, whet_buf *out, const char *text, size_t n) {
    char *part = whet_strndup(ctx, text, n < strlen(text) ? n : strlen(text));
    const whet_status st = part ? whet_report_put(ctx, out, part) : WHET_E_NOMEM;
    whet_free(ctx, part);
    return st;
}

static whet_status put_duel(whet_ctx *ctx, whet_buf *out, const whet_told_duel *d) {
    WHET_TRY(whet_buf_puts(ctx, out, "  "));
    WHET_TRY(put_short(ctx, out, d->kind, 8));
    WHET_TRY(whet_buf_puts(ctx, out, " on "));
    WHET_TRY(put_short(ctx, out, d->shape, 40));
    WHET_TRY(whet_buf_puts(ctx, out, " over "));
    WHET_TRY(put_short(ctx, out, d->rival, 24));
    WHET_TRY(whet_buf_printf(ctx, out, ": %.2fx [%.2f, %.2f], %.3f ms a call, ", d->ratio, d->low,
                             d->high, d->ns * 1e-6));
    WHET_TRY(put_short(ctx, out, d->code, 24));
    return whet_buf_putc(ctx, out, '\n');
}

static whet_status put_duels(whet_ctx *ctx, const whet_report *r, int program, const char *kind,
                             whet_buf *out) {
    for (int i = 0; i < r->told.n_duels; i++) {
        const whet_told_duel *d = &r->told.duels[i];
        if (d->program == program && (!kind || strcmp(d->kind, kind) == 0))
            WHET_TRY(put_duel(ctx, out, d));
    }
    return WHET_OK;
}

/* A program and those that it comes from, in a line each. */
static whet_status put_lineage(whet_ctx *ctx, const whet_report *r, int program, whet_buf *out) {
    for (int i = program; i >= 0; i = r->told.programs[i].parent) {
        const whet_told_program *p = &r->told.programs[i];
        const whet_told_duel *look = whet_report_look(r, i);
        WHET_TRY(whet_buf_puts(ctx, out, "  "));
        WHET_TRY(put_short(ctx, out, p->hash, 10));
        WHET_TRY(whet_buf_printf(ctx, out, " %6.2fx  ", look ? look->ratio : 0));
        WHET_TRY(put_short(ctx, out, p->operator_name, 16));
        WHET_TRY(whet_buf_puts(ctx, out, "  "));
        WHET_TRY(whet_report_put(ctx, out, p->change));
        WHET_TRY(whet_buf_putc(ctx, out, '\n'));
    }
    return WHET_OK;
}

static whet_status put_tallies(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    whet_tally tally[WHET_MAX_TALLY];
    int n = whet_report_verdicts(r, tally);
    WHET_TRY(whet_buf_printf(ctx, out, "verdicts     %d programs\n", r->told.n_programs));
    for (int i = 0; i < n; i++) {
        WHET_TRY(whet_buf_printf(ctx, out, "  %5d  ", tally[i].n));
        WHET_TRY(put_short(ctx, out, tally[i].name, 24));
        if (tally[i].gate >= 0) WHET_TRY(whet_buf_printf(ctx, out, " at gate %d", tally[i].gate));
        WHET_TRY(whet_buf_putc(ctx, out, '\n'));
    }
    n = whet_report_operators(r, tally);
    WHET_TRY(whet_buf_puts(ctx, out, "operators    programs, faster than their parent, most\n"));
    for (int i = 0; i < n; i++) {
        WHET_TRY(whet_buf_printf(ctx, out, "  %5d %5d %6.2fx  ", tally[i].n, tally[i].n_gained,
                                 tally[i].best));
        WHET_TRY(put_short(ctx, out, tally[i].name, 24));
        WHET_TRY(whet_buf_putc(ctx, out, '\n'));
    }
    return WHET_OK;
}

static whet_status put_summary(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    const whet_told *t = &r->told;
    char problem[96];
    whet_report_problem(ctx, t->problem, problem, sizeof problem);
    WHET_TRY(put_field(ctx, out, "run", r->path));
    WHET_TRY(put_field(ctx, out, "began", t->started));
    WHET_TRY(put_field(ctx, out, "state", *t->outcome ? t->outcome : "unfinished"));
    WHET_TRY(put_field(ctx, out, "problem", problem));
    WHET_TRY(whet_buf_printf(ctx, out, "seed         %" PRIu64 "\n", t->seed));
    WHET_TRY(put_field(ctx, out, "machine", t->machine));
    WHET_TRY(put_field(ctx, out, "compiler", t->compiler));
    WHET_TRY(
        whet_buf_printf(ctx, out, "steps        %d, %d questions\n", t->n_events, t->n_proposals));
    WHET_TRY(put_tallies(ctx, r, out));
    for (int i = 0; i < t->n_events; i++)
        if (strcmp(t->events[i].what, "gain") == 0 ||
            strcmp(t->events[i].what, "best of shape") == 0)
            WHET_TRY(put_field(ctx, out, t->events[i].what, t->events[i].detail));
    if (r->best < 0) return whet_buf_puts(ctx, out, "best         none was timed\n");
    WHET_TRY(
        put_field(ctx, out, t->winner >= 0 ? "winner" : "best so far", t->programs[r->best].hash));
    WHET_TRY(put_duels(ctx, r, r->best, t->winner >= 0 ? "final" : NULL, out));
    WHET_TRY(whet_buf_puts(ctx, out, "lineage      the speed is of each one's first look\n"));
    WHET_TRY(put_lineage(ctx, r, r->best, out));
    if (t->winner < 0) return WHET_OK;
    return put_field(ctx, out, "installed", *t->installed_in ? t->installed_in : "nowhere");
}

/* ---- JSON ---- */

static whet_status put_key(whet_ctx *ctx, whet_buf *out, const char *key, const char *value) {
    WHET_TRY(whet_buf_printf(ctx, out, "\"%s\":", key));
    return whet_json_quote(ctx, out, value, strlen(value));
}

static whet_status put_hash(whet_ctx *ctx, whet_buf *out, const char *key, const whet_report *r,
                            int program) {
    if (program < 0) return whet_buf_printf(ctx, out, "\"%s\":null", key);
    return put_key(ctx, out, key, r->told.programs[program].hash);
}

/* A number that JSON has; what is none is null. */
static whet_status put_number(whet_ctx *ctx, whet_buf *out, double v) {
    return v - v == 0 ? whet_buf_printf(ctx, out, "%.6g", v) : whet_buf_puts(ctx, out, "null");
}

static whet_status put_duel_json(whet_ctx *ctx, whet_buf *out, const whet_told_duel *d) {
    const double values[] = { d->ratio, d->low, d->high, d->ns, d->rival_ns };
    static const char *const keys[] = { "ratio", "low", "high", "ns", "rival_ns" };
    WHET_TRY(whet_buf_putc(ctx, out, '{'));
    WHET_TRY(put_key(ctx, out, "kind", d->kind));
    WHET_TRY(whet_buf_putc(ctx, out, ','));
    WHET_TRY(put_key(ctx, out, "shape", d->shape));
    WHET_TRY(whet_buf_putc(ctx, out, ','));
    WHET_TRY(put_key(ctx, out, "rival", d->rival));
    for (int i = 0; i < 5; i++) {
        WHET_TRY(whet_buf_printf(ctx, out, ",\"%s\":", keys[i]));
        WHET_TRY(put_number(ctx, out, values[i]));
    }
    WHET_TRY(whet_buf_putc(ctx, out, ','));
    WHET_TRY(put_key(ctx, out, "verdict", d->code));
    return whet_buf_putc(ctx, out, '}');
}

/* Members of an object, without its braces. */
static whet_status put_program_json(whet_ctx *ctx, const whet_report *r, int i, whet_buf *out) {
    const whet_told_program *p = &r->told.programs[i];
    const whet_told_verdict *v = whet_report_verdict(p);
    WHET_TRY(put_key(ctx, out, "child", p->hash));
    WHET_TRY(whet_buf_putc(ctx, out, ','));
    WHET_TRY(put_hash(ctx, out, "parent", r, p->parent));
    WHET_TRY(whet_buf_putc(ctx, out, ','));
    WHET_TRY(put_hash(ctx, out, "parent2", r, p->parent2));
    WHET_TRY(whet_buf_putc(ctx, out, ','));
    WHET_TRY(put_key(ctx, out, "operator", p->operator_name));
    WHET_TRY(whet_buf_putc(ctx, out, ','));
    WHET_TRY(put_key(ctx, out, "change", p->change));
    WHET_TRY(whet_buf_puts(ctx, out, ",\"verdict\":{"));
    WHET_TRY(put_key(ctx, out, "code", v->code));
    WHET_TRY(whet_buf_printf(ctx, out, ",\"gate\":%d,", v->gate));
    WHET_TRY(put_key(ctx, out, "reason", v->reason));
    WHET_TRY(whet_buf_puts(ctx, out, "},\"metrics\":["));
    bool is_first = true;
    for (int d = 0; d < r->told.n_duels; d++) {
        if (r->told.duels[d].program != i) continue;
        if (!is_first) WHET_TRY(whet_buf_putc(ctx, out, ','));
        WHET_TRY(put_duel_json(ctx, out, &r->told.duels[d]));
        is_first = false;
    }
    return whet_buf_putc(ctx, out, ']');
}

static whet_status put_tally_json(whet_ctx *ctx, const whet_tally *tally, int n, whet_buf *out) {
    for (int i = 0; i < n; i++) {
        WHET_TRY(whet_buf_puts(ctx, out, i ? ",{" : "{"));
        WHET_TRY(put_key(ctx, out, "name", tally[i].name));
        WHET_TRY(whet_buf_printf(ctx, out, ",\"gate\":%d,\"programs\":%d,\"gained\":%d}",
                                 tally[i].gate, tally[i].n, tally[i].n_gained));
    }
    return WHET_OK;
}

static whet_status put_summary_json(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    const whet_told *t = &r->told;
    const char *const keys[] = { "run", "started", "state", "problem", "machine", "compiler" };
    const char *const values[] = { r->path,    t->started, *t->outcome ? t->outcome : "unfinished",
                                   t->problem, t->machine, t->compiler };
    whet_tally tally[WHET_MAX_TALLY];
    WHET_TRY(whet_buf_puts(ctx, out, "{\"type\":\"run\""));
    for (int i = 0; i < 6; i++) {
        WHET_TRY(whet_buf_putc(ctx, out, ','));
        WHET_TRY(put_key(ctx, out, keys[i], values[i]));
    }
    WHET_TRY(whet_buf_printf(ctx, out, ",\"seed\":%" PRIu64 ",\"steps\":%d,\"programs\":%d",
                             t->seed, t->n_events, t->n_programs));
    WHET_TRY(whet_buf_puts(ctx, out, ",\"verdicts\":["));
    WHET_TRY(put_tally_json(ctx, tally, whet_report_verdicts(r, tally), out));
    WHET_TRY(whet_buf_puts(ctx, out, "],\"operators\":["));
    WHET_TRY(put_tally_json(ctx, tally, whet_report_operators(r, tally), out));
    WHET_TRY(
        whet_buf_printf(ctx, out, "],\"is_won\":%s,\"best\":", t->winner >= 0 ? "true" : "false"));
    if (r->best < 0) return whet_buf_puts(ctx, out, "null}\n");
    WHET_TRY(whet_buf_putc(ctx, out, '{'));
    WHET_TRY(put_program_json(ctx, r, r->best, out));
    WHET_TRY(whet_buf_puts(ctx, out, "},\"lineage\":["));
    for (int i = r->best; i >= 0; i = t->programs[i].parent) {
        if (i != r->best) WHET_TRY(whet_buf_putc(ctx, out, ','));
        WHET_TRY(whet_json_quote(ctx, out, t->programs[i].hash, strlen(t->programs[i].hash)));
    }
    return whet_buf_puts(ctx, out, "]}\n");
}

whet_status whet_report_summary(whet_ctx *ctx, const whet_report *r, bool is_json, whet_buf *out) {
    return is_json ? put_summary_json(ctx, r, out) : put_summary(ctx, r, out);
}

/* ---- one program ---- */

/* What somebody said about the program that came of a reply. */
static const whet_told_proposal *proposal_of(const whet_report *r, const whet_told_program *p) {
    for (int i = 0; i < r->told.n_proposals; i++)
        if (*p->hash && strcmp(r->told.proposals[i].child, p->hash) == 0)
            return &r->told.proposals[i];
    return NULL;
}

static whet_status put_program(whet_ctx *ctx, const whet_report *r, int i, whet_buf *out) {
    const whet_told_program *p = &r->told.programs[i];
    const whet_told_verdict *v = whet_report_verdict(p);
    const whet_told_proposal *asked = proposal_of(r, p);
    WHET_TRY(put_field(ctx, out, "program", p->hash));
    WHET_TRY(put_field(ctx, out, "operator", p->operator_name));
    WHET_TRY(put_field(ctx, out, "change", p->change));
    if (asked) WHET_TRY(put_field(ctx, out, "reason", asked->reason));
    if (asked) WHET_TRY(put_field(ctx, out, "model", asked->model));
    if (p->parent >= 0) WHET_TRY(put_field(ctx, out, "parent", r->told.programs[p->parent].hash));
    if (p->parent2 >= 0) WHET_TRY(put_field(ctx, out, "and", r->told.programs[p->parent2].hash));
    WHET_TRY(put_field(ctx, out, "knobs", p->knobs));
    WHET_TRY(put_field(ctx, out, "object", p->object));
    WHET_TRY(put_field(ctx, out, "verdict", v->code));
    WHET_TRY(put_field(ctx, out, "because", v->reason));
    if (strcmp(v->code, "PASS") != 0) WHET_TRY(put_field(ctx, out, "evidence", v->evidence));
    WHET_TRY(put_field(ctx, out, "compiler", p->compiler_text));
    WHET_TRY(put_duels(ctx, r, i, NULL, out));
    WHET_TRY(whet_buf_putc(ctx, out, '\n'));
    return whet_report_put(ctx, out, p->source);
}

whet_status whet_report_program(whet_ctx *ctx, const whet_report *r, const char *hash, bool is_json,
                                whet_buf *out) {
    int i;
    WHET_TRY(find(ctx, r, hash, &i));
    if (!is_json) return put_program(ctx, r, i, out);
    WHET_TRY(whet_buf_puts(ctx, out, "{\"type\":\"program\","));
    WHET_TRY(put_program_json(ctx, r, i, out));
    WHET_TRY(whet_buf_putc(ctx, out, ','));
    WHET_TRY(put_key(ctx, out, "evidence", whet_report_verdict(&r->told.programs[i])->evidence));
    WHET_TRY(whet_buf_putc(ctx, out, ','));
    WHET_TRY(put_key(ctx, out, "source", r->told.programs[i].source));
    return whet_buf_puts(ctx, out, "}\n");
}

whet_status whet_report_diff(whet_ctx *ctx, const whet_report *r, const char *from, const char *to,
                             whet_buf *out) {
    int a, b;
    whet_buf diff = { 0 };
    WHET_TRY(find(ctx, r, from, &a));
    WHET_TRY(find(ctx, r, to, &b));
    const whet_told_program *p = r->told.programs;
    whet_status st = whet_diff_text(ctx, p[a].hash, p[a].source, p[b].hash, p[b].source, &diff);
    if (st == WHET_OK && diff.text) st = whet_report_put(ctx, out, diff.text);
    whet_buf_fini(ctx, &diff);
    return st;
}

/* ---- the trace ---- */

static whet_status put_reply(whet_ctx *ctx, const whet_report *r, const whet_told_proposal *p,
                             whet_buf *out) {
    const char *const keys[] = { "operator", "proposer", "model",  "outcome",
                                 "why",      "name",     "reason", "child" };
    const char *const values[] = { p->operator_name, p->proposer, p->model,  p->outcome,
                                   p->why,           p->name,     p->reason, p->child };
    WHET_TRY(whet_buf_printf(ctx, out, "{\"type\":\"reply\",\"step\":%" PRId64 ",", p->step));
    WHET_TRY(put_hash(ctx, out, "parent", r, p->parent));
    for (int i = 0; i < 8; i++) {
        WHET_TRY(whet_buf_putc(ctx, out, ','));
        WHET_TRY(put_key(ctx, out, keys[i], values[i]));
    }
    WHET_TRY(whet_buf_puts(ctx, out, ",\"edit\":"));
    WHET_TRY(whet_json_quote(ctx, out, p->reply, p->reply_bytes));
    return whet_buf_printf(ctx, out,
                           ",\"prompt_tokens\":%" PRId64 ",\"reply_tokens\":%" PRId64 "}\n",
                           p->prompt_tokens, p->reply_tokens);
}

/* The edit of a program is its diff to the parent. */
static whet_status put_child(whet_ctx *ctx, const whet_report *r, int i, whet_buf *out) {
    const whet_told_program *p = &r->told.programs[i], *of = r->told.programs;
    whet_buf diff = { 0 };
    WHET_TRY(whet_buf_printf(ctx, out, "{\"type\":\"program\",\"step\":%" PRId64 ",", p->step));
    WHET_TRY(put_program_json(ctx, r, i, out));
    WHET_TRY(whet_buf_puts(ctx, out, ",\"edit\":"));
    whet_status st = WHET_OK;
    if (p->parent >= 0)
        st = whet_diff_text(ctx, of[p->parent].hash, of[p->parent].source, p->hash, p->source,
                            &diff);
    if (st == WHET_OK)
        st = whet_json_quote(ctx, out, diff.text ? diff.text : "", diff.text ? diff.len : 0);
    whet_buf_fini(ctx, &diff);
    WHET_TRY(st);
    return whet_buf_puts(ctx, out, "}\n");
}

whet_status whet_report_trace(whet_ctx *ctx, const whet_report *r, whet_buf *out) {
    int reply = 0;
    for (int i = 0; i <= r->told.n_programs; i++) {
        const bool is_end = i == r->told.n_programs;
        for (; reply < r->told.n_proposals &&
               (is_end || r->told.proposals[reply].step <= r->told.programs[i].step);
             reply++)
            WHET_TRY(put_reply(ctx, r, &r->told.proposals[reply], out));
        if (!is_end) WHET_TRY(put_child(ctx, r, i, out));
    }
    return WHET_OK;
}
