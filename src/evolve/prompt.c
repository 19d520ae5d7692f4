/* SPDX-License-Identifier: MIT */
/* Filling the templates of prompts. */
#include "evolve/prompt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "evolve/ablate.h"
#include "kernels/attention.h"
#include "kernels/text.h"

extern const whet_text whet_prompt_texts[]; /* "diff", ..., "task", "facts" */

enum {
    N_TOP = 3,
    N_DIVERSE = 2,
    N_FAILURES = 6,
    N_GAINS = 10,
    N_LOSSES = 5,
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
} writer;

/* ---- facts ---- */

/* In absolute figures: of one call when it was first raced, on a machine that others use, too. */
static whet_status put_cost(whet_ctx *ctx, const writer *w, const whet_member *m, int shape,
                            whet_buf *out) {
    const double limit = w->s->limits.bytes_per_second;
    if (!(m->ns[shape] > 0)) return WHET_OK;
    WHET_TRY(whet_buf_printf(ctx, out, " (%.3f ms a call", m->ns[shape] * 1e-6));
    if (shape == WHET_SHAPE_DECODE && limit > 0)
        WHET_TRY(whet_buf_printf(ctx, out, ", %.0f %% of the memory's limit",
                                 100 * m->kv_bytes[shape] / m->ns[shape] * 1e9 / limit));
    return whet_buf_putc(ctx, out, ')');
}

/* The least time of a call in decode, from what the seed's race had to read. */
static whet_status put_limit(whet_ctx *ctx, const writer *w, whet_buf *out) {
    const whet_member *seed = &w->s->members[0];
    const double bytes = seed->kv_bytes[WHET_SHAPE_DECODE];
    if (!(w->s->limits.bytes_per_second > 0)) return whet_buf_puts(ctx, out, "not measured");
    return whet_buf_printf(ctx, out, "%.1f MB in %.3f ms", bytes * 1e-6,
                           bytes / w->s->limits.bytes_per_second * 1e3);
}

static whet_status put_speed(whet_ctx *ctx, const writer *w, const whet_member *m, whet_buf *out) {
    if (!m->has_speed) return whet_buf_puts(ctx, out, "not timed");
    for (int i = 0; i < WHET_N_SHAPES; i++) {
        if (!isfinite(m->log_speeds[i]) || (!m->is_timed && i != WHET_SHAPE_DECODE)) continue;
        WHET_TRY(whet_buf_printf(ctx, out, "%s%.2fx in %s", i ? ", " : "", exp(m->log_speeds[i]),
                                 w->s->shape_names[i]));
        WHET_TRY(put_cost(ctx, w, m, i, out));
    }
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
    return st;
}

