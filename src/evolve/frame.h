/* SPDX-License-Identifier: MIT */
/* The frame of a program: what stands around its segments, knobs left open. Segments can be
 * exchanged among programs of one frame; in another they meet functions and types that they do not
 * know. The library's ideas are written for the first program's frame, and a model that writes a
 * block anew makes a frame of its own. */
#ifndef WHET_EVOLVE_FRAME_H
#define WHET_EVOLVE_FRAME_H

#include "evolve/search.h"

/* Sets m->frame from m->genome. */
whet_status whet_frame_read(whet_ctx *ctx, whet_member *m);

bool whet_frame_is_same(const whet_member *a, const whet_member *b);

/* The parent for an idea of the library: `parent`, if it has the first program's frame, else the
 * fastest program that has it. */
int whet_frame_library_parent(const whet_search *s, int parent);

#endif
