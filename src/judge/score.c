/* SPDX-License-Identifier: MIT */
/* Mutants are chosen and compiled in blocks, then judged, all side by side; what is found does not
 * depend on which thread was first. */
#include <whet/score.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "judge/corpus.h"
#include "judge/likeness.h"
#include "judge/mutant.h"
#include "kernels/programs.h"

enum {
    BLOCK = 64,
    MAX_THREADS = 64,
    MAX_OWN = 64,
    STREAM_ORDER = 1300,
    STREAM_LIKE = 1301,
    STREAM_HONEST = 1400
};

/* An object belongs to the context of the hand that built it. */
typedef struct built {
    whet_object object;
    int hand;
} built;

/* A mutant that may be judged. */
typedef struct candidate {
    int text;
    whet_mutant mutant;
    built built;
} candidate;

typedef struct work work;

typedef struct hand {
    work *work;
    whet_ctx *ctx; /* the caller's for the first; owned by the others */
    int number;
    pthread_t thread;
    bool is_started;
    whet_status status;
} hand;

struct work {
    const whet_judge_opts *judge_opts;
    const whet_score_text *texts;
    int n_texts;
    const whet_score_opts *opts;
    whet_score *score;
    whet_judge *judge;
    built *originals; /* of the texts */
    whet_likeness likeness;
    candidate *candidates;
    int n_candidates, n_judged;
    candidate **chosen; /* n_judged of them */
    hand hands[MAX_THREADS];
    int n_hands;
    /* of what is done side by side: */
    whet_status (*one)(hand *h, int i);
    atomic_int next;
    int end;
    pthread_mutex_t telling; /* guards the calls of opts->tell */
};

static const char *const fates[] = { "rejected", "same bits", "within the tolerance", "accepted",
                                     "hole",     "refused",   "original rejected" };

const char *whet_fate_name(whet_fate fate) {
    return fates[fate];
}

static int n_mutations(void) {
    int n = 0;
    while (whet_mutations[n].name)
        n++;
    return n;
}

const char *whet_mutation_name(int i) {
    return i >= 0 && i < n_mutations() ? whet_mutations[i].name : NULL;
}

const char *whet_mutation_meaning(int i) {
    return i >= 0 && i < n_mutations() ? whet_mutations[i].does : NULL;
}

/* ---- side by side ---- */

static void *labour(void *arg) {
    hand *h = arg;
    work *w = h->work;
    h->status = WHET_OK;
    while (h->status == WHET_OK) {
        const int i = atomic_fetch_add(&w->next, 1);
        if (i >= w->end) break;
        h->status = w->one(h, i);
    }
    if (h->status != WHET_OK) atomic_store(&w->next, w->end); /* the others stop, too */
    return NULL;
}

/* Does `one` for first .. end - 1 by all hands, this thread being the first of them. */
static whet_status side_by_side(work *w, int first, int end, whet_status (*one)(hand *h, int i)) {
    whet_ctx *ctx = w->hands[0].ctx;
    w->one = one;
    w->next = first;
    w->end = end;
    whet_status st = WHET_OK;
    for (int i = 1; i < w->n_hands; i++)
        w->hands[i].is_started =
            pthread_create(&w->hands[i].thread, NULL, labour, &w->hands[i]) == 0;
    labour(&w->hands[0]);
    st = w->hands[0].status;
    for (int i = 1; i < w->n_hands; i++) {
        hand *h = &w->hands[i];
        if (!h->is_started) continue; /* no more threads: fewer hands */
        if (st == WHET_E_CANCELLED) whet_ctx_cancel(h->ctx);
        pthread_join(h->thread, NULL);
        h->is_started = false;
        if (st == WHET_OK && h->status != WHET_OK)
            st = whet_fail(ctx, h->status, "%s", whet_ctx_message(h->ctx));
    }
    return st;
}

static void tell(work *w, const whet_score_item *item) {
    if (!w->opts->tell) return;
    pthread_mutex_lock(&w->telling);
    w->opts->tell(w->opts->data, item);
    pthread_mutex_unlock(&w->telling);
}

/* ---- which mutants ---- */

static whet_status add_text(whet_ctx *ctx, work *w, int text) {
    whet_mutant *mutants = NULL;
    size_t n = 0;
    WHET_TRY(whet_mutants_list(ctx, w->texts[text].text, &mutants, &n));
    candidate *more =
        whet_realloc(ctx, w->candidates, ((size_t)w->n_candidates + n + 1) * sizeof *more);
    if (more) {
        w->candidates = more;
        for (size_t i = 0; i < n; i++)
            w->candidates[w->n_candidates++] = (candidate){ .text = text, .mutant = mutants[i] };
    }
    whet_free(ctx, mutants);
    return more ? WHET_OK : WHET_E_NOMEM;
}

