/* SPDX-License-Identifier: MIT */
/* Frames are compared by the hash of the text without segments and without values of knobs. */
#include "evolve/frame.h"

#include <stdlib.h>
#include <string.h>

static int by_place(const void *a, const void *b) {
    const whet_edit *x = a, *y = b;
    return (x->where.begin > y->where.begin) - (x->where.begin < y->where.begin);
}

static bool is_in_a_segment(const whet_genome *g, const whet_extent *at) {
    for (int i = 0; i < g->n_segments; i++)
        if (at->begin >= g->segments[i].body.begin && at->end <= g->segments[i].body.end)
            return true;
    return false;
}

whet_status whet_frame_read(whet_ctx *ctx, whet_member *m) {
    const whet_genome *g = &m->genome;
    whet_edit edits[WHET_MAX_SEGMENTS + WHET_MAX_KNOBS];
    whet_buf frame = { 0 };
    int n = 0;
    for (int i = 0; i < g->n_segments; i++)
        edits[n++] = (whet_edit){ g->segments[i].body, "", 0 };
    for (int i = 0; i < g->n_knobs; i++)
        if (!is_in_a_segment(g, &g->knobs[i].value))
            edits[n++] = (whet_edit){ g->knobs[i].value, "", 0 };
    qsort(edits, (size_t)n, sizeof *edits, by_place);
    whet_status st = whet_genome_apply(ctx, g, edits, n, &frame);
    if (st == WHET_OK) st = whet_genome_hash(ctx, frame.text, frame.len, m->frame);
    whet_buf_fini(ctx, &frame);
    return st;
}

bool whet_frame_is_same(const whet_member *a, const whet_member *b) {
    return strcmp(a->frame, b->frame) == 0;
}

int whet_frame_library_parent(const whet_search *s, int parent) {
    int best = 0;
    if (whet_frame_is_same(&s->members[parent], &s->members[0])) return parent;
    for (int i = 1; i < s->n_members; i++) {
        const whet_member *m = &s->members[i];
        if (m->is_timed && !m->control && m->log_speed > s->members[best].log_speed &&
            whet_frame_is_same(m, &s->members[0]))
            best = i;
    }
    return best;
}
