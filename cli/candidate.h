/* SPDX-License-Identifier: MIT */
/* What the commands that ask the judge share: problems, sources, seeds, this program's own path. */
#ifndef WHET_CLI_CANDIDATE_H
#define WHET_CLI_CANDIDATE_H

#include <limits.h>

#include <whet/judge.h>

#include "cli.h"

/* "f32", "bf16", "f16"; "?" for what is none. */
const char *cli_dtype_name(int32_t dtype);

whet_status cli_read_dtype(const char *name, int32_t *dtype);

/* "16:8:128", the first of a list with commas; *rest is what follows it, or NULL. */
whet_status cli_read_problem(const char *text, whet_problem *problem, const char **rest);

/* The folder of --model, and the attention of its heads in bf16, as the engine asks for it;
 * n_context is the longest that the model takes. */
whet_status cli_read_heads(whet_ctx *ctx, const char *model, whet_buf *folder,
                           whet_problem *problem);

/* The whole of FILE.c. */
whet_status cli_read_source(whet_ctx *ctx, const char *file, whet_buf *source);

/* Whether there is such a kernel for these heads on this processor; `or_else` ends the sentence
 * that says it is not. */
whet_status cli_check_built_in(const whet_problem *heads, const char *name, const char *or_else);

/* `given`, or a fresh one when the option was not given. */
whet_status cli_choose_seed(const cli_command *command, const cli_args *args, uint64_t given,
                            uint64_t *seed);

/* One from the system. */
whet_status cli_fresh_seed(uint64_t *seed);

/* The program that this is: a judge starts its workers from it. */
whet_status cli_find_self(char program[PATH_MAX]);

#endif
