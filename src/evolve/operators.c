/* SPDX-License-Identifier: MIT */
/* Knob moves, segment swaps, crossover. */
#include "evolve/operators.h"

#include <stdio.h>
#include <string.h>

whet_status whet_operate_knob(whet_ctx *ctx, const whet_genome *parent, int knob, int choice,
                              whet_child_text *child) {
    const whet_knob *k = &parent->knobs[knob];
    const char *value = k->choices[choice];
    const whet_edit edit = { k->value, value, strlen(value) };
    snprintf(child->change, sizeof child->change, "%s: %s -> %s", k->name, k->choices[k->chosen],
             value);
    return whet_genome_apply(ctx, parent, &edit, 1, &child->text);
}

/* The name in the first line of a segment's text, a comment of either kind. */
static void alternative_of(const char *text, size_t n_bytes, char name[WHET_MAX_NAME]) {
    snprintf(name, WHET_MAX_NAME, "own");
    const char *newline = memchr(text, '\n', n_bytes);
    const char *end = newline ? newline : text + n_bytes;
    if (end - text < 3 || (memcmp(text, "// ", 3) != 0 && memcmp(text, "/* ", 3) != 0)) return;
    const char *slash = memchr(text + 3, '/', (size_t)(end - text - 3));
    const char *colon = slash ? memchr(slash, ':', (size_t)(end - slash)) : NULL;
    if (colon && colon - slash > 1 && colon - slash <= WHET_MAX_NAME)
        snprintf(name, WHET_MAX_NAME, "%.*s", (int)(colon - slash - 1), slash + 1);
}

void whet_segment_alternative(const whet_genome *genome, int segment, char name[WHET_MAX_NAME]) {
    const whet_extent body = genome->segments[segment].body;
    alternative_of(genome->text + body.begin, body.end - body.begin, name);
}

whet_status whet_operate_segment(whet_ctx *ctx, const whet_genome *parent, int segment,
                                 const char *text, size_t n_bytes, whet_child_text *child) {
    if (n_bytes && text[n_bytes - 1] != '\n')
        return whet_fail(ctx, WHET_E_ARG, "a segment's text does not end with its line");
    char from[WHET_MAX_NAME], to[WHET_MAX_NAME];
    whet_segment_alternative(parent, segment, from);
    alternative_of(text, n_bytes, to);
    snprintf(child->change, sizeof child->change, "%s: %s -> %s", parent->segments[segment].name,
             from, to);
    const whet_edit edit = { parent->segments[segment].body, text, n_bytes };
    return whet_genome_apply(ctx, parent, &edit, 1, &child->text);
}

static void append_text(char *text, size_t n, const char *separator, const char *what) {
    const size_t used = strlen(text);
    snprintf(text + used, n - used, "%s%s", used ? separator : "", what);
}

whet_status whet_operate_cross(whet_ctx *ctx, const whet_genome *parent, const whet_genome *other,
                               uint32_t take, whet_child_text *child) {
    whet_edit edits[WHET_MAX_SEGMENTS];
    int n_edits = 0;
    char names[sizeof child->change] = "";
    for (int i = 0; i < parent->n_segments; i++) {
        const whet_segment *theirs = whet_genome_segment(other, parent->segments[i].name);
        if (!theirs || !(take >> i & 1)) continue;
        edits[n_edits++] = (whet_edit){ parent->segments[i].body, other->text + theirs->body.begin,
                                        theirs->body.end - theirs->body.begin };
        append_text(names, sizeof names, " ", theirs->name);
    }
    snprintf(child->change, sizeof child->change, "%s of the other", *names ? names : "nothing");
    return whet_genome_apply(ctx, parent, edits, n_edits, &child->text);
}

void whet_genome_difference(const whet_genome *genome, const whet_genome *from, char *text,
                            size_t n) {
    char item[2 * WHET_MAX_NAME + 8], ours[WHET_MAX_NAME], theirs[WHET_MAX_NAME];
    *text = '\0';
    for (int i = 0; i < genome->n_segments; i++) {
        const whet_segment *s = whet_genome_segment(from, genome->segments[i].name);
        whet_segment_alternative(genome, i, ours);
        snprintf(theirs, sizeof theirs, "none");
        if (s) whet_segment_alternative(from, (int)(s - from->segments), theirs);
        if (strcmp(ours, theirs) == 0) continue;
        snprintf(item, sizeof item, "%s: %s", genome->segments[i].name, ours);
        append_text(text, n, ", ", item);
    }
    for (int i = 0; i < genome->n_knobs; i++) {
        const whet_knob *ours_knob = &genome->knobs[i];
        const whet_knob *k = whet_genome_knob(from, ours_knob->name);
        const char *value = ours_knob->choices[ours_knob->chosen];
        if (k && strcmp(k->choices[k->chosen], value) == 0) continue;
        snprintf(item, sizeof item, "%s: %s", ours_knob->name, value);
        append_text(text, n, ", ", item);
    }
}
