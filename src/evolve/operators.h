/* SPDX-License-Identifier: MIT */
/* Ways to make a child of one or two programs; nothing outside the EVOLVE-BLOCK ever changes. */
#ifndef WHET_EVOLVE_OPERATORS_H
#define WHET_EVOLVE_OPERATORS_H

#include "base/rng.h"
#include "evolve/genome.h"

/* A child's text, and what was done in words ("softmax: three-pass -> one-pass"). */
typedef struct whet_child_text {
    whet_buf text;
    char change[160];
} whet_child_text;

/* Another value for a knob. */
whet_status whet_operate_knob(whet_ctx *ctx, const whet_genome *parent, int knob, int choice,
                              whet_child_text *child);

/* Another text for a segment: it has to be whole lines. */
whet_status whet_operate_segment(whet_ctx *ctx, const whet_genome *parent, int segment,
                                 const char *text, size_t n_bytes, whet_child_text *child);

/* Segments that both parents have: from `other` where bit i of `take` is set, i the index of the
 * segment in `parent`. */
whet_status whet_operate_cross(whet_ctx *ctx, const whet_genome *parent, const whet_genome *other,
                               uint32_t take, whet_child_text *child);

/* The alternative that a segment's text says it is: "one-pass" of "// softmax/one-pass: ...";
 * "own" when it does not say. */
void whet_segment_alternative(const whet_genome *genome, int segment, char name[WHET_MAX_NAME]);

/* What a program is made of, where it differs from another: "share: view, exp: poly, TILE: 32". */
void whet_genome_difference(const whet_genome *genome, const whet_genome *from, char *text,
                            size_t n);

#endif
