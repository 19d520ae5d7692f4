/* SPDX-License-Identifier: MIT */
/* Filling the templates of prompts. */
#include "evolve/prompt.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "evolve/ablate.h"
#include "evolve/roof.h"
#include "evolve/suite.h"
#include "evolve/tried.h"
#include "kernels/attention.h"
#include "kernels/text.h"

extern const whet_text whet_prompt_texts[]; /* "diff", ..., "task", "facts" */

enum {
    N_TOP = 3,
    N_DIVERSE = 2,
    N_FAILURES = 6,
    MAX_COMPILER_BYTES = 1200,
    MAX_PROMPT_BYTES = 64 << 10,
    MAX_DEPTH = 4,
};

/* A prompt that grows; what is no necessity goes in as long as there is room. */
typedef struct writer {
    const whet_search *s;
    const whet_question *q;
    whet_buf *out;
    size_t room;
    int depth;
    int shown[64]; /* members of the lists of programs */
    int n_shown;
} writer;

/* ---- facts ---- */

static whet_limits largest_limits(const whet_search *s) {
    return (whet_limits){ s->result->peak_bytes, s->result->peak_flop };
}

static whet_status put_ratio(whet_ctx *ctx, const whet_ratio *r, whet_buf *out) {
    WHET_TRY(whet_buf_printf(ctx, out, "%.2fx", r->ratio));
    return r->low > 0 ? whet_buf_printf(ctx, out, " [%.2f, %.2f]", r->low, r->high) : WHET_OK;
}

/* In absolute figures, of one call when it was first raced; the share is of the largest limits that
 * the run has seen. */
static whet_status put_cost(whet_ctx *ctx, const writer *w, const whet_member *m, int shape,
                            whet_buf *out) {
    whet_evolve_shape row = { .ns = m->ns[shape], .kv_bytes = m->kv_bytes[shape] };
    memcpy(row.name, w->s->shape_names[shape], sizeof row.name);
    const double share = whet_roof_share(w->s, &row);
    if (!(m->ns[shape] > 0)) return WHET_OK;
    WHET_TRY(whet_buf_printf(ctx, out, " (%.3f ms a call", m->ns[shape] * 1e-6));
    if (share > 0)
        WHET_TRY(whet_buf_printf(ctx, out, ", %.0f %% of the %s limit", 100 * share,
                                 whet_roof_is_memory(w->s, &row) ? "memory's" : "arithmetic's"));
    return whet_buf_putc(ctx, out, ')');
}

/* The least time of a call in decode, from what the seed's race had to read. */
static whet_status put_limit(whet_ctx *ctx, const writer *w, whet_buf *out) {
    const whet_member *seed = &w->s->members[0];
    const double bytes = seed->kv_bytes[WHET_SHAPE_DECODE], limit = w->s->result->peak_bytes;
    if (!(limit > 0)) return whet_buf_puts(ctx, out, "not measured");
    return whet_buf_printf(ctx, out, "%.1f MB in %.3f ms", bytes * 1e-6, bytes / limit * 1e3);
}

static whet_status put_speed(whet_ctx *ctx, const writer *w, const whet_member *m, whet_buf *out) {
    if (!m->has_speed) return whet_buf_puts(ctx, out, "not timed");
    for (int i = 0; i < WHET_N_SHAPES; i++) {
        if (!(m->races[i].ratio > 0) || (!m->is_timed && i != WHET_SHAPE_DECODE)) continue;
        if (i) WHET_TRY(whet_buf_puts(ctx, out, ", "));
        WHET_TRY(put_ratio(ctx, &m->races[i], out));
        WHET_TRY(whet_buf_printf(ctx, out, " in %s", w->s->shape_names[i]));
        WHET_TRY(put_cost(ctx, w, m, i, out));
    }
    return WHET_OK;
}

/* "decode@128, ...": the shapes that decide, and those that are raced. */
static whet_status put_shapes(whet_ctx *ctx, const writer *w, const whet_shape *shapes, int n,
                              whet_buf *out) {
    for (int i = 0; i < n; i++)
        WHET_TRY(whet_buf_printf(ctx, out, "%s%s", i ? ", " : "",
                                 w->s->shape_names[shapes ? (int)shapes[i] : i]));
    return WHET_OK;
}

