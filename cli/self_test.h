/* SPDX-License-Identifier: MIT */
/* The judge's own test as commands show it. */
#ifndef WHET_CLI_SELF_TEST_H
#define WHET_CLI_SELF_TEST_H

#include <whet/self_test.h>

#include "cli.h"

/* Runs it and prints a line for every item, as text or JSON. *is_right: nothing was wrong. */
whet_status cli_self_test(whet_ctx *ctx, const whet_self_test_opts *opts, bool is_json,
                          bool *is_right);

#endif
