/* SPDX-License-Identifier: MIT */
/* A sorted list serves as a trie: tokens with a common beginning are neighbours. */
#include "model/added_tokens.h"

#include <stdlib.h>
#include <string.h>

void whet_added_fini(whet_ctx *ctx, whet_added_set *set) {
    for (size_t i = 0; i < set->n; i++)
        whet_free(ctx, set->items[i].text);
    whet_free(ctx, set->items);
    *set = (whet_added_set){ 0 };
}

whet_status whet_added_push(whet_ctx *ctx, whet_added_set *set, const char *text, size_t len,
                            int32_t id) {
    if (set->n == set->cap) {
        const size_t cap = set->cap ? set->cap * 2 : 32;
        whet_added_token *items = whet_realloc(ctx, set->items, cap * sizeof *items);
        if (!items) return WHET_E_NOMEM;
        set->items = items;
        set->cap = cap;
    }
    char *copy = whet_strndup(ctx, text, len);
    if (!copy) return WHET_E_NOMEM;
    set->items[set->n++] = (whet_added_token){ .text = copy, .len = len, .id = id };
    return WHET_OK;
}

static int by_text(const void *left, const void *right) {
    const whet_added_token *a = left, *b = right;
    const int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

const whet_added_token *whet_added_sort(whet_added_set *set) {
    if (set->n) qsort(set->items, set->n, sizeof *set->items, by_text);
    for (size_t i = 1; i < set->n; i++)
        if (by_text(&set->items[i - 1], &set->items[i]) == 0) return &set->items[i];
    for (size_t i = 0; i < set->n; i++)
        set->first[(unsigned char)set->items[i].text[0] + 1]++;
    for (size_t c = 0; c < 256; c++)
        set->first[c + 1] += set->first[c];
    return NULL;
}

/* The first of items[low .. high), which agree before `depth`, whose byte there is at least c. */
static size_t lower_bound(const whet_added_set *set, size_t low, size_t high, size_t depth, int c) {
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((unsigned char)set->items[middle].text[depth] < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const whet_added_token *longest_at(const whet_added_set *set, const char *text,
                                          size_t bytes) {
    const unsigned char c = (unsigned char)text[0];
    size_t low = set->first[c], high = set->first[c + 1];
    const whet_added_token *longest = NULL;
    for (size_t depth = 1; low < high; depth++) {
        if (set->items[low].len == depth) longest = &set->items[low++];
        if (depth == bytes) break;
        low = lower_bound(set, low, high, depth, (unsigned char)text[depth]);
        high = lower_bound(set, low, high, depth, (unsigned char)text[depth] + 1);
    }
    return longest;
}

const whet_added_token *whet_added_match(const whet_added_set *set, const char *text, size_t bytes,
                                         size_t *at) {
    for (; *at < bytes; (*at)++) {
        const unsigned char c = (unsigned char)text[*at];
        if (set->first[c] == set->first[c + 1]) continue;
        const whet_added_token *token = longest_at(set, text + *at, bytes - *at);
        if (token) return token;
    }
    return NULL;
}

const whet_added_token *whet_added_find(const whet_added_set *set, const char *text, size_t bytes) {
    const whet_added_token key = { .text = (char *)(uintptr_t)text, .len = bytes };
    return set->n ? bsearch(&key, set->items, set->n, sizeof key, by_text) : NULL;
}
