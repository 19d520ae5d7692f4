/* SPDX-License-Identifier: MIT */
/* whet version */
#include "cli.h"

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    (void)ctx;
    (void)args;
    printf("whet %s\n", WHET_VERSION);
    return WHET_OK;
}

static const cli_option options[] = { { 0 } };

const cli_command cli_version = {
    .name = "version",
    .summary = "print the version",
    .usage = "",
    .options = options,
    .run = run,
};
