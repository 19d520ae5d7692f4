/* SPDX-License-Identifier: MIT */
/* The one pre-tokenizer pattern that Qwen2 and Qwen3 use, matched by hand. */
#ifndef WHET_MODEL_PRETOKENIZE_H
#define WHET_MODEL_PRETOKENIZE_H

#include <stddef.h>

/* The pattern's text in tokenizer.json, which must be exactly this. */
extern const char whet_word_pattern[];

/* Where the match that begins at text[at] ends. text is valid UTF-8 and its end is the end for the
 * pattern too; at < bytes, at the start of a character. Every text is cut whole: the result is past
 * at, and the next match begins there. */
size_t whet_word_end(const char *text, size_t bytes, size_t at);

#endif
