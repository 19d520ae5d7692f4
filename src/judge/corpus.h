/* SPDX-License-Identifier: MIT */
/* The judge's own examples: kernels that cheat, and honest ones that only look odd. */
#ifndef WHET_JUDGE_CORPUS_H
#define WHET_JUDGE_CORPUS_H

#include <whet/judge.h>

#include "base/buf.h"

/* One file of src/judge/corpus. Its first comment says what it does. All strings are static. */
typedef struct whet_corpus_file {
    char name[32]; /* "a01-noop" */
    const char *text;
    bool is_cheat;  /* else it must pass */
    whet_gate gate; /* of a cheat: must stop it, or an earlier one does ("Stopped by gate: ...") */
    bool is_late;   /* a cheat that must also be stopped without gates 0 and 2: those of gates 3 to
                       5, and those that say so ("Without gates 0 and 2") */
} whet_corpus_file;

/* The i-th file, cheats first, by name; false behind the last one. A cheat that names no gate has
 * the gate WHET_GATE_DUEL, whose place here no cheat can claim. */
bool whet_corpus_get(size_t i, whet_corpus_file *file);

/* Appends the whole text of a file: `defines`, the file, and behind them the plain kernel, which
 * both change. */
whet_status whet_corpus_compose(whet_ctx *ctx, const char *defines, const char *text,
                                whet_buf *source);

/* A plain, right kernel with places where a #define before it can put a mistake. */
const char *whet_corpus_plain(void);

#endif
