/* SPDX-License-Identifier: MIT */
/* Receipts as text: written, and read from anybody. */
#ifndef WHET_EVOLVE_RECEIPT_H
#define WHET_EVOLVE_RECEIPT_H

#include <whet/winner.h>

#include "base/json.h"

/* Takes the JSON of whet_receipt_write. WHET_E_FORMAT, with `name`: a key is missing or of another
 * kind, too long, no hash, out of bounds; a text with control characters. */
whet_status whet_receipt_take(whet_ctx *ctx, const char *name, const whet_json *json,
                              whet_receipt *receipt);

/* The same from its text. */
whet_status whet_receipt_parse(whet_ctx *ctx, const char *name, const char *text, size_t n_bytes,
                               whet_receipt *receipt);

/* "bf16" and the like. */
const char *whet_receipt_dtype(const whet_receipt *receipt);

/* Appends a measurement when there is room. */
void whet_receipt_add(whet_receipt *receipt, const whet_measured *measured);

/* Fills in the machine and the date of now. */
whet_status whet_receipt_sign(whet_ctx *ctx, whet_receipt *receipt);

#endif
