/* SPDX-License-Identifier: MIT */
/* Choosing what is asked for, asking, and what comes of it. */
#include "evolve/ask.h"

#include <stdio.h>
#include <string.h>

#include "base/crew.h"
#include "evolve/journal.h"
#include "evolve/openai.h"
#include "evolve/population.h"
#include "evolve/proposers.h"

enum { N_DRAWS = 8 };

void whet_proposal_fini(whet_ctx *ctx, whet_proposal *p) {
    whet_buf_fini(ctx, &p->prompt);
    whet_buf_fini(ctx, &p->reply);
    whet_reply_fini(ctx, &p->read);
}

/* ---- what is asked for ---- */

/* The last program of a model that was rejected for what it does, and that nobody was asked to
 * repair. */
static int find_broken(const whet_search *s) {
    for (int i = s->n_members - 1; i > 0; i--) {
        const whet_member *m = &s->members[i];
        const int code = m->verdict.code;
        if (!m->is_repaired && whet_arm_is_asked(m->operator_name) && code != WHET_V_PASS &&
            code != WHET_V_SLOWER && code != WHET_V_UNSUPPORTED)
            return i;
    }
    return -1;
}

/* A parent that no question before has, unless the dice keep to one. */
static int draw_parent(whet_search *s, int island, const whet_proposal *asked, int n) {
    int parent = -1;
    bool is_taken = true;
    for (int i = 0; i < N_DRAWS && is_taken; i++) {
        parent = whet_population_draw(s, island);
        is_taken = false;
        for (int j = 0; j < n; j++)
            is_taken |= asked[j].question.parent == parent;
    }
    return parent;
}

/* The operator with the largest sample of the bandit, of those that have what they need. */
static void choose_question(whet_search *s, int island, int parent, whet_question *q) {
    const int broken = find_broken(s), other = whet_population_draw(s, island);
    const bool is_possible[WHET_N_ASKS] = {
        [WHET_ASK_DIFF] = !s->opts.is_rewriting,
        [WHET_ASK_REWRITE] = true,
        [WHET_ASK_CROSSOVER] = other >= 0 && other != parent,
        [WHET_ASK_REPAIR] = broken >= 0,
    };
    double best = -1;
    for (int i = 0; i < WHET_N_ASKS; i++) {
        const double rate = whet_bandit_sample(&s->bandit, &s->rng, (whet_arm)(WHET_ARM_DIFF + i));
        if (!is_possible[i] || rate <= best) continue;
        best = rate;
        q->ask = (whet_ask)i;
    }
    q->parent = q->ask == WHET_ASK_REPAIR ? broken : parent;
    q->other = q->ask == WHET_ASK_CROSSOVER ? other : -1;
}

static bool is_same_question(const whet_question *a, const whet_question *b) {
    return a->ask == b->ask && a->parent == b->parent && a->other == b->other;
}

/* A question that repeats one of its generation gets another side to begin with. */
static int choose_focus(const whet_proposal *asked, int n) {
    int n_focused = 0;
    bool is_repeated = false;
    for (int i = 0; i < n; i++) {
        n_focused += asked[i].question.focus != 0;
        is_repeated |= is_same_question(&asked[i].question, &asked[n].question);
    }
    return is_repeated ? n_focused + 1 : 0;
}

/* Prompts of another version are as the log has them, and so is which questions there were money
 * for; behind its end they are ours. */
static whet_status write_prompt(whet_ctx *ctx, whet_search *s, whet_proposal *asked, int n,
                                bool *may_ask) {
    whet_proposal *p = &asked[n];
    whet_store_said next = { 0 };
    size_t n_bytes = 0;
    *may_ask = false;
    if (s->answers && s->asking.prompt_version != WHET_PROMPT_VERSION) {
        WHET_TRY(whet_store_get_prompt(ctx, s->answers, s->n_proposals + 1 + n, s->step + 1,
                                       &p->prompt, may_ask));
        if (!*may_ask) WHET_TRY(whet_journal_next(ctx, s, &next));
        if (*may_ask || next.is_there) return WHET_OK;
    }
    WHET_TRY(whet_prompt_write(ctx, s, &p->question, &p->prompt));
    for (int i = 0; i <= n; i++)
        n_bytes += asked[i].prompt.len;
    *may_ask = !whet_asking_is_spent(s, n + 1, n_bytes);
    return WHET_OK;
}