static bool is_shown_already(const writer *w, int i) {
    return i == w->q->parent || i == w->q->other;
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

/* ---- the scratchpad: what each change did to its parent's speed ---- */

typedef struct effect {
    int member;
    double log_gain;
} effect;

static int by_gain(const void *a, const void *b) {
    const effect *x = a, *y = b;
    if (x->log_gain != y->log_gain) return x->log_gain < y->log_gain ? 1 : -1;
    return (x->member > y->member) - (x->member < y->member);
}

/* What it is made of: what gains in decode may cost as much in prefill. */
static whet_status put_gain(whet_ctx *ctx, const writer *w, const effect *e, whet_buf *item) {
    const whet_member *m = &w->s->members[e->member], *parent = &w->s->members[m->parent];
    WHET_TRY(whet_buf_printf(ctx, item, "- %.2fx its parent's speed", exp(e->log_gain)));
    const char *before = " (";
    for (int i = 0; i < WHET_N_SHAPES; i++) {
        const double gain = m->log_speeds[i] - parent->log_speeds[i];
        if (!isfinite(gain)) continue;
        WHET_TRY(
            whet_buf_printf(ctx, item, "%s%.2fx in %s", before, exp(gain), w->s->shape_names[i]));
        before = ", ";
    }
    return whet_buf_printf(ctx, item, "%s: %s\n", *before == ',' ? ")" : "", m->change);
}

static whet_status list_effects(whet_ctx *ctx, writer *w, const effect *effects, int n) {
    whet_buf item = { 0 };
    bool is_taken;
    whet_status st = WHET_OK;
    for (int i = 0; i < n && st == WHET_OK; i++) {
        const bool is_end = i < N_GAINS || i >= n - N_LOSSES;
        if (!is_end) continue;
        st = put_gain(ctx, w, &effects[i], &item);
        if (st == WHET_OK) st = take_item(ctx, w, &item, &is_taken);
    }
    whet_buf_fini(ctx, &item);
    return st;
}

/* Parts that were measured one by one. */
static whet_status put_parts(whet_ctx *ctx, writer *w) {
    whet_gain gains[WHET_N_GAINS];
    whet_buf item = { 0 };
    bool is_taken;
    int n;
    WHET_TRY(whet_ablate_gains(ctx, w->s, gains, WHET_N_GAINS, &n));
    whet_status st = WHET_OK;
    for (int i = 0; i < n && st == WHET_OK; i++) {
        st = whet_buf_printf(ctx, &item, "- %.2fx by itself, measured %d time%s: %s\n",
                             exp(gains[i].log_gain), gains[i].n, gains[i].n > 1 ? "s" : "",
                             gains[i].what);
        if (st == WHET_OK) st = take_item(ctx, w, &item, &is_taken);
    }
    whet_buf_fini(ctx, &item);
    return st;
}

static whet_status put_ideas(whet_ctx *ctx, writer *w) {
    const whet_search *s = w->s;
    WHET_TRY(put_parts(ctx, w));
    effect *effects = whet_alloc_zero(ctx, (size_t)s->n_members, sizeof *effects);
    if (!effects) return WHET_E_NOMEM;
    int n = 0;
    for (int i = 1; i < s->n_members; i++) {
        const whet_member *m = &s->members[i];
        if (!m->is_timed || m->parent < 0 || !s->members[m->parent].is_timed) continue;
        effects[n++] = (effect){ i, m->log_speed - s->members[m->parent].log_speed };
    }
    qsort(effects, (size_t)n, sizeof *effects, by_gain);
    const whet_status st = list_effects(ctx, w, effects, n);
    whet_free(ctx, effects);
    return st;
}

/* ---- places ---- */

typedef whet_status (*list_fn)(whet_ctx *ctx, writer *w);

static const struct {
    const char *name;
    list_fn put;
} lists[] = {
    { "BEST", put_best },
    { "DIVERSE", put_diverse },
    { "FAILURES", put_failures },
    { "IDEAS", put_ideas },
};

enum { N_LISTS = sizeof lists / sizeof *lists };

static const char *const facts[] = { "HEADS",   "KV_HEADS", "HEAD_DIM", "CONTEXT",     "DTYPE",
                                     "MACHINE", "HEADER",   "BASELINE", "SPEED",       "PARENT",
                                     "CHANGE",  "VERDICT",  "OTHER",    "OTHER_SPEED", "LIMIT" };

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
    N_FACTS,
};

static bool is_word(const char *name, const char *place, size_t n) {
    return strlen(name) == n && memcmp(name, place, n) == 0;
}

static whet_status put_fact(whet_ctx *ctx, const writer *w, int fact) {
    const whet_search *s = w->s;
    const whet_problem *p = &s->opts.problem;
    const whet_member *m = &s->members[w->q->parent];
    const whet_member *other = w->q->other >= 0 ? &s->members[w->q->other] : m;
    switch (fact) {
    case HEADS: return whet_buf_printf(ctx, w->out, "%d", p->n_heads);
    case KV_HEADS: return whet_buf_printf(ctx, w->out, "%d", p->n_kv_heads);
    case HEAD_DIM: return whet_buf_printf(ctx, w->out, "%d", p->head_dim);
    case CONTEXT: return whet_buf_printf(ctx, w->out, "%d", p->n_context);
    case DTYPE: return whet_buf_puts(ctx, w->out, whet_dtype_name((whet_dtype)p->dtype));
    case MACHINE: return whet_limits_tell(ctx, &s->machine, w->out);
    case HEADER: return whet_buf_puts(ctx, w->out, whet_header_texts[0].text);
    case BASELINE: return whet_buf_puts(ctx, w->out, s->yardstick->name);
    case SPEED: return put_speed(ctx, w, m, w->out);
    case PARENT: return put_program(ctx, m, w->out);
    case CHANGE: return put_difference(ctx, w, m, w->out);
    case VERDICT: return put_verdict(ctx, m, w->out);
    case OTHER: return put_program(ctx, other, w->out);
    case LIMIT: return put_limit(ctx, w, w->out);
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
    w.room = prompt->len < most ? most - prompt->len : 0;
    whet_buf_clear(prompt);
    return expand(ctx, &w, text);
}
