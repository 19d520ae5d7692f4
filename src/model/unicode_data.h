/* SPDX-License-Identifier: MIT */
/* What the tokenizer knows about each code point (tables by tools/unicode/generate.py). */
#ifndef WHET_MODEL_UNICODE_DATA_H
#define WHET_MODEL_UNICODE_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WHET_UNICODE_END = 0x110000 };

typedef enum whet_unicode_class {
    WHET_UNICODE_OTHER,
    WHET_UNICODE_LETTER, /* \p{L} of Unicode 16 */
    WHET_UNICODE_NUMBER, /* \p{N} of Unicode 16 */
    WHET_UNICODE_SPACE,  /* \s: White_Space */
} whet_unicode_class;

/* Normalization is that of Unicode 9. */
typedef struct whet_unicode_row {
    uint8_t class;           /* whet_unicode_class */
    uint8_t combining_class; /* 0 for starters */
    bool is_unstable; /* NFC may change it, or it and what stands before it: not (NFC_QC=Yes and
                         combining class 0) */
    bool decomposes;  /* it has a canonical decomposition; Hangul syllables are not marked */
} whet_unicode_row;

/* rows[blocks[index[c / 128] * 128 + c % 128]]; the first block is ASCII. */
extern const whet_unicode_row whet_unicode_rows[];
extern const uint16_t whet_unicode_index[];
extern const uint8_t whet_unicode_blocks[];

static inline const whet_unicode_row *whet_unicode_row_of(uint32_t code_point) {
    const size_t block = whet_unicode_index[code_point >> 7];
    return &whet_unicode_rows[whet_unicode_blocks[block << 7 | (code_point & 127)]];
}

/* Full canonical decompositions, by code point: n code points from whet_decomposed[at]. */
typedef struct whet_decomposition {
    uint32_t code_point;
    uint16_t at;
    uint16_t n;
} whet_decomposition;

extern const whet_decomposition whet_decompositions[];
extern const size_t whet_n_decompositions;
extern const uint32_t whet_decomposed[];

/* Primary composites, by first, then second. */
typedef struct whet_composition {
    uint32_t first;
    uint32_t second;
    uint32_t composed;
} whet_composition;

extern const whet_composition whet_compositions[];
extern const size_t whet_n_compositions;

#endif