static whet_status put_difference(whet_ctx *ctx, const writer *w, const whet_member *m,
                                  whet_buf *out) {
    char change[256];
    whet_genome_difference(&m->genome, &w->s->members[0].genome, change, sizeof change);
    return whet_buf_puts(ctx, out, *change ? change : "nothing");
}

/* Reasons and the compiler's words were written by us and by it, but quote a stranger's code. */
static whet_status put_printable(whet_ctx *ctx, const char *text, size_t max, whet_buf *out) {
    char copy[sizeof((whet_verdict *)0)->compiler_text];
    snprintf(copy, sizeof copy, "%.*s", (int)max, text);
    for (char *line = copy; *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] != 0)) {
        char one[512];
        snprintf(one, sizeof one, "%.*s", (int)strcspn(line, "\n"), line);
        whet_utf8_make_printable(one);
        WHET_TRY(whet_buf_printf(ctx, out, "  %s\n", one));
    }
    return WHET_OK;
}

static whet_status put_verdict(whet_ctx *ctx, const whet_member *m, whet_buf *out) {
    WHET_TRY(whet_buf_printf(ctx, out, "%s: %s\n", whet_verdict_name(m->verdict.code),
                             m->verdict.reason));
    if (m->verdict.code == WHET_V_NO_BUILD)
        WHET_TRY(put_printable(ctx, m->verdict.compiler_text, MAX_COMPILER_BYTES, out));
    if (m->verdict.code == WHET_V_PASS || !m->evidence.len) return WHET_OK;
    return whet_buf_printf(ctx, out, "  evidence: %s\n", m->evidence.text);
}

/* A program without its comments, and with one blank line where those left several. */
static whet_status put_program(whet_ctx *ctx, const whet_member *m, whet_buf *out) {
    whet_buf text = { 0 };
    bool was_blank = false;
    whet_status st = whet_genome_without_comments(ctx, &m->genome, &text);
    for (size_t at = 0, n; at < text.len && st == WHET_OK; at += n + 1) {
        const char *line = text.text + at;
        n = strcspn(line, "\n");
        const bool is_blank = strspn(line, " \t\r") >= n;
        if (!is_blank) st = whet_buf_append(ctx, out, line, n);
        if (st == WHET_OK && !(is_blank && was_blank)) st = whet_buf_putc(ctx, out, '\n');
        was_blank = is_blank;
    }
    whet_buf_fini(ctx, &text);
    return st;
}

/* ---- lists, filled while there is room ---- */

/* Takes an item, or drops it; clears it either way. */
static whet_status take_item(whet_ctx *ctx, writer *w, whet_buf *item, bool *is_taken) {
    *is_taken = item->len <= w->room;
    whet_status st = WHET_OK;
    if (*is_taken) {
        w->room -= item->len;
        st = whet_buf_append(ctx, w->out, item->text, item->len);
    }
    whet_buf_clear(item);
    return st;
}

static whet_status put_member(whet_ctx *ctx, writer *w, const whet_member *m, bool has_code,
                              whet_buf *item) {
    WHET_TRY(whet_buf_puts(ctx, item, "- "));
    WHET_TRY(put_speed(ctx, w, m, item));
    WHET_TRY(whet_buf_puts(ctx, item, "; it differs from the first program in: "));
    WHET_TRY(put_difference(ctx, w, m, item));
    WHET_TRY(whet_buf_putc(ctx, item, '\n'));
    if (!has_code) return WHET_OK;
    WHET_TRY(put_program(ctx, m, item));
    return whet_buf_putc(ctx, item, '\n');
}

/* With its code, or without it where that is too long. */
static whet_status show_member(whet_ctx *ctx, writer *w, int i) {
    whet_buf item = { 0 };
    bool is_taken = false;
    whet_status st = WHET_OK;
    for (int has_code = 1; has_code >= 0 && !is_taken && st == WHET_OK; has_code--) {
        st = put_member(ctx, w, &w->s->members[i], has_code, &item);
        if (st == WHET_OK) st = take_item(ctx, w, &item, &is_taken);
    }
    whet_buf_fini(ctx, &item);
    if (is_taken && w->n_shown < (int)(sizeof w->shown / sizeof *w->shown))
        w->shown[w->n_shown++] = i;
    return st;
}

