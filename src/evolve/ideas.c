/* SPDX-License-Identifier: MIT */
/* Looking things up in the library of ideas. */
#include "evolve/ideas.h"

#include <stdio.h>
#include <string.h>

#include "evolve/operators.h"
#include "kernels/programs.h"

static const char tag[] = "\n// fits: ";

int whet_idea_find(const char *segment, const char *name) {
    for (size_t i = 0; i < whet_n_segment_texts; i++)
        if (strcmp(whet_segment_texts[i].segment, segment) == 0 &&
            strcmp(whet_segment_texts[i].name, name) == 0)
            return (int)i;
    return -1;
}

int whet_idea_of(const whet_genome *genome, int segment) {
    char name[WHET_MAX_NAME];
    whet_segment_alternative(genome, segment, name);
    return whet_idea_find(genome->segments[segment].name, name);
}

/* The idea that a word "segment/name" means, -1 for none. */
static int find_word(const char *word, size_t n) {
    char text[2 * WHET_MAX_NAME];
    if (n >= sizeof text) return -1;
    snprintf(text, sizeof text, "%.*s", (int)n, word);
    char *slash = strchr(text, '/');
    if (!slash) return -1;
    *slash = '\0';
    return whet_idea_find(text, slash + 1);
}

int whet_idea_fits(whet_fit *fits, int max) {
    int n = 0;
    for (size_t i = 0; i < whet_n_segment_texts; i++) {
        const char *p = whet_segment_texts[i].text;
        while ((p = strstr(p, tag)))
            for (p += strlen(tag); *p && *p != '\n' && n < max;) {
                const size_t length = strcspn(p, " \n");
                const int partner = find_word(p, length);
                if (partner >= 0) fits[n++] = (whet_fit){ (int)i, partner };
                p += length + (p[length] == ' ');
            }
    }
    return n;
}