/* The n-th question with its prompt; not where there is no parent, or no money for it. */
static whet_status prepare(whet_ctx *ctx, whet_search *s, whet_proposal *asked, int n,
                           bool *may_ask) {
    whet_proposal *p = &asked[n];
    const int island = whet_search_island_behind(s, n), parent = draw_parent(s, island, asked, n);
    *may_ask = false;
    if (parent < 0) return WHET_OK;
    choose_question(s, island, parent, &p->question);
    p->model = whet_openai_draw(&s->opts.llm, &s->rng);
    p->question.focus = choose_focus(asked, n);
    WHET_TRY(write_prompt(ctx, s, asked, n, may_ask));
    if (*may_ask && p->question.ask == WHET_ASK_REPAIR)
        s->members[p->question.parent].is_repaired = true;
    return WHET_OK;
}

whet_status whet_search_first_prompt(whet_ctx *ctx, const whet_search *s, whet_buf *prompt) {
    const whet_question q = { s->opts.is_rewriting ? WHET_ASK_REWRITE : WHET_ASK_DIFF, 0, -1, 0 };
    return whet_prompt_write(ctx, s, &q, prompt);
}

/* ---- asking ---- */

typedef struct errand {
    const whet_evolve_opts *opts;
    int64_t id;
    whet_proposal *proposal;
    whet_buf reply; /* belongs to the thread's context */
} errand;

static whet_status run_errand(whet_ctx *own, void *job) {
    errand *e = job;
    whet_proposal *p = e->proposal;
    return whet_proposer_ask(own, e->opts, e->id, p->model, p->prompt.text, &e->reply, &p->got);
}

static whet_status take_reply(whet_ctx *ctx, void *job) {
    const errand *e = job;
    const char *text = e->reply.text ? e->reply.text : "";
    return whet_buf_append(ctx, &e->proposal->reply, text, e->reply.len);
}

static void drop_reply(whet_ctx *own, void *job) {
    whet_buf_fini(own, &((errand *)job)->reply);
}

static const whet_crew_work asking_work = { run_errand, take_reply, drop_reply };

/* From the answers, where they have them; the others all at once. */
static whet_status get_replies(whet_ctx *ctx, whet_search *s, whet_proposal *asked, int n) {
    errand errands[WHET_MAX_QUESTIONS];
    int n_errands = 0;
    for (int i = 0; i < n; i++) {
        const int64_t id = s->n_proposals + 1 + i;
        whet_proposal *p = &asked[i];
        if (s->answers) WHET_TRY(whet_store_get_reply(ctx, s->answers, id, &p->reply, &p->got));
        if (!p->got.is_there)
            errands[n_errands++] = (errand){ .opts = &s->opts, .id = id, .proposal = p };
    }
    if (n_errands == 0 || s->judge)
        return whet_crew_run(ctx, &asking_work, errands, sizeof *errands, n_errands);
    s->is_log_over = true;
    return whet_fail(ctx, WHET_E_NOT_FOUND, "the log has no further reply");
}

static void learn(whet_search *s, const whet_proposal *p) {
    memmove(s->lessons[1], s->lessons[0], (WHET_N_LESSONS - 1) * sizeof *s->lessons);
    snprintf(s->lessons[0], sizeof *s->lessons, "%s", p->read.why);
    whet_bandit_learn(&s->bandit, (whet_arm)(WHET_ARM_DIFF + (int)p->question.ask), 0,
                      p->got.wall_ns * 1e-9);
}