static bool is_shown_already(const writer *w, int i) {
    bool is_shown = i == w->q->parent || i == w->q->other;
    for (int j = 0; j < w->n_shown; j++)
        is_shown |= w->shown[j] == i;
    return is_shown;
}

static whet_status put_best(whet_ctx *ctx, writer *w) {
    int elites[64];
    int n = w->s->opts.n_top_programs ? w->s->opts.n_top_programs : N_TOP;
    n = whet_search_elites(w->s, elites, n < 64 ? n : 64);
    for (int i = 0; i < n; i++)
        if (!is_shown_already(w, elites[i])) WHET_TRY(show_member(ctx, w, elites[i]));
    return WHET_OK;
}

/* The fastest of other cells of the grid than the parent's and the best one's. */
static whet_status put_diverse(whet_ctx *ctx, writer *w) {
    const whet_search *s = w->s;
    const int n = s->opts.n_diverse_programs ? s->opts.n_diverse_programs : N_DIVERSE;
    uint32_t seen[2 + 16] = { s->members[w->q->parent].cell };
    int best = -1, n_seen = 1;
    if (whet_search_elites(s, &best, 1)) seen[n_seen++] = s->members[best].cell;
    for (int taken = 0; taken < n && taken < 16; taken++) {
        int found = -1;
        for (int i = 0; i < s->n_members; i++) {
            bool is_new = s->members[i].is_timed && !is_shown_already(w, i);
            for (int j = 0; j < n_seen; j++)
                is_new &= seen[j] != s->members[i].cell;
            if (is_new && (found < 0 || s->members[i].log_speed > s->members[found].log_speed))
                found = i;
        }
        if (found < 0) break;
        seen[n_seen++] = s->members[found].cell;
        WHET_TRY(show_member(ctx, w, found));
    }
    return WHET_OK;
}

static whet_status put_failures(whet_ctx *ctx, writer *w) {
    whet_buf item = { 0 };
    whet_status st = WHET_OK;
    bool is_taken;
    for (int i = w->s->n_members - 1, n = 0; i > 0 && n < N_FAILURES && st == WHET_OK; i--) {
        const whet_member *m = &w->s->members[i];
        const bool is_twin = m->verdict.code == WHET_V_PASS && !m->is_timed;
        if ((m->verdict.code == WHET_V_PASS && !is_twin) || i == w->q->parent) continue;
        n++;
        st = whet_buf_printf(ctx, &item, "- %s: ", m->change);
        if (st == WHET_OK && is_twin)
            st = whet_buf_puts(ctx, &item, "no effect, the same machine code as another program\n");
        else if (st == WHET_OK)
            st = put_verdict(ctx, m, &item);
        if (st == WHET_OK) st = take_item(ctx, w, &item, &is_taken);
    }
    for (int i = 0; i < WHET_N_LESSONS && st == WHET_OK; i++) {
        if (!*w->s->lessons[i]) continue;
        st = whet_buf_printf(ctx, &item, "- a reply that was no program: %s\n", w->s->lessons[i]);
        if (st == WHET_OK) st = take_item(ctx, w, &item, &is_taken);
    }
    whet_buf_fini(ctx, &item);
    return st;
}

/* ---- what changes did ---- */

/* What it is made of: what gains in decode may cost as much in prefill. */
static whet_status put_gain(whet_ctx *ctx, const writer *w, const whet_tried *t, whet_buf *item) {
    const whet_member *m = &w->s->members[t->member];
    WHET_TRY(put_ratio(ctx, &t->gain, item));
    WHET_TRY(whet_buf_puts(ctx, item, " its parent's speed"));
    const char *before = " (";
    for (int i = 0; i < WHET_N_SHAPES && m->is_timed; i++) {
        const whet_ratio gain = whet_tried_gain_in(w->s, m, i);
        if (!(gain.ratio > 0)) continue;
        WHET_TRY(whet_buf_puts(ctx, item, before));
        WHET_TRY(put_ratio(ctx, &gain, item));
        WHET_TRY(whet_buf_printf(ctx, item, " in %s", w->s->shape_names[i]));
        before = ", ";
    }
    return whet_buf_puts(ctx, item, *before == ',' ? ")" : "");
}