static void exchange(candidate *a, candidate *b) {
    const candidate keep = *a;
    *a = *b;
    *b = keep;
}

/* A random order, then by turns: the first of each text and kind, the second of each, ... */
static whet_status put_in_order(whet_ctx *ctx, work *w) {
    whet_rng rng;
    whet_rng_init(&rng, whet_rng_derive(w->opts->seed, STREAM_ORDER));
    for (int i = w->n_candidates - 1; i > 0; i--)
        exchange(&w->candidates[i], &w->candidates[whet_rng_below(&rng, (uint64_t)i + 1)]);
    const int n_kinds = n_mutations();
    const size_t n_bins = (size_t)(w->n_texts * n_kinds);
    int *seen = whet_alloc_zero(ctx, n_bins, sizeof *seen);
    candidate *ordered = whet_alloc(ctx, ((size_t)w->n_candidates + 1) * sizeof *ordered);
    int n = 0;
    for (int turn = 0; seen && ordered && n < w->n_candidates; turn++) {
        memset(seen, 0, n_bins * sizeof *seen);
        for (int i = 0; i < w->n_candidates; i++) {
            const candidate *c = &w->candidates[i];
            int kind = 0;
            while (whet_mutations[kind].name != c->mutant.mutation)
                kind++;
            if (seen[c->text * n_kinds + kind]++ == turn) ordered[n++] = *c;
        }
    }
    whet_free(ctx, seen);
    if (!ordered || !seen) {
        whet_free(ctx, ordered);
        return WHET_E_NOMEM;
    }
    whet_free(ctx, w->candidates);
    w->candidates = ordered;
    return WHET_OK;
}

static whet_status build(hand *h, int i) {
    work *w = h->work;
    candidate *c = &w->candidates[i];
    whet_buf text = { 0 };
    whet_verdict v;
    whet_status st = whet_mutant_apply(h->ctx, w->texts[c->text].text, &c->mutant, &text);
    if (st == WHET_OK)
        st = whet_judge_build(h->ctx, w->judge, text.text, text.len, &c->built.object, &v);
    c->built.hand = h->number;
    whet_buf_fini(h->ctx, &text);
    return st;
}

static bool is_new(const work *w, const candidate *c) {
    for (int i = 0; i < w->n_texts; i++)
        if (strcmp(w->originals[i].object.sha256, c->built.object.sha256) == 0) return false;
    for (int i = 0; i < w->n_judged; i++)
        if (strcmp(w->chosen[i]->built.object.sha256, c->built.object.sha256) == 0) return false;
    return true;
}

/* Builds until there are enough that differ. */
static whet_status choose(whet_ctx *ctx, work *w) {
    for (int i = 0; i < w->n_texts; i++)
        WHET_TRY(add_text(ctx, w, i));
    WHET_TRY(put_in_order(ctx, w));
    w->score->n_possible = w->n_candidates;
    w->chosen = whet_alloc_zero(ctx, (size_t)w->opts->n_mutants, sizeof *w->chosen);
    if (!w->chosen) return WHET_E_NOMEM;
    for (int first = 0; first < w->n_candidates && w->n_judged < w->opts->n_mutants;
         first += BLOCK) {
        const int end = first + BLOCK < w->n_candidates ? first + BLOCK : w->n_candidates;
        WHET_TRY(side_by_side(w, first, end, build));
        for (int i = first; i < end && w->n_judged < w->opts->n_mutants; i++) {
            candidate *c = &w->candidates[i];
            if (!c->built.object.bytes)
                w->score->n_no_build++;
            else if (!is_new(w, c))
                w->score->n_twins++;
            else
                w->chosen[w->n_judged++] = c;
        }
        whet_log(ctx, WHET_LOG_INFO, "score", "%d of %d mutants, of %d tried", w->n_judged,
                 w->opts->n_mutants, end);
    }
    return WHET_OK;
}

/* ---- judging ---- */

/* Bytes of a text in one line, cut to fit. */
static void quote(char *out, size_t room, const char *text, size_t n) {
    size_t used = 0;
    for (size_t i = 0; i < n && used + 1 < room; i++) {
        const bool is_blank = text[i] == '\n' || text[i] == '\\' || text[i] == ' ';
        if (is_blank && used && out[used - 1] == ' ') continue;
        out[used++] = is_blank ? ' ' : text[i];
    }
    out[used] = '\0';
}

