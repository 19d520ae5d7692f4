/* SPDX-License-Identifier: MIT */
/* Mechanical mistakes: what a source text can be made wrong by, place for place. */
#ifndef WHET_JUDGE_MUTANT_H
#define WHET_JUDGE_MUTANT_H

#include "base/buf.h"

enum { WHET_MUTANT_BYTES = 120 };

/* One place of the text, and what is to stand there. */
typedef struct whet_mutant {
    const char *mutation; /* its kind: "operator", "bound", ...; static */
    size_t begin, end;    /* bytes of the text */
    int line;             /* from 1 */
    char instead[WHET_MUTANT_BYTES];
} whet_mutant;

/* All mutants of a text, in the order of their places; of its EVOLVE-BLOCK, if it has one. The text
 * ends in a NUL. *mutants is the caller's (whet_free). Equal texts give equal lists. */
whet_status whet_mutants_list(whet_ctx *ctx, const char *text, whet_mutant **mutants, size_t *n);

/* The kinds of mutations, NULL behind the last; what each does. */
typedef struct whet_mutation {
    const char *name;
    const char *does;
} whet_mutation;
extern const whet_mutation whet_mutations[];

/* The text with that place changed, replacing what was in `out`. */
whet_status whet_mutant_apply(whet_ctx *ctx, const char *text, const whet_mutant *mutant,
                              whet_buf *out);

#endif
