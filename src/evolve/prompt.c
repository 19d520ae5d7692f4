/* SPDX-License-Identifier: MIT */
/* Filling the template of a prompt. */
#include "evolve/prompt.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "kernels/attention.h"
#include "kernels/text.h"

extern const whet_text whet_prompt_texts[]; /* "diff" */

enum { N_BEST = 4, N_FAILURES = 5, MAX_COMPILER_BYTES = 600 };

static whet_status put_speed(whet_ctx *ctx, const whet_search *s, const whet_member *m,
                             whet_buf *out) {
    for (int i = 0; i < WHET_N_SHAPES; i++)
        WHET_TRY(whet_buf_printf(ctx, out, "%s%.2fx in %s", i ? ", " : "", exp(m->log_speeds[i]),
                                 s->shape_names[i]));
    return WHET_OK;
}

static whet_status put_best(whet_ctx *ctx, const whet_search *s, whet_buf *out) {
    int elites[N_BEST];
    const int n = whet_search_elites(s, elites, N_BEST);
    for (int i = 0; i < n; i++) {
        char change[256];
        const whet_member *m = &s->members[elites[i]];
        whet_genome_difference(&m->genome, &s->members[0].genome, change, sizeof change);
        WHET_TRY(whet_buf_puts(ctx, out, "- "));
        WHET_TRY(put_speed(ctx, s, m, out));
        WHET_TRY(whet_buf_printf(ctx, out, ": %s\n", *change ? change : "the first program"));
    }
    return WHET_OK;
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

static whet_status put_failures(whet_ctx *ctx, const whet_search *s, whet_buf *out) {
    for (int i = s->n_members - 1, n = 0; i > 0 && n < N_FAILURES; i--) {
        const whet_member *m = &s->members[i];
        if (m->verdict.code == WHET_V_PASS) continue;
        n++;
        WHET_TRY(whet_buf_printf(ctx, out, "- %s: %s: %s\n", m->change,
                                 whet_verdict_name(m->verdict.code), m->verdict.reason));
        if (m->verdict.code == WHET_V_NO_BUILD)
            WHET_TRY(put_printable(ctx, m->verdict.compiler_text, MAX_COMPILER_BYTES, out));
    }
    for (int i = 0; i < WHET_N_LESSONS; i++)
        if (*s->lessons[i])
            WHET_TRY(
                whet_buf_printf(ctx, out, "- a reply that was no program: %s\n", s->lessons[i]));
    return WHET_OK;
}

/* One place of the template by its name. */
static whet_status fill(whet_ctx *ctx, const whet_search *s, int parent, const char *place,
                        size_t n, whet_buf *out) {
    const whet_problem *p = &s->opts.problem;
    const whet_member *m = &s->members[parent];
    char change[256];
    const struct {
        const char *name;
        int32_t value;
    } numbers[] = { { "HEADS", p->n_heads },
                    { "KV_HEADS", p->n_kv_heads },
                    { "HEAD_DIM", p->head_dim },
                    { "CONTEXT", p->n_context } };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strlen(numbers[i].name) == n && memcmp(numbers[i].name, place, n) == 0)
            return whet_buf_printf(ctx, out, "%d", numbers[i].value);
#define IS(word) (n == strlen(word) && memcmp(place, word, n) == 0)
    if (IS("DTYPE")) return whet_buf_puts(ctx, out, whet_dtype_name((whet_dtype)p->dtype));
    if (IS("MACHINE")) return whet_buf_append(ctx, out, s->machine.text, s->machine.len);
    if (IS("HEADER")) return whet_buf_puts(ctx, out, whet_header_texts[0].text);
    if (IS("BASELINE")) return whet_buf_puts(ctx, out, s->yardstick->name);
    if (IS("SPEED")) return put_speed(ctx, s, m, out);
    if (IS("PARENT")) return whet_genome_without_comments(ctx, &m->genome, out);
    if (IS("BEST")) return put_best(ctx, s, out);
    if (IS("FAILURES")) return put_failures(ctx, s, out);
    if (IS("CHANGE")) {
        whet_genome_difference(&m->genome, &s->members[0].genome, change, sizeof change);
        return whet_buf_puts(ctx, out, *change ? change : "nothing");
    }
#undef IS
    return whet_fail(ctx, WHET_E_FORMAT,
                     "the prompt's template has a place {{%.*s}}, which is not "
                     "known",
                     (int)n, place);
}

whet_status whet_prompt_write(whet_ctx *ctx, const whet_search *s, int parent, whet_buf *prompt) {
    const char *at = whet_prompt_texts[0].text;
    whet_buf_clear(prompt);
    for (const char *open; (open = strstr(at, "{{"));) {
        const char *close = strstr(open, "}}");
        if (!close) break;
        WHET_TRY(whet_buf_append(ctx, prompt, at, (size_t)(open - at)));
        WHET_TRY(fill(ctx, s, parent, open + 2, (size_t)(close - open - 2), prompt));
        at = close + 2;
    }
    return whet_buf_puts(ctx, prompt, at);
}
