/* SPDX-License-Identifier: MIT */
/* What came of a run, for people and for scripts. */
#ifndef WHET_CLI_EVOLVE_RESULT_H
#define WHET_CLI_EVOLVE_RESULT_H

#include <whet/evolve.h>

/* One table and what belongs to it, in at most 100 columns. `folder`: of winners. */
void cli_evolve_print(const whet_evolve_result *result, const char *run_file, const char *folder);

/* One line of JSON. */
whet_status cli_evolve_print_json(whet_ctx *ctx, const whet_evolve_result *result,
                                  const char *run_file);

#endif
