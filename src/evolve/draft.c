/* SPDX-License-Identifier: MIT */
/* Telling new programs from known ones, and the draws that every search shares. */
#include "evolve/draft.h"

#include <stdio.h>
#include <string.h>

#include "evolve/frame.h"

static bool is_known(const whet_draft *d, const char *hash) {
    for (int i = 0; i < d->s->n_members; i++)
        if (strcmp(d->s->members[i].hash, hash) == 0) return true;
    for (int i = 0; i < d->n_bred; i++)
        if (strcmp(d->bred[i].hash, hash) == 0) return true;
    return false;
}

whet_status whet_draft_take(whet_ctx *ctx, whet_draft *d, whet_child_text *text,
                            const char *operator_name, int parent, int parent2) {
    char hash[WHET_SHA256_HEX];
    whet_status st = whet_genome_hash(ctx, text->text.text, text->text.len, hash);
    if (st == WHET_OK && is_known(d, hash)) d->s->result->n_duplicates++;
    if (st != WHET_OK || is_known(d, hash)) {
        whet_buf_fini(ctx, &text->text);
        return st;
    }
    whet_member *m = d->child;
    *m = (whet_member){
        .text = text->text, .operator_name = operator_name, .parent = parent, .parent2 = parent2
    };
    memcpy(m->hash, hash, sizeof m->hash);
    memcpy(m->change, text->change, sizeof m->change);
    /* Two parents' segments can bring the same knob twice: then this is no program. */
    d->is_new = whet_genome_parse(ctx, m->text.text, m->text.len, &m->genome) == WHET_OK;
    if (d->is_new) return whet_frame_read(ctx, m);
    whet_member_fini(ctx, m);
    return WHET_OK;
}

whet_status whet_search_adopt(whet_ctx *ctx, whet_search *s, whet_member *child,
                              const whet_member *bred, int n_bred, whet_child_text *text,
                              const char *operator_name, int parent, bool *is_new) {
    whet_draft d = { .s = s, .child = child, .bred = bred, .n_bred = n_bred };
    const whet_status st = whet_draft_take(ctx, &d, text, operator_name, parent, -1);
    *is_new = d.is_new;
    return st;
}

static const char *body(const whet_genome *g, const whet_segment *segment, size_t *n) {
    *n = segment->body.end - segment->body.begin;
    return g->text + segment->body.begin;
}

const whet_segment_text *whet_draft_segment(whet_search *s, const whet_genome *g, int *segment) {
    const whet_segment_text *t = &whet_segment_texts[whet_rng_below(&s->rng, whet_n_segment_texts)];
    const whet_segment *there = whet_genome_segment(g, t->segment);
    if (!there) return NULL;
    size_t n;
    const char *now = body(g, there, &n);
    if (n == t->len && memcmp(now, t->text, n) == 0) return NULL;
    *segment = (int)(there - g->segments);
    return t;
}

whet_status whet_draft_swap(whet_ctx *ctx, whet_draft *d, const char *operator_name, int parent) {
    int segment = 0;
    const whet_genome *g = &d->s->members[parent].genome;
    const whet_segment_text *t = whet_draft_segment(d->s, g, &segment);
    if (!t) return WHET_OK;
    whet_child_text text = { 0 };
    WHET_TRY(whet_operate_segment(ctx, g, segment, t->text, t->len, &text));
    return whet_draft_take(ctx, d, &text, operator_name, parent, -1);
}

whet_status whet_draft_knob(whet_ctx *ctx, whet_draft *d, const char *operator_name, int parent) {
    const whet_genome *g = &d->s->members[parent].genome;
    if (g->n_knobs == 0) return WHET_OK;
    const int knob = (int)whet_rng_below(&d->s->rng, (uint64_t)g->n_knobs);
    const int choice = (int)whet_rng_below(&d->s->rng, (uint64_t)g->knobs[knob].n_choices);
    if (choice == g->knobs[knob].chosen) return WHET_OK;
    whet_child_text text = { 0 };
    WHET_TRY(whet_operate_knob(ctx, g, knob, choice, &text));
    return whet_draft_take(ctx, d, &text, operator_name, parent, -1);
}
