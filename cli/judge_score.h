/* SPDX-License-Identifier: MIT */
/* whet judge --score: the judge's own measure. */
#ifndef WHET_CLI_JUDGE_SCORE_H
#define WHET_CLI_JUDGE_SCORE_H

#include <whet/score.h>

typedef struct judge_score {
    const char *const *files; /* honest kernels */
    int n_files;
    int n_mutants;
    int n_honest;
    int n_jobs; /* judgements side by side; 0 = as many as threads */
    bool is_json;
} judge_score;

/* Prints what was found, as text or as JSON lines. *is_clean: no hole, and nothing refused. */
whet_status judge_score_run(whet_ctx *ctx, const whet_judge_opts *judge, const judge_score *score,
                            bool *is_clean);

#endif
