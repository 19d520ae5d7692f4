/* SPDX-License-Identifier: MIT */
/* The judge's own test: those that cheat are stopped, the honest pass, the clock tells the truth.
 */
#ifndef WHET_SELF_TEST_H
#define WHET_SELF_TEST_H

#include <whet/judge.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum whet_self_part {
    WHET_SELF_CHEATS = 1, /* every cheat is stopped by the gate that it names, or an earlier one;
                             most of them once more with the gates 0 and 2 switched off */
    WHET_SELF_TWINS = 2,  /* without its cheat (one macro takes it out) each of them passes; with
                             TIMING also a short duel against the plain kernel. Twins that are the
                             same object are judged once */
    WHET_SELF_HONEST = 4, /* honest kernels pass, also those that only look odd, and `repeat` */
    WHET_SELF_TIMING = 8, /* a kernel against itself, and against a copy that does a tenth of its
                             work twice */
} whet_self_part;

/* One question to the judge and what came of it. Strings are borrowed for the call. */
typedef struct whet_self_item {
    const char *kind; /* "cheat", "no gates 0, 2", "twin", "honest", "timing" */
    const char *name; /* of the file; "a/a", "slowed" */
    whet_gate gate;   /* that must stop a cheat, or an earlier one */
    whet_verdict verdict;
    whet_ratio ratio; /* of a timing: how many times slower the candidate is; else zero */
    double seconds;
    bool is_right;
    char fault[320]; /* why it is not; "" */
} whet_self_item;

/* Zero means default. Strings are borrowed for the call. */
typedef struct whet_self_test_opts {
    unsigned parts;      /* WHET_SELF_... bits; 0 = all */
    bool is_quick;       /* one cheat of every gate, two honest kernels, and the
                            kernel against itself with wide limits: what a busy machine forgives */
    uint64_t seed;       /* of inputs and orders */
    const char *worker;  /* whet_judge_opts */
    const char *cc;      /* whet_judge_opts */
    double call_seconds; /* whet_judge_opts */
    bool is_unsafe;      /* whet_judge_opts */
    void (*on_item)(void *data, const whet_self_item *item); /* after each; may be NULL */
    void *data;
} whet_self_test_opts;

typedef struct whet_self_test {
    int n_items, n_wrong;
    double seconds;
    char fault[400]; /* the first thing that was not right; "" */
} whet_self_test;

/* Asks the judge what is known already. WHET_OK when all could be asked, however the judge did. */
WHET_API whet_status whet_self_test_run(whet_ctx *ctx, const whet_self_test_opts *opts,
                                        whet_self_test *result);

#ifdef __cplusplus
}
#endif

#endif
