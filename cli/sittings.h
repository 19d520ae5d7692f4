/* SPDX-License-Identifier: MIT */
/* Measuring the same several times with a rest in between: a claim needs every sitting. */
#ifndef WHET_CLI_SITTINGS_H
#define WHET_CLI_SITTINGS_H

#include <whet/judge.h>

/* The rows of --sittings and --apart: an int and a string in the command's options. */
#define CLI_SITTING_OPTIONS(type, n, rest)                                                         \
    {                                                                                              \
        "sittings",                                                                                \
        CLI_INT,                                                                                   \
        offsetof(type, n),                                                                         \
        "N",                                                                                       \
        "do it all N times: a claim needs every sitting",                                          \
        "1"                                                                                        \
    },                                                                                             \
    {                                                                                              \
        "apart", CLI_STRING, offsetof(type, rest), "TIME", "rest between sittings: 30s, 10m, 1h",  \
            "10m"                                                                                  \
    }

/* Refuses a number of sittings, and a rest, that make no sense; the rest in seconds. */
whet_status cli_read_sittings(int n, const char *apart, double *seconds);

/* Before sitting `number`, from 1; the first one has none. Ends early when ctx is cancelled. */
void cli_rest(whet_ctx *ctx, int number, double seconds);

/* What sittings 1 to `number` claim, of which those before claim `kept`. */
whet_claim cli_agree(whet_claim kept, whet_claim now, int number);

const char *cli_claim_name(whet_claim claim); /* "faster", "slower", "no claim" */

#endif
