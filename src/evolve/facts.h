/* SPDX-License-Identifier: MIT */
/* What a program is like, apart from its speed: the axes of the grid. */
#ifndef WHET_EVOLVE_FACTS_H
#define WHET_EVOLVE_FACTS_H

#include "evolve/search.h"

enum { WHET_CELL_BYTES = 128 };

/* Read from the object's own instructions, and from what its segments say they are. */
typedef struct whet_facts {
    char layout[WHET_MAX_NAME];
    char passes[WHET_MAX_NAME]; /* of the softmax: "three-pass", ... */
    int vector_bits;            /* widest vectors in the code; 0 = none, or not x86-64 */
    bool has_bf16_dot;
    size_t code_bytes;
} whet_facts;

void whet_facts_read(const whet_member *m, whet_facts *facts);

/* "tiles-pairs, one-pass, 512 bits": what `features` (whet_feature) makes of it; 0 = default. */
void whet_facts_cell(const whet_facts *facts, unsigned features, char cell[WHET_CELL_BYTES]);

#endif
