/* SPDX-License-Identifier: MIT */
/* UTF-8 one code point at a time (Unicode 16.0, section 3.9). */
#ifndef WHET_BASE_UTF8_H
#define WHET_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the code point at text[0 .. bytes). True: valid, *n is its length (1 to 4) and *code_point
 * its value. False: not valid; *n is the length of the maximal subpart to replace by one U+FFFD
 * (table 3-8, "substitution of maximal subparts"), 0 only when bytes is 0.
 * Surrogates and overlong forms are not valid. code_point may be NULL. */
bool whet_utf8_decode(const char *text, size_t bytes, uint32_t *code_point, size_t *n);

/* Writes a code point (a Unicode scalar value) as UTF-8; returns its length, 1 to 4. */
size_t whet_utf8_encode(uint32_t code_point, char out[4]);

/* Replaces control characters and what is not UTF-8 by question marks, in place: a stranger's text
 * may then stand in a message. */
void whet_utf8_make_printable(char *text);

#endif
