/* SPDX-License-Identifier: MIT */
/* Unicode normalization form C (UAX #15) with the tables of Unicode 9. */
#ifndef WHET_MODEL_NFC_H
#define WHET_MODEL_NFC_H

#include "base/buf.h"

/* Length of the longest prefix of valid UTF-8 that NFC surely leaves as it is, whatever follows;
 * `bytes` itself for nearly all text. */
size_t whet_nfc_prefix(const char *text, size_t bytes);

/* Appends the NFC of valid UTF-8 to out. Time is linear, also for long runs of marks. */
whet_status whet_nfc_append(whet_ctx *ctx, const char *text, size_t bytes, whet_buf *out);

#endif
