/* SPDX-License-Identifier: MIT */
/* How a run asks somebody outside: for what, with which words, at what price. */
#ifndef WHET_EVOLVE_ASKING_H
#define WHET_EVOLVE_ASKING_H

#include "base/buf.h"
#include "base/json.h"

/* code, name: of the operator, of its arm and of its template */
#define WHET_ASK_LIST(X)                                                                           \
    X(DIFF, "diff")           /* hunks on a program */                                             \
    X(REWRITE, "rewrite")     /* its whole block anew */                                           \
    X(CROSSOVER, "crossover") /* one program of two */                                             \
    X(REPAIR, "repair")       /* a program that was rejected, with the reason */

typedef enum whet_ask {
#define WHET_X(code, name) WHET_ASK_##code,
    WHET_ASK_LIST(WHET_X)
#undef WHET_X
        WHET_N_ASKS,
} whet_ask;

/* The templates: one for each operator, and two that they share. */
enum { WHET_TEMPLATE_TASK = WHET_N_ASKS, WHET_TEMPLATE_FACTS, WHET_N_TEMPLATES };

typedef struct whet_asking {
    whet_buf templates[WHET_N_TEMPLATES]; /* owned; empty = the one we carry */
    int32_t prompt_version;               /* of what the run's prompts say (evolve/prompt.h) */
    int64_t n_tokens;                     /* spent, as the log has it */
    double money, seconds;
} whet_asking;

typedef struct whet_search whet_search;

const char *whet_ask_name(whet_ask ask);

/* Reads NAME.txt of the folder for every template that is there; a folder with none of them, or
 * with a place in one that is not known, is WHET_E_FORMAT. */
whet_status whet_asking_load(whet_ctx *ctx, whet_search *s);

/* Appends ,"prompt_version":N,"templates":{...}: those that are not ours, which a run keeps. */
whet_status whet_asking_put(whet_ctx *ctx, const whet_search *s, whet_buf *json);

/* Takes them over from a run's options; the first version of prompts went without its number. */
whet_status whet_asking_read(whet_ctx *ctx, whet_search *s, const whet_json *options);

/* How many questions the next generation may ask: as many as it is told to, and not more than the
 * run has places for. */
int whet_asking_n_questions(const whet_search *s);

/* Whether n questions, whose prompts have so many bytes together, could exceed a budget: no answer
 * of them is there yet. */
bool whet_asking_is_spent(const whet_search *s, int n_questions, size_t prompt_bytes);

double whet_asking_price(const whet_search *s, int64_t prompt_tokens, int64_t reply_tokens);
void whet_asking_fini(whet_ctx *ctx, whet_search *s);

#endif
