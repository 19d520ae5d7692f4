/* SPDX-License-Identifier: MIT */
/* Short words by repeated scans, long ones by a linked list and a heap. */
#include "model/bpe.h"

#include <string.h>

#include "base/clock.h"

/* n * n / 4 scans cost less than a heap up to about here. */
enum { SHORT_WORD = 64, NO_RANK = INT32_MAX };

/* The finaliser of MurmurHash3 (Appleby). The seed differs from process to process, so that no file
 * can be made whose pairs all collide. */
static size_t hash(const whet_bpe *bpe, int32_t left, int32_t right) {
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) ^ bpe->seed;
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCDu;
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53u;
    return (size_t)(h ^ h >> 33);
}

/* Where the merge of the pair is, or would be. */
static inline whet_merge *slot_of(const whet_bpe *bpe, int32_t left, int32_t right) {
    const size_t mask = bpe->n_slots - 1;
    for (size_t i = hash(bpe, left, right) & mask;; i = (i + 1) & mask) {
        whet_merge *m = &bpe->slots[i];
        if ((m->left == left && m->right == right) || m->left == WHET_NO_TOKEN) return m;
    }
}

static const whet_merge *find(const whet_bpe *bpe, int32_t left, int32_t right) {
    if (bpe->n_slots == 0) return NULL;
    const whet_merge *m = slot_of(bpe, left, right);
    return m->left == WHET_NO_TOKEN ? NULL : m;
}

static whet_status grow(whet_ctx *ctx, whet_bpe *bpe) {
    const whet_bpe old = *bpe;
    const size_t n_slots = old.n_slots ? old.n_slots * 2 : 1024;
    whet_merge *slots = whet_alloc(ctx, n_slots * sizeof *slots);
    if (!slots) return WHET_E_NOMEM;
    memset(slots, 0xFF, n_slots * sizeof *slots);
    bpe->slots = slots;
    bpe->n_slots = n_slots;
    if (old.n_slots == 0) bpe->seed = (uint64_t)whet_clock_ns() ^ (uintptr_t)slots;
    for (size_t i = 0; i < old.n_slots; i++)
        if (old.slots[i].left != WHET_NO_TOKEN)
            *slot_of(bpe, old.slots[i].left, old.slots[i].right) = old.slots[i];
    whet_free(ctx, old.slots);
    return WHET_OK;
}

void whet_bpe_fini(whet_ctx *ctx, whet_bpe *bpe) {
    whet_free(ctx, bpe->slots);
    *bpe = (whet_bpe){ 0 };
}

whet_status whet_bpe_add(whet_ctx *ctx, whet_bpe *bpe, whet_merge merge) {
    if (bpe->n_used * 2 >= bpe->n_slots) WHET_TRY(grow(ctx, bpe));
    whet_merge *m = slot_of(bpe, merge.left, merge.right);
    bpe->n_used += m->left == WHET_NO_TOKEN;
    *m = merge;
    return WHET_OK;
}

static void merge_short(const whet_bpe *bpe, int32_t *ids, size_t *n_ids) {
    const whet_merge *merges[SHORT_WORD]; /* of i and i + 1 */
    size_t n = *n_ids;
    for (size_t i = 0; i + 1 < n; i++)
        merges[i] = find(bpe, ids[i], ids[i + 1]);
    while (n > 1) {
        size_t at = 0;
        int32_t best = NO_RANK;
        for (size_t i = 0; i + 1 < n; i++)
            if (merges[i] && merges[i]->rank < best) {
                best = merges[i]->rank;
                at = i;
            }
        if (best == NO_RANK) break;
        ids[at] = merges[at]->joined;
        n--;
        memmove(ids + at + 1, ids + at + 2, (n - at - 1) * sizeof *ids);
        memmove(merges + at, merges + at + 1, (n - at - 1) * sizeof *merges);
        if (at > 0) merges[at - 1] = find(bpe, ids[at - 1], ids[at]);
        if (at + 1 < n) merges[at] = find(bpe, ids[at], ids[at + 1]);
    }
    *n_ids = n;
}

