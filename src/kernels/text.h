/* SPDX-License-Identifier: MIT */
/* Source texts that the library carries within itself; the tables are made by tools/embed.py. */
#ifndef WHET_KERNELS_TEXT_H
#define WHET_KERNELS_TEXT_H

#include <stddef.h>

typedef struct whet_text {
    const char *path; /* relative to where the table's files lie; NULL ends the table */
    const char *text; /* NUL-terminated */
    size_t len;       /* bytes, without the NUL */
} whet_text;

extern const whet_text whet_header_texts[];  /* "whet/kernel.h" */
extern const whet_text whet_program_texts[]; /* "repeat" */

extern const whet_text whet_corpus_texts[]; /* "cheats/...", "honest/...", "plain.c" */
extern const whet_text whet_export_texts[]; /* "example": behind an exported kernel */

#endif