static whet_status put_try(whet_ctx *ctx, const writer *w, const whet_tried *t, whet_buf *item) {
    const whet_member *m = &w->s->members[t->member];
    const whet_verdict *v = &m->verdict;
    WHET_TRY(whet_buf_puts(ctx, item, "- "));
    if (t->kind == WHET_TRIED_REJECTED && v->code == WHET_V_PASS)
        WHET_TRY(whet_buf_puts(ctx, item, "the same machine code as another program"));
    else if (t->kind == WHET_TRIED_REJECTED)
        WHET_TRY(whet_buf_printf(ctx, item, "%s by gate %d (%s)", whet_verdict_name(v->code),
                                 (int)v->gate, whet_gate_name(v->gate)));
    else if (t->gain.ratio > 0)
        WHET_TRY(put_gain(ctx, w, t, item));
    else
        WHET_TRY(whet_buf_puts(ctx, item, "right, and its parent was not timed"));
    WHET_TRY(whet_buf_printf(ctx, item, ": %s", m->change));
    if (t->n > 1) WHET_TRY(whet_buf_printf(ctx, item, "; tried %d times", t->n));
    if (t->n > 1 && t->most > 0)
        WHET_TRY(whet_buf_printf(ctx, item, ", %.2fx to %.2fx", t->least, t->most));
    return whet_buf_putc(ctx, item, '\n');
}

/* Names and effects of all that was tried, each name once. */
static whet_status put_tried(whet_ctx *ctx, writer *w) {
    static const char *const heads[WHET_N_TRIED_KINDS] = {
        "Faster than the parent, beyond the noise:\n",
        "Slower than the parent, beyond the noise:\n",
        "No difference from the parent that one look can see:\n",
        "Refused:\n",
    };
    whet_tried tried[WHET_MAX_TRIED];
    whet_buf item = { 0 };
    bool is_taken;
    int n;
    WHET_TRY(whet_tried_list(ctx, w->s, tried, &n));
    whet_status st = WHET_OK;
    for (int i = 0; i < n && st == WHET_OK; i++) {
        if (i == 0 || tried[i].kind != tried[i - 1].kind)
            st = whet_buf_puts(ctx, &item, heads[tried[i].kind]);
        if (st == WHET_OK) st = put_try(ctx, w, &tried[i], &item);
        if (st == WHET_OK) st = take_item(ctx, w, &item, &is_taken);
    }
    whet_buf_fini(ctx, &item);
    return st;
}

/* Parts that were measured one by one. */
static whet_status put_ideas(whet_ctx *ctx, writer *w) {
    whet_gain gains[WHET_N_GAINS];
    whet_buf item = { 0 };
    bool is_taken;
    int n;
    WHET_TRY(whet_ablate_gains(ctx, w->s, gains, WHET_N_GAINS, &n));
    whet_status st = WHET_OK;
    for (int i = 0; i < n && st == WHET_OK; i++) {
        st = whet_buf_puts(ctx, &item, "- ");
        if (st == WHET_OK) st = put_ratio(ctx, &gains[i].gain, &item);
        if (st == WHET_OK)
            st = whet_buf_printf(ctx, &item, " by itself, measured %d time%s: %s\n", gains[i].n,
                                 gains[i].n > 1 ? "s" : "", gains[i].what);
        if (st == WHET_OK) st = take_item(ctx, w, &item, &is_taken);
    }
    whet_buf_fini(ctx, &item);
    return st;
}

/* ---- places ---- */

typedef whet_status (*list_fn)(whet_ctx *ctx, writer *w);

