/* SPDX-License-Identifier: MIT */
/* The library of ideas: alternatives of segments, by their index in whet_segment_texts. */
#ifndef WHET_EVOLVE_IDEAS_H
#define WHET_EVOLVE_IDEAS_H

#include "evolve/genome.h"

enum { WHET_MAX_FITS = 64 };

/* An idea and another segment's idea that it was made for ("// fits:" in its text). */
typedef struct whet_fit {
    int idea;
    int partner;
} whet_fit;

/* -1 when there is none. */
int whet_idea_find(const char *segment, const char *name);

/* The idea that a segment of a program is, -1 for a text of its own. */
int whet_idea_of(const whet_genome *genome, int segment);

/* All fits of the library, those of one idea one after the other; returns how many, at most max. */
int whet_idea_fits(whet_fit *fits, int max);

#endif
