/* SPDX-License-Identifier: MIT */
/* A run file opened for telling, and what all its texts are made from. */
#include "report/report_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

const whet_told_verdict *whet_report_verdict(const whet_told_program *p) {
    return strcmp(p->check.code, "PASS") == 0 && *p->second.code ? &p->second : &p->check;
}

const whet_told_duel *whet_report_look(const whet_report *r, int program) {
    return program >= 0 && r->looks[program] >= 0 ? &r->told.duels[r->looks[program]] : NULL;
}

double whet_report_gain(const whet_report *r, int program) {
    const whet_told_duel *own = whet_report_look(r, program);
    const whet_told_duel *old = whet_report_look(r, r->told.programs[program].parent);
    if (!own || !old || strcmp(own->rival, old->rival) != 0) return 0;
    return own->ratio / old->ratio;
}

whet_status whet_report_put(whet_ctx *ctx, whet_buf *out, const char *text) {
    const size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n;
        const bool is_valid = whet_utf8_decode(text + i, len - i, &c, &n);
        const bool is_control =
            is_valid && ((c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0));
        WHET_TRY(is_valid && !is_control ? whet_buf_append(ctx, out, text + i, n)
                                         : whet_buf_putc(ctx, out, '?'));
        i += n;
    }
    return WHET_OK;
}

/* Query heads, KV heads, dimension, context out of the problem's JSON; false: not readable. */
static bool read_problem(whet_ctx *ctx, const char *problem, int64_t v[4]) {
    static const char *const keys[] = { "heads", "kv_heads", "head_dim", "context" };
    whet_json *json = NULL;
    bool is_fine =
        whet_json_parse(ctx, "problem", problem, strlen(problem), true, &json) == WHET_OK;
    for (int i = 0; i < 4 && is_fine; i++)
        is_fine = whet_json_integer(whet_json_get(json, keys[i]), &v[i]) && v[i] >= 0 &&
                  v[i] <= INT32_MAX;
    whet_json_close(json);
    return is_fine;
}

void whet_report_problem(whet_ctx *ctx, const char *problem, char *out, size_t n) {
    int64_t v[4];
    if (read_problem(ctx, problem, v))
        snprintf(out, n, "%" PRId64 ":%" PRId64 " x%" PRId64 " @%" PRId64, v[0], v[1], v[2], v[3]);
    else
        snprintf(out, n, "not readable");
}

static bool is_timed_well(const whet_told_duel *d) {
    return d->program >= 0 && d->ratio > 0 && d->low > 0 && d->high < 1e9 && d->ratio < 1e9 &&
           (strcmp(d->code, "PASS") == 0 || strcmp(d->code, "SLOWER") == 0);
}

static void find_looks(whet_report *r) {
    r->shape = r->told.n_duels ? r->told.duels[0].shape : "";
    for (int i = 0; i < r->told.n_programs; i++)
        r->looks[i] = -1;
    for (int i = 0; i < r->told.n_duels; i++) {
        const whet_told_duel *d = &r->told.duels[i];
        if (is_timed_well(d) && r->looks[d->program] < 0 && strcmp(d->shape, r->shape) == 0)
            r->looks[d->program] = i;
    }
    r->best = r->told.winner;
    for (int i = 0; i < r->told.n_programs && r->told.winner < 0; i++) {
        const whet_told_duel *look = whet_report_look(r, i);
        if (!look || strcmp(look->code, "PASS") != 0) continue;
        if (r->best < 0 || look->ratio > whet_report_look(r, r->best)->ratio) r->best = i;
    }
}

whet_status whet_report_open(whet_ctx *ctx, const char *run_file, whet_report **report) {
    *report = NULL;
    whet_report *r = whet_alloc_zero(ctx, 1, sizeof *r);
    if (!r) return WHET_E_NOMEM;
    whet_status st = whet_told_read(ctx, run_file, &r->told);
    if (st == WHET_OK) {
        r->path = whet_strdup(ctx, run_file);
        r->looks = whet_alloc(ctx, ((size_t)r->told.n_programs + 1) * sizeof *r->looks);
        if (!r->path || !r->looks) st = WHET_E_NOMEM;
    }
    if (st == WHET_OK) {
        int64_t v[4];
        if (read_problem(ctx, r->told.problem, v)) {
            r->n_heads = (int)v[0];
            r->head_dim = (int)v[2];
        }
        whet_utf8_make_printable(r->path);
        find_looks(r);
        *report = r;
    } else {
        whet_report_close(ctx, r);
    }
    return st;
}

void whet_report_close(whet_ctx *ctx, whet_report *r) {
    if (!r) return;
    whet_told_fini(&r->told);
    whet_free(ctx, r->path);
    whet_free(ctx, r->looks);
    whet_free(ctx, r);
}

whet_status whet_report_read_brief(whet_ctx *ctx, const char *run_file, whet_report_brief *b) {
    whet_told_brief t;
    WHET_TRY(whet_told_read_brief(ctx, run_file, &t));
    *b = (whet_report_brief){ .n_programs = t.n_programs,
                              .n_steps = t.n_steps,
                              .ratio = t.ratio,
                              .low = t.low,
                              .high = t.high };
    memcpy(b->started, t.started, sizeof b->started);
    memcpy(b->state, t.outcome, sizeof b->state);
    memcpy(b->shape, t.shape, sizeof b->shape);
    memcpy(b->rival, t.rival, sizeof b->rival);
    whet_report_problem(ctx, t.problem, b->problem, sizeof b->problem);
    if (!(b->ratio < 1e9 && b->low < 1e9 && b->high < 1e9)) b->ratio = b->low = b->high = 0;
    char *const texts[] = { b->started, b->state, b->shape, b->rival };
    for (int i = 0; i < 4; i++)
        whet_utf8_make_printable(texts[i]);
    return WHET_OK;
}

/* ---- tallies ---- */

static whet_tally *tally_of(whet_tally *tally, int *n, const char *name, int gate) {
    for (int i = 0; i < *n; i++)
        if (strcmp(tally[i].name, name) == 0 && tally[i].gate == gate) return &tally[i];
    if (*n == WHET_MAX_TALLY) return &tally[WHET_MAX_TALLY - 1];
    tally[*n] = (whet_tally){ .name = name, .gate = gate };
    return &tally[(*n)++];
}

static void sort(whet_tally *tally, int n) {
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && tally[j].n > tally[j - 1].n; j--) {
            const whet_tally other = tally[j];
            tally[j] = tally[j - 1];
            tally[j - 1] = other;
        }
}

int whet_report_verdicts(const whet_report *r, whet_tally tally[WHET_MAX_TALLY]) {
    int n = 0;
    for (int i = 0; i < r->told.n_programs; i++) {
        const whet_told_verdict *v = whet_report_verdict(&r->told.programs[i]);
        tally_of(tally, &n, v->code, strcmp(v->code, "PASS") == 0 ? -1 : v->gate)->n++;
    }
    sort(tally, n);
    return n;
}

int whet_report_operators(const whet_report *r, whet_tally tally[WHET_MAX_TALLY]) {
    int n = 0;
    for (int i = 0; i < r->told.n_programs; i++) {
        whet_tally *t = tally_of(tally, &n, r->told.programs[i].operator_name, 0);
        const double gain = whet_report_gain(r, i);
        t->n++;
        t->n_gained += gain > 1;
        if (gain > t->best) t->best = gain;
    }
    sort(tally, n);
    return n;
}
