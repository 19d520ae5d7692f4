/* SPDX-License-Identifier: MIT */
/* What a language model answered: edits of a program, or a program. A stranger's bytes. */
#ifndef WHET_EVOLVE_REPLY_H
#define WHET_EVOLVE_REPLY_H

#include "evolve/genome.h"

enum { WHET_MAX_REPLY_BYTES = 1 << 20 };

/* code, what it means */
#define WHET_REPLY_LIST(X)                                                                         \
    X(PROGRAM, "a new program")                                                                    \
    X(NO_REPLY, "there is nothing in it, or it did not come")                                      \
    X(TOO_LONG, "it is longer than a reply may be")                                                \
    X(NOT_TEXT, "it is not UTF-8, or has control characters")                                      \
    X(NO_EDIT, "it has neither a SEARCH/REPLACE hunk nor a fenced block")                          \
    X(BROKEN_HUNK, "a hunk does not come to its end")                                              \
    X(NO_MATCH, "what a hunk searches is not in the block")                                        \
    X(AMBIGUOUS, "what a hunk searches is in the block more than once")                            \
    X(OUTSIDE, "it changes what is outside the EVOLVE-BLOCK")                                      \
    X(NO_CHANGE, "the program is the same as before")                                              \
    X(NO_PROGRAM, "what comes out is not a program with its marks and knobs")

typedef enum whet_reply_outcome {
#define WHET_REPLY_CODE(code, meaning) WHET_REPLY_##code,
    WHET_REPLY_LIST(WHET_REPLY_CODE)
#undef WHET_REPLY_CODE
        WHET_N_REPLY_OUTCOMES,
} whet_reply_outcome;

/* "PROGRAM", "NO_EDIT", ... A static string. */
const char *whet_reply_name(whet_reply_outcome outcome);

typedef struct whet_reply {
    whet_reply_outcome outcome;
    char why[512];    /* what is wrong, and where, for the model's next try; "" for PROGRAM */
    char name[128];   /* from a line "Name: ..."; "" when there is none */
    char reason[160]; /* from a line "Reason: ..." */
    bool is_rewrite;  /* a fenced block, not hunks */
    int n_hunks;
    whet_buf text; /* the child's; owned */
} whet_reply;

/* Reads a reply to a prompt about `parent`. Hunks are applied one after the other:
 *     <<<<<<< SEARCH
 *     lines that stand in the block exactly once (blanks and comments may differ)
 *     =======
 *     lines that take their place
 *     >>>>>>> REPLACE
 * Without hunks the longest fenced block is the new block, or the whole program with nothing
 * changed outside its block. Whatever the bytes are, the outcome says it; a status is only for
 * memory. */
whet_status whet_reply_read(whet_ctx *ctx, const whet_genome *parent, const char *bytes, size_t n,
                            whet_reply *reply);
void whet_reply_fini(whet_ctx *ctx, whet_reply *reply);

#endif