static const struct {
    const char *name;
    list_fn put;
} lists[] = {
    { "BEST", put_best },   { "DIVERSE", put_diverse }, { "FAILURES", put_failures },
    { "IDEAS", put_ideas }, { "TRIED", put_tried },
};

enum { N_LISTS = sizeof lists / sizeof *lists };

static const char *const facts[] = { "HEADS",   "KV_HEADS", "HEAD_DIM", "CONTEXT",     "DTYPE",
                                     "MACHINE", "HEADER",   "BASELINE", "SPEED",       "PARENT",
                                     "CHANGE",  "VERDICT",  "OTHER",    "OTHER_SPEED", "LIMIT",
                                     "SUITE",   "RACES",    "COMPILER" };

enum {
    HEADS,
    KV_HEADS,
    HEAD_DIM,
    CONTEXT,
    DTYPE,
    MACHINE,
    HEADER,
    BASELINE,
    SPEED,
    PARENT,
    CHANGE,
    VERDICT,
    OTHER,
    OTHER_SPEED,
    LIMIT,
    SUITE,
    RACES,
    COMPILER,
    N_FACTS,
};

static bool is_word(const char *name, const char *place, size_t n) {
    return strlen(name) == n && memcmp(name, place, n) == 0;
}

/* A run that is replayed has none of its own. */
static const char *compiler_of(const whet_search *s) {
    return s->answers ? s->run.compiler.text : s->compiler;
}

static whet_status put_fact(whet_ctx *ctx, const writer *w, int fact) {
    const whet_search *s = w->s;
    const whet_problem *p = &s->opts.problem;
    const whet_member *m = &s->members[w->q->parent];
    const whet_member *other = w->q->other >= 0 ? &s->members[w->q->other] : m;
    const whet_limits largest = largest_limits(s);
    switch (fact) {
    case HEADS: return whet_buf_printf(ctx, w->out, "%d", p->n_heads);
    case KV_HEADS: return whet_buf_printf(ctx, w->out, "%d", p->n_kv_heads);
    case HEAD_DIM: return whet_buf_printf(ctx, w->out, "%d", p->head_dim);
    case CONTEXT: return whet_buf_printf(ctx, w->out, "%d", p->n_context);
    case DTYPE: return whet_buf_puts(ctx, w->out, whet_dtype_name((whet_dtype)p->dtype));
    case MACHINE: return whet_limits_tell(ctx, &s->machine, &largest, w->out);
    case HEADER: return whet_buf_puts(ctx, w->out, whet_header_texts[0].text);
    case BASELINE: return whet_buf_puts(ctx, w->out, s->yardstick->name);
    case SPEED: return put_speed(ctx, w, m, w->out);
    case PARENT: return put_program(ctx, m, w->out);
    case CHANGE: return put_difference(ctx, w, m, w->out);
    case VERDICT: return put_verdict(ctx, m, w->out);
    case OTHER: return put_program(ctx, other, w->out);
    case LIMIT: return put_limit(ctx, w, w->out);
    case SUITE: return put_shapes(ctx, w, whet_suite, WHET_N_SUITE, w->out);
    case RACES: return put_shapes(ctx, w, NULL, WHET_N_SHAPES, w->out);
    case COMPILER: return whet_buf_puts(ctx, w->out, compiler_of(s));
    default: return put_speed(ctx, w, other, w->out);
    }
}

static const char *find_template(const whet_search *s, const char *place, size_t n) {
    for (int i = 0; i < WHET_N_TEMPLATES; i++)
        if (is_word(whet_prompt_texts[i].path, place, n))
            return s && s->asking.templates[i].len ? s->asking.templates[i].text
                                                   : whet_prompt_texts[i].text;
    return NULL;
}

static whet_status expand(whet_ctx *ctx, writer *w, const char *text);