/* A token of a long word; the places of tokens that were merged away have id WHET_NO_TOKEN. */
typedef struct part {
    int32_t id;
    int32_t rank;   /* of the merge with the next part, NO_RANK if none */
    int32_t joined; /* by that merge */
    uint32_t before;
    uint32_t next;
} part;

/* A heap of merges to come, by rank, then place: both in one key. Merges that another one made void
 * stay in it until their turn: their rank is no longer the part's. */
typedef struct agenda {
    uint64_t *keys;
    size_t n;
} agenda;

static void agenda_push(agenda *a, uint64_t key) {
    size_t i = a->n++;
    for (; i > 0 && a->keys[(i - 1) / 2] > key; i = (i - 1) / 2)
        a->keys[i] = a->keys[(i - 1) / 2];
    a->keys[i] = key;
}

static uint64_t agenda_pop(agenda *a) {
    const uint64_t top = a->keys[0], key = a->keys[--a->n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < a->n; i = child) {
        if (child + 1 < a->n && a->keys[child + 1] < a->keys[child]) child++;
        if (key <= a->keys[child]) break;
        a->keys[i] = a->keys[child];
    }
    a->keys[i] = key;
    return top;
}

static void plan(const whet_bpe *bpe, part *parts, uint32_t at, uint32_t end, agenda *a) {
    part *p = &parts[at];
    const whet_merge *m = p->next == end ? NULL : find(bpe, p->id, parts[p->next].id);
    p->rank = m ? m->rank : NO_RANK;
    p->joined = m ? m->joined : WHET_NO_TOKEN;
    if (m) agenda_push(a, (uint64_t)(uint32_t)m->rank << 32 | at);
}

static size_t merge_parts(const whet_bpe *bpe, part *parts, uint32_t n, agenda *a, int32_t *ids) {
    for (uint32_t i = 0; i < n; i++)
        parts[i] = (part){ .id = ids[i], .before = i ? i - 1 : n, .next = i + 1 };
    for (uint32_t i = 0; i < n; i++)
        plan(bpe, parts, i, n, a);
    while (a->n > 0) {
        const uint64_t key = agenda_pop(a);
        const uint32_t at = (uint32_t)key;
        part *p = &parts[at];
        if (p->id == WHET_NO_TOKEN || p->rank != (int32_t)(key >> 32)) continue;
        p->id = p->joined;
        parts[p->next].id = WHET_NO_TOKEN;
        p->next = parts[p->next].next;
        if (p->next != n) parts[p->next].before = at;
        plan(bpe, parts, at, n, a);
        if (p->before != n) plan(bpe, parts, p->before, n, a);
    }
    size_t n_left = 0;
    for (uint32_t i = 0; i != n; i = parts[i].next)
        ids[n_left++] = parts[i].id;
    return n_left;
}

whet_status whet_bpe_merge(whet_ctx *ctx, const whet_bpe *bpe, int32_t *ids, size_t *n) {
    if (*n <= SHORT_WORD) {
        merge_short(bpe, ids, n);
        return WHET_OK;
    }
    if (*n > UINT32_MAX / 2)
        return whet_fail(ctx, WHET_E_UNSUPPORTED, "a word of %zu bytes is too long", *n);
    part *parts = whet_alloc(ctx, *n * sizeof *parts);
    /* Every merge takes one key out and puts at most two in. */
    agenda a = { .keys = parts ? whet_alloc(ctx, *n * 2 * sizeof *a.keys) : NULL };
    const whet_status st = a.keys ? WHET_OK : WHET_E_NOMEM;
    if (st == WHET_OK) *n = merge_parts(bpe, parts, (uint32_t)*n, &a, ids);
    whet_free(ctx, parts);
    whet_free(ctx, a.keys);
    return st;
}
