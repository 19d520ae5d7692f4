/* SPDX-License-Identifier: MIT */
/* The programs that an evolution starts from, as text, with hand-written alternatives of their
 * segments. */
#ifndef WHET_KERNELS_PROGRAMS_H
#define WHET_KERNELS_PROGRAMS_H

#include <stddef.h>

/* The source of a program by name ("repeat"), NUL-terminated; NULL if there is none. A program has
 * one EVOLVE-BLOCK; inside it each segment stands between the lines "// SEGMENT-START segment" and
 * "// SEGMENT-END segment". A knob is a line "#define NAME value // knob: value value ...",
 * anywhere in the block, also inside segments. */
const char *whet_program_text(const char *name);

/* One way to write one segment: the lines between the marks, each ending in a newline. They begin
 * with a comment "segment/name: what it does", so that a program shows which alternatives it is
 * made of. A line "// fits: segment/name" (one or more) behind it names alternatives of other
 * segments that it was made for; yet alternatives of different segments compose freely. */
typedef struct whet_segment_text {
    const char *segment;
    const char *name;
    const char *text; /* NUL-terminated */
    size_t len;       /* bytes, without the NUL */
} whet_segment_text;

/* All segments of "repeat" as they are in the program, then their alternatives. */
extern const whet_segment_text whet_segment_texts[];
extern const size_t whet_n_segment_texts;

#endif
