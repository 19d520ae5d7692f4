/* SPDX-License-Identifier: MIT */
/* The judge judged: which mechanical mistakes does it find, and does it refuse what is right? */
#ifndef WHET_SCORE_H
#define WHET_SCORE_H

#include <whet/judge.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An honest kernel; borrowed for the call. */
typedef struct whet_score_text {
    const char *name; /* of its file */
    const char *text; /* ends in a NUL */
} whet_score_text;

/* What became of a text. The last three are mistakes of the judge. */
typedef enum whet_fate {
    WHET_FATE_REJECTED,
    WHET_FATE_SAME_BITS, /* not rejected; gives the original's bits at every further case */
    WHET_FATE_WITHIN,    /* not rejected; other bits, everywhere within the tolerance */
    WHET_FATE_ACCEPTED,  /* an unchanged text, as it should be */
    WHET_FATE_HOLE,      /* not rejected, and wrong at a further case */
    WHET_FATE_REFUSED,   /* an unchanged text, rejected */
    WHET_FATE_ORIGINAL,  /* not rejected; its original is, at a further case */
} whet_fate;

/* "rejected", "same bits", ... Static strings. */
WHET_API const char *whet_fate_name(whet_fate fate);

/* One judgement, of a text in which one place was changed, or none. */
typedef struct whet_score_item {
    char name[48];              /* of the text */
    const char *mutation;       /* the kind of change; static; NULL: none, a text as it is */
    int line;                   /* from 1 */
    char before[80], after[80]; /* what stood at the place, and what stands there; cut to fit */
    uint64_t seed;              /* of the judge */
    whet_verdict verdict;
    whet_fate fate;
    /* further cases, where there was no rejection: asked, with other bits than the original's, and
     * the largest |got - expected| / tolerance among those, the mutant's and the original's */
    int n_cases, n_other;
    double worst, original_worst;
    char reason[256]; /* of a hole, or against the original */
} whet_score_item;

/* Zero means default. */
typedef struct whet_score_opts {
    int n_mutants; /* distinct objects to judge, at most; 0 = none */
    int n_honest;  /* judgements of texts as they are, in turns, each with a fresh seed; 0 = none */
    int n_threads; /* judgements side by side; default 1 */
    uint64_t seed; /* which mutants, and all further seeds */
    void (*tell)(void *data, const whet_score_item *item); /* after each; one call at a time, from
                                                              any thread; may be NULL */
    void *data;
} whet_score_opts;

typedef struct whet_score {
    whet_score_item *items; /* owned: whet_score_fini; mutants, then texts as they are */
    int n_items;
    int n_possible; /* mutants that the texts have */
    int n_no_build; /* of those tried: gates 0 and 1 said no */
    int n_twins;    /* compiled to an object that had been there */
} whet_score;

/* Makes mutants of the texts (in turns by text and kind, in the seed's order), compiles them, and
 * judges those whose objects are new, with gates 0 to 6. What is not rejected is asked some 300
 * further cases side by side with the original. `judge` is how each is judged: is_full is set, and
 * the seed. Without texts whet's own are taken: the honest kernels of its corpus (of each what
 * makes it odd), the plain one and the program `repeat`. WHET_E_ARG: a text is itself rejected. */
WHET_API whet_status whet_score_run(whet_ctx *ctx, const whet_judge_opts *judge,
                                    const whet_score_text *texts, int n_texts,
                                    const whet_score_opts *opts, whet_score *score);
WHET_API void whet_score_fini(whet_ctx *ctx, whet_score *score);

/* The kinds of mutations and what they do: static strings, NULL beyond the last. */
WHET_API const char *whet_mutation_name(int i);
WHET_API const char *whet_mutation_meaning(int i);

#ifdef __cplusplus
}
#endif

#endif
