/* SPDX-License-Identifier: MIT */
/* Hunks of lines. */
#include "evolve/hunks.h"

#include <string.h>

enum { MAX_LINES = 600 };

/* Line i is text[at[i] .. at[i + 1]). */
typedef struct lines {
    const char *text;
    size_t at[MAX_LINES + 1];
    int n; /* -1 = too many */
} lines;

static void split(const char *text, size_t n_bytes, lines *l) {
    l->text = text;
    l->n = 0;
    l->at[0] = 0;
    for (size_t at = 0; at < n_bytes;) {
        const char *end = memchr(text + at, '\n', n_bytes - at);
        at = end ? (size_t)(end - text) + 1 : n_bytes;
        if (l->n == MAX_LINES) {
            l->n = -1;
            return;
        }
        l->at[++l->n] = at;
    }
}

static bool is_same(const lines *a, int i, const lines *b, int j) {
    const size_t n = a->at[i + 1] - a->at[i];
    return n == b->at[j + 1] - b->at[j] && memcmp(a->text + a->at[i], b->text + b->at[j], n) == 0;
}

/* common[i][j]: lines that the rests behind i and j have in common. */
static void count(const lines *a, const lines *b, uint16_t *common) {
    const int width = b->n + 1;
    for (int i = a->n - 1; i >= 0; i--)
        for (int j = b->n - 1; j >= 0; j--) {
            const uint16_t below = common[(i + 1) * width + j], right = common[i * width + j + 1];
            common[i * width + j] = is_same(a, i, b, j)
                                        ? (uint16_t)(common[(i + 1) * width + j + 1] + 1)
                                    : below > right ? below
                                                    : right;
        }
}

static void walk(const lines *a, const lines *b, const uint16_t *common, whet_hunk *list, int *n) {
    const int width = b->n + 1;
    bool is_open = false;
    for (int i = 0, j = 0; i < a->n || j < b->n;) {
        if (i < a->n && j < b->n && is_same(a, i, b, j)) {
            is_open = false;
            i++, j++;
            continue;
        }
        if (!is_open && *n == WHET_MAX_HUNKS) {
            *n = 0;
            return;
        }
        if (!is_open) list[(*n)++] = (whet_hunk){ { a->at[i], a->at[i] }, { b->at[j], b->at[j] } };
        is_open = true;
        const bool is_here =
            j == b->n || (i < a->n && common[(i + 1) * width + j] >= common[i * width + j + 1]);
        if (is_here)
            list[*n - 1].here.end = a->at[++i];
        else
            list[*n - 1].there.end = b->at[++j];
    }
}

whet_status whet_hunks_find(whet_ctx *ctx, const char *here, size_t n_here, const char *there,
                            size_t n_there, whet_hunk list[WHET_MAX_HUNKS], int *n) {
    *n = 0;
    lines *both = whet_alloc(ctx, 2 * sizeof *both);
    if (!both) return WHET_E_NOMEM;
    split(here, n_here, &both[0]);
    split(there, n_there, &both[1]);
    whet_status st = WHET_OK;
    if (both[0].n >= 0 && both[1].n >= 0) {
        const size_t cells = (size_t)(both[0].n + 1) * (size_t)(both[1].n + 1);
        uint16_t *common = whet_alloc_zero(ctx, cells, sizeof *common);
        if (common) {
            count(&both[0], &both[1], common);
            walk(&both[0], &both[1], common, list, n);
        } else {
            st = WHET_E_NOMEM;
        }
        whet_free(ctx, common);
    }
    whet_free(ctx, both);
    return st;
}