/* What is not rejected goes side by side with the original. */
static whet_status compare(hand *h, const candidate *c, whet_score_item *item) {
    whet_alike alike;
    WHET_TRY(whet_likeness_ask(h->ctx, &h->work->likeness, &h->work->originals[c->text].object,
                               &c->built.object, &alike));
    item->n_cases = alike.n_cases;
    item->n_other = alike.n_other;
    item->original_worst = alike.a.worst;
    item->worst = alike.b.worst;
    item->fate = alike.a.code != WHET_V_PASS   ? WHET_FATE_ORIGINAL
                 : alike.b.code != WHET_V_PASS ? WHET_FATE_HOLE
                 : alike.n_other               ? WHET_FATE_WITHIN
                                               : WHET_FATE_SAME_BITS;
    snprintf(item->reason, sizeof item->reason, "%s",
             item->fate == WHET_FATE_ORIGINAL ? alike.a.reason : alike.b.reason);
    return WHET_OK;
}

static whet_status judge_mutant(hand *h, int i) {
    work *w = h->work;
    const candidate *c = w->chosen[i];
    const char *original = w->texts[c->text].text;
    whet_score_item *item = &w->score->items[i];
    whet_buf text = { 0 };
    *item = (whet_score_item){ .mutation = c->mutant.mutation,
                               .line = c->mutant.line,
                               .seed = w->judge_opts->seed };
    quote(item->name, sizeof item->name, w->texts[c->text].name, strlen(w->texts[c->text].name));
    quote(item->before, sizeof item->before, original + c->mutant.begin,
          c->mutant.end - c->mutant.begin);
    quote(item->after, sizeof item->after, c->mutant.instead, strlen(c->mutant.instead));
    whet_status st = whet_mutant_apply(h->ctx, original, &c->mutant, &text);
    if (st == WHET_OK)
        st = whet_judge_examine(h->ctx, w->judge, &c->built.object, text.text, text.len,
                                &item->verdict);
    whet_buf_fini(h->ctx, &text);
    item->fate = WHET_FATE_REJECTED;
    if (st == WHET_OK && item->verdict.code == WHET_V_PASS) st = compare(h, c, item);
    if (st == WHET_OK) tell(w, item);
    return st;
}

static whet_status judge_honest(hand *h, int i) {
    work *w = h->work;
    const int text = i % w->n_texts;
    whet_score_item *item = &w->score->items[w->n_judged + i];
    whet_judge_opts opts = *w->judge_opts;
    whet_judge *judge = NULL;
    opts.seed = whet_rng_derive(w->opts->seed, STREAM_HONEST + (uint64_t)i) >> 11;
    *item = (whet_score_item){ .seed = opts.seed };
    quote(item->name, sizeof item->name, w->texts[text].name, strlen(w->texts[text].name));
    whet_status st = whet_judge_open(h->ctx, &opts, &judge);
    if (st == WHET_OK)
        st = whet_judge_source(h->ctx, judge, w->texts[text].text, strlen(w->texts[text].text),
                               NULL, &item->verdict);
    whet_judge_close(h->ctx, judge);
    item->fate = item->verdict.code == WHET_V_PASS ? WHET_FATE_ACCEPTED : WHET_FATE_REFUSED;
    if (st == WHET_OK) tell(w, item);
    return st;
}

/* ---- from beginning to end ---- */

static whet_status open_hands(whet_ctx *ctx, work *w) {
    const int n = w->opts->n_threads > 1 ? w->opts->n_threads : 1;
    if (n > MAX_THREADS)
        return whet_fail(ctx, WHET_E_ARG, "%d judgements side by side, at most %d are possible", n,
                         MAX_THREADS);
    for (; w->n_hands < n; w->n_hands++) {
        hand *h = &w->hands[w->n_hands];
        *h = (hand){ .work = w, .number = w->n_hands, .ctx = ctx };
        if (h->number > 0) h->ctx = whet_ctx_open(NULL);
        if (!h->ctx) return whet_fail_nomem(ctx, 1);
    }
    return WHET_OK;
}

static whet_status judge_original(hand *h, int i) {
    const whet_score_text *text = &h->work->texts[i];
    built *to = &h->work->originals[i];
    whet_verdict v;
    to->hand = h->number;
    WHET_TRY(
        whet_judge_source(h->ctx, h->work->judge, text->text, strlen(text->text), &to->object, &v));
    if (v.code == WHET_V_PASS) return WHET_OK;
    return whet_fail(h->ctx, WHET_E_ARG, "%s is itself rejected, %s: %s", text->name,
                     whet_verdict_name(v.code), v.reason);
}

static whet_status run_mutants(whet_ctx *ctx, work *w) {
    WHET_TRY(whet_judge_open(ctx, w->judge_opts, &w->judge));
    w->originals = whet_alloc_zero(ctx, (size_t)w->n_texts, sizeof *w->originals);
    if (!w->originals) return WHET_E_NOMEM;
    WHET_TRY(side_by_side(w, 0, w->n_texts, judge_original));
    WHET_TRY(choose(ctx, w));
    WHET_TRY(whet_likeness_open(ctx, w->judge, whet_rng_derive(w->opts->seed, STREAM_LIKE),
                                &w->likeness));
    return side_by_side(w, 0, w->n_judged, judge_mutant);
}

