/* SPDX-License-Identifier: MIT */
/* Receipts of winners as people and scripts read them. */
#ifndef WHET_CLI_RECEIPT_H
#define WHET_CLI_RECEIPT_H

#include <whet/winner.h>

/* Where, when and how it was judged, a line each. */
void cli_print_receipt(const whet_receipt *receipt);

/* Ratios over the rivals, one line a shape and rival; those of `here` beside them, unless NULL. */
void cli_print_measured(const whet_receipt *there, const whet_receipt *here);

/* From the winner back to the seed. */
void cli_print_lineage(const whet_receipt *receipt);

/* Appends the receipt as JSON in one line. */
whet_status cli_receipt_json(whet_ctx *ctx, const whet_receipt *receipt, whet_buf *line);

/* Options for judging again: this program as the worker, the engine's kernel by this machine's
 * profile, a fresh seed unless one is given. */
whet_status cli_rejudge(whet_ctx *ctx, const char *cc, uint64_t seed, bool has_seed,
                        whet_rejudge_opts *opts);

#endif
