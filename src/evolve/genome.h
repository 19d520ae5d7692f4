/* SPDX-License-Identifier: MIT */
/* A program's text taken apart: the EVOLVE-BLOCK, its segments, its knobs. */
#ifndef WHET_EVOLVE_GENOME_H
#define WHET_EVOLVE_GENOME_H

#include <whet/kernel.h>

#include "base/buf.h"
#include "base/hash.h"

enum {
    WHET_MAX_SOURCE_BYTES = 256 << 10,
    WHET_MAX_LINE_BYTES = 4096,
    WHET_MAX_SEGMENTS = 32,
    WHET_MAX_KNOBS = 32,
    WHET_MAX_CONSTANTS = 8,
    WHET_MAX_CHOICES = 16,
    WHET_MAX_NAME = 48, /* with the NUL */
};

/* Bytes begin .. end - 1 of the text. */
typedef struct whet_extent {
    size_t begin;
    size_t end;
} whet_extent;

/* Between "// SEGMENT-START name" and "// SEGMENT-END name"; the marks are not part of it. */
typedef struct whet_segment {
    char name[WHET_MAX_NAME];
    whet_extent body;
} whet_segment;

/* A line "#define NAME value // knob: value value ..." inside the block. */
typedef struct whet_knob {
    char name[WHET_MAX_NAME];
    whet_extent value; /* where the present value stands */
    char choices[WHET_MAX_CHOICES][WHET_MAX_NAME];
    int n_choices;
    int chosen; /* index of the present value among the choices */
} whet_knob;

/* A line "#define NAME value // problem: field" inside the block: the value is that field of the
 * problem when the program is made for one problem alone. */
typedef struct whet_constant {
    char field[WHET_MAX_NAME]; /* of whet_problem: "dtype", "head_dim", "n_heads", "n_kv_heads" */
    whet_extent value;
} whet_constant;

typedef struct whet_genome {
    const char *text; /* borrowed */
    size_t n_bytes;
    whet_extent block; /* between the marks, whole lines */
    whet_segment segments[WHET_MAX_SEGMENTS];
    int n_segments;
    whet_knob knobs[WHET_MAX_KNOBS];
    int n_knobs;
    whet_constant constants[WHET_MAX_CONSTANTS];
    int n_constants;
} whet_genome;

/* Reads a text that anybody may have written. Exactly one block, each mark alone on its line,
 * segments and knobs inside it with names of their own, segments one after the other, a knob's
 * value among its choices. WHET_E_FORMAT names the line. */
whet_status whet_genome_parse(whet_ctx *ctx, const char *text, size_t n_bytes, whet_genome *genome);

/* NULL when there is none of that name. */
const whet_segment *whet_genome_segment(const whet_genome *genome, const char *name);
const whet_knob *whet_genome_knob(const whet_genome *genome, const char *name);

/* The text with some extents replaced, into `out` (replaced). Edits in ascending order, apart. */
typedef struct whet_edit {
    whet_extent where;
    const char *text;
    size_t n_bytes;
} whet_edit;

whet_status whet_genome_apply(whet_ctx *ctx, const whet_genome *genome, const whet_edit *edits,
                              int n_edits, whet_buf *out);

/* The text for one problem alone: its constants take the problem's values. WHET_E_FORMAT for a
 * field that a problem does not have. */
whet_status whet_genome_specialise(whet_ctx *ctx, const whet_genome *genome,
                                   const whet_problem *problem, whet_buf *out);

/* SHA-256 of the text without comments, with runs of blanks as one and without empty lines: texts
 * that differ only in these are one program. */
whet_status whet_genome_hash(whet_ctx *ctx, const char *text, size_t n_bytes,
                             char hex[WHET_SHA256_HEX]);

/* Appends the text as a model may see it: without comments, where a stranger could have written to
 * it, but with the marks, knobs and constants. */
whet_status whet_genome_without_comments(whet_ctx *ctx, const whet_genome *genome, whet_buf *out);

/* Appends the text with every byte of a comment as a blank: lines stay where they are. */
whet_status whet_genome_blank_comments(whet_ctx *ctx, const char *text, size_t n_bytes,
                                       whet_buf *out);

/* {"TILE":"64",...} */
whet_status whet_genome_knobs_json(whet_ctx *ctx, const whet_genome *genome, whet_buf *json);

#endif