static void drop(const work *w, built *b) {
    whet_object_fini(w->hands[b->hand].ctx, &b->object);
}

static void close_work(whet_ctx *ctx, work *w) {
    for (int i = 0; i < w->n_candidates && w->candidates; i++)
        drop(w, &w->candidates[i].built);
    for (int i = 0; i < w->n_texts && w->originals; i++)
        drop(w, &w->originals[i]);
    for (int i = 1; i < w->n_hands; i++)
        whet_ctx_close(w->hands[i].ctx);
    whet_free(ctx, w->candidates);
    whet_free(ctx, w->chosen);
    whet_free(ctx, w->originals);
    whet_likeness_close(&w->likeness);
    whet_judge_close(ctx, w->judge);
}

/* whet's own honest kernels. */
typedef struct own {
    whet_buf buffers[MAX_OWN];
    char names[MAX_OWN][40];
    whet_score_text texts[MAX_OWN];
    int n;
} own;

static whet_status put_own(whet_ctx *ctx, own *o, const char *name, const char *part,
                           const char *rest) {
    whet_buf *b = &o->buffers[o->n];
    if (o->n == MAX_OWN) return whet_fail(ctx, WHET_E_INTERNAL, "more than %d kernels", MAX_OWN);
    snprintf(o->names[o->n], sizeof o->names[o->n], "%s.c", name);
    whet_status st = WHET_OK;
    if (rest) st = whet_buf_puts(ctx, b, "#include <whet/kernel.h>\n// EVOLVE-BLOCK-START\n");
    if (st == WHET_OK) st = whet_buf_puts(ctx, b, part);
    if (rest && st == WHET_OK) st = whet_buf_puts(ctx, b, "// EVOLVE-BLOCK-END\n");
    if (rest && st == WHET_OK) st = whet_buf_puts(ctx, b, rest);
    o->texts[o->n] = (whet_score_text){ o->names[o->n], b->text };
    o->n++;
    return st;
}

/* Of a file of the corpus only what is its own stands in the EVOLVE-BLOCK: the plain kernel, which
 * they share, is mutated once. */
static whet_status read_own(whet_ctx *ctx, own *o) {
    whet_corpus_file file;
    for (size_t i = 0; whet_corpus_get(i, &file); i++)
        if (!file.is_cheat) WHET_TRY(put_own(ctx, o, file.name, file.text, whet_corpus_plain()));
    WHET_TRY(put_own(ctx, o, "plain", whet_corpus_plain(), NULL));
    return put_own(ctx, o, "repeat", whet_program_text("repeat"), NULL);
}

static whet_status run_all(whet_ctx *ctx, work *w) {
    const whet_score_opts *opts = w->opts;
    const size_t n_items = (size_t)opts->n_mutants + (size_t)opts->n_honest;
    w->score->items = whet_alloc_zero(ctx, n_items + 1, sizeof *w->score->items);
    if (!w->score->items) return WHET_E_NOMEM;
    WHET_TRY(open_hands(ctx, w));
    if (opts->n_mutants) WHET_TRY(run_mutants(ctx, w));
    WHET_TRY(side_by_side(w, 0, opts->n_honest, judge_honest));
    w->score->n_items = w->n_judged + opts->n_honest;
    return WHET_OK;
}

whet_status whet_score_run(whet_ctx *ctx, const whet_judge_opts *judge,
                           const whet_score_text *texts, int n_texts, const whet_score_opts *opts,
                           whet_score *score) {
    whet_judge_opts full = *judge;
    own *o = NULL;
    whet_status st = WHET_OK;
    full.is_full = true;
    *score = (whet_score){ 0 };
    if (n_texts < 0 || opts->n_mutants < 0 || opts->n_honest < 0)
        return whet_fail(ctx, WHET_E_ARG, "%d texts, %d mutants, %d judgements: nothing to score",
                         n_texts, opts->n_mutants, opts->n_honest);
    if (!n_texts) {
        o = whet_alloc_zero(ctx, 1, sizeof *o);
        st = o ? read_own(ctx, o) : WHET_E_NOMEM;
    }
    work w = { .judge_opts = &full,
               .texts = o ? o->texts : texts,
               .n_texts = o ? o->n : n_texts,
               .opts = opts,
               .score = score,
               .telling = PTHREAD_MUTEX_INITIALIZER };
    if (st == WHET_OK) st = run_all(ctx, &w);
    close_work(ctx, &w);
    for (int i = 0; o && i < o->n; i++)
        whet_buf_fini(ctx, &o->buffers[i]);
    whet_free(ctx, o);
    if (st != WHET_OK) whet_score_fini(ctx, score);
    return st;
}

void whet_score_fini(whet_ctx *ctx, whet_score *score) {
    whet_free(ctx, score->items);
    *score = (whet_score){ 0 };
}