static whet_status take_program(whet_ctx *ctx, whet_search *s, whet_member *bred, int *n_bred,
                                whet_proposal *p, int n_behind) {
    whet_member *child = &bred[*n_bred];
    whet_child_text text = { 0 };
    bool is_new;
    whet_ask as = p->question.ask;
    if (as == WHET_ASK_DIFF && p->read.is_rewrite) as = WHET_ASK_REWRITE;
    WHET_TRY(whet_genome_hash(ctx, p->read.text.text, p->read.text.len, p->child));
    text.text = p->read.text;
    p->read.text = (whet_buf){ 0 };
    snprintf(text.change, sizeof text.change, "%s", *p->read.name ? p->read.name : "no name");
    WHET_TRY(whet_search_adopt(ctx, s, child, bred, *n_bred, &text, whet_ask_name(as),
                               p->question.parent, &is_new));
    if (!is_new) return WHET_OK;
    child->parent2 = p->question.other;
    child->seconds = p->got.wall_ns * 1e-9;
    child->n_behind = n_behind;
    ++*n_bred;
    return WHET_OK;
}

static whet_status read_reply(whet_ctx *ctx, const whet_search *s, whet_proposal *p) {
    const whet_genome *parent = &s->members[p->question.parent].genome;
    if (p->reply.len == 0 && *p->got.why) {
        p->read.outcome = WHET_REPLY_NO_REPLY;
        memcpy(p->read.why, p->got.why, sizeof p->read.why);
        return WHET_OK;
    }
    WHET_TRY(
        whet_reply_read(ctx, parent, p->reply.text ? p->reply.text : "", p->reply.len, &p->read));
    const size_t max_bytes = (size_t)s->opts.max_code_bytes;
    if (p->read.outcome != WHET_REPLY_PROGRAM || !max_bytes || p->read.text.len <= max_bytes)
        return WHET_OK;
    p->read.outcome = WHET_REPLY_TOO_LONG;
    snprintf(p->read.why, sizeof p->read.why, "the program has %zu bytes, and may have %zu",
             p->read.text.len, max_bytes);
    return WHET_OK;
}

whet_status whet_search_ask(whet_ctx *ctx, whet_search *s, whet_member *bred, int *n_bred,
                            whet_proposal *asked, int *n_asked) {
    const int n_questions = whet_asking_n_questions(s);
    bool may_ask = true;
    *n_asked = 0;
    while (may_ask && *n_asked < n_questions) {
        WHET_TRY(prepare(ctx, s, asked, *n_asked, &may_ask));
        *n_asked += may_ask;
    }
    WHET_TRY(get_replies(ctx, s, asked, *n_asked));
    for (int i = 0; i < *n_asked; i++) {
        WHET_TRY(read_reply(ctx, s, &asked[i]));
        if (asked[i].read.outcome == WHET_REPLY_PROGRAM)
            WHET_TRY(take_program(ctx, s, bred, n_bred, &asked[i], i));
        else
            learn(s, &asked[i]);
    }
    return WHET_OK;
}

whet_status whet_record_proposal(whet_ctx *ctx, whet_search *s, const whet_proposal *p) {
    const double money = whet_asking_price(s, p->got.prompt_tokens, p->got.reply_tokens);
    const whet_store_proposal row = {
        .step = s->step,
        .parent = s->members[p->question.parent].id,
        .proposer = s->opts.proposer,
        .prompt = p->prompt.text,
        .reply = p->reply.text ? p->reply.text : "",
        .reply_bytes = p->reply.len,
        .outcome = whet_reply_name(p->read.outcome),
        .why = p->read.why,
        .name = p->read.name,
        .reason = p->read.reason,
        .child = p->child,
        .wall_ns = p->got.wall_ns,
        .operator_name = whet_ask_name(p->question.ask),
        .model = s->opts.llm.n_models ? s->opts.llm.models[p->model].name : "",
        .prompt_tokens = p->got.prompt_tokens,
        .reply_tokens = p->got.reply_tokens,
        .money = money,
    };
    s->n_proposals++;
    s->asking.n_tokens += p->got.prompt_tokens + p->got.reply_tokens;
    s->asking.money += money;
    s->asking.seconds += p->got.wall_ns * 1e-9;
    return whet_store_put_proposal(ctx, s->store, &row);
}
