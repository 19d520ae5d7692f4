/* SPDX-License-Identifier: MIT */
/* GPT-2's alphabet: one printable character for each byte, in which tokenizer.json writes tokens.
 */
#ifndef WHET_MODEL_BYTE_LEVEL_H
#define WHET_MODEL_BYTE_LEVEL_H

#include "base/buf.h"

/* The byte that a code point stands for, -1 if none: '!' .. '~', U+00A1 .. U+00AC and
 * U+00AE .. U+00FF stand for themselves, U+0100 .. U+0143 for the other bytes in order. */
int whet_byte_level_byte(uint32_t code_point);

/* Appends the bytes that a token's text (valid UTF-8) stands for. A text with a character outside
 * the alphabet stands for itself, as in the ByteLevel decoder of the tokenizers library. */
whet_status whet_byte_level_append(whet_ctx *ctx, const char *text, size_t bytes, whet_buf *out);

#endif