static whet_status fill(whet_ctx *ctx, writer *w, const char *place, size_t n) {
    for (int i = 0; i < N_FACTS; i++)
        if (is_word(facts[i], place, n)) return put_fact(ctx, w, i);
    for (int i = 0; i < N_LISTS; i++) {
        if (!is_word(lists[i].name, place, n)) continue;
        const size_t before = w->out->len;
        WHET_TRY(lists[i].put(ctx, w));
        return w->out->len > before ? WHET_OK : whet_buf_puts(ctx, w->out, "- nothing yet\n");
    }
    const char *shared = find_template(w->s, place, n);
    if (shared && w->depth < MAX_DEPTH) return expand(ctx, w, shared);
    return whet_fail(ctx, WHET_E_FORMAT, "a prompt's template has a place {{%.*s}} too much",
                     (int)n, place);
}

static whet_status expand(whet_ctx *ctx, writer *w, const char *at) {
    w->depth++;
    for (const char *open; (open = strstr(at, "{{"));) {
        const char *close = strstr(open, "}}");
        if (!close) break;
        WHET_TRY(whet_buf_append(ctx, w->out, at, (size_t)(open - at)));
        WHET_TRY(fill(ctx, w, open + 2, (size_t)(close - open - 2)));
        at = close + 2;
    }
    w->depth--;
    return whet_buf_puts(ctx, w->out, at);
}

whet_status whet_prompt_check(whet_ctx *ctx, const char *name, const char *text) {
    for (const char *at = text ? text : "", *open; (open = strstr(at, "{{"));) {
        const char *close = strstr(open, "}}");
        if (!close) return whet_fail(ctx, WHET_E_FORMAT, "%s: a {{ is without its }}", name);
        const size_t n = (size_t)(close - open - 2);
        bool is_known = find_template(NULL, open + 2, n) != NULL;
        for (int i = 0; i < N_FACTS; i++)
            is_known |= is_word(facts[i], open + 2, n);
        for (int i = 0; i < N_LISTS; i++)
            is_known |= is_word(lists[i].name, open + 2, n);
        if (!is_known)
            return whet_fail(ctx, WHET_E_FORMAT, "%s: the place {{%.*s}} is not known", name,
                             (int)(n < 40 ? n : 40), open + 2);
        at = close + 2;
    }
    return WHET_OK;
}

/* ---- questions that would be alike ---- */

static const char *const focuses[] = {
    "decode at short contexts, where starting, splitting and merging count as much as reading",
    "prefill: tiles of queries and keys in registers, and what is done once for many rows",
    "the layout of the cache: what lies beside what, for both reading and appending",
    "the softmax: its passes, its exp, and what can be left out of them",
    "the split over workers and the merge of their parts",
    "how memory is read: streams, pages, prefetch, and what waits for what",
    "the conversions between bf16 and f32, and which unit does the products",
};

enum { N_FOCUSES = sizeof focuses / sizeof *focuses };

/* Which one comes first is drawn by the run's seed and by how many questions there were: not by the
 * dice of the search, which do not depend on what is in a prompt. */
static whet_status put_focus(whet_ctx *ctx, const writer *w) {
    whet_rng rng;
    if (!w->q->focus) return WHET_OK;
    whet_rng_init(&rng, w->s->opts.seed + (uint64_t)w->s->n_proposals);
    const uint64_t at = whet_rng_below(&rng, N_FOCUSES) + (uint64_t)w->q->focus;
    return whet_buf_printf(ctx, w->out,
                           "\nSomebody else is asked the same at this moment. Begin with another "
                           "side of it: %s.\n",
                           focuses[at % N_FOCUSES]);
}

/* Once without the lists, to see what room is left for them. */
whet_status whet_prompt_write(whet_ctx *ctx, const whet_search *s, const whet_question *question,
                              whet_buf *prompt) {
    const char *name = whet_ask_name(question->ask);
    const char *text = find_template(s, name, strlen(name));
    const size_t most =
        s->opts.max_prompt_bytes > 0 ? (size_t)s->opts.max_prompt_bytes : MAX_PROMPT_BYTES;
    writer w = { .s = s, .q = question, .out = prompt };
    whet_buf_clear(prompt);
    WHET_TRY(expand(ctx, &w, text));
    WHET_TRY(put_focus(ctx, &w));
    w.room = prompt->len < most ? most - prompt->len : 0;
    whet_buf_clear(prompt);
    WHET_TRY(expand(ctx, &w, text));
    return put_focus(ctx, &w);
}
